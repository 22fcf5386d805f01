"""What a change of a timer is worth telling, when a timer speaks up by itself, and what time it has used and left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from fristwerk_language.events import NoticeEvent
from fristwerk_language.events.notices import (
    TimerCancelled,
    TimerMet,
    TimerMissWithdrawn,
    TimerRescheduled,
    TimerStarted,
)
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.timers.notices import Alarm, alarms_of, notices
from sla_service.domain.timers.timer import (
    PlannedWarning,
    Timer,
    Wait,
    missed_at,
    remaining_seconds,
    state_at,
    used_seconds,
)

DUE = datetime(2026, 6, 3, 15, tzinfo=UTC)
NOW = datetime(2026, 6, 3, 12, 0, 0, 500_000, tzinfo=UTC)
NAMES: dict[str, Any] = {"timer": "t-1.resolution", "ticket": "t-1", "metric": "resolution"}
RUNNING = Timer(
    id="t-1.resolution",
    ticket="t-1",
    metric="resolution",
    started_at=datetime(2026, 6, 3, 9, tzinfo=UTC),
    target="PT6H",
    clock="wall",
    due_at=DUE,
    warnings=(PlannedWarning(rule="50%", at=datetime(2026, 6, 3, 12, tzinfo=UTC)),),
    calendar="office@1",
    terms="a@1",
    line="/service_levels/0",
    started_by="e-1",
)
OFFICE = Calendar.of_parts(
    name="office", timezone="UTC", week={"wed": ["09:00-17:00"]}, first_year=2026, last_year=2026
)


def changed(**fields: Any) -> Timer:
    return msgspec.structs.replace(RUNNING, **fields)


def waiting(since: datetime, until: datetime | None, seconds: int) -> Wait:
    return Wait(state="waiting", since=since, until=until, seconds=seconds, began_by="e-2", ended_by=None)


def announced(before: Timer | None, after: Timer | None, *, miss_announced: bool = False) -> list[NoticeEvent]:
    return notices(before, after, miss_announced=miss_announced, now=NOW)


def test_a_timer_that_nothing_changed_has_nothing_to_tell() -> None:
    assert announced(RUNNING, RUNNING) == []
    assert announced(RUNNING, RUNNING, miss_announced=True) == []


def test_a_new_timer_starts_and_may_have_been_met_at_once() -> None:
    started = TimerStarted(**NAMES, started_at=RUNNING.started_at, due_at=DUE)

    assert announced(None, RUNNING) == [started]
    assert announced(None, changed(met_at=NOW)) == [started, TimerMet(**NAMES, met_at=NOW)]


def test_another_deadline_is_told_except_of_worked_minutes() -> None:
    later = DUE + timedelta(hours=1)

    assert announced(RUNNING, changed(due_at=later)) == [
        TimerRescheduled(**NAMES, old_due_at=DUE, new_due_at=later, why="history")
    ]
    assert announced(RUNNING, changed(due_at=later, clock="worked")) == []


def test_a_miss_that_was_told_is_withdrawn_where_the_history_proves_that_there_was_none() -> None:
    met = changed(met_at=NOW, ended_at=NOW)

    assert announced(RUNNING, met, miss_announced=True) == [
        TimerMissWithdrawn(**NAMES, met_at=NOW),
        TimerMet(**NAMES, met_at=NOW),
    ]
    assert announced(RUNNING, met) == [TimerMet(**NAMES, met_at=NOW)]


def test_a_timer_that_the_history_no_longer_knows_is_cancelled_now_and_its_miss_withdrawn() -> None:
    cancelled = TimerCancelled(**NAMES, cancelled_at=NOW.replace(microsecond=0))

    assert announced(RUNNING, None) == [cancelled]
    assert announced(RUNNING, None, miss_announced=True) == [TimerMissWithdrawn(**NAMES, met_at=None), cancelled]


def test_a_timer_that_was_cancelled_already_is_not_cancelled_again() -> None:
    cancelled = changed(cancelled_at=NOW)

    assert announced(RUNNING, cancelled) == [TimerCancelled(**NAMES, cancelled_at=NOW)]
    assert announced(cancelled, cancelled) == []
    assert announced(cancelled, None) == []


@pytest.mark.parametrize("ended", ["met_at", "missed_at", "cancelled_at"])
def test_what_has_ended_warns_no_more_and_only_a_proven_miss_is_told(ended: str) -> None:
    expected = (Alarm(timer=RUNNING.id, kind="missed", rule="", at=NOW),) if ended == "missed_at" else ()

    assert alarms_of(changed(**{ended: NOW})) == expected


def test_a_running_timer_warns_and_then_misses_its_deadline_and_a_paused_one_only_warns() -> None:
    warned = Alarm(timer=RUNNING.id, kind="warned", rule="50%", at=datetime(2026, 6, 3, 12, tzinfo=UTC))

    assert alarms_of(RUNNING) == (warned, Alarm(timer=RUNNING.id, kind="missed", rule="", at=DUE))
    assert alarms_of(changed(paused_since=NOW)) == (warned,)


def test_a_deadline_is_missed_once_it_has_passed_unless_the_timer_is_paused() -> None:
    after = DUE + timedelta(seconds=1)

    assert (state_at(RUNNING, DUE), missed_at(RUNNING, DUE)) == ("running", None)
    assert (state_at(RUNNING, after), missed_at(RUNNING, after)) == ("missed", DUE)
    paused = changed(paused_since=NOW)
    assert (state_at(paused, after), missed_at(paused, after)) == ("paused", None)
    assert missed_at(changed(missed_at=NOW), after) == NOW


def test_worked_time_is_counted_by_its_minutes() -> None:
    effort = changed(clock="worked", due_at=None, worked_seconds=1_800, target_seconds=3_600)

    assert used_seconds(effort, OFFICE, NOW) == 1_800
    assert remaining_seconds(effort, OFFICE, NOW) == 1_800


def test_nothing_is_left_of_what_was_cancelled_or_has_no_deadline() -> None:
    assert remaining_seconds(changed(cancelled_at=NOW), OFFICE, NOW) is None
    assert remaining_seconds(changed(due_at=None), OFFICE, NOW) is None


def test_pauses_are_left_out_of_the_time_used_and_of_the_time_left() -> None:
    began = RUNNING.started_at
    ended = waiting(began, began + timedelta(hours=1), 3_600)
    goes_on = waiting(DUE, None, 0)
    timer = changed(pauses=(ended, goes_on))
    now = RUNNING.started_at + timedelta(hours=3)

    assert used_seconds(timer, OFFICE, now) == 2 * 3_600
    assert remaining_seconds(timer, OFFICE, now) == 3 * 3_600


def test_what_the_calendar_s_years_do_not_reach_is_unknown() -> None:
    late = changed(clock="business", started_at=datetime(2027, 6, 3, 9, tzinfo=UTC))

    assert used_seconds(late, OFFICE, datetime(2027, 6, 4, tzinfo=UTC)) is None


SOFT_DUE = datetime(2026, 6, 3, 13, tzinfo=UTC)


def test_a_soft_target_warns_when_it_passes_and_never_after_the_deadline() -> None:
    timer = changed(warnings=(), soft_due_at=SOFT_DUE)
    assert alarms_of(timer) == (
        Alarm(timer=RUNNING.id, kind="warned", rule="soft", at=SOFT_DUE),
        Alarm(timer=RUNNING.id, kind="missed", rule="", at=DUE),
    )


@pytest.mark.parametrize(
    ("fields", "warns"),
    [
        ({"paused_since": SOFT_DUE - timedelta(minutes=1)}, False),
        ({"paused_since": SOFT_DUE}, True),
        ({"met_at": SOFT_DUE - timedelta(minutes=1)}, False),
        ({"cancelled_at": SOFT_DUE - timedelta(minutes=1)}, False),
        ({"soft_due_at": None}, False),
    ],
)
def test_a_soft_target_of_a_timer_that_stands_still_or_is_over_does_not_warn(fields: Any, warns: bool) -> None:
    rules = [each.rule for each in alarms_of(changed(**{"warnings": (), "soft_due_at": SOFT_DUE} | fields))]
    assert ("soft" in rules) == warns
