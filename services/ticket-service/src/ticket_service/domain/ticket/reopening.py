"""When a ticket that is resolved returns to the vendor: worklist and clocks always agree about whose turn it is.

Whatever starts a clock of the vendor's on a resolved ticket reopens it: the customer's message within the time that the
agreement allows (``after_resolution.reopen_within``), and any callback that is promised. Later the customer's message is
refused here with ``TooLateToReopenError``, and the application opens a new ticket from it that follows the old one.
"""

from __future__ import annotations

from typing import Final

from fristwerk_language.events import Event
from fristwerk_language.events.tickets import CustomerMessageReceived, Reopened
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotInThisState
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.state import Ticket

CLOSED: Final = "ticket-already-closed"
TOO_LATE: Final = "too-late-to-reopen"


class TooLateToReopenError(NotInThisState):
    """The ticket has been resolved for longer than the agreement lets the customer reopen it."""

    def __init__(self, ticket: Ticket, period: str) -> None:
        super().__init__(
            TOO_LATE,
            f"The ticket {ticket.reference} can be reopened by the customer within {period} of its resolution only; "
            "a message becomes a new ticket that follows it.",
        )


def check_in_time(ticket: Ticket, context: Context) -> None:
    """Raises TooLateToReopenError where the customer may not reopen what is done any more."""
    ended_at = ticket.resolved_at or ticket.closed_at
    terms = context.agreement.after_resolution
    if ended_at is not None and context.occurred_at > ended_at + terms.period:
        raise TooLateToReopenError(ticket, terms.reopen_within)


def reopened_by_customer(ticket: Ticket, said: Event, context: Context) -> list[DecidedEvent]:
    """What a customer's message or information does to a resolved ticket. Raises TooLateToReopenError.

    A machine's message and a word of thanks do nothing, and neither does what was written before the resolution and
    entered after it: the resolution has answered it.
    """
    asks = not isinstance(said, CustomerMessageReceived) or said.asks
    if not asks or ticket.state != "resolved" or _was_before_resolution(ticket, context):
        return []
    check_in_time(ticket, context)
    return [DecidedEvent(Reopened())]


def reopened_by_promise(ticket: Ticket, context: Context) -> list[DecidedEvent]:
    """A callback promised after the resolution is work to do, however late."""
    if ticket.state != "resolved" or _was_before_resolution(ticket, context):
        return []
    return [DecidedEvent(Reopened())]


def _was_before_resolution(ticket: Ticket, context: Context) -> bool:
    return ticket.resolved_at is not None and context.occurred_at < ticket.resolved_at
