"""How each kind of stream is folded: from one recorded event to the next state, unknown events left aside."""

from __future__ import annotations

from fristwerk_language.events import Envelope, Event
from fristwerk_language.events.catalogue import AgreementPublished, CalendarPublished
from ticket_service.domain import catalogue, evolution
from ticket_service.domain import contract as contracts
from ticket_service.domain import customer as customers
from ticket_service.domain.catalogue import Published
from ticket_service.domain.contract import Contract
from ticket_service.domain.customer import Customer
from ticket_service.domain.state import Ticket


def evolve_ticket(state: Ticket | None, event: Event, envelope: Envelope) -> Ticket | None:
    """The ticket after an event of its stream."""
    stamp = evolution.Stamp(
        ticket=envelope.stream.removeprefix("ticket-"),
        version=envelope.version,
        occurred_at=envelope.occurred_at,
        actor=envelope.actor,
    )
    return evolution.evolve(state, event, stamp) if state is not None else evolution.evolve(None, event, stamp)


def evolve_customer(state: Customer | None, event: Event, _envelope: Envelope) -> Customer | None:
    """The customer after an event of its stream."""
    return customers.evolve(state, event) if isinstance(event, customers.CustomerEvent) else state


def evolve_contract(state: Contract | None, event: Event, _envelope: Envelope) -> Contract | None:
    """The contract after an event of its stream."""
    return contracts.evolve(state, event) if isinstance(event, contracts.ContractEvent) else state


def evolve_calendar(
    published: Published[CalendarPublished] | None, event: Event, _envelope: Envelope
) -> Published[CalendarPublished] | None:
    """The calendar's versions after an event of its stream."""
    return catalogue.evolve(published or Published(), event) if isinstance(event, CalendarPublished) else published


def evolve_agreement(
    published: Published[AgreementPublished] | None, event: Event, _envelope: Envelope
) -> Published[AgreementPublished] | None:
    """The agreement's versions after an event of its stream."""
    return catalogue.evolve(published or Published(), event) if isinstance(event, AgreementPublished) else published
