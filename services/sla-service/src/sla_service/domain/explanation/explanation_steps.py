"""How an instant was reached on a calendar, step by step: every span used, and the reason for every
gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Literal

import msgspec

from fristwerk_language.events.terms import ClosedDay
from fristwerk_language.terms import Span
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.calendar.calendar_spans import (
    WHOLE_DAYS,
    CalendarSpan,
    SpanReason,
    calendar_spans,
    clock_changes,
)
from sla_service.domain.calendar.epoch import instant_of, seconds_of
from sla_service.domain.timers.target import deadline
from sla_service.domain.timers.timer import DeadlineChange, TimerState, Wait

StepRule = (
    SpanReason
    | TimerState
    | Literal[
        "target",
        "merged",
        "level",
        "measure_only",
        "strictest",
        "dated_back",
        "started",
        "rescheduled",
        "outside_hours",
        "elapsed",
        "business_day",
        "clock_change",
        "wait",
        "worked",
        "soft_due",
        "warning",
        "due",
        "not_reached",
    ]
)


class ExplanationStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of an explanation: the rule that applied, when, and what it rests on.

    ``at`` and ``until`` are instants, ``on`` a local date, ``seconds`` what was used (or, for a
    wait, left out) on the clock. ``event`` is an event id, ``clause`` a place in the terms such as
    ``agreements/infoniqa@1#/service_levels/0``. ``text`` is the terms' own word (metric, target,
    state, reason, rule of a warning), ``closed_by`` the closed day's entries.
    """

    rule: StepRule
    at: datetime | None = None
    until: datetime | None = None
    on: date | None = None
    seconds: int | None = None
    event: str | None = None
    clause: str | None = None
    text: str | None = None
    target: str | None = None
    severity: str | None = None
    calendar: str | None = None
    closed_by: tuple[ClosedDay, ...] = ()
    change: DeadlineChange | None = None


def deadline_with_steps(
    calendar: Calendar, span: Span, start: datetime
) -> tuple[datetime, tuple[ExplanationStep, ...]]:
    """When ``span`` has passed since ``start``, and the steps to it. Raises CalendarRangeError;
    ``span`` is a span of time.
    """
    due = instant_of(deadline(calendar, span, seconds_of(start)).due)
    return due, (*steps_until(calendar, span, start, due), ExplanationStep(rule="due", at=due))


def steps_until(
    calendar: Calendar, span: Span, start: datetime, end: datetime, waits: Sequence[Wait] = ()
) -> tuple[ExplanationStep, ...]:
    """The steps from ``start`` to ``end`` on the clock of ``span``, ``waits`` left out."""
    first, last = seconds_of(start), seconds_of(end)
    match span.clock:
        case "wall":
            steps = [
                step
                for begin, finish, wait in _segments(first, last, waits)
                for step in ([wait_step(wait)] if wait else _elapsed(begin, finish))
            ]
        case "business":
            steps = [*_opening(calendar, first), *_business(calendar, first, last, waits)]
        case "business_days":
            steps = [*_opening(calendar, first), *_days(calendar, span.amount, first, last), *map(wait_step, waits)]
        case "worked":
            raise AssertionError("worked minutes are counted by effort, not by time")
    steps += [] if span.clock == "wall" else _clock_changes(calendar, first, last)
    return tuple(sorted(steps, key=lambda step: step.at or start))


def wait_step(wait: Wait) -> ExplanationStep:
    """That the clock stood still for a while, and what that cost on it."""
    return ExplanationStep(
        rule="wait",
        at=wait.since,
        until=wait.until,
        seconds=wait.seconds,
        text=wait.state,
        event=wait.began_by,
    )


def _elapsed(start: int, end: int) -> Iterator[ExplanationStep]:
    if start < end:
        yield ExplanationStep(rule="elapsed", at=instant_of(start), until=instant_of(end), seconds=end - start)


def _opening(calendar: Calendar, start: int) -> Iterator[ExplanationStep]:
    """That the clock waits for the opening, and what is closed until then."""
    if calendar.is_open(start):
        return
    opening = calendar.next_opening(start)
    yield ExplanationStep(
        rule="outside_hours", at=instant_of(start), until=instant_of(opening), clause=_clause(calendar)
    )
    yield from _gap(calendar, calendar_spans(calendar, start, opening))


def _business(calendar: Calendar, start: int, end: int, waits: Sequence[Wait]) -> Iterator[ExplanationStep]:
    position = start if calendar.is_open(start) else calendar.next_opening(start)
    for begin, finish, wait in _segments(min(position, end), end, waits):
        if wait is not None:
            yield wait_step(wait)
            continue
        for is_open, each in groupby(calendar_spans(calendar, begin, finish), key=lambda part: part.reason == "open"):
            group = tuple(each)
            yield from map(_open, group) if is_open else _gap(calendar, group)


def _days(calendar: Calendar, days: int, start: int, end: int) -> Iterator[ExplanationStep]:
    """The days counted, and those that were not."""
    inside = calendar.is_open(start)
    origin = start if inside else calendar.next_opening(start)
    ordinal, _ = calendar.local(origin)
    whole = not inside and calendar.open_day(ordinal, 0).opening == origin
    for number in range(1, days + 1):
        day = calendar.open_day(ordinal, number - 1 if whole else number)
        yield ExplanationStep(
            rule="business_day", at=instant_of(day.opening), on=date.fromordinal(day.ordinal), text=str(number)
        )
    yield from _gap(
        calendar, [each for each in calendar_spans(calendar, origin, max(origin, end)) if each.reason in WHOLE_DAYS]
    )


def _segments(start: int, end: int, waits: Sequence[Wait]) -> Iterator[tuple[int, int, Wait | None]]:
    """``[start, end)`` cut at waits; a wait comes with its own part."""
    position = start
    for wait in waits:
        since = max(position, seconds_of(wait.since))
        until = end if wait.until is None else max(since, seconds_of(wait.until))
        yield position, min(since, end), None
        yield since, until, wait
        position = until
    yield position, max(position, end), None


def _open(part: CalendarSpan) -> ExplanationStep:
    return ExplanationStep(
        rule="open",
        at=instant_of(part.start),
        until=instant_of(part.end),
        on=part.on,
        seconds=part.end - part.start,
        text=part.remark,
    )


def _gap(calendar: Calendar, gap: Sequence[CalendarSpan]) -> Iterator[ExplanationStep]:
    """The reasons for which nothing was open; around a day that was closed altogether, the nights
    go without saying.
    """
    whole_days = any(each.reason in WHOLE_DAYS for each in gap)
    for each in gap:
        if whole_days and each.reason not in WHOLE_DAYS:
            continue
        yield ExplanationStep(
            rule=each.reason,
            at=instant_of(each.start),
            until=instant_of(each.end),
            on=each.on,
            text=each.remark,
            closed_by=each.closed_by,
            clause=_clause(calendar),
        )


def _clock_changes(calendar: Calendar, start: int, end: int) -> Iterator[ExplanationStep]:
    for change in clock_changes(calendar, start, end):
        moved = [("skipped", each) for each in change.skipped] + [("repeated", each) for each in change.repeated]
        text = ", ".join(f"{kind} {second // 3600:02}:{second // 60 % 60:02}" for kind, second in moved)
        yield ExplanationStep(
            rule="clock_change", at=instant_of(change.at), seconds=change.forward_seconds, text=text or None
        )


def _clause(calendar: Calendar) -> str:
    return f"calendars/{calendar.label}"
