"""Remote sessions log their time when they end, and log it once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fristwerk_language.events.tickets import RemoteSessionEnded, RemoteSessionStarted, TimeLogged
from tests.ticket_service.domain.conftest import LATER, GivenTicket
from ticket_service.domain.errors import NotAcceptable, NotFound, NotInThisState
from ticket_service.domain.ticket.commands import StartRemoteSession, StopRemoteSession

AT = datetime(2026, 6, 9, 8, 0, tzinfo=UTC)
STARTED = RemoteSessionStarted(session=1, agent="agent-3")
STOP = StopRemoteSession(number=1, entry="e-1")
ENDED = RemoteSessionEnded(session=1, entry="e-1")


def test_one_agent_has_one_session_on_a_ticket_at_a_time(given: GivenTicket) -> None:
    given("hamburg").when(StartRemoteSession(agent="agent-3")).then(STARTED)
    running = given("hamburg", STARTED)
    running.when(StartRemoteSession(agent="agent-3")).refused(NotInThisState, "remote-session-running")
    running.when(StartRemoteSession(agent="agent-4")).then(RemoteSessionStarted(session=2, agent="agent-4"))
    over = given("hamburg", STARTED, ENDED)
    over.when(StartRemoteSession(agent="agent-3")).then(RemoteSessionStarted(session=2, agent="agent-3"))
    given("hamburg").when(StartRemoteSession(agent=" ")).refused(NotAcceptable, "not-acceptable", "/agent")


@pytest.mark.parametrize(("given_minutes", "logged"), [(None, 2), (25, 25)])
def test_the_end_logs_the_time_of_whoever_began(given: GivenTicket, given_minutes: int | None, logged: int) -> None:
    stop = StopRemoteSession(number=1, entry="e-1", minutes=given_minutes)
    outcome = given("hamburg").having(STARTED, at=LATER).when(stop, at=LATER + timedelta(seconds=61))
    [session] = outcome.ticket.remote_sessions
    [entry] = outcome.ticket.time_entries.values()
    assert (session.entry, session.ended_at is not None) == ("e-1", True)
    assert (entry.minutes, entry.agent, entry.source, entry.activity) == (
        logged,
        "agent-3",
        "remote_session",
        "remote_session",
    )
    assert entry.start == session.started_at


def test_what_is_over_logs_nothing_more(given: GivenTicket) -> None:
    logged = TimeLogged(
        entry="e-1", start=AT, minutes=5, activity="remote_session", agent="agent-3", source="remote_session"
    )
    given("hamburg", STARTED, ENDED, logged).when(StopRemoteSession(number=1, entry="e-2")).then()


def test_a_session_that_is_not_there_or_lasted_too_long_ends_nothing(given: GivenTicket) -> None:
    given("hamburg").when(STOP).refused(NotFound, "remote-session-not-found")
    given("hamburg", STARTED).when(STOP).refused(NotAcceptable, "not-acceptable", "/minutes")
    later = given("hamburg").having(STARTED, at=LATER)
    later.when(STOP, at=LATER - timedelta(hours=1)).refused(NotAcceptable, "not-acceptable", "/occurred_at")
