"""Reconciliation: where each logged minute of an account went, and what of its amount was invoiced."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Final

import msgspec

from billing_service.application.statements import Statements
from billing_service.domain.errors import Refusal
from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.invoice.rated import Cutoff, Rated
from billing_service.domain.money import total
from billing_service.queries.accounts import AccountQueries

PARTS: Final = ("package", "hourly", "free", "held", "written_off", "waived", "not_rated")
PAGE: Final = 200


class Reconciliation:
    """The report, account by account."""

    def __init__(self, read_model: AccountQueries, statements: Statements) -> None:
        self._read_model = read_model
        self._statements = statements

    async def page(
        self, provider: str, until: date | None, *, contract: str | None = None, after: str = "", limit: int = PAGE
    ) -> tuple[list[dict[str, Any]], str | None]:
        """A row for each account of a page that was ever agreed on or worked for, and the cursor of
        the next page.
        """
        accounts = await self._read_model.billable(provider, account=contract, after=after, limit=limit)
        found = [(each, await self._statements.rated_or_refusal(each, Cutoff(until=until))) for each in accounts]
        rows = [
            _failed(row, each) if isinstance(each, Refusal) else _row(each) for row, each in found if each is not None
        ]
        return rows, accounts[-1].account if len(accounts) == limit else None

    async def every(
        self, provider: str, until: date | None, *, contract: str | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Every row; only a page of them is held at a time."""
        after: str | None = ""
        while after is not None:
            rows, after = await self.page(provider, until, contract=contract, after=after)
            for row in rows:
                yield row


def _failed(account: AccountRow, refusal: Refusal) -> dict[str, Any]:
    """An account that cannot be rated does not add up; ``error`` is the code that its own page
    answers with.
    """
    named = {"account": account.account, "kind": account.kind, "customer": account.customer}
    return named | {"adds_up": False, "error": refusal.code}


def _row(rated: Rated) -> dict[str, Any]:
    """Minutes: ``logged`` is the sum of the other parts, always; ``net`` is what was invoiced and
    what is open.
    """
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
        "currency": statement.currency,
        "net": statement.net,
        "invoiced": invoiced,
        "open": statement.net - invoiced,
    }
