"""When an agent is free: open hours without absences and without what the agent keeps on any ticket."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import chain

from fristwerk_language.events.terms import CalendarPublished
from fristwerk_platform.auth import Principal
from fristwerk_platform.event_log import EventLog
from ticket_service.application import names
from ticket_service.application.agents import Agents
from ticket_service.application.customers import Customers
from ticket_service.application.state_cache import StateCache
from ticket_service.application.terms import Terms
from ticket_service.application.tickets import Tickets
from ticket_service.domain.errors import NotAcceptable, NotAllowed, NotFound
from ticket_service.domain.ticket.booking import free_times, kept_appointments
from ticket_service.domain.ticket.dedicated import dedicated_agent
from ticket_service.domain.ticket.state import Ticket


class FreeTimes:
    """Finds times that a booking would be taken at."""

    def __init__(
        self,
        log: EventLog,
        terms: Terms,
        customers: Customers,
        tickets: Tickets,
        known: StateCache[Ticket],
        agents: Agents,
    ) -> None:
        self._log = log
        self._terms = terms
        self._customers = customers
        self._tickets = tickets
        self._known = known
        self._agents = agents

    async def of(
        self, principal: Principal, agent: str, ticket: str | None, start: datetime, end: datetime, minutes: int
    ) -> Sequence[tuple[datetime, datetime]]:
        """The free times of at least so many minutes between two instants, by the agent's own calendar, else by that of the
        ticket.

        Raises NotFound for a ticket that the caller does not see, and where a customer asks for another agent than its own
        dedicated one; NotAllowed where its agreement sells none; NotAcceptable without a ticket where one is needed.
        """
        provider = principal.provider
        state = None if ticket is None else await self._ticket(principal, ticket)
        if principal.role == "customer":
            if state is None:
                raise _ticket_needed("a customer asks for the times of a ticket")
            await self._check_own(provider, state, agent)
        calendar = await self._calendar(provider, agent, state, start)
        days = [await self._log.labelled(names.bookings_on(provider, day)) for day in names.days_of(start, end)]
        loaded = await self._known.at(dict(chain.from_iterable(days)).items())
        kept = [each for one in loaded for each in kept_appointments(one.state) if each.agent == agent]
        absences = await self._agents.absences(provider, agent)
        return [*free_times(calendar, kept, start, end, minutes, absences)]

    async def _ticket(self, principal: Principal, ticket: str) -> Ticket:
        found = await self._tickets.identify(principal, ticket)
        return (await self._tickets.newest(principal, found)).state

    async def _calendar(self, provider: str, agent: str, ticket: Ticket | None, at: datetime) -> CalendarPublished:
        own = await self._agents.calendar(provider, agent, at)
        if own is not None:
            return own
        if ticket is None:
            raise _ticket_needed(f"the agent {agent} has no working calendar: that of a ticket counts")
        return (await self._terms.calendar(provider, ticket.calendar)).version(ticket.calendar_version)

    async def _check_own(self, provider: str, ticket: Ticket, agent: str) -> None:
        customer = (await self._customers.customer(provider, ticket.customer)).state
        agreement = await self._terms.agreement_version(provider, ticket.agreement, ticket.agreement_version)
        if agreement.dedicated_agent is None:
            raise NotAllowed(
                "role-not-allowed", "The role customer may not read free times: there is no dedicated agent."
            )
        if agent != dedicated_agent(ticket.addons, agreement, customer.contacts):
            raise NotFound("agent-not-found", f"There is no agent {agent} whose times you book.")


def _ticket_needed(why: str) -> NotAcceptable:
    return NotAcceptable(f"No times can be found: {why}.", [("#query/ticket", why)])
