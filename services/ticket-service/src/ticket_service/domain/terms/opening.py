"""Whether a published calendar is open for the whole of a span."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from fristwerk_language.events.terms import CalendarPublished
from fristwerk_language.terms import WEEKDAYS, minutes_of_day, zone

_DAY: Final = timedelta(days=1)


def is_open(calendar: CalendarPublished, start: datetime, end: datetime) -> bool:
    """Whether no instant of ``start`` … ``end`` (half-open, aware) is closed. Hours that touch count as one."""
    local = zone(calendar.timezone)
    reached = start
    day = start.astimezone(local).date() - _DAY
    while reached < end and day <= end.astimezone(local).date():
        for first, last in _hours_of(calendar, day):
            opened = datetime.combine(day, datetime.min.time(), local)
            begins, ends = (_at(opened, minutes) for minutes in (first, last))
            if begins <= reached < ends:
                reached = ends
        day += _DAY
    return reached >= end


def open_spans(calendar: CalendarPublished, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """When the calendar is open between ``start`` and ``end`` (half-open, aware), in order; hours that touch are one span."""
    local = zone(calendar.timezone)
    days = (end.astimezone(local).date() - start.astimezone(local).date()).days
    spans: list[tuple[datetime, datetime]] = []
    for day in (start.astimezone(local).date() + number * _DAY for number in range(-1, days + 1)):
        midnight = datetime.combine(day, datetime.min.time(), local)
        spans += [
            (max(_at(midnight, first), start), min(_at(midnight, last), end))
            for first, last in _hours_of(calendar, day)
        ]
    merged: list[tuple[datetime, datetime]] = []
    for begins, ends in sorted(each for each in spans if each[0] < each[1]):
        if merged and begins <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(ends, merged[-1][1])
        else:
            merged.append((begins, ends))
    return merged


def never_closes(calendar: CalendarPublished) -> bool:
    """Whether a calendar is open around the clock on every day."""
    if calendar.closed_days or any(each.hours for each in calendar.exceptional_hours):
        return False
    start = datetime(calendar.first_year, 1, 1, tzinfo=zone(calendar.timezone))
    return is_open(calendar, start, start + 7 * _DAY)


def _at(midnight: datetime, minutes: int) -> datetime:
    """The local wall time so many minutes after midnight, as an instant."""
    return (midnight.replace(tzinfo=None) + timedelta(minutes=minutes)).replace(tzinfo=midnight.tzinfo)


def _hours_of(calendar: CalendarPublished, day: date) -> Iterator[tuple[int, int]]:
    """The open spans written on a date, in minutes since its midnight: a closed date cuts what falls on it."""
    written = next((each.hours for each in calendar.exceptional_hours if each.on == day), None)
    for hours in calendar.hours.get(WEEKDAYS[day.weekday()], []) if written is None else written:
        start, end = minutes_of_day(hours)
        end = end if end > start else end + 24 * 60
        if not _is_closed(calendar, day):
            yield start, min(end, 24 * 60)
        if end > 24 * 60 and not _is_closed(calendar, day + _DAY):
            yield 24 * 60, end


def _is_closed(calendar: CalendarPublished, day: date) -> bool:
    return any(each.on == day for each in calendar.closed_days)
