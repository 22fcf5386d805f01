"""The charges of a provider on which somebody has to decide, of all its accounts."""

from __future__ import annotations

from datetime import date
from typing import Any

from billing_service.application.statements import Statements
from billing_service.domain.errors import Refusal
from billing_service.domain.invoice.rated import Cutoff
from billing_service.domain.invoice.views import open_charges
from billing_service.queries.accounts import AccountQueries


class OpenCharges:
    """Rates the accounts that may have one."""

    def __init__(self, read_model: AccountQueries, statements: Statements) -> None:
        self._read_model = read_model
        self._statements = statements

    async def listed(
        self, provider: str, until: date | None, *, contract: str | None, customer: str | None
    ) -> list[dict[str, Any]]:
        """Each with its account and customer, by day and id. What is on an account that cannot be rated is not known."""
        found = []
        for row in await self._read_model.with_lost_appointments(provider, contract=contract, customer=customer):
            rated = await self._statements.rated_or_refusal(row, Cutoff(until=until))
            if rated is not None and not isinstance(rated, Refusal):
                found += open_charges(rated)
        return sorted(found, key=cursor)


def cursor(charge: dict[str, Any]) -> str:
    """Its place in the list."""
    return f"{charge['on']}.{charge['id']}"
