"""What the telephone system says of an inbound call, as facts: the same on a ticket and without one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from fristwerk_language.events.tickets import CallReceived, VoicemailLeft
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.ticket.commands import AttachCall, source_id, source_of
from ticket_service.domain.validation import Violations, is_given, personal

_MINUTE: Final = timedelta(minutes=1)


def received(command: AttachCall, for_agent: str | None = None) -> DecidedEvent:
    """That the call came in. How long its caller waited follows from the instants, where nobody says it."""
    event = CallReceived(
        call=command.call,
        started_at=command.started_at,
        minutes=command.minutes,
        to=command.to,
        automatic=command.automatic,
        waited_seconds=waited(command),
        queued_at=command.queued_at,
        answered_at=command.answered_at,
        abandoned=command.abandoned,
        dedicated=command.dedicated,
        source=source_of(command.source),
        for_agent=for_agent,
    )
    return DecidedEvent(event, personal(source_id=source_id(command.source), **{"from": command.from_number}))


def left_words(command: AttachCall) -> list[DecidedEvent]:
    """That words were left on the answering machine, if any were."""
    if not is_given(command.voicemail):
        return []
    return [
        DecidedEvent(
            VoicemailLeft(call=command.call), personal(text=command.voicemail, **{"from": command.from_number})
        )
    ]


def waited(command: AttachCall) -> int | None:
    """The seconds in the queue: as they are given, else from when the caller was queued until somebody answered."""
    if command.waited_seconds is not None or command.queued_at is None or command.answered_at is None:
        return command.waited_seconds
    return max(0, int((command.answered_at - command.queued_at).total_seconds()))


def check_queue(command: AttachCall, now: datetime, violations: Violations) -> None:
    """The instants are in the order of a call, and a call that nobody answered took nobody's time."""
    queued_at, answered_at = command.queued_at, command.answered_at
    for pointer, instant in (("/queued_at", queued_at), ("/answered_at", answered_at)):
        if instant is not None:
            violations.require(instant >= command.started_at, pointer, "lies before the call began")
            violations.not_later_than(pointer, instant, now)
    if queued_at is not None and answered_at is not None:
        violations.require(answered_at >= queued_at, "/answered_at", "lies before the caller was queued")
    if queued_at is not None and answered_at is not None and command.waited_seconds is not None:
        told = timedelta(seconds=command.waited_seconds)
        violations.require(
            abs(answered_at - queued_at - told) < _MINUTE,
            "/waited_seconds",
            "is not the time from queued_at to answered_at",
        )
    if command.abandoned:
        violations.require(answered_at is None, "/answered_at", "an abandoned call was answered by nobody")
        violations.require(not command.minutes, "/minutes", "an abandoned call took nobody's time")
        violations.require(command.transfer is None, "/transfer", "an abandoned call was put through to nobody")
