"""The fields of a case read strictly: what is missing or malformed is refused with a sentence that
names the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from fristwerk_language.terms import WEEKDAYS
from fristwerk_language.terms.values import parse_hours
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.calendar.epoch import instant_of, seconds_of

FIRST_YEAR: Final = 1950
LAST_YEAR: Final = 2100
"""Neutral calendars name no years; these are theirs."""
MOST_SECONDS: Final = 10**15
_INSTANTS: Final = frozenset({"expected", "deadline", "level_at", "instant", "clock_start", "next_deadline"})


class MalformedCaseError(Exception):
    """Raised when a file or a case is not of the documented form; the message is a sentence that
    names the place.
    """


class Fields:
    """An object of a case file; ``place`` names it in sentences."""

    def __init__(self, place: str, data: object) -> None:
        if not isinstance(data, dict):
            raise MalformedCaseError(f"{place} is not an object")
        self.place = place
        self.data: dict[str, Any] = data

    def text(self, key: str) -> str:
        value = self._needed(key)
        if not isinstance(value, str):
            raise self._wrong(key, "a text")
        return value

    def count(self, key: str, *, signed: bool = False) -> int:
        value = self._needed(key)
        if (
            not isinstance(value, int)
            or isinstance(value, bool)
            or abs(value) > MOST_SECONDS
            or (value < 0 and not signed)
        ):
            raise self._wrong(key, "a whole number" if signed else "a whole number that is not negative")
        return value

    def flag(self, key: str) -> bool:
        value = self.data.get(key, False)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def instant(self, key: str) -> int:
        return self._instant(key, self._needed(key))

    def spans(self, key: str) -> list[tuple[int, int]]:
        """The pairs of instants, sorted, overlapping ones made one; none if the key is missing."""
        spans: list[tuple[int, int]] = []
        for pair in self.sequence(key) if self.data.get(key) is not None else ():
            if not isinstance(pair, list) or len(pair) != 2:  # noqa: PLR2004 - from, to
                raise self._wrong(key, "a list of pairs of instants")
            start, end = self._instant(key, pair[0]), self._instant(key, pair[1])
            if end < start:
                raise MalformedCaseError(
                    f"{self.place}: a span of {key!r} ends before it starts: {pair[0]} to {pair[1]}"
                )
            spans.append((start, end))
        return _merged(spans)

    def sequence(self, key: str) -> list[Any]:
        value = self._needed(key)
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return value

    def mapping(self, key: str) -> dict[str, Any]:
        value = self._needed(key)
        if not isinstance(value, dict):
            raise self._wrong(key, "an object")
        return value

    def in_expectation(self, key: str, value: object) -> object:
        """An expected value as the engine gives it: instants as whole seconds."""
        return self._instant(key, value) if value is not None and is_instant(key) else value

    def _needed(self, key: str) -> Any:
        if key not in self.data:
            raise MalformedCaseError(f"{self.place} needs {key!r}")
        return self.data[key]

    def _instant(self, key: str, value: object) -> int:
        try:
            instant = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            instant = None
        if instant is None or instant.tzinfo is None:
            raise self._wrong(key, "an instant with its offset, such as 2026-06-03T14:30:00Z")
        return seconds_of(instant)

    def _wrong(self, key: str, wanted: str) -> MalformedCaseError:
        return MalformedCaseError(f"{self.place}: {key!r} is {self.data.get(key)!r}, not {wanted}")


def is_instant(key: str) -> bool:
    """Whether an expectation of this name is an instant."""
    return key in _INSTANTS or key.endswith("_due")


def shown(key: str, value: object) -> object:
    """A value of an answer for people."""
    return instant_of(value).isoformat() if isinstance(value, int) and is_instant(key) else value


def calendar_of(name: str, parts: object) -> Calendar:
    """The calendar of neutral parts: ``tz``, ``week`` or ``weekly``, closed dates, ``overrides``.
    Raises MalformedCaseError.
    """
    place = f"the calendar {name}"
    fields = Fields(place, parts)
    week = fields.mapping("week" if "week" in fields.data else "weekly")
    unknown = sorted(week.keys() - set(WEEKDAYS))
    if unknown:
        raise MalformedCaseError(f"{place}: {unknown[0]!r} is not a weekday such as 'mon'")
    closed = {_date(place, each) for each in fields.data.get("holidays") or []}
    closed |= set(_recurring(place, fields.data.get("recurring_holidays") or []))
    closed -= {_date(place, each) for each in fields.data.get("inactive_holidays") or []}
    try:
        return Calendar.of_parts(
            name=name,
            timezone=fields.text("tz"),
            week={day: _hours(place, hours) for day, hours in week.items()},
            closed=closed,
            exceptional={
                _date(place, on): _hours(place, each) for on, each in (fields.data.get("overrides") or {}).items()
            },
            first_year=FIRST_YEAR,
            last_year=LAST_YEAR,
        )
    except (ValueError, AttributeError) as error:
        raise MalformedCaseError(f"{place}: {error}") from error


def _recurring(place: str, month_days: Sequence[object]) -> list[date]:
    """A month-day of every year; 29 February where there is one."""
    found = []
    for month_day in month_days:
        day = _date(place, f"2000-{month_day}")
        for year in range(FIRST_YEAR, LAST_YEAR + 1):
            try:
                found.append(day.replace(year=year))
            except ValueError:
                continue
    return found


def _date(place: str, value: object) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise MalformedCaseError(f"{place}: {value!r} is not a date") from None


def _hours(place: str, intervals: object) -> list[str]:
    """``[["08:00", "12:00"]]`` as the terms language writes it."""
    if not isinstance(intervals, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in intervals):  # noqa: PLR2004
        raise MalformedCaseError(f'{place}: {intervals!r} is not a list of intervals such as ["08:00", "12:00"]')
    try:
        return [parse_hours(f"{start}-{end}") for start, end in intervals]
    except ValueError as error:
        raise MalformedCaseError(f"{place}: {error}") from error


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    result: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
