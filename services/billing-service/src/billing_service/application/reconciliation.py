"""Reconciliation: where each logged minute of an account went, and what of its amount was invoiced."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Final

import msgspec

from billing_service.application.statements import Moment, Rated, Statements
from billing_service.domain.money import total
from billing_service.read_model import AccountRow, ReadModel

PARTS: Final = ("package", "hourly", "free", "held", "written_off", "waived", "not_rated")
PAGE: Final = 200


class Reconciliation:
    """The report, account by account."""

    def __init__(self, read_model: ReadModel, statements: Statements) -> None:
        self._read_model = read_model
        self._statements = statements

    async def page(self, provider: str, until: date | None, *, after: str, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        """The rows of a page, and the cursor of the next one if there may be one."""
        accounts = await self._read_model.billable(provider, after=after, limit=limit)
        rows = await self.rows(accounts, until)
        return rows, accounts[-1].account if len(accounts) == limit else None

    async def all_rows(self, provider: str, until: date | None) -> AsyncIterator[dict[str, Any]]:
        """Every row; only a page of them is held at a time."""
        after: str | None = ""
        while after is not None:
            rows, after = await self.page(provider, until, after=after, limit=PAGE)
            for row in rows:
                yield row

    async def rows(self, accounts: list[AccountRow], until: date | None) -> list[dict[str, Any]]:
        """A row for each account that was ever agreed on or worked for."""
        return [_row(each) for each in await self._statements.all_rated(accounts, Moment(until=until))]


def _row(rated: Rated) -> dict[str, Any]:
    """Minutes: ``logged`` is the sum of the other parts, always; ``net`` is what was invoiced and what is open."""
    statement = rated.statement
    shares = msgspec.structs.asdict(statement.shares)
    invoiced = total((line.amount for line in rated.ledger.invoiced.lines), statement.currency)
    return {
        "account": rated.row.account,
        "kind": rated.row.kind,
        "customer": rated.row.customer,
        "until": statement.until,
        "logged": shares["logged"],
        **{part: shares[part] for part in PARTS},
        "adds_up": shares["logged"] == sum(shares[part] for part in PARTS),
        "net": statement.net,
        "invoiced": invoiced,
        "open": statement.net - invoiced,
    }
