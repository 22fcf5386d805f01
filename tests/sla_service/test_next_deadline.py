"""Which of a ticket's timers a list shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sla_service.domain.timers.next_deadline import next_deadline
from sla_service.domain.timers.timer import Timer


def at(hour: int) -> datetime:
    return datetime(2026, 6, 3, hour, tzinfo=UTC)


def timer(name: str, due: int | None = None, **more: Any) -> Timer:
    return Timer(
        id=name,
        ticket="t",
        metric="resolution",
        started_at=at(8),
        target="4 hours",
        clock="wall",
        due_at=None if due is None else at(due),
        calendar="c@1",
        terms="a@1",
        line="/service_levels/0",
        started_by="e",
        **more,
    )


MET = timer("met", 9, met_at=at(9), ended_at=at(9))
MISSED = timer("missed", 9, missed_at=at(9), ended_at=at(11))
OVERDUE = timer("overdue", 9, missed_at=at(9))
PAUSED = timer("paused", 8, paused_since=at(8))
CANCELLED = timer("cancelled", 8, cancelled_at=at(9), ended_at=at(9))
WORKED = timer("worked")


@pytest.mark.parametrize(
    ("timers", "shown", "state"),
    [
        ([timer("late", 12), timer("early", 10)], "early", "running"),
        ([timer("b", 10), timer("a", 10)], "a", "running"),
        ([PAUSED, timer("running", 12)], "running", "running"),
        ([PAUSED, MET], "paused", "paused"),
        ([WORKED, timer("running", 12)], "running", "running"),
        ([WORKED, PAUSED], "worked", "running"),
        ([OVERDUE, timer("running", 12)], "overdue", "missed"),
        ([MET, MISSED], "missed", "missed"),
        ([MET, CANCELLED], "met", "met"),
    ],
)
def test_what_is_due_next_is_shown_or_what_ended_last(timers: list[Timer], shown: str, state: str) -> None:
    found = next_deadline(timers)
    assert found is not None
    assert (found.timer, found.state) == (shown, state)


@pytest.mark.parametrize("timers", [[], [CANCELLED]])
def test_without_a_clock_there_is_no_deadline(timers: list[Timer]) -> None:
    assert next_deadline(timers) is None
