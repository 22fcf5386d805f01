"""What follows from forgetting a person or ending a contract, looked up in everything recorded so
far.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from fristwerk_language.events import streams
from fristwerk_language.terms.retention import RetentionTerm, longest_term
from fristwerk_platform.event_log import EventLog
from ticket_service.application import names
from ticket_service.application.newest_reads import NewestReads
from ticket_service.application.state_cache import StateCache
from ticket_service.application.terms import Terms
from ticket_service.domain import consequences as domain
from ticket_service.domain.confirmation import Consequence
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.retention import Retention, retention_of, vat_countries
from ticket_service.domain.ticket.state import Ticket


class ForgettingOutcome(msgspec.Struct, frozen=True):
    """What forgetting a person has as consequences, and how long the recipient of invoices is kept."""

    consequences: list[Consequence]
    kept: Retention | None


class Consequences:
    """Answers questions about consequences. What is recorded at the same moment may be missing."""

    def __init__(self, log: EventLog, newest_reads: NewestReads, terms: Terms, contracts: StateCache[Contract]) -> None:
        self._log = log
        self._newest_reads = newest_reads
        self._terms = terms
        self._contracts = contracts

    async def of_forgetting(
        self, provider: str, customer: Customer, today: date, invoiced_until: date | None
    ) -> ForgettingOutcome:
        """What follows from forgetting a customer's personal data.

        ``invoiced_until`` is the end of the term of what was invoiced so far.
        """
        tickets, contracts = await self._of_customer(provider, customer.id)
        term = await self._term(provider, tickets, contracts)
        kept = retention_of(customer, tickets, contracts, term, today=today, invoiced_until=invoiced_until)
        return ForgettingOutcome(domain.of_forgetting(customer, tickets, contracts, today, kept), kept)

    async def retention_term(self, provider: str, customer: str) -> RetentionTerm:
        """How long invoices to a customer are kept: the longest term of the countries whose tax they
        state.
        """
        return await self._term(provider, *await self._of_customer(provider, customer))

    async def of_termination(self, provider: str, contract: str) -> list[Consequence]:
        """What follows from ending a contract."""
        tickets = await self._newest_reads.tickets_of(provider, contract=contract)
        under = [
            (each, await self._terms.agreement_version(provider, each.agreement, each.agreement_version))
            for each in tickets
        ]
        return domain.of_termination(under)

    async def _of_customer(self, provider: str, customer: str) -> tuple[list[Ticket], list[Contract]]:
        tickets = await self._newest_reads.tickets_of(provider, customer=customer)
        found = await self._log.labelled(names.of_customer(customer))
        contracts = await self._contracts.at(each for each in found if streams.CONTRACT.includes(each[0]))
        return tickets, [each.state for each in contracts]

    async def _term(self, provider: str, tickets: Sequence[Ticket], contracts: Sequence[Contract]) -> RetentionTerm:
        under = {(each.agreement, each.agreement_version) for each in tickets}
        under |= {(each.agreement, each.agreement_version) for each in contracts}
        agreements = [await self._terms.agreement_version(provider, *each) for each in sorted(under)]
        return longest_term(vat_countries(agreements))
