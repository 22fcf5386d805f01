"""Two derivations of one ticket side by side: what differs, what is counted, and whose terms hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.reports.comparison import MetricSums, SubstitutedTerms, add_up, compared
from sla_service.domain.timers.published_terms import PublishedTerms
from sla_service.domain.timers.timer import Timer, TimerSet

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)


@pytest.fixture
def timer() -> Timer:
    """A first response that runs from 9:00 until 15:00."""
    return Timer(
        id="t-1.first_response",
        ticket="t-1",
        metric="first_response",
        started_at=datetime(2026, 6, 3, 9, tzinfo=UTC),
        target="PT6H",
        clock="wall",
        due_at=datetime(2026, 6, 3, 15, tzinfo=UTC),
        calendar="infoniqa@1",
        terms="infoniqa@1",
        line="/service_levels/0",
        started_by="e-1",
    )


def derived(*timers: Timer) -> TimerSet:
    return TimerSet(ticket="t-1", entitled=True, reason="The contract is in force.", timers=timers)


def moved(timer: Timer, **changes: Any) -> Timer:
    return msgspec.structs.replace(timer, **changes)


def test_the_same_timer_on_both_sides_does_not_differ(timer: Timer) -> None:
    [found] = compared(derived(timer), derived(timer), NOW)

    assert (found.timer, found.metric, found.differs) == (timer.id, "first_response", False)
    assert found.then == found.now


def test_another_deadline_differs_and_another_calendar_alone_does_not(timer: Timer) -> None:
    assert timer.due_at is not None
    later = moved(timer, due_at=timer.due_at + timedelta(hours=1))
    elsewhere = moved(timer, calendar="woking")

    assert [each.differs for each in compared(derived(timer), derived(later), NOW)] == [True]
    assert [each.differs for each in compared(derived(timer), derived(elsewhere), NOW)] == [False]


def test_a_timer_of_one_side_alone_differs_and_is_missing_on_the_other(timer: Timer) -> None:
    other = moved(timer, id=f"{timer.id}-again")

    gone, new = compared(derived(timer), derived(other), NOW)

    assert (gone.timer, gone.differs, gone.now) == (timer.id, True, None)
    assert (new.timer, new.differs, new.then) == (other.id, True, None)


def test_outcomes_are_counted_by_metric_and_added_to_what_was_counted_before(timer: Timer) -> None:
    outcomes = [
        timer,
        moved(timer, paused_since=NOW),
        moved(timer, met_at=NOW),
        moved(timer, met_at=NOW, target=None),
        moved(timer, missed_at=NOW),
        moved(timer, cancelled_at=NOW),
    ]
    before = {"first_response": MetricSums(met=2), "resolution": MetricSums(missed=1)}
    early = timer.started_at
    sides = [(each.metric, each.then) for one in outcomes for each in compared(derived(one), derived(), early)]

    sums = add_up(before, [*sides, ("first_response", None)])

    assert sums == {
        "first_response": MetricSums(met=3, missed=1, running=2, cancelled=1, measured=1),
        "resolution": MetricSums(missed=1),
    }
    assert before["first_response"] == MetricSums(met=2)


def test_substituted_terms_hold_in_every_version_and_the_published_ones_where_nothing_is_substituted(
    terms: PublishedTerms, published: dict[str, AgreementPublished | CalendarPublished]
) -> None:
    levels = terms.agreement("hamburg", 1)
    event = published["calendars/always"]
    assert isinstance(event, CalendarPublished)
    always = Calendar.published(event)

    assert SubstitutedTerms(terms, levels, None).agreement("infoniqa", 7) is levels
    assert SubstitutedTerms(terms, levels, None).calendar("infoniqa", 1) is terms.calendar("infoniqa", 1)
    assert SubstitutedTerms(terms, None, always).calendar("infoniqa", 7) is always
    assert SubstitutedTerms(terms, None, always).agreement("infoniqa", 1) is terms.agreement("infoniqa", 1)
