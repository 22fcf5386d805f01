"""Counting open days: the same local time, moved to the day's hours, and whole days from outside hours."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from sla_service.domain.calendar.calendar import Calendar, CalendarRangeError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
OFFICE = {day: ["09:00-17:00"] for day in WEEKDAYS}
LUNCH = {day: ["08:00-12:00", "13:00-17:00"] for day in WEEKDAYS}
LATE_MONDAY = {"mon": ["10:30-19:00"]} | {day: ["08:30-19:00"] for day in WEEKDAYS[1:]}


def calendar(week: dict[str, Any], timezone: str = "Europe/Berlin", **parts: Any) -> Calendar:
    return Calendar.of_parts(name="office", timezone=timezone, week=week, first_year=2025, last_year=2027, **parts)


def added(calendar: Calendar, start: str, days: int, *, to_the_end: bool = False) -> str:
    begin = datetime.fromisoformat(start).replace(tzinfo=calendar.hours.zone)
    reached = calendar.add_business_days(int(begin.timestamp()), days, end_of_business_day=to_the_end)
    return f"{datetime.fromtimestamp(reached, calendar.hours.zone):%a %Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("start", "days", "reached"),
    [
        ("2026-07-03 15:00", 1, "Mon 2026-07-06 15:00"),
        ("2026-07-03 15:00", 2, "Tue 2026-07-07 15:00"),
        ("2026-07-03 15:00", 0, "Fri 2026-07-03 15:00"),
        ("2026-07-03 18:00", 1, "Mon 2026-07-06 17:00"),
        ("2026-07-03 17:00", 1, "Mon 2026-07-06 17:00"),
        ("2026-07-03 07:00", 1, "Fri 2026-07-03 17:00"),
        ("2026-07-04 11:00", 2, "Tue 2026-07-07 17:00"),
        ("2026-07-04 11:00", 0, "Mon 2026-07-06 09:00"),
    ],
)
def test_days_are_counted_at_the_same_local_time_and_from_outside_hours_as_whole_days(
    start: str, days: int, reached: str
) -> None:
    assert added(calendar(OFFICE), start, days) == reached


def test_holidays_are_not_counted() -> None:
    assert added(calendar(OFFICE, closed=[date(2026, 7, 6)]), "2026-07-03 15:00", 1) == "Tue 2026-07-07 15:00"


def test_a_time_before_or_after_the_reached_days_hours_moves_to_its_opening_or_closing() -> None:
    short = calendar(OFFICE, exceptional={date(2026, 7, 6): ["11:00-14:00"]})
    assert added(short, "2026-07-03 15:00", 1) == "Mon 2026-07-06 14:00"
    assert added(short, "2026-07-03 09:30", 1) == "Mon 2026-07-06 11:00"
    assert added(short, "2026-07-03 12:00", 1) == "Mon 2026-07-06 12:00"


def test_a_day_begun_in_the_lunch_break_ends_at_the_next_days_lunch_break() -> None:
    assert added(calendar(LUNCH), "2026-07-06 12:30", 1) == "Tue 2026-07-07 12:00"


def test_a_whole_day_ends_at_its_closing_even_if_the_next_one_opens_earlier() -> None:
    assert added(calendar(LATE_MONDAY), "2026-07-05 11:00", 1) == "Mon 2026-07-06 19:00"
    assert added(calendar(LATE_MONDAY), "2026-07-05 11:00", 2) == "Tue 2026-07-07 19:00"


@pytest.mark.parametrize(
    ("start", "days", "reached"),
    [
        ("2026-07-06 15:00", -1, "Fri 2026-07-03 15:00"),
        ("2026-07-06 15:00", -6, "Fri 2026-06-26 15:00"),
        ("2026-07-05 15:00", -1, "Fri 2026-07-03 15:00"),
        ("2026-07-06 18:00", -1, "Fri 2026-07-03 17:00"),
        ("2026-07-06 07:00", -1, "Fri 2026-07-03 09:00"),
    ],
)
def test_counting_back_keeps_the_local_time(start: str, days: int, reached: str) -> None:
    assert added(calendar(OFFICE), start, days) == reached


@pytest.mark.parametrize(
    ("start", "days", "reached"),
    [
        ("2026-07-03 15:00", 1, "Mon 2026-07-06 17:00"),
        ("2026-07-03 18:00", 1, "Mon 2026-07-06 17:00"),
        ("2026-07-03 15:00", 0, "Fri 2026-07-03 17:00"),
        ("2026-07-06 15:00", -1, "Fri 2026-07-03 17:00"),
    ],
)
def test_the_end_of_the_business_day_is_the_reached_days_last_closing(start: str, days: int, reached: str) -> None:
    assert added(calendar(OFFICE), start, days, to_the_end=True) == reached


def test_an_open_day_without_closing_ends_at_midnight() -> None:
    five_by_24 = calendar({day: ["00:00-24:00"] for day in WEEKDAYS})
    assert added(five_by_24, "2026-07-06 10:00", 1, to_the_end=True) == "Wed 2026-07-08 00:00"
    assert added(five_by_24, "2026-07-05 10:00", 1) == "Tue 2026-07-07 00:00"


def test_the_local_time_is_kept_through_daylight_saving_and_moves_forward_where_it_does_not_exist() -> None:
    always = calendar({day: ["00:00-24:00"] for day in (*WEEKDAYS, "sat", "sun")})
    assert added(always, "2026-03-28 15:00", 1) == "Sun 2026-03-29 15:00"
    assert added(always, "2026-03-28 02:30", 1) == "Sun 2026-03-29 03:30"


def test_days_beyond_the_published_years_are_refused_at_once() -> None:
    for days in (400, 10**9, -(10**9)):
        with pytest.raises(CalendarRangeError):
            added(calendar(OFFICE), "2026-07-03 15:00", days)
