"""What hangs on forgetting a person and on ending a contract, looked up in the read model."""

from __future__ import annotations

from datetime import date

from ticket_service.application.consistent_reads import ConsistentReads
from ticket_service.application.terms import Terms
from ticket_service.domain import consequences as domain
from ticket_service.domain.confirmation import Consequence
from ticket_service.domain.customer.state import Customer


class Consequences:
    """Questions; what is recorded at the same moment may be missing from the answer."""

    def __init__(self, current: ConsistentReads, terms: Terms) -> None:
        self._current = current
        self._terms = terms

    async def of_forgetting(self, customer: Customer, today: date) -> list[Consequence]:
        """What hangs on a customer's personal data."""
        read_model = await self._current()
        tickets = await read_model.tickets_of(customer=customer.id)
        return domain.of_forgetting(customer, tickets, await read_model.contracts_of(customer.id), today)

    async def of_termination(self, provider: str, contract: str) -> list[Consequence]:
        """What hangs on a contract."""
        tickets = await (await self._current()).tickets_of(contract=contract)
        under = [
            (each, await self._terms.agreement_version(provider, each.agreement, each.agreement_version))
            for each in tickets
        ]
        return domain.of_termination(under)
