"""The calendar document: opening hours, holidays and closed days as a person writes them (see ``docs/terms.md``)."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from shared.terms.values import WEEKDAYS, Hours, Flag, Identifier, Language, Name, TermsDate, TermsModel, minutes_of_day
from shared.terms.zones import zone

MAX_YEARS: Final = 30
_YEARS: Final = re.compile(r"([12][0-9]{3})-([12][0-9]{3})")


def _weekdays(key: str) -> list[str]:
    first, dash, last = key.partition("-")
    if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
        raise ValueError(f"/hours/{key}: is not a weekday ('mon' … 'sun') or a span of them such as 'mon-fri'")
    start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    if end < start:
        raise ValueError(f"/hours/{key}: runs backwards")
    return list(WEEKDAYS[start : end + 1])


def _check_zone(name: str) -> str:
    zone(name)
    return name


def _years(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        value = f"{value}-{value}"
    found = _YEARS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is not a span of years such as '2024-2030'")
    first, last = int(found[1]), int(found[2])
    if last < first or last - first >= MAX_YEARS:
        raise ValueError(f"{value!r} must run forwards over at most {MAX_YEARS} years")
    return value


Timezone = Annotated[str, AfterValidator(_check_zone)]
Years = Annotated[str, BeforeValidator(_years)]


class HolidaySource(TermsModel):
    """A region of the ``holidays`` library; ``categories`` default to the public holidays."""

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    subdivision: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9\-]{1,12}$")] | None = None
    categories: Annotated[list[Identifier], Field(min_length=1, max_length=20)] = ["public"]


class DatedReason(TermsModel):
    """A single local date and why it is closed or open."""

    date: TermsDate
    reason: Name


class ExceptionalDay(TermsModel):
    """Hours of one local date that replace the weekday's; never on a closed day."""

    date: TermsDate
    hours: Annotated[list[Hours], Field(max_length=24)]
    reason: Name


class CalendarDocument(TermsModel):
    """A calendar as published. ``hours`` is normalised to single weekdays; intervals are sorted and do not overlap."""

    calendar: Identifier
    title: Name = ""
    language: Language = "de"
    timezone: Timezone
    hours: dict[str, Annotated[list[Hours], Field(max_length=24)]]
    holidays: Annotated[list[HolidaySource], Field(max_length=50)] = []
    closed_on: Literal["holiday", "eve", "both"] = "holiday"
    bridge_days: Flag = False
    closed: Annotated[list[DatedReason], Field(max_length=2_000)] = []
    open: Annotated[list[DatedReason], Field(max_length=2_000)] = []
    exceptional_hours: Annotated[list[ExceptionalDay], Field(max_length=2_000)] = []
    years: Years
    example: Flag = False

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
        hours: dict[str, Any] = {}
        for key, intervals in document["hours"].items():
            for day in _weekdays(str(key)):
                if day in hours:
                    raise ValueError(f"/hours/{key}: {day} has hours already")
                hours[day] = intervals
        return document | {"hours": {day: hours[day] for day in WEEKDAYS if day in hours}}

    @model_validator(mode="after")
    def _check_whole(self) -> CalendarDocument:
        for day, intervals in self.hours.items():
            _check_no_overlap(f"/hours/{day}", intervals)
        if not any(self.hours.values()) and not any(day.hours for day in self.exceptional_hours):
            raise ValueError("/hours: the calendar is never open; around the clock is 'mon-sun: [\"00:00-24:00\"]'")
        closed = {day.date for day in self.closed}
        for place, days in (("closed", self.closed), ("open", self.open), ("exceptional_hours", self.exceptional_hours)):
            _check_dates(place, [day.date for day in days], self.first_year, self.last_year)
        for number, opened in enumerate(self.open):
            if opened.date in closed:
                raise ValueError(f"/open/{number}/date: {opened.date} is listed under 'closed' as well")
        for number, special in enumerate(self.exceptional_hours):
            _check_no_overlap(f"/exceptional_hours/{number}/hours", special.hours)
            if special.date in closed:
                raise ValueError(f"/exceptional_hours/{number}/date: {special.date} is a closed day")
        return self


def _check_dates(place: str, dates: list[date], first_year: int, last_year: int) -> None:
    seen: set[date] = set()
    for number, day in enumerate(dates):
        if not first_year <= day.year <= last_year:
            raise ValueError(f"/{place}/{number}/date: {day} lies outside the years {first_year}-{last_year}")
        if day in seen:
            raise ValueError(f"/{place}/{number}/date: {day} is listed twice")
        seen.add(day)


def _check_no_overlap(place: str, intervals: list[str]) -> None:
    """Intervals of one day may touch but not overlap; only the last may run past midnight."""
    spans = sorted(minutes_of_day(hours) for hours in intervals)
    for (_, end), (start, _) in zip(spans, spans[1:], strict=False):
        if end > start or end == 0:
            raise ValueError(f"{place}: the intervals overlap")
    for start, end in spans[:-1]:
        if end < start:
            raise ValueError(f"{place}: only the last interval of a day may run past midnight")
