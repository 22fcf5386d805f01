"""Two derivations of the same ticket side by side: its timers then, and what they would be under
other terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from fristwerk_language.terms import Metric
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.timers.published_terms import TermsLookup
from sla_service.domain.timers.service_levels import ServiceLevels
from sla_service.domain.timers.timer import Timer, TimerSet, TimerState, missed_at, state_at


class ComparedSide(msgspec.Struct, frozen=True, kw_only=True):
    """A timer as one of the two derivations has it."""

    state: TimerState
    target: str | None
    due_at: datetime | None
    met_at: datetime | None
    missed_at: datetime | None
    calendar: str


class ComparedTimer(msgspec.Struct, frozen=True, kw_only=True):
    """A timer then and now; None where it is not there. It differs if its deadline or its outcome
    does.
    """

    timer: str
    metric: Metric
    then: ComparedSide | None
    now: ComparedSide | None
    differs: bool


class MetricSums(msgspec.Struct, frozen=True, kw_only=True):
    """How many timers of a metric had which outcome; ``measured`` ended without a target."""

    met: int = 0
    missed: int = 0
    running: int = 0
    cancelled: int = 0
    measured: int = 0


class SubstitutedTerms:
    """The terms of a ticket with its agreement, its calendar or both replaced in every version;
    None: as published. ``line_calendars`` hold instead of those of that name that lines name.
    """

    def __init__(
        self,
        terms: TermsLookup,
        levels: ServiceLevels | None,
        calendar: Calendar | None,
        line_calendars: Mapping[str, Calendar] = MappingProxyType({}),
    ) -> None:
        self._terms = terms
        self._levels = levels
        self._calendar = calendar
        self._line_calendars = line_calendars

    def agreement(self, name: str, version: int) -> ServiceLevels:
        """The promises that hold instead."""
        return self._levels or self._terms.agreement(name, version)

    def calendar(self, name: str, version: int) -> Calendar:
        """The calendar that holds instead."""
        return self._calendar or self._terms.calendar(name, version)

    def line_calendar(self, name: str, version: int) -> Calendar:
        """The calendar that holds instead of one that a line names."""
        found = self._line_calendars.get(name)
        return self._terms.line_calendar(name, version) if found is None else found


def compared(then: TimerSet, now: TimerSet, at: datetime) -> tuple[ComparedTimer, ...]:
    """The timers of both derivations with their outcomes as of ``at``, in the order of the first."""
    before = {timer.id: timer for timer in then.timers}
    after = {timer.id: timer for timer in now.timers}
    return tuple(_compared(before.get(name), after.get(name), at) for name in before | after)


def _compared(before: Timer | None, after: Timer | None, at: datetime) -> ComparedTimer:
    timer = before or after
    assert timer is not None, "a timer is on one side at least"
    then, now = _side(before, at), _side(after, at)
    return ComparedTimer(
        timer=timer.id, metric=timer.metric, then=then, now=now, differs=_outcome(then) != _outcome(now)
    )


def _side(timer: Timer | None, at: datetime) -> ComparedSide | None:
    if timer is None:
        return None
    return ComparedSide(
        state=state_at(timer, at),
        target=timer.target,
        due_at=timer.due_at,
        met_at=timer.met_at,
        missed_at=missed_at(timer, at),
        calendar=timer.calendar,
    )


def _outcome(side: ComparedSide | None) -> tuple[object, ...] | None:
    return None if side is None else (side.state, side.due_at, side.missed_at, side.target is None)


def add_up(sums: dict[str, MetricSums], sides: Iterable[tuple[Metric, ComparedSide | None]]) -> dict[str, MetricSums]:
    """The sums by metric with further timers counted in."""
    result = dict(sums)
    for metric, side in sides:
        if side is not None:
            result[metric] = _counted(result.get(metric, MetricSums()), side)
    return result


def _counted(sums: MetricSums, side: ComparedSide) -> MetricSums:
    match side.state:
        case "met" if side.target is None:
            return msgspec.structs.replace(sums, measured=sums.measured + 1)
        case "met":
            return msgspec.structs.replace(sums, met=sums.met + 1)
        case "missed":
            return msgspec.structs.replace(sums, missed=sums.missed + 1)
        case "cancelled":
            return msgspec.structs.replace(sums, cancelled=sums.cancelled + 1)
        case "running" | "paused":
            return msgspec.structs.replace(sums, running=sums.running + 1)
