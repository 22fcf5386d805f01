"""What follows from forgetting a person or ending a contract, looked up in everything recorded so
far.
"""

from __future__ import annotations

from datetime import date

from fristwerk_language.events import streams
from fristwerk_platform.event_log import EventLog
from ticket_service.application import names
from ticket_service.application.newest_reads import NewestReads
from ticket_service.application.state_cache import StateCache
from ticket_service.application.terms import Terms
from ticket_service.domain import consequences as domain
from ticket_service.domain.confirmation import Consequence
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer


class Consequences:
    """Answers questions about consequences. What is recorded at the same moment may be missing."""

    def __init__(self, log: EventLog, newest_reads: NewestReads, terms: Terms, contracts: StateCache[Contract]) -> None:
        self._log = log
        self._newest_reads = newest_reads
        self._terms = terms
        self._contracts = contracts

    async def of_forgetting(self, provider: str, customer: Customer, today: date) -> list[Consequence]:
        """What follows from forgetting a customer's personal data."""
        tickets = await self._newest_reads.tickets_of(provider, customer=customer.id)
        found = await self._log.labelled(names.of_customer(customer.id))
        contracts = await self._contracts.at(each for each in found if streams.CONTRACT.includes(each[0]))
        return domain.of_forgetting(customer, tickets, [each.state for each in contracts], today)

    async def of_termination(self, provider: str, contract: str) -> list[Consequence]:
        """What follows from ending a contract."""
        tickets = await self._newest_reads.tickets_of(provider, contract=contract)
        under = [
            (each, await self._terms.agreement_version(provider, each.agreement, each.agreement_version))
            for each in tickets
        ]
        return domain.of_termination(under)
