"""Invoices: what a statement adds to what was invoiced before, and whether that is an invoice or a
credit note.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from billing_service.domain.rating import vat
from billing_service.domain.statement.charge_line import EVERY_TICKET, ChargeLine, in_order, merged_draws
from billing_service.domain.statement.ledger import Invoiced, added, combined, reversed_line
from billing_service.domain.statement.statement import Remark, Statement, Totals

DocumentOutcome = Literal["nothing", "invoice", "credit_note"]
ChargeState = Literal["rated", "proposed", "charged", "waived", "invoiced"]


def difference(statement: Sequence[ChargeLine], already_invoiced: Iterable[ChargeLine]) -> tuple[ChargeLine, ...]:
    """What the statement's lines add to the invoiced ones; a charge that no longer exists is
    reversed.

    So the sum of all documents is the result at the last cutoff, however many there were. A line of
    which neither minutes, days, amount nor draws changed is left out.
    """
    invoiced = {key: line for key, line in combined(already_invoiced).items() if _says_something(line)}
    now = combined(statement)
    added_lines = [
        msgspec.structs.replace(added(reversed_line(invoiced[key]), line), change="changed")
        if key in invoiced
        else line
        for key, line in now.items()
        if key not in invoiced or _changes(invoiced[key], line)
    ]
    gone = [reversed_line(line) for key, line in invoiced.items() if key not in now]
    return in_order(line for line in (*added_lines, *gone) if _says_something(line))


def totals(statement: Statement, lines: Iterable[ChargeLine]) -> Totals:
    """The totals of a document's own lines: VAT per rate on their sum, payable as the agreement
    rounds it.
    """
    return vat.totals(lines, statement.currency, statement.cash_rounding)


def outcome(document_totals: Totals) -> DocumentOutcome:
    """What is to be issued: nothing for a total of zero, a credit note for a negative one."""
    net, gross = document_totals.net.amount, document_totals.gross.amount
    if not net and not gross:
        return "nothing"
    return "invoice" if (gross or net) > 0 else "credit_note"


def state(line: ChargeLine, statement: Statement, invoiced: Invoiced, decided: Mapping[str, str]) -> ChargeState:
    """Where a line of a statement stands: ``decided`` are the decisions by charge."""
    if line in statement.proposed:
        return "proposed"
    if line.charge in statement.waived:
        return "waived"
    billed = combined(each for each in invoiced.lines if each.charge == line.charge and each.kind == line.kind)
    if any(each.amount == line.amount and each.minutes == line.minutes for each in billed.values()):
        return "invoiced"
    return "charged" if line.charge in decided else "rated"


def remarks(statement: Statement, lines: Iterable[ChargeLine]) -> list[Remark]:
    """The remarks on the work that lines of a document bill; of those that rest on several tickets, all."""
    tickets = {line.ticket for line in lines}
    return [each for each in statement.remarks if not tickets.isdisjoint({each.ticket, EVERY_TICKET})]


def _changes(before: ChargeLine, line: ChargeLine) -> bool:
    """Whether minutes, days, amount or draws differ (a waiver of an allowance has nothing but draws):
    told without the line of the difference, of which most of a long account's have none.
    """
    same_days = line.days is None or line.days == (before.days or 0)
    same_draws = line.draws == before.draws or set(merged_draws(line.draws)) == set(merged_draws(before.draws))
    return not (same_days and same_draws and line.minutes == before.minutes and line.amount == before.amount)


def _says_something(line: ChargeLine) -> bool:
    return bool(line.minutes or line.days or line.amount.amount or line.draws)
