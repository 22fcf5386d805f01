"""A calendar document made concrete: every closed day with its name and source.

The one place that asks ``holidays``.

The result is an event; deadlines rest on it alone, so a newer library never moves a past one.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.metadata import version as version_of
from itertools import groupby
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec

from fristwerk_language.events.terms import CalendarPublished, ClosedDay, ExceptionalHours, OpenedDay
from fristwerk_language.terms import TZDATA_VERSION, WEEKDAYS, CalendarDocument, TermsError, canonical, digest
from fristwerk_language.terms.calendar import HolidaySource

if TYPE_CHECKING:
    import holidays

HOLIDAYS_VERSION: Final = version_of("holidays")
"""The release of the ``holidays`` library in use; it stands in every published calendar."""

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
_ENGLISH: Final = {"eve": "Day before {}", "bridge_day": "Bridge day ({})"}
_WORDS: Final = {"de": {"eve": "Tag vor {}", "bridge_day": "Brückentag ({})"}, "en": _ENGLISH}


class UnknownRegionError(TermsError):
    """Raised when the library has no such country, subdivision or category, or not for all of the
    years.
    """


class _Holiday(NamedTuple):
    on: date
    source: str
    name: str


def materialise(document: CalendarDocument, version: int) -> CalendarPublished:
    """The calendar as it is published under that version, ``digest`` over everything but the two.

    Closed days stand sorted by date and source, each date and source once. Holidays are the union
    of all listed regions. Raises UnknownRegionError, and TermsError if exceptional hours hit a
    closed day or the calendar is never open.
    """
    found = sorted({each for number in range(len(document.holidays)) for each in _holidays(document, number)})
    closed_days = _closed_days(document, found)
    _check_exceptional_hours(document, closed_days)
    _check_sometimes_open(document, {day.on for day in closed_days})
    event = CalendarPublished(
        name=document.calendar,
        version=version,
        title=document.title,
        language=document.language,
        timezone=document.timezone,
        hours=document.hours,
        closed_days=closed_days,
        opened_days=[OpenedDay(on=day.date, reason=day.reason) for day in document.open],
        exceptional_hours=[
            ExceptionalHours(on=day.date, hours=day.hours, reason=day.reason) for day in document.exceptional_hours
        ],
        first_year=document.first_year,
        last_year=document.last_year,
        example=document.example,
        holidays_version=HOLIDAYS_VERSION,
        tzdata_version=TZDATA_VERSION,
        document=canonical(document),
        digest="",
    )
    content = msgspec.to_builtins(event)
    return msgspec.structs.replace(
        event, digest=digest({key: value for key, value in content.items() if key not in ("version", "digest")})
    )


def _closed_days(document: CalendarDocument, found: list[_Holiday]) -> list[ClosedDay]:
    """What closes in the calendar's years, without the days that were taken out by hand.

    A date that one source closes by several rules stands there for the first of them.
    """
    days = [ClosedDay(on=day.date, name=day.reason, source="by hand", kind="by_hand") for day in document.closed]
    if document.closed_on != "eve":
        days += [ClosedDay(on=each.on, name=each.name, source=each.source, kind="holiday") for each in found]
    if document.closed_on != "holiday":
        days += [_derived(document, "eve", each.on - _DAY, each.source, each.name) for each in found]
    if document.bridge_days:
        days += _bridge_days(document, found)
    opened = {day.date for day in document.open}
    closed: dict[tuple[date, str], ClosedDay] = {}
    for day in days:
        if document.first_year <= day.on.year <= document.last_year and day.on not in opened:
            closed.setdefault((day.on, day.source), day)
    return [closed[key] for key in sorted(closed)]


def _bridge_days(document: CalendarDocument, found: list[_Holiday]) -> Iterator[ClosedDay]:
    """A single day, Monday to Friday, between a holiday and a weekend or between two holidays;
    named after them.
    """
    holidays_on = {on: list(each) for on, each in groupby(found, key=lambda each: each.on)}

    def is_free(day: date) -> bool:
        return day in holidays_on or day.weekday() >= _SATURDAY

    for on in sorted({each.on + step for each in found for step in (-_DAY, _DAY)}):
        if is_free(on) or not (is_free(on - _DAY) and is_free(on + _DAY)):
            continue
        neighbours = [*holidays_on.get(on - _DAY, ()), *holidays_on.get(on + _DAY, ())]
        for source in sorted({each.source for each in neighbours}):
            names = dict.fromkeys(each.name for each in neighbours if each.source == source)
            yield _derived(document, "bridge_day", on, source, ", ".join(names))


def _derived(
    document: CalendarDocument, kind: Literal["eve", "bridge_day"], on: date, source: str, name: str
) -> ClosedDay:
    words = _WORDS.get(document.language[:2], _ENGLISH)
    return ClosedDay(on=on, name=words[kind].format(name), source=source, kind=kind)


def _holidays(document: CalendarDocument, number: int) -> Iterator[_Holiday]:
    """The holidays of one listed region from the year before the calendar's first to the year after
    its last.

    The year after is needed for New Year's Eve, both for bridge days at the turn of a year.
    """
    region = document.holidays[number]
    entity = _entity(region, number)
    _check_years(document, entity, number)
    for category in region.categories:
        source = " ".join(("holidays", HOLIDAYS_VERSION, _region_name(region), category))
        for on, name in _asked(document, entity, number, category).items():
            yield _Holiday(on, source, name)


def _entity(region: HolidaySource, number: int) -> type[holidays.HolidayBase]:
    import holidays  # noqa: PLC0415 - a fifth of a second at every start, and calendars are published rarely

    if region.country not in holidays.list_supported_countries():
        raise UnknownRegionError([(f"/holidays/{number}/country", f"the library knows no country {region.country!r}")])
    entity: type[holidays.HolidayBase] = getattr(holidays, region.country)
    known = {*entity.subdivisions, *entity.subdivisions_aliases}
    if region.subdivision is not None and region.subdivision not in known:
        detail = f"the library knows no subdivision {region.subdivision!r} of {region.country}"
        raise UnknownRegionError([(f"/holidays/{number}/subdivision", detail)])
    for place, category in enumerate(region.categories):
        if category not in entity.supported_categories:
            detail = f"the library knows no category {category!r} for {region.country}; {_named(entity)}"
            raise UnknownRegionError([(f"/holidays/{number}/categories/{place}", detail)])
    return entity


def _named(entity: type[holidays.HolidayBase]) -> str:
    return "it has " + ", ".join(sorted(entity.supported_categories))


def _check_years(document: CalendarDocument, entity: type[holidays.HolidayBase], number: int) -> None:
    """Outside its years the library answers with no holidays at all, which would open every one of
    them.
    """
    looks_ahead = document.closed_on != "holiday" or document.bridge_days
    if document.first_year < entity.start_year or document.last_year + looks_ahead > entity.end_year:
        country = document.holidays[number].country
        detail = f"the library knows the holidays of {country} from {entity.start_year} to {entity.end_year} only"
        raise UnknownRegionError([("/years", detail)])


def _asked(
    document: CalendarDocument, entity: type[holidays.HolidayBase], number: int, category: str
) -> dict[date, str]:
    """Dates and names of a region's category.

    What the library only warns of (missing years) is refused.
    """
    region = document.holidays[number]
    years = range(document.first_year - 1, document.last_year + 2)
    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        answer = entity(
            subdiv=region.subdivision,
            years=[year for year in years if entity.start_year <= year <= entity.end_year],
            expand=False,
            language=_language(document.language, entity),
            categories=(category,),
        )
    missing = [str(each.message) for each in remarks if not issubclass(each.category, DeprecationWarning)]
    if missing:
        raise UnknownRegionError([(f"/holidays/{number}", f"{region.country}: {'; '.join(missing)}")])
    return dict(answer)


def _language(wanted: str, entity: type[holidays.HolidayBase]) -> str | None:
    """The language of the names: the wanted one, the same in another country, else the region's
    own, else English.

    It is always one that the library has for the region: asked for another, it looks at the
    machine's environment.
    """
    has = entity.supported_languages
    own = entity.default_language
    same = sorted(each for each in has if each.split("_")[0] == wanted[:2])
    preferred = [wanted.replace("-", "_"), wanted[:2], *(each for each in same if each == own), *same, own, "en_US"]
    return next((each for each in preferred if each in has), None)


def _region_name(region: HolidaySource) -> str:
    return f"{region.country}-{region.subdivision}" if region.subdivision else region.country


def _check_exceptional_hours(document: CalendarDocument, closed_days: list[ClosedDay]) -> None:
    closed = {day.on: day for day in closed_days}
    errors = [
        (
            f"/exceptional_hours/{number}/date",
            f"{special.date} is closed ({closed[special.date].name}); take it out with 'open'",
        )
        for number, special in enumerate(document.exceptional_hours)
        if special.date in closed
    ]
    if errors:
        raise TermsError(errors)


def _check_sometimes_open(document: CalendarDocument, closed: set[date]) -> None:
    """A calendar that is never open is refused, never read as around-the-clock."""
    special = {day.date: day.hours for day in document.exceptional_hours}
    day, last = date(document.first_year, 1, 1), date(document.last_year, 12, 31)
    while day <= last:
        if day not in closed and special.get(day, document.hours.get(WEEKDAYS[day.weekday()])):
            return
        day += _DAY
    raise TermsError([("/hours", f"the calendar is never open in the years {document.years}")])
