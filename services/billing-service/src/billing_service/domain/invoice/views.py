"""Statements as the contract shows them: lines, sums, balances and open decisions as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

import msgspec

from billing_service.domain.invoice.document_sums import common_frame, next_totals
from billing_service.domain.invoice.invoice import state
from billing_service.domain.invoice.rated import Rated
from billing_service.domain.rating import vat
from billing_service.domain.statement.charge_line import ChargeLine, Waived
from billing_service.domain.statement.statement import Statement, Totals

_FIELDS: Final = ChargeLine.__struct_fields__
_values_of: Final = attrgetter(*_FIELDS)
_encoder: Final = msgspec.json.Encoder(decimal_format="string")
_BEFORE_CHARGE: Final = b'{"charge":"'
ShowLine = Callable[[str, ChargeLine], Any]
"""A line of an account as it is shown, as plain data or as JSON."""


def public_charge(account: str, charge: str) -> str:
    """A charge's id as others know it: the account stands in front, so that it is found without an
    index.
    """
    return f"{account}:{charge}"


def preview(rated: Sequence[Rated], contract: str | None = None, *, show: ShowLine | None = None) -> dict[str, Any]:
    """The preview of a contract, or of a customer's accounts together; ``to_invoice`` is what the
    next invoice adds. ``show`` is ``shown`` unless it is named.

    Raises NotAcceptable where two currencies meet.
    """
    show = show or shown
    statements = [each.statement for each in rated]
    lines = {id(line): show(each.account, line) for each in statements for line in each.lines}
    return {
        "lines": list(lines.values()),
        **_sums(statements, [line for each in statements for line in each.lines]),
        "package_left_minutes": sum(each.package_left_minutes for each in statements),
        "packages": [balance for each in statements for balance in each.packages],
        "held_minutes": _merged(each.held_minutes for each in statements),
        "written_off_minutes": _merged(each.written_off_minutes for each in statements),
        "not_rated": [each for statement in statements for each in statement.not_rated],
        "never_charged": [each for statement in statements for each in statement.never_charged],
        "proposed": [show(each.account, line) for each in statements for line in each.proposed],
        "open_decisions": [
            public_charge(each.account, charge) for each in statements for charge in each.open_decisions
        ],
        "violations": [each for statement in statements for each in statement.violations],
        "remarks": [each for statement in statements for each in statement.remarks],
        "to_invoice": _to_invoice(rated, contract, lines, show),
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


def open_charges(rated: Rated) -> list[dict[str, Any]]:
    """The charges of an account that wait for a decision."""
    row, statement = rated.row, rated.statement
    return [
        {
            "id": public_charge(statement.account, line.charge),
            "state": "proposed",
            "invoices": (),
            "account": row.account,
            "contract": row.account if row.kind == "contract" else None,
            "customer": row.customer,
        }
        | shown(statement.account, line)
        for line in statement.proposed
    ]


def shown(account: str, line: ChargeLine) -> dict[str, Any]:
    """A line of a statement or document; ``charge`` is the public id."""
    body = dict(zip(_FIELDS, _values_of(line), strict=True))
    return body | {"charge": public_charge(account, line.charge), "rule": ", ".join(line.rules)}


def shown_as_json(account: str, line: ChargeLine) -> dict[str, Any] | msgspec.Raw:
    """The same as JSON, in half of the time, and another half where an answer has the line twice; as plain
    data where not everybody may see all of it, which is a waiver.
    """
    if isinstance(line.basis, Waived):
        return shown(account, line)
    body = _encoder.encode(line)
    assert body.startswith(_BEFORE_CHARGE), "the charge is a line's first field"
    return msgspec.Raw(b"".join((_charge_of(account), body[len(_BEFORE_CHARGE) : -1], _rule_as_json(line.rules))))


@lru_cache(maxsize=1024)
def _charge_of(account: str) -> bytes:
    """How the JSON of a line begins, up to the charge."""
    return b'{"charge":' + _encoder.encode(public_charge(account, ""))[:-1]


@lru_cache(maxsize=1024)
def _rule_as_json(rules: tuple[str, ...]) -> bytes:
    """How the JSON of a line ends."""
    return b',"rule":' + _encoder.encode(", ".join(rules)) + b"}"


def _to_invoice(
    rated: Sequence[Rated], contract: str | None, known: Mapping[int, Any], show: ShowLine
) -> dict[str, Any]:
    """What the next invoice adds; ``known`` are the statement's lines as they are shown, by ``id``,
    since before the first invoice it adds just these.
    """
    added = [(each.row.account, line) for each in rated for line in each.to_invoice]
    totals: Totals | None = None
    if rated:
        ledgers = {each.row.account: each.ledger for each in rated}
        frame = common_frame([each.statement for each in rated])
        totals = next_totals(contract, [line for _, line in added], ledgers, *frame)
    lines = [known.get(id(line)) or show(account, line) for account, line in added]
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
