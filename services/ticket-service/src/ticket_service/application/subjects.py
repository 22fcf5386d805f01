"""Whose keys open what is personal on a ticket."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fristwerk_language.events import streams
from ticket_service.application.state_cache import Loaded, StateCache
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.ticket.state import Ticket


async def subjects_of(ticket: Ticket, customers: StateCache[Customer]) -> list[str]:
    """The subjects whose keys open what is personal on it, by the newest states of its customers."""
    found = {each: await customers.newest(streams.CUSTOMER.stream(each)) for each in customers_of(ticket)}
    return subjects_among(ticket, found)


def customers_of(ticket: Ticket) -> Collection[str]:
    """The present customer, and those whose the ticket was before it was moved."""
    return dict.fromkeys([ticket.customer, *[each.from_customer for each in ticket.moves]])


def subjects_among(ticket: Ticket, customers: Mapping[str, Loaded[Customer] | None]) -> list[str]:
    """The subjects of the present customer, and of those whose the ticket was before it was moved.

    Once the present customer was forgotten, what was sealed before the move is opened no more
    either: it is about that person, under whoever's key.
    """
    subject = _subject(customers[ticket.customer])
    if not ticket.moves or ticket.moves[-1].sealed_for != subject:
        return [subject]
    return [subject, *[_subject(customers[each.from_customer]) for each in ticket.moves]]


def _subject(loaded: Loaded[Customer] | None) -> str:
    assert loaded is not None, "a ticket is opened for a customer that is registered, and moved to one"
    return loaded.state.subject
