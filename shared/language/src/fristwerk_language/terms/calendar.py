"""The calendar document: opening hours, holidays and closed days as a person writes them (see
``docs/reference/terms.md``).
"""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StringConstraints, model_validator

from fristwerk_language.terms.time_zones import zone
from fristwerk_language.terms.values import (
    FIRST_YEAR,
    LAST_YEAR,
    WEEKDAYS,
    Hours,
    LanguageTag,
    Name,
    PlacedError,
    TermsDate,
    TermsId,
    TermsModel,
    Title,
    added_key,
    minutes_of_day,
    place,
    shown,
)

MAX_YEARS: Final = 30
_YEARS: Final = re.compile(r"([12][0-9]{3})(?:-([12][0-9]{3}))?")


def _weekdays(key: str) -> list[str]:
    first, dash, last = key.partition("-")
    if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
        raise PlacedError(place("hours", key), "is not a weekday ('mon' … 'sun') or a span of them such as 'mon-fri'")
    start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    if end < start:
        raise PlacedError(place("hours", key), "runs backwards")
    return list(WEEKDAYS[start : end + 1])


def _check_zone(name: str) -> str:
    zone(name)
    return name


def _years(value: object) -> str:
    found = _YEARS.fullmatch(str(value)) if isinstance(value, str | int) else None
    if found is None:
        raise ValueError(f"{shown(value)} is not a span of years such as '2024-2030'")
    first, last = int(found[1]), int(found[2] or found[1])
    if not FIRST_YEAR <= first <= LAST_YEAR:
        raise ValueError(f"{shown(value)} must begin in the years {FIRST_YEAR} to {LAST_YEAR}")
    if last < first or last - first >= MAX_YEARS:
        raise ValueError(f"{shown(value)} must run forwards over at most {MAX_YEARS} years")
    return f"{first}-{last}"


Timezone = Annotated[str, AfterValidator(_check_zone)]
Years = Annotated[str, BeforeValidator(_years)]
DayHours = Annotated[list[Hours], Field(max_length=24), AfterValidator(sorted)]


class HolidaySource(TermsModel):
    """A region of the ``holidays`` library; ``categories`` default to the public holidays."""

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    subdivision: Annotated[Name, StringConstraints(max_length=60)] | None = None
    categories: Annotated[list[TermsId], Field(min_length=1, max_length=20)] = ["public"]


class DatedReason(TermsModel):
    """A single local date and why it is closed or open."""

    date: TermsDate
    reason: Name


class ExceptionalDay(TermsModel):
    """Hours of one local date that replace the weekday's; never on a closed day."""

    date: TermsDate
    hours: DayHours
    reason: Name


class CalendarDocument(TermsModel):
    """A calendar as published. ``hours`` is normalised to single weekdays; intervals are sorted and
    do not overlap.
    """

    calendar: TermsId
    valid_from: TermsDate | None = added_key(None)
    title: Title = ""
    language: LanguageTag = "de"
    timezone: Timezone
    hours: dict[str, DayHours]
    holidays: Annotated[list[HolidaySource], Field(max_length=50)] = []
    closed_on: Literal["holiday", "eve", "both"] = "holiday"
    bridge_days: StrictBool = False
    closed: Annotated[list[DatedReason], Field(max_length=2_000)] = []
    open: Annotated[list[DatedReason], Field(max_length=2_000)] = []
    exceptional_hours: Annotated[list[ExceptionalDay], Field(max_length=2_000)] = []
    years: Years

    @property
    def first_year(self) -> int:
        """The first year the calendar answers for."""
        return int(self.years[:4])

    @property
    def last_year(self) -> int:
        """The last year, inclusive."""
        return int(self.years[5:])

    @model_validator(mode="before")
    @classmethod
    def _spread_weekdays(cls, document: Any) -> Any:
        """``mon-fri`` becomes five days; a day named twice is refused."""
        if not isinstance(document, dict) or not isinstance(document.get("hours"), dict):
            return document
        keys = _keys_by_day(document["hours"])
        hours = {day: document["hours"][keys[day]] for day in WEEKDAYS if day in keys}
        return document | {"hours": {day: intervals for day, intervals in hours.items() if intervals != []}}

    @model_validator(mode="after")
    def _check_whole(self) -> CalendarDocument:
        for day, intervals in self.hours.items():
            _check_no_overlap(place("hours", day), intervals)
        if not self.hours and not any(day.hours for day in self.exceptional_hours):
            raise PlacedError("/hours", "the calendar is never open; around the clock is 'mon-sun: [\"00:00-24:00\"]'")
        closed = {day.date for day in self.closed}
        for key, days in (("closed", self.closed), ("open", self.open), ("exceptional_hours", self.exceptional_hours)):
            _check_dates(key, [day.date for day in days], self.first_year, self.last_year)
        for number, opened in enumerate(self.open):
            if opened.date in closed:
                raise PlacedError(place("open", number, "date"), f"{opened.date} is listed under 'closed' as well")
        for number, special in enumerate(self.exceptional_hours):
            _check_no_overlap(place("exceptional_hours", number, "hours"), special.hours)
            if special.date in closed:
                raise PlacedError(place("exceptional_hours", number, "date"), f"{special.date} is a closed day")
        return self


def written_places(errors: list[tuple[str, str]], document: dict[str, Any]) -> list[tuple[str, str]]:
    """The errors with ``/hours/mon`` … put back to the key that the document has,
    ``/hours/mon-fri``, each once.
    """
    hours = document.get("hours")
    try:
        keys = _keys_by_day(hours) if isinstance(hours, dict) else {}
    except PlacedError:
        return errors
    written = {place("hours", day): place("hours", key) for day, key in keys.items()}
    end = len("/hours/mon")
    moved = [(written.get(pointer[:end], pointer[:end]) + pointer[end:], detail) for pointer, detail in errors]
    return list(dict.fromkeys(moved))


def _keys_by_day(hours: dict[Any, Any]) -> dict[str, str]:
    """Each weekday and the key of the document that gives its hours. Raises PlacedError if one is
    named twice.
    """
    keys: dict[str, str] = {}
    for key in map(str, hours):
        for day in _weekdays(key):
            if day in keys:
                raise PlacedError(place("hours", key), f"{day} has hours already")
            keys[day] = key
    return keys


def _check_dates(key: str, dates: list[date], first_year: int, last_year: int) -> None:
    seen: set[date] = set()
    for number, day in enumerate(dates):
        if not first_year <= day.year <= last_year:
            raise PlacedError(place(key, number, "date"), f"{day} lies outside the years {first_year}-{last_year}")
        if day in seen:
            raise PlacedError(place(key, number, "date"), f"{day} is listed twice")
        seen.add(day)


def _check_no_overlap(pointer: str, intervals: list[str]) -> None:
    """Intervals of one day may touch but not overlap; only the last may run past midnight."""
    spans = sorted(minutes_of_day(hours) for hours in intervals)
    for (start, end), (next_start, _) in pairwise(spans):
        if end <= start:
            raise PlacedError(pointer, "only the last interval of a day may run past midnight")
        if end > next_start:
            raise PlacedError(pointer, "the intervals overlap")
