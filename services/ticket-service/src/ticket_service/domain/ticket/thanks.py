"""Staff saw afterwards that a message asks for nothing, a word of thanks: from its arrival on it starts, ends and reopens
nothing.

The ticket then stands as if the mark had been set when the message arrived. A reopening that such a message brought is
taken back with it, unless something else has become a reason to be open since: it stays until that is settled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from fristwerk_language.events import Recorded, relations, tickets
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotFound, NotInThisState
from ticket_service.domain.ticket.commands import MarkNoAnswerNeeded
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.evolve import evolve
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.validation import personal

FromCustomer = tickets.CustomerMessageReceived | tickets.InformationReceived
NO_REASON: Final = (
    tickets.Responded
    | tickets.ProgressReported
    | tickets.TicketNumberCommunicated
    | tickets.FeedbackReceived
    | tickets.AssignmentEvent
    | tickets.ClassificationEvent
    | tickets.WorkEvent
    | tickets.CallReceived
    | tickets.CallTransferAttempted
    | tickets.CallbackAttempted
    | tickets.CallbackCompleted
    | tickets.AppointmentCancelled
    | tickets.AppointmentHeld
    | tickets.AppointmentMissed
    | tickets.EscalationEvent
    | tickets.RemoteSessionEvent
    | tickets.TermsMigrated
    | tickets.NoAnswerNeeded
    | relations.TicketLinked
    | relations.TicketUnlinked
)
"""What may happen after a reopening without being a reason for the ticket to be open. Whatever is not named is one."""


def mark(ticket: Ticket, command: MarkNoAnswerNeeded, context: Context) -> list[DecidedEvent]:
    """The mark, with how the ticket stands without the message. Raises NotFound, and NotInThisState for what asks nothing."""
    history = context.history
    message = next((each for each in history if each.envelope.version == command.number), None)
    if message is None or not isinstance(message.event, FromCustomer):
        raise NotFound("message-not-found", f"The ticket {ticket.reference} has no message {command.number}.")
    before = _marked(history)
    asks = not isinstance(message.event, tickets.CustomerMessageReceived) or message.event.asks
    if not asks or command.number in before:
        raise NotInThisState(
            "no-answer-needed", f"The message {command.number} of ticket {ticket.reference} asks for nothing already."
        )
    marked = before | {command.number}
    reopening = _reopening_without_reason(history, command.number, marked)
    without = _without(history, marked, _taken_back(history) | ({reopening} - {None}))
    event = tickets.NoAnswerNeeded(
        message=command.number,
        reopening=reopening,
        state=without.state,
        waits=list(without.waits),
        resolved_at=without.resolved_at,
        reopened_at=without.reopened_at,
        last_customer_message_at=without.last_customer_message_at,
    )
    return [DecidedEvent(event, personal(reason=command.reason))]


def _marked(history: Sequence[Recorded]) -> frozenset[int]:
    return frozenset(each.event.message for each in history if isinstance(each.event, tickets.NoAnswerNeeded))


def _taken_back(history: Sequence[Recorded]) -> frozenset[int | None]:
    return frozenset(each.event.reopening for each in history if isinstance(each.event, tickets.NoAnswerNeeded))


def _reopening_without_reason(history: Sequence[Recorded], message: int, marked: frozenset[int]) -> int | None:
    """The reopening that the message, or another marked one before it, has brought and that has no reason left."""
    taken_back = _taken_back(history)
    found = None
    for at, each in enumerate(history):
        if not isinstance(each.event, tickets.Reopened):
            continue
        while_open = list(_until_done(history[at + 1 :]))
        brought_by = _brought_by(history, at)
        if message == brought_by or message in [one.envelope.version for one in while_open]:
            found = each.envelope.version
            if brought_by not in marked or found in taken_back or any(_is_reason(one, marked) for one in while_open):
                found = None
    return found


def _brought_by(history: Sequence[Recorded], at: int) -> int | None:
    """The message that was recorded by the same command as a reopening, just before it; None where none was."""
    command = history[at].envelope.recorded_at, history[at].envelope.correlation_id
    for each in reversed(history[:at]):
        if (each.envelope.recorded_at, each.envelope.correlation_id) != command:
            return None
        if isinstance(each.event, FromCustomer):
            return each.envelope.version
    return None


def _until_done(history: Sequence[Recorded]) -> Iterator[Recorded]:
    for each in history:
        if isinstance(each.event, tickets.Resolved | tickets.Closed | relations.MergedInto):
            return
        yield each


def _is_reason(recorded: Recorded, marked: frozenset[int]) -> bool:
    match recorded.event:
        case tickets.CustomerMessageReceived(asks=asks):
            return asks and recorded.envelope.version not in marked
        case tickets.InformationReceived():
            return recorded.envelope.version not in marked
        case event:
            return not isinstance(event, NO_REASON)


def _without(history: Sequence[Recorded], marked: frozenset[int], taken_back: frozenset[int | None]) -> Ticket:
    """The ticket as it would stand had the marked messages come with the mark."""
    ticket: Ticket | None = None
    for each in history:
        version, event = each.envelope.version, each.event
        if version in taken_back or isinstance(event, tickets.NoAnswerNeeded):
            continue
        if version in marked:
            if not isinstance(event, tickets.CustomerMessageReceived):
                continue
            event = msgspec.structs.replace(event, needs_answer=False)
        ticket = evolve(ticket, Recorded(envelope=each.envelope, event=event))
    assert ticket is not None, "a ticket's history begins with it"
    return ticket
