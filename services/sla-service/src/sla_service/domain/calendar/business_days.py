"""Counting in open days: N open days later at the same local clock time.

A time before or after the reached day's hours moves to its opening or its closing. A start outside
hours counts from the next opening, and then N whole business days end at the closing before the
instant reached: Friday 18:00 + 1 is Monday's closing. Counting back keeps the local time of the
start, inside hours or not.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from sla_service.domain.calendar.intervals import Interval
from sla_service.domain.calendar.opening_hours import OpeningHours


class OpenDay(NamedTuple):
    """A local date with opening hours: its ordinal and its intervals as instants, in order."""

    ordinal: int
    intervals: tuple[Interval, ...]

    @property
    def opening(self) -> int:
        """The day's first opening instant."""
        return self.intervals[0][0]

    @property
    def closing(self) -> int:
        """The day's last closing instant."""
        return self.intervals[-1][1]


class OpenDays(Protocol):
    """What counting days needs of a calendar."""

    hours: OpeningHours

    def is_open(self, instant: int) -> bool: ...
    def next_opening(self, instant: int) -> int: ...
    def local(self, instant: int) -> tuple[int, int]: ...
    def open_day(self, ordinal: int, days: int) -> OpenDay: ...


def add_business_days(calendar: OpenDays, start: int, days: int, *, end_of_business_day: bool) -> int:
    """The instant ``days`` open days after ``start`` (before it, if negative).

    With ``end_of_business_day`` it is the last closing of the day reached. Raises
    CalendarRangeError.
    """
    inside = calendar.is_open(start)
    origin = start if inside or days < 0 else calendar.next_opening(start)
    ordinal, second = calendar.local(origin)
    day = calendar.open_day(ordinal, days)
    if days == 0:
        reached = origin
    else:
        reached = min(max(calendar.hours.resolve(day.ordinal, second), day.opening), day.closing)
        if days > 0 and not inside:
            day, reached = _whole_days_until(calendar, day, reached)
    return day.closing if end_of_business_day else reached


def _whole_days_until(calendar: OpenDays, day: OpenDay, reached: int) -> tuple[OpenDay, int]:
    """The last closing up to ``reached`` and the day it belongs to: on that day itself, or at the
    end of the one before.
    """
    earlier_today = [closing for _, closing in day.intervals if closing <= reached]
    if earlier_today:
        return day, earlier_today[-1]
    day_before = calendar.open_day(day.ordinal, -1)
    return day_before, day_before.closing
