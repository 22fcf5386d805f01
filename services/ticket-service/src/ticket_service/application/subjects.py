"""Whose keys open what is personal on a ticket."""

from __future__ import annotations

from fristwerk_language.events import streams
from ticket_service.application.state_cache import StateCache
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.ticket.state import Ticket


async def subjects_of(ticket: Ticket, customers: StateCache[Customer]) -> list[str]:
    """The present customer, and those whose the ticket was before it was moved.

    Once the present customer was forgotten, what was sealed before the move is opened no more
    either: it is about that person, under whoever's key.
    """
    subject = await _subject(ticket.customer, customers)
    if not ticket.moves or ticket.moves[-1].sealed_for != subject:
        return [subject]
    return [subject, *[await _subject(each.from_customer, customers) for each in ticket.moves]]


async def _subject(customer: str, customers: StateCache[Customer]) -> str:
    loaded = await customers.newest(streams.CUSTOMER.stream(customer))
    assert loaded is not None, "a ticket is opened for a customer that is registered, and moved to one"
    return loaded.state.subject
