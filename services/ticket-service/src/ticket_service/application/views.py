"""How a ticket is shown to its caller: whole, or to a customer without the vendor's house."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from fristwerk_platform.auth import Principal
from ticket_service.application.command_executor import shown_as
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.ticket.visibility import (
    event_for_customer,
    event_since_a_move,
    request_for_customer,
    ticket_for_customer,
)

shown: Final = shown_as("ticket")
"""A ticket as commands answer it."""


def shown_to_customer(ticket: Ticket) -> dict[str, Any]:
    """A ticket as commands answer it to a customer."""
    return {"ticket": ticket_for_customer(ticket)}


SHOWN: Final[Mapping[str, Callable[[Ticket], dict[str, Any]]]] = {"customer": shown_to_customer}
"""How a command's answer shows the ticket to a role; to all others whole, as ``shown`` does."""


def seen_by(principal: Principal) -> Callable[[Ticket], Ticket | dict[str, Any]]:
    """How a ticket that the caller may read is shown to it: whole, or to a customer without the
    vendor's house.
    """
    return ticket_for_customer if principal.role == "customer" else _whole


def request_seen_by(principal: Principal, ticket: Ticket, said: dict[str, Any]) -> dict[str, Any]:
    """What was personal in the request that became a ticket, as it is shown to the caller; to a
    customer whose the ticket was not then, nothing.
    """
    if principal.role != "customer":
        return said
    return {} if ticket.moved_here else request_for_customer(said)


def _whole(ticket: Ticket) -> Ticket:
    return ticket


def event_seen_by(principal: Principal, item: dict[str, Any], moved_here: int = 0) -> dict[str, Any] | None:
    """An opened event as it is shown to the caller; None where it is not for its eyes.

    ``moved_here``: the version with which the ticket came to the customer.
    """
    if principal.role != "customer":
        return item
    since = event_since_a_move(item, moved_here)
    return None if since is None else event_for_customer(since)
