"""Remote sessions: begun and ended by whoever works on the customer's computer; the end logs their time, and logs it once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from fristwerk_language.events.tickets import RemoteSessionEnded, RemoteSessionStarted, TimeLogged
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotFound, NotInThisState
from ticket_service.domain.ticket.commands import RemoteSessionCommand, StartRemoteSession, StopRemoteSession
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.state import RemoteSession, Ticket
from ticket_service.domain.ticket.work import check_activity
from ticket_service.domain.validation import Violations

_MINUTE: Final = timedelta(minutes=1)


def work_remotely(ticket: Ticket, command: RemoteSessionCommand, context: Context) -> list[DecidedEvent]:
    """A session begins or ends. One agent has one session on a ticket at a time."""
    match command:
        case StartRemoteSession():
            return _start(ticket, command)
        case StopRemoteSession():
            return _stop(ticket, command, context)


def _start(ticket: Ticket, command: StartRemoteSession) -> list[DecidedEvent]:
    violations = Violations()
    violations.texts(agent=command.agent)
    violations.raise_if_any(f"A remote session on ticket {ticket.reference} is somebody's.")
    for session in ticket.remote_sessions:
        if session.ended_at is None and session.agent == command.agent:
            raise NotInThisState(
                "remote-session-running",
                f"The remote session {session.number} of {command.agent} on ticket {ticket.reference} is not over yet.",
            )
    return [DecidedEvent(RemoteSessionStarted(session=len(ticket.remote_sessions) + 1, agent=command.agent))]


def _stop(ticket: Ticket, command: StopRemoteSession, context: Context) -> list[DecidedEvent]:
    """What is over is over: ended once more, a session logs nothing. Raises NotFound."""
    session = next((each for each in ticket.remote_sessions if each.number == command.number), None)
    if session is None:
        raise NotFound(
            "remote-session-not-found", f"The ticket {ticket.reference} has no remote session {command.number}."
        )
    if session.ended_at is not None:
        return []
    minutes = _lasted(session, context.occurred_at) if command.minutes is None else command.minutes
    violations = Violations()
    violations.require(context.occurred_at >= session.started_at, "/occurred_at", "lies before the session began")
    check_activity(command.activity, context.agreement, violations)
    longest = context.agreement.time_entries.longest_minutes
    violations.require(
        minutes <= longest,
        "/minutes",
        f"{minutes} minutes are more than the {longest} that the agreement allows at once: say how many were worked",
    )
    violations.raise_if_any(f"The remote session {session.number} of ticket {ticket.reference} goes on.")
    logged = TimeLogged(
        entry=command.entry,
        start=session.started_at,
        minutes=minutes,
        activity=command.activity,
        agent=session.agent,
        source="remote_session",
        performer=command.performer,
    )
    return [DecidedEvent(RemoteSessionEnded(session=session.number, entry=command.entry)), DecidedEvent(logged)]


def _lasted(session: RemoteSession, until: datetime) -> int:
    """Every minute that has begun, at least one."""
    return max(1, -((session.started_at - until) // _MINUTE))
