"""How each event changes a call; those of other families change nothing."""

from __future__ import annotations

from msgspec.structs import replace

from fristwerk_language.events import Envelope, KeptCallEvent, Recorded, streams
from fristwerk_language.events.calls import CallAttached, CallDismissed
from fristwerk_language.events.tickets import CallEvent, CallReceived, CallTransferAttempted, VoicemailLeft
from ticket_service.domain.call.state import LoggedCall, SealedPart, TransferTry


def evolve(call: LoggedCall | None, recorded: Recorded) -> LoggedCall | None:
    """The call after an event of its own stream or of its ticket's. A call begins when it is received."""
    event, envelope = recorded.event, recorded.envelope
    if isinstance(event, CallReceived):
        return _received(call, event, envelope)
    if call is None or not isinstance(event, CallEvent | KeptCallEvent):
        return call
    match event:
        case CallTransferAttempted():
            return replace(call, transfers=(*call.transfers, TransferTry(event.to, event.result)))
        case VoicemailLeft():
            return replace(call, voicemail=_sealed(envelope))
        case CallAttached():
            return replace(call, ticket=event.ticket)
        case CallDismissed():
            return replace(call, dismissed_at=envelope.occurred_at)


def _received(call: LoggedCall | None, event: CallReceived, envelope: Envelope) -> LoggedCall:
    """Received once more on a ticket, a call is the same, and sealed for the ticket's customer."""
    on_ticket = streams.TICKET.includes(envelope.stream)
    ticket = streams.TICKET.subject(envelope.stream) if on_ticket else None
    if call is not None:
        return replace(call, ticket=ticket or call.ticket, said=_sealed(envelope))
    return LoggedCall(
        id=event.call,
        started_at=event.started_at,
        minutes=event.minutes,
        to=event.to,
        automatic=event.automatic,
        waited_seconds=event.waited_seconds,
        queued_at=event.queued_at,
        answered_at=event.answered_at,
        abandoned=event.abandoned,
        dedicated=event.dedicated,
        for_agent=event.for_agent,
        taken_by=envelope.actor.id,
        ticket=ticket,
        said=_sealed(envelope),
    )


def _sealed(envelope: Envelope) -> SealedPart | None:
    return None if envelope.personal is None else SealedPart(envelope.id, envelope.personal)
