"""The engine against an obviously right oracle that looks at every single minute on the wall clock.

Local times are looked up in the readings of the clock, never computed from offsets; the weekends on which clocks change are
over-represented.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fristwerk_language.terms import WEEKDAYS, zone
from sla_service.domain.calendar.calendar import Calendar, CalendarRangeError

QUESTIONS = 32
EXAMPLES = 170
DAYS_AROUND = 8
MINUTE, DAY = 60, 1440
CLOCK_CHANGES = {
    "Europe/Berlin": ("2026-03-29", "2026-10-25", "2025-03-30"),
    "Europe/Zurich": ("2027-03-28", "2027-10-31"),
    "Europe/London": ("2026-03-29", "2026-10-25"),
    "America/Sao_Paulo": ("2017-10-15", "2018-02-18", "2018-11-04"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),
    "Atlantic/Azores": ("2026-03-29", "2026-10-25"),
    "Asia/Kolkata": (),
    "UTC": (),
}
QUIET_DAYS = ("2026-06-04", "2025-12-31", "2024-02-29")


class Readings:
    """What the clock on the wall shows at every minute around a day."""

    def __init__(self, timezone: str, around: date) -> None:
        first = datetime(around.year, around.month, around.day, tzinfo=zone("UTC")) - timedelta(days=DAYS_AROUND)
        self.start = int(first.timestamp())
        count = 2 * DAYS_AROUND * DAY
        self.shown: list[tuple[date, int]] = []
        for minute in range(count):
            local = datetime.fromtimestamp(self.start + minute * MINUTE, zone(timezone))
            self.shown.append((local.date(), local.hour * 60 + local.minute))
        self.first_shown = {reading: index for index, reading in reversed(list(enumerate(self.shown)))}

    def index(self, on: date, minute: int) -> int:
        """The first minute at which the clock shows a time; one it never shows is as long after the last it showed."""
        on, minute = on + timedelta(days=minute // DAY), minute % DAY
        for back in range(DAY):
            earlier = (on + timedelta(days=(minute - back) // DAY), (minute - back) % DAY)
            if earlier in self.first_shown:
                return self.first_shown[earlier] + back
        raise AssertionError("the day lies within the readings")


@lru_cache(maxsize=64)
def readings(timezone: str, around: str) -> Readings:
    return Readings(timezone, date.fromisoformat(around))


def open_minutes(
    clock: Readings, week: dict[str, Any], closed: set[date], exceptional: dict[date, list[str]]
) -> list[bool]:
    """For every minute whether some hours written on its date or the one before hold it, and its date is not closed."""
    is_open = [False] * len(clock.shown)
    days = sorted({on for on, _ in clock.shown})
    for on in days[1:-2]:
        for hours in exceptional.get(on, week.get(WEEKDAYS[on.weekday()], [])):
            start, end = (int(text[:2]) * 60 + int(text[3:]) for text in hours.split("-"))
            end += DAY if end <= start else 0
            for index in range(clock.index(on, start), clock.index(on, end)):
                is_open[index] = clock.shown[index][0] not in closed
    return is_open


class Oracle:
    """Answers by walking minute by minute; null where the walk would leave the days it knows."""

    def __init__(self, clock: Readings, is_open: list[bool]) -> None:
        self.start = clock.start
        margin = 2 * DAY
        self.low, self.high = self.start + margin * MINUTE, self.start + (len(is_open) - margin) * MINUTE
        self._open = is_open

    def is_open(self, instant: int) -> bool:
        return self._open[(instant - self.start) // MINUTE]

    def add(self, instant: int, seconds: int) -> int | None:
        while instant < self.high:
            step = MINUTE - instant % MINUTE
            if self.is_open(instant):
                if seconds <= step:
                    return instant + seconds
                seconds -= step
            instant += step
        return None

    def subtract(self, instant: int, seconds: int) -> int | None:
        while seconds:
            if instant <= self.low:
                return None
            step = instant % MINUTE or MINUTE
            if self.is_open(instant - 1):
                step = min(step, seconds)
                seconds -= step
            instant -= step
        return instant

    def between(self, start: int, end: int) -> int:
        return sum(self.is_open(instant) for instant in range(start, end, MINUTE)) * MINUTE if start <= end else 0

    def next_opening(self, instant: int) -> int | None:
        return self.add(instant, 0)

    def next_closing(self, instant: int) -> int | None:
        opening = self.next_opening(instant)
        while opening is not None and opening < self.high:
            opening += MINUTE - opening % MINUTE
            if not self.is_open(opening):
                return opening
        return None


def hours_of_a_day() -> st.SearchStrategy[list[str]]:
    """None to three intervals that do not overlap; the last may end at 24:00 or run past midnight; odd ends now and then."""
    times = st.sampled_from([*range(0, DAY, 30), 5, 65, 119, 121, 125, 150, 175])

    def written(edges: list[int], overnight: int | None) -> list[str]:
        edges = sorted(set(edges))[: len(set(edges)) // 2 * 2]
        pairs = list(zip(edges[::2], edges[1::2], strict=True))
        texts = [f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}" for start, end in pairs]
        if overnight is not None and (not pairs or pairs[-1][1] <= 22 * 60):
            texts.append(f"22:00-{overnight:02}:00")
        return texts

    return st.builds(written, st.lists(times, max_size=6), st.sampled_from([None, None, 24, 0, 3, 6]))


@st.composite
def situations(draw: st.DrawFn) -> tuple[str, str, dict[str, Any], set[date], dict[date, list[str]]]:
    timezone = draw(st.sampled_from(sorted(CLOCK_CHANGES)))
    # Thrice as often a weekend on which the clocks change as a quiet day.
    around = draw(st.sampled_from([*CLOCK_CHANGES[timezone] * 3, *QUIET_DAYS]))
    near = st.integers(-3, 3).map(lambda days: date.fromisoformat(around) + timedelta(days=days))
    week = {day: draw(hours_of_a_day()) for day in WEEKDAYS}
    closed = set(draw(st.lists(near, max_size=2)))
    exceptional = draw(st.dictionaries(near, hours_of_a_day(), max_size=2))
    return timezone, around, week, closed, exceptional


spans = st.one_of(st.just(0), st.integers(1, 4 * 3600), st.integers(1, 120).map(lambda half_hours: half_hours * 1800))
offsets = st.one_of(
    st.integers(-3 * DAY * MINUTE, 3 * DAY * MINUTE),
    st.integers(-3 * 48, 3 * 48).map(lambda half_hours: half_hours * 1800),
    st.integers(-600, 600).map(lambda minutes: minutes * MINUTE),
)
questions = st.lists(st.tuples(offsets, spans, offsets), min_size=QUESTIONS, max_size=QUESTIONS)


# Shrinking such a situation takes minutes; the failing question is in the assertion anyway.
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(situations(), questions)
def test_the_engine_agrees_with_looking_at_every_minute(
    situation: tuple[Any, ...], asked: list[tuple[int, int, int]]
) -> None:
    timezone, around, week, closed, exceptional = situation
    clock = readings(timezone, around)
    oracle = Oracle(clock, open_minutes(clock, week, closed, exceptional))
    engine = Calendar.of_parts(
        name="random",
        timezone=timezone,
        week=week,
        closed=closed,
        exceptional=exceptional,
        first_year=int(around[:4]) - 1,
        last_year=int(around[:4]) + 1,
    )
    middle = clock.start + DAYS_AROUND * DAY * MINUTE
    for number, (offset, seconds, other) in enumerate(asked):
        start = middle + offset
        match number % 6:
            case 0 | 1:
                compare(oracle.add(start, seconds), engine.add_business_time, start, seconds)
            case 2:
                compare(oracle.subtract(start, seconds), engine.subtract_business_time, start, seconds)
            case 3:
                start, end = sorted((start // MINUTE * MINUTE, (middle + other) // MINUTE * MINUTE))
                assert engine.business_time_between(start, end) == oracle.between(start, end)
            case 4:
                assert engine.is_open(start) == oracle.is_open(start)
                compare(oracle.next_opening(start), engine.next_opening, start)
            case _:
                compare(oracle.next_closing(start), engine.next_closing, start)


def compare(expected: int | None, ask: Callable[..., int], *question: int) -> None:
    """Where the oracle knows no answer within its days, the engine's must lie outside them too."""
    if expected is not None:
        assert ask(*question) == expected
        return
    try:
        answer = ask(*question)
    except CalendarRangeError:
        return
    assert abs(answer - question[0]) > 2 * DAY * MINUTE


def test_more_than_five_thousand_questions_are_asked_a_run() -> None:
    assert QUESTIONS * EXAMPLES >= 5_000


def test_the_oracle_itself_knows_the_clock_changes() -> None:
    berlin = readings("Europe/Berlin", "2026-03-29")
    spring = date(2026, 3, 29)
    assert berlin.index(spring, 150) == berlin.index(spring, 210), "02:30 does not exist and is as late as 03:30"
