"""What may become of a call that was kept without a ticket."""

from __future__ import annotations

from fristwerk_language.events.calls import CallAttached, CallDismissed
from ticket_service.domain.call.state import LoggedCall
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotInThisState
from ticket_service.domain.validation import personal


def attach(call: LoggedCall, ticket: str, reference: str) -> list[DecidedEvent]:
    """The call belongs to a ticket; a dismissed one as well, for somebody may have been wrong. Raises NotInThisState."""
    check_without_ticket(call)
    return [DecidedEvent(CallAttached(call=call.id, ticket=ticket, reference=reference))]


def dismiss(call: LoggedCall, reason: str) -> list[DecidedEvent]:
    """Nothing has to be done about the call. Raises NotInThisState."""
    check_without_ticket(call)
    if call.dismissed_at is not None:
        raise NotInThisState("call-already-dismissed", f"The call {call.id} was dismissed already.")
    return [DecidedEvent(CallDismissed(call=call.id), personal(reason=reason))]


def check_without_ticket(call: LoggedCall) -> None:
    """Raises NotInThisState for a call that a ticket has."""
    if call.ticket is not None:
        raise NotInThisState("call-has-ticket", f"The call {call.id} belongs to the ticket {call.ticket}.")
