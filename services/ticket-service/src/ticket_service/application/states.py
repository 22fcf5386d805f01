"""The states of all kinds of streams, kept once a process."""

from __future__ import annotations

from typing import Any

from fristwerk_language.events import streams
from fristwerk_language.events.streams import StreamCategory
from fristwerk_platform.event_log import EventLog
from ticket_service.application import names
from ticket_service.application.state_cache import StateCache
from ticket_service.domain.agent.evolve import evolve as evolve_agent
from ticket_service.domain.call.evolve import evolve as evolve_call
from ticket_service.domain.contract.evolve import evolve as evolve_contract
from ticket_service.domain.customer.evolve import evolve as evolve_customer
from ticket_service.domain.terms.evolve import evolve_agreement, evolve_calendar
from ticket_service.domain.ticket.evolve import evolve as evolve_ticket


class States:
    """A cache for each kind, with the labels by which its streams are found."""

    def __init__(self, log: EventLog) -> None:
        self.tickets = StateCache(log, evolve_ticket, names.of_ticket)
        self.customers = StateCache(log, evolve_customer, names.of_registered)
        self.contracts = StateCache(log, evolve_contract, names.of_contract)
        self.agents = StateCache(log, evolve_agent, names.of_agent)
        self.calls = StateCache(log, evolve_call, names.of_call)
        self.calendars = StateCache(log, evolve_calendar, names.of_terms)
        self.agreements = StateCache(log, evolve_agreement, names.of_terms)
        self._projected: dict[str, StateCache[Any]] = {
            streams.TICKET.name: self.tickets,
            streams.CUSTOMER.name: self.customers,
            streams.CONTRACT.name: self.contracts,
        }

    def kept_at(self, category: StreamCategory, stream: str, version: int) -> Any | None:
        """The state of a ticket, customer or contract after exactly this version, as a command has just
        made it; None where another version is kept, or none.
        """
        return self._projected[category.name].kept_at(stream, version)
