"""Statements as the contract shows them: lines, sums, balances and open decisions as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from billing_service.application.statements import Rated
from billing_service.domain import vat
from billing_service.domain.errors import NotAcceptable
from billing_service.domain.statement import Line, Statement, Totals


def public_charge(account: str, charge: str) -> str:
    """A charge's id as others know it: the account stands in front, so that it is found without an index."""
    return f"{account}:{charge}"


def preview(rated: Sequence[Rated]) -> dict[str, Any]:
    """The preview of one account or of several together. Raises NotAcceptable where two currencies meet."""
    statements = [each.statement for each in rated]
    totals = _totals(statements)
    return {
        "lines": [shown(each.account, line) for each in statements for line in each.lines],
        "net": totals.net if totals else None,
        "vat": totals.vat if totals else None,
        "gross": totals.gross if totals else None,
        "payable": totals.payable if totals else None,
        "taxes": totals.taxes if totals else [],
        "package_left_minutes": sum(each.package_left_minutes for each in statements),
        "packages": [balance for each in statements for balance in each.packages],
        "held_minutes": _merged(each.held_minutes for each in statements),
        "written_off_minutes": _merged(each.written_off_minutes for each in statements),
        "not_rated": [each for statement in statements for each in statement.not_rated],
        "proposed": [shown(each.account, line) for each in statements for line in each.proposed],
        "open_decisions": [
            public_charge(each.account, charge) for each in statements for charge in each.open_decisions
        ],
        "violations": [each for statement in statements for each in statement.violations],
        "accounts": [
            {
                "account": each.row.account,
                "kind": each.row.kind,
                "until": each.statement.until,
                "net": each.statement.net,
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
    """The charges that rest on a ticket, with their states; ``decided`` maps a charge to the decision on it."""
    statement = rated.statement
    lines = [(line, "proposed") for line in statement.proposed] + [
        (line, _state(line, statement, decided)) for line in statement.lines if line.kind != "waiver"
    ]
    return [
        {"id": public_charge(statement.account, line.charge), "state": state} | shown(statement.account, line)
        for line, state in lines
        if line.ticket == ticket
    ]


def shown(account: str, line: Line) -> dict[str, Any]:
    """A line of a statement; ``charge`` is the public id."""
    body = {name: getattr(line, name) for name in line.__struct_fields__}
    return body | {"charge": public_charge(account, line.charge), "rule": ", ".join(line.rules)}


def _state(line: Line, statement: Statement, decided: dict[str, str]) -> str:
    if line.charge in statement.waived:
        return "waived"
    return "charged" if decided.get(line.charge) == "charge" else "rated"


def _totals(statements: Sequence[Statement]) -> Totals | None:
    if not statements:
        return None
    if len(statements) == 1:
        return statements[0].totals
    currencies = {each.currency for each in statements}
    if len(currencies) > 1:
        sentence = f"the customer's contracts are in {', '.join(sorted(currencies))}; preview each by itself"
        raise NotAcceptable("currencies-mixed", f"One preview has one currency: {sentence}.")
    roundings = {each.cash_rounding for each in statements}
    cash_rounding = roundings.pop() if len(roundings) == 1 else None
    return vat.totals((line for each in statements for line in each.lines), currencies.pop(), cash_rounding)


def _merged(sums: Any) -> dict[str, int]:
    return {ticket: minutes for each in sums for ticket, minutes in each.items()}
