"""When an agent is free: open hours of a ticket's calendar without what the agent keeps on any ticket."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import chain

from fristwerk_platform.auth import Principal
from fristwerk_platform.event_log import EventLog
from ticket_service.application import names
from ticket_service.application.customers import Customers
from ticket_service.application.state_cache import StateCache
from ticket_service.application.terms import Terms
from ticket_service.application.tickets import Tickets
from ticket_service.domain.errors import NotAllowed, NotFound
from ticket_service.domain.ticket.booking import free_times, kept_appointments
from ticket_service.domain.ticket.dedicated import dedicated_agent
from ticket_service.domain.ticket.state import Ticket


class FreeTimes:
    """Finds times that a booking would be taken at."""

    def __init__(
        self, log: EventLog, terms: Terms, customers: Customers, tickets: Tickets, known: StateCache[Ticket]
    ) -> None:
        self._log = log
        self._terms = terms
        self._customers = customers
        self._tickets = tickets
        self._known = known

    async def of(
        self, principal: Principal, agent: str, ticket: str, start: datetime, end: datetime, minutes: int
    ) -> Sequence[tuple[datetime, datetime]]:
        """The free times of at least so many minutes between two instants, for an appointment on the ticket.

        Raises NotFound for a ticket that the caller does not see, and where a customer asks for another agent than its own
        dedicated one; NotAllowed where its agreement sells none.
        """
        provider = principal.provider
        found = await self._tickets.identify(principal, ticket)
        state = (await self._tickets.newest(principal, found)).state
        if principal.role == "customer":
            await self._check_own(provider, state, agent)
        calendar = (await self._terms.calendar(provider, state.calendar)).version(state.calendar_version)
        days = [await self._log.labelled(names.bookings_on(provider, day)) for day in names.days_of(start, end)]
        loaded = await self._known.at(dict(chain.from_iterable(days)).items())
        kept = [each for one in loaded for each in kept_appointments(one.state) if each.agent == agent]
        return [*free_times(calendar, kept, start, end, minutes)]

    async def _check_own(self, provider: str, ticket: Ticket, agent: str) -> None:
        customer = (await self._customers.customer(provider, ticket.customer)).state
        agreement = await self._terms.agreement_version(provider, ticket.agreement, ticket.agreement_version)
        if agreement.dedicated_agent is None:
            raise NotAllowed(
                "role-not-allowed", "The role customer may not read free times: there is no dedicated agent."
            )
        if agent != dedicated_agent(ticket.addons, agreement, customer.contacts):
            raise NotFound("agent-not-found", f"There is no agent {agent} whose times you book.")
