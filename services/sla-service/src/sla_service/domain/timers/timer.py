"""A timer as the history left it, and what it says at an instant: state, time used, time left.

What a timer holds does not depend on now; only its state does: a running timer whose deadline has
passed is missed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

from fristwerk_language.terms import Clock, Metric
from sla_service.domain.calendar.calendar import Calendar, CalendarRangeError
from sla_service.domain.calendar.epoch import seconds_of
from sla_service.domain.timers.service_levels import AbsenceReason
from sla_service.domain.timers.target import measure

OTHER_LEVEL: Final = "other_level"
"""The state of a wait in which another level had the ticket."""
TimerNote = Literal["not_reached"]
TimerState = Literal["running", "paused", "met", "missed", "cancelled"]


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which the clock stood still and that moved the deadline; no end: it still does.

    ``seconds`` is what it cost on the timer's clock. ``began_by`` and ``ended_by`` are event ids.
    """

    state: str
    since: datetime
    until: datetime | None
    seconds: int
    began_by: str
    ended_by: str | None


class PlannedWarning(msgspec.Struct, frozen=True, kw_only=True):
    """When a warning comes, unless the timer ends before; ``rule`` is the agreement's text, such as
    ``75%``.
    """

    rule: str
    at: datetime


class DeadlineChange(msgspec.Struct, frozen=True, kw_only=True):
    """The deadline moved: ``why`` is the type name of the event that moved it."""

    at: datetime
    old_due_at: datetime | None
    new_due_at: datetime | None
    why: str
    event: str


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement of one metric.

    ``missed_at`` is set where the history proves the miss, whatever the time is now; ``ended_at``
    is the instant of the fact that ended the timer, in time or late. ``clock`` is the one that
    ``target`` counts on. For ``worked`` minutes, ``due_at`` is None until they are used up and
    ``worked_seconds`` says how many were worked. ``line`` is the JSON pointer to the service level,
    ``calendar`` and ``terms`` are ``name@version``; ``note`` is ``not_reached`` where only an
    attempt was made in time. ``level`` is left out where the whole is measured, not the time at a level.
    """

    id: str
    ticket: str
    metric: Metric
    started_at: datetime
    target: str | None
    clock: Clock
    due_at: datetime | None = None
    soft_due_at: datetime | None = None
    warnings: tuple[PlannedWarning, ...] = ()
    met_at: datetime | None = None
    missed_at: datetime | None = None
    cancelled_at: datetime | None = None
    ended_at: datetime | None = None
    paused_seconds: int = 0
    paused_since: datetime | None = None
    pauses: tuple[Wait, ...] = ()
    worked_seconds: int | None = None
    target_seconds: int | None = None
    calendar: str
    terms: str
    line: str
    severity: str | None = None
    level: str | msgspec.UnsetType = msgspec.UNSET
    note: TimerNote | None = None
    started_by: str
    ended_by: str | None = None
    changes: tuple[DeadlineChange, ...] = ()


class AbsentTimer(msgspec.Struct, frozen=True, kw_only=True):
    """Why a metric has no timer."""

    metric: Metric
    reason: AbsenceReason


class TimerSet(msgspec.Struct, frozen=True, kw_only=True):
    """All timers of a ticket. ``reason`` is the sentence that says why the ticket is entitled or
    not.
    """

    ticket: str
    entitled: bool
    reason: str
    timers: tuple[Timer, ...] = ()
    absent: tuple[AbsentTimer, ...] = ()


def state_at(timer: Timer, now: datetime) -> TimerState:
    """The timer's state at ``now``. An answer at the due instant is in time, so a timer is missed
    only after it.
    """
    if timer.missed_at is not None:
        return "missed"
    if timer.met_at is not None:
        return "met"
    if timer.cancelled_at is not None:
        return "cancelled"
    if timer.paused_since is not None:
        return "paused"
    if timer.due_at is not None and timer.due_at < now:
        return "missed"
    return "running"


def missed_at(timer: Timer, now: datetime) -> datetime | None:
    """When the timer was missed, as it stands at ``now``: proven by the history, or because its
    deadline passed.
    """
    if timer.missed_at is not None:
        return timer.missed_at
    return timer.due_at if state_at(timer, now) == "missed" else None


def used_seconds(timer: Timer, calendar: Calendar, now: datetime) -> int | None:
    """The time used on the timer's own clock, pauses left out: until it ended, else until ``now``.

    None where the calendar's published years do not reach.
    """
    if timer.worked_seconds is not None:
        return timer.worked_seconds
    return _counted(timer, calendar, seconds_of(timer.started_at), _until(timer, now))


def remaining_seconds(timer: Timer, calendar: Calendar, now: datetime) -> int | None:
    """The time left on the timer's own clock when it ended, else at ``now``; negative is overdue.

    None without a deadline, for what was cancelled, and where the calendar's published years do not
    reach.
    """
    if timer.cancelled_at is not None:
        return None
    if timer.worked_seconds is not None and timer.target_seconds is not None:
        return timer.target_seconds - timer.worked_seconds
    if timer.due_at is None:
        return None
    return _counted(timer, calendar, _until(timer, now), seconds_of(timer.due_at))


def _until(timer: Timer, now: datetime) -> int:
    """Where measuring stops: at the end, at a pause that still goes on, else now, and never before
    the start.
    """
    stops = [each for each in (timer.ended_at, timer.cancelled_at, timer.paused_since) if each is not None]
    return max(seconds_of(min([now, *stops])), seconds_of(timer.started_at))


def _counted(timer: Timer, calendar: Calendar, start: int, end: int) -> int | None:
    """The seconds of the timer's clock from ``start`` to ``end``, less the pauses in between."""
    try:
        counted = measure(calendar, timer.clock, start, end)
        for pause in timer.pauses:
            if pause.until is None:
                continue  # measuring stops where it began, and the deadline does not know yet what it will cost
            begin, finish = max(start, seconds_of(pause.since)), min(end, seconds_of(pause.until))
            if begin < finish:
                counted -= measure(calendar, timer.clock, begin, finish)
    except CalendarRangeError:
        return None
    return counted
