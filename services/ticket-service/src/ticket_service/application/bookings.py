"""What a booking is decided on beside its ticket: the other bookings on its days, whichever process made them, and when its
agent works.
"""

from __future__ import annotations

from itertools import chain

import msgspec

from fristwerk_platform.event_log import EventLog
from ticket_service.application import names
from ticket_service.application.agents import Agents
from ticket_service.application.state_cache import StateCache
from ticket_service.application.terms import Terms
from ticket_service.application.turns import next_turn
from ticket_service.domain.ticket.booking import agent_of, kept_appointments
from ticket_service.domain.ticket.commands import BookAppointment
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.dedicated import DEDICATED_AGENT
from ticket_service.domain.ticket.state import Ticket, appointment_end


class Bookings:
    """Looks up what surrounds a booking."""

    def __init__(self, log: EventLog, known: StateCache[Ticket], terms: Terms, agents: Agents) -> None:
        self._log = log
        self._known = known
        self._terms = terms
        self._agents = agents

    async def surroundings(
        self, context: Context, provider: str, ticket: Ticket, command: BookAppointment
    ) -> tuple[Context, tuple[str, ...]]:
        """The context with the provider's bookings on the days of a new one, and the calendar and absences of its agent; and
        the claims that keep others from booking on those days meanwhile, and the agent from going away.

        The turns are looked up first (see ``turns``).
        """
        days = [*names.days_of(command.start, appointment_end(command.start, command.minutes))]
        matters = [names.bookings_on(provider, each) for each in days]
        by_customer = context.actor.role == "customer"
        agent = context.contacts.get(DEDICATED_AGENT) if by_customer else agent_of(ticket, command)
        away = [] if agent is None else [names.absences_of(provider, agent)]
        turns = [await next_turn(self._log, each) for each in (*matters, *away)]
        found = [await self._log.labelled(each) for each in matters]
        loaded = await self._known.at(dict(chain.from_iterable(found)).items())
        own = None if agent is None else await self._agents.calendar(provider, agent, context.now)
        theirs = (await self._terms.calendar(provider, ticket.calendar)).version(ticket.calendar_version)
        context = msgspec.structs.replace(
            context,
            bookings=[booking for each in loaded for booking in kept_appointments(each.state)],
            calendar=own or theirs,
            absences=() if agent is None else await self._agents.absences(provider, agent),
        )
        return context, tuple(each.claim for each in turns)
