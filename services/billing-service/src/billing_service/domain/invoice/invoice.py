"""Invoices: what a statement adds to what was already invoiced, and the frozen copy that an issued document is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from billing_service.domain.rating import vat
from billing_service.domain.statement.ledger import Invoiced, added, combined, reversed_line
from billing_service.domain.statement.statement import ChargeLine, Statement, Totals, in_order
from fristwerk_language.terms import digest

DocumentOutcome = Literal["nothing", "invoice", "credit_note"]
ChargeState = Literal["rated", "proposed", "charged", "waived", "invoiced"]


def difference(statement: Sequence[ChargeLine], already_invoiced: Iterable[ChargeLine]) -> tuple[ChargeLine, ...]:
    """What the statement's lines add to the invoiced ones; a charge that is gone is taken back.

    So the sum of all documents is the result at the last cutoff, however many there were. A line of which neither minutes,
    days nor amount changed is left out.
    """
    invoiced = {key: line for key, line in combined(already_invoiced).items() if _says_something(line)}
    now = combined(statement)
    added_lines = [
        msgspec.structs.replace(added(reversed_line(invoiced[key]), line), change="changed")
        if key in invoiced
        else line
        for key, line in now.items()
    ]
    gone = [reversed_line(line) for key, line in invoiced.items() if key not in now]
    return in_order(line for line in (*added_lines, *gone) if _says_something(line))


def reversal(lines: Iterable[ChargeLine]) -> tuple[ChargeLine, ...]:
    """The lines of a credit note that takes a whole document back."""
    return tuple(reversed_line(line) for line in lines)


def totals(statement: Statement, lines: Iterable[ChargeLine]) -> Totals:
    """The totals of a document's own lines: VAT per rate on their sum, payable as the agreement rounds it."""
    return vat.totals(lines, statement.currency, statement.cash_rounding)


def outcome(document_totals: Totals) -> DocumentOutcome:
    """What is to be issued: nothing for a total of zero, a credit note for a negative one."""
    net, gross = document_totals.net.amount, document_totals.gross.amount
    if not net and not gross:
        return "nothing"
    return "invoice" if (gross or net) > 0 else "credit_note"


def document(
    statement: Statement,
    lines: Sequence[ChargeLine],
    *,
    parties: Mapping[str, Any],
    terms: Sequence[Mapping[str, Any]],
    corrects: int | None = None,
) -> dict[str, Any]:
    """The frozen copy of an invoice or credit note as plain JSON data: nothing in it is looked up again.

    ``parties`` are seller and buyer as they were; ``terms`` name each agreement version that a line rests on, with its
    digest. The number is not part of it: the log gives it when the document is issued.
    """
    return {
        "account": statement.account,
        "until": statement.until.isoformat(),
        "currency": statement.currency,
        "parties": dict(parties),
        "terms": [dict(each) for each in terms],
        "corrects": corrects,
        "lines": _plain(lines),
        "totals": _plain(totals(statement, lines)),
    }


def document_digest(issued: Mapping[str, Any]) -> str:
    """SHA-256 of a document, as ``sha256:<hex>``."""
    return digest(issued)


def lines_of(issued: Mapping[str, Any]) -> tuple[ChargeLine, ...]:
    """The lines of a document, typed again."""
    return msgspec.convert(issued["lines"], type=tuple[ChargeLine, ...])


def terms_used(statement: Statement, lines: Iterable[ChargeLine]) -> list[tuple[str, int]]:
    """Every agreement version that the account or one of the lines rests on, in order."""
    own = (statement.agreement, statement.agreement_version)
    return sorted({own, *((line.agreement, line.agreement_version) for line in lines)})


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


def _plain(value: object) -> Any:
    """JSON data as it will be read back."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _says_something(line: ChargeLine) -> bool:
    return bool(line.minutes or line.days or line.amount.amount)
