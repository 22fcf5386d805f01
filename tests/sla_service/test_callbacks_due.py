"""Promised calls: who must make them, when an attempt is enough, and which promises have no deadline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fristwerk_language.events.tickets import CallbackAttempted, CallbackCompleted, CallbackRequested, Resolved
from sla_service.domain.timers.timer import Timer, state_at

Agreed = Callable[..., Any]
LINE = {"metric": "callback", "target": "2 business hours", "completed_by": "specialist", "attempt_counts": True}
NOW = datetime.fromisoformat("2026-06-30T00:00Z")
COMPLETED = CallbackCompleted(callback=1)


def requested(agreed: Agreed, **line: object) -> Any:
    ticket = agreed(LINE | line)("2026-06-08 09:00")
    return ticket.at("2026-06-08 10:00", CallbackRequested(callback=1, purpose="failed_transfer"))


def attempt(*, reached: bool) -> CallbackAttempted:
    return CallbackAttempted(callback=1, reached=reached)


def told(timer: Timer) -> tuple[str, str | None]:
    return state_at(timer, NOW), timer.note


def test_the_required_role_completes_it_and_nobody_else(agreed: Agreed) -> None:
    ticket = requested(agreed).at("2026-06-08 10:30", COMPLETED, role="agent")
    assert told(ticket.timer("callback")) == ("missed", None)
    ticket.at("2026-06-08 11:00", COMPLETED, role="specialist")
    assert told(ticket.timer("callback")) == ("met", None)


def test_without_a_required_role_anybody_completes_it(agreed: Agreed) -> None:
    ticket = requested(agreed, completed_by=None).at("2026-06-08 10:30", COMPLETED, role="agent")
    assert told(ticket.timer("callback")) == ("met", None)


def test_an_attempt_in_time_counts_and_is_marked_where_it_reached_nobody(agreed: Agreed) -> None:
    ticket = requested(agreed).at("2026-06-08 11:00", attempt(reached=False), role="specialist")
    assert told(ticket.timer("callback")) == ("met", "not_reached")
    ticket.at("2026-06-08 11:30", attempt(reached=True), role="specialist")
    timer = ticket.timer("callback")
    assert told(timer) == ("met", None)
    assert timer.ended_by == "e-3", "it was met by the first attempt"


def test_an_attempt_by_another_role_or_after_the_deadline_does_not_count(agreed: Agreed) -> None:
    other = requested(agreed).at("2026-06-08 11:00", attempt(reached=False), role="agent")
    late = requested(agreed).at("2026-06-08 12:30", attempt(reached=False), role="specialist")
    assert told(other.timer("callback")) == ("missed", None)
    assert told(late.timer("callback")) == ("missed", None)
    late.at("2026-06-08 13:00", COMPLETED, role="specialist")
    assert late.timer("callback").ended_at == late.instant("2026-06-08 13:00")


def test_where_attempts_do_not_count_only_completion_does(agreed: Agreed) -> None:
    ticket = requested(agreed, attempt_counts=False).at("2026-06-08 11:00", attempt(reached=True), role="specialist")
    assert told(ticket.timer("callback")) == ("missed", None)


def test_every_promise_has_its_own_timer_and_a_voicemail_promises_none(agreed: Agreed) -> None:
    ticket = requested(agreed).at("2026-06-08 10:10", CallbackRequested(callback=2, purpose="voicemail"))
    ticket.at("2026-06-08 10:20", CallbackRequested(callback=3, purpose="requested"))
    ticket.at("2026-06-08 10:30", CallbackCompleted(callback=3), role="specialist")
    assert [(timer.id, state_at(timer, NOW)) for timer in ticket.timers("callback")] == [
        ("t-1:callback:1", "missed"),
        ("t-1:callback:3", "met"),
    ]


def test_a_resolution_cancels_a_promise_that_still_runs(agreed: Agreed) -> None:
    ticket = requested(agreed).at("2026-06-08 11:00", Resolved())
    assert told(ticket.timer("callback")) == ("cancelled", None)


def test_an_agreement_without_a_callback_target_says_so(story: Callable[..., Any]) -> None:
    ticket = story("infoniqa", "2026-06-08 09:00")
    ticket.at("2026-06-08 10:00", CallbackRequested(callback=1, purpose="requested"))
    assert ticket.absent()["callback"] == "not_configured"
