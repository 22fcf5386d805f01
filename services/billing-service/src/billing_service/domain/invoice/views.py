"""Statements as the contract shows them: lines, sums, balances and open decisions as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

from billing_service.domain.invoice.document_sums import common_frame, next_totals
from billing_service.domain.invoice.invoice import state
from billing_service.domain.invoice.rated import Rated
from billing_service.domain.rating import vat
from billing_service.domain.statement.charge_line import ChargeLine
from billing_service.domain.statement.statement import Statement, Totals

_FIELDS: Final = ChargeLine.__struct_fields__
_values_of: Final = attrgetter(*_FIELDS)


def public_charge(account: str, charge: str) -> str:
    """A charge's id as others know it: the account stands in front, so that it is found without an
    index.
    """
    return f"{account}:{charge}"


def preview(rated: Sequence[Rated], contract: str | None = None) -> dict[str, Any]:
    """The preview of a contract, or of a customer's accounts together; ``to_invoice`` is what the
    next invoice adds.

    Raises NotAcceptable where two currencies meet.
    """
    statements = [each.statement for each in rated]
    lines = {id(line): shown(each.account, line) for each in statements for line in each.lines}
    return {
        "lines": list(lines.values()),
        **_sums(statements, [line for each in statements for line in each.lines]),
        "package_left_minutes": sum(each.package_left_minutes for each in statements),
        "packages": [balance for each in statements for balance in each.packages],
        "held_minutes": _merged(each.held_minutes for each in statements),
        "written_off_minutes": _merged(each.written_off_minutes for each in statements),
        "not_rated": [each for statement in statements for each in statement.not_rated],
        "never_charged": [each for statement in statements for each in statement.never_charged],
        "proposed": [shown(each.account, line) for each in statements for line in each.proposed],
        "open_decisions": [
            public_charge(each.account, charge) for each in statements for charge in each.open_decisions
        ],
        "violations": [each for statement in statements for each in statement.violations],
        "remarks": [each for statement in statements for each in statement.remarks],
        "to_invoice": _to_invoice(rated, contract, lines),
        "accounts": [
            {
                "account": each.row.account,
                "kind": each.row.kind,
                "until": each.statement.until,
                "net": each.statement.net,
                "invoiced_until": each.ledger.until,
            }
            for each in rated
        ],
    }


def balance(rated: Rated) -> dict[str, Any]:
    """Packages, held minutes and open decisions of an account."""
    statement = rated.statement
    return {
        "account": statement.account,
        "until": statement.until,
        "packages": statement.packages,
        "package_left_minutes": statement.package_left_minutes,
        "held_minutes": statement.held_minutes,
        "written_off_minutes": statement.written_off_minutes,
        "open_decisions": [public_charge(statement.account, charge) for charge in statement.open_decisions],
        "shares": statement.shares,
    }


def charges(rated: Rated, ticket: str, decided: dict[str, str]) -> list[dict[str, Any]]:
    """The charges that rest on a ticket, with their states; ``decided`` maps a charge to the
    decision on it.
    """
    statement = rated.statement
    lines = (*statement.proposed, *(line for line in statement.lines if line.kind != "waiver"))
    return [
        {
            "id": public_charge(statement.account, line.charge),
            "state": state(line, statement, rated.ledger.invoiced, decided),
            "invoices": rated.ledger.numbers.get(line.charge, ()),
        }
        | shown(statement.account, line)
        for line in lines
        if line.ticket == ticket
    ]


def shown(account: str, line: ChargeLine) -> dict[str, Any]:
    """A line of a statement or document; ``charge`` is the public id."""
    body = dict(zip(_FIELDS, _values_of(line), strict=True))
    return body | {"charge": public_charge(account, line.charge), "rule": ", ".join(line.rules)}


def _to_invoice(rated: Sequence[Rated], contract: str | None, known: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    """What the next invoice adds; ``known`` are the statement's lines as they are shown, by ``id``,
    since before the first invoice it adds just these.
    """
    added = [(each.row.account, line) for each in rated for line in each.to_invoice]
    totals: Totals | None = None
    if rated:
        ledgers = {each.row.account: each.ledger for each in rated}
        frame = common_frame([each.statement for each in rated])
        totals = next_totals(contract, [line for _, line in added], ledgers, *frame)
    lines = [known.get(id(line)) or shown(account, line) for account, line in added]
    return {"lines": lines, **_shown_sums(totals)}


def _sums(statements: Sequence[Statement], lines: Iterable[ChargeLine]) -> dict[str, Any]:
    return _shown_sums(vat.totals(lines, *common_frame(statements)) if statements else None)


def _shown_sums(totals: Totals | None) -> dict[str, Any]:
    return {
        "net": totals and totals.net,
        "vat": totals and totals.vat,
        "gross": totals and totals.gross,
        "payable": totals and totals.payable,
        "taxes": totals.taxes if totals else [],
    }


def _merged(sums: Iterable[dict[str, int]]) -> dict[str, int]:
    return {ticket: minutes for each in sums for ticket, minutes in each.items()}
