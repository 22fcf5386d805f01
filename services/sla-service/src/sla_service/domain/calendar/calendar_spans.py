"""Why a calendar was open or closed: a stretch of time cut into spans, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final, Literal

import msgspec

from fristwerk_language.events.terms import ClosedDay
from sla_service.domain.calendar.calendar import Calendar, ReversedSpanError
from sla_service.domain.calendar.opening_hours import DAY, OpeningHours

SpanReason = Literal[
    "open", "night", "break", "weekend", "no_hours", "exceptional_hours", "holiday", "eve", "bridge_day", "by_hand"
]
WHOLE_DAYS: Final[frozenset[SpanReason]] = frozenset(
    {"weekend", "no_hours", "exceptional_hours", "holiday", "eve", "bridge_day", "by_hand"}
)
"""Reasons for which a date is closed altogether."""
_MERGED: Final[frozenset[SpanReason]] = frozenset({"night", "weekend", "no_hours"})
_SATURDAY: Final = 5


class CalendarSpan(msgspec.Struct, frozen=True, kw_only=True):
    """``[start, end)`` in instants, and why it was open or closed.

    ``on`` is the local date (the first one of a weekend); ``closed_by`` names the closed day's
    sources, ``remark`` the reason of exceptional hours in force.
    """

    start: int
    end: int
    reason: SpanReason
    on: date
    closed_by: tuple[ClosedDay, ...] = ()
    remark: str | None = None


class ClockChange(msgspec.Struct, frozen=True, kw_only=True):
    """The clocks change at ``at`` by ``forward_seconds`` (negative: back).

    ``skipped`` and ``repeated`` are opening or closing times of that date (seconds since local
    midnight) that do not exist and therefore move forward, or exist twice, of which the first
    counts.
    """

    at: int
    forward_seconds: int
    skipped: tuple[int, ...] = ()
    repeated: tuple[int, ...] = ()


def calendar_spans(calendar: Calendar, start: int, end: int) -> tuple[CalendarSpan, ...]:
    """The spans of ``[start, end)`` in order, without gaps. Raises CalendarRangeError,
    ReversedSpanError.
    """
    if end < start:
        raise ReversedSpanError(start, end)
    result: list[CalendarSpan] = []
    position = start
    for opened, closed in calendar.business_intervals(start, end):
        result += _closed_spans(calendar, position, opened)
        result += _open_spans(calendar, opened, closed)
        position = closed
    result += _closed_spans(calendar, position, end)
    return tuple(result)


def clock_changes(calendar: Calendar, start: int, end: int) -> tuple[ClockChange, ...]:
    """The changes of the local clocks in ``[start, end]`` (daylight saving and others)."""
    hours = calendar.hours
    found = []
    for ordinal in range(calendar.local(start)[0], calendar.local(end)[0] + 1):
        before = hours.offset(datetime.fromordinal(ordinal))
        after = hours.offset(datetime.fromordinal(ordinal + 1))
        if before != after:
            at = _change_between(hours, hours.resolve(ordinal, 0), hours.resolve(ordinal, DAY))
            if start <= at <= end:
                found.append(_clock_change(hours, ordinal, at, after - before))
    return tuple(found)


def _open_spans(calendar: Calendar, start: int, end: int) -> Iterator[CalendarSpan]:
    """One span, or one a date where exceptional hours are in force on some of the dates."""
    first, last = calendar.local(start)[0], calendar.local(end - 1)[0]
    reasons = calendar.hours.exceptional_reasons
    if not any(ordinal in reasons for ordinal in range(first, last + 1)):
        yield CalendarSpan(start=start, end=end, reason="open", on=date.fromordinal(first))
        return
    for ordinal, begin, finish in _by_date(calendar, start, end):
        on = date.fromordinal(ordinal)
        yield CalendarSpan(start=begin, end=finish, reason="open", on=on, remark=reasons.get(ordinal))


def _closed_spans(calendar: Calendar, start: int, end: int) -> list[CalendarSpan]:
    result: list[CalendarSpan] = []
    for ordinal, begin, finish in _by_date(calendar, start, end):
        span = _closed_span(calendar, ordinal, begin, finish)
        if result and span.reason in _MERGED and result[-1].reason == span.reason:
            span = msgspec.structs.replace(result.pop(), end=finish)
        result.append(span)
    return result


def _closed_span(calendar: Calendar, ordinal: int, start: int, end: int) -> CalendarSpan:
    hours = calendar.hours
    on = date.fromordinal(ordinal)
    if day := hours.hours_of(ordinal):
        within = hours.resolve(ordinal, day[0][0]) < start and end < hours.resolve(ordinal, day[-1][1])
        return CalendarSpan(start=start, end=end, reason="break" if within else "night", on=on)
    if hours.hours_unless_closed(ordinal):
        closed_by = hours.closed[ordinal]
        return CalendarSpan(start=start, end=end, reason=closed_by[0].kind, on=on, closed_by=closed_by)
    if (remark := hours.exceptional_reasons.get(ordinal)) is not None:
        return CalendarSpan(start=start, end=end, reason="exceptional_hours", on=on, remark=remark)
    return CalendarSpan(start=start, end=end, reason="weekend" if on.weekday() >= _SATURDAY else "no_hours", on=on)


def _by_date(calendar: Calendar, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """``[start, end)`` cut at local midnights: date, start and end of each part."""
    position = start
    while position < end:
        ordinal = calendar.local(position)[0]
        midnight = calendar.hours.resolve(ordinal, DAY)
        until = min(end, midnight) if midnight > position else end
        yield ordinal, position, until
        position = until


def _change_between(hours: OpeningHours, start: int, end: int) -> int:
    """The first instant in ``(start, end]`` with another offset than at ``start``."""
    before = _offset_at(hours, start)
    while end - start > 1:
        middle = (start + end) // 2
        start, end = (middle, end) if _offset_at(hours, middle) == before else (start, middle)
    return end


def _offset_at(hours: OpeningHours, instant: int) -> timedelta | None:
    return datetime.fromtimestamp(instant, hours.zone).utcoffset()


def _clock_change(hours: OpeningHours, ordinal: int, at: int, forward_seconds: int) -> ClockChange:
    skipped, repeated = [], []
    for second in sorted({second for interval in hours.hours_of(ordinal) for second in interval}):
        local = datetime.fromordinal(ordinal) + timedelta(seconds=second)
        first, second_time = hours.offset(local), hours.offset(local.replace(fold=1))
        if second_time > first:
            skipped.append(second)
        elif second_time < first:
            repeated.append(second)
    return ClockChange(at=at, forward_seconds=forward_seconds, skipped=tuple(skipped), repeated=tuple(repeated))
