"""Business time against a plain walk from interval to interval, for many questions."""

from __future__ import annotations

import random
from bisect import bisect_right
from typing import Any

import pytest

from sla_service.domain.calendar.calendar import CalendarRangeError
from tests.sla_service.test_calendar import ALWAYS, NIGHTS, OFFICE, calendar

MANY_A_DAY = {
    day: [f"{hour:02}:{minute:02}-{hour:02}:{minute + 1:02}" for hour in range(24) for minute in range(0, 59, 7)]
    for day in ("mon", "tue", "sun")
}
"""216 openings of a minute, so that one block of the table of years holds some eighty."""


def walked(intervals: list[tuple[int, int]], closes: list[int], start: int, seconds: int) -> int | None:
    """Interval by interval from the first that closes after ``start``; None beyond the last."""
    for opened, closed in intervals[bisect_right(closes, start) :]:
        here = closed - max(opened, start)
        if seconds <= here:
            return max(opened, start) + seconds
        seconds -= here
    return None


@pytest.mark.parametrize(
    ("week", "timezone"),
    [
        (OFFICE, "Europe/Zurich"),
        (NIGHTS, "America/New_York"),
        (ALWAYS, "UTC"),
        (MANY_A_DAY, "Europe/Berlin"),
        ({"wed": ["09:00-09:01"]}, "Australia/Lord_Howe"),
    ],
    ids=["office", "nights", "always", "many a day", "one minute a week"],
)
def test_twenty_thousand_random_questions_are_answered_as_by_walking_the_intervals(
    week: dict[str, Any], timezone: str
) -> None:
    chance = random.Random(13)  # noqa: S311 - the same questions every time
    first, last = 2026, 2028
    whole = calendar(week, timezone, first_year=first, last_year=last)
    begin, end = (whole.hours.start_of_year(year) for year in (first, last + 1))
    intervals = list(whole.business_intervals(begin, end))
    closes = [closed for _, closed in intervals]
    asked = calendar(week, timezone, first_year=first, last_year=last)
    for number in range(4_000):
        if number % 400 == 0:
            asked = calendar(week, timezone, first_year=first, last_year=last)  # grows from its first question again
        edge = chance.choice(intervals)[chance.randrange(2)] + chance.randrange(-2, 3)
        start = min(max(chance.choice([edge, chance.randrange(begin, end)]), begin), end - 1)
        seconds = chance.choice([1, 60, 3600, round(10 ** (7 * chance.random()))])
        expected = walked(intervals, closes, start, seconds)
        if expected is None:
            with pytest.raises(CalendarRangeError):
                asked.add_business_time(start, seconds)
        else:
            assert asked.add_business_time(start, seconds) == expected, (start, seconds)
