"""From a published calendar to open intervals: the local hours of every date, resolved to UTC, a
year at a time.

Hours are written on a date. A part that runs past midnight belongs to the next local date, and a
closed date closes just what falls on it. Exceptional hours replace all that is written on their
date, the part past midnight included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from fristwerk_language.events.terms import CalendarPublished, ClosedDay, ExceptionalHours
from fristwerk_language.terms import WEEKDAYS, minutes_of_day, zone
from sla_service.domain.calendar.intervals import Interval, merged

DAY: Final = 86_400
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


class OpeningHours(msgspec.Struct, frozen=True, kw_only=True):
    """What compiling needs of a calendar. Dates are proleptic ordinals; hours are seconds since
    local midnight.

    ``week`` holds, Monday first, what is written on each weekday (an end beyond ``DAY`` runs past
    midnight).
    """

    name: str
    version: int
    zone: ZoneInfo
    week: tuple[tuple[Interval, ...], ...]
    closed: Mapping[int, tuple[ClosedDay, ...]]
    exceptional: Mapping[int, tuple[Interval, ...]]
    exceptional_reasons: Mapping[int, str]
    first_year: int
    last_year: int

    def written_on(self, ordinal: int) -> tuple[Interval, ...]:
        """The hours written on a date, whether it is closed or not."""
        special = self.exceptional.get(ordinal)
        return self.week[(ordinal - 1) % 7] if special is None else special

    def hours_of(self, ordinal: int) -> tuple[Interval, ...]:
        """The local hours in which a date is open, within ``0`` … ``DAY``, sorted and merged."""
        return () if ordinal in self.closed else self.hours_unless_closed(ordinal)

    def hours_unless_closed(self, ordinal: int) -> tuple[Interval, ...]:
        """The local hours in which a date is open, or would be if it were not a closed day."""
        return merged(self.parts_of(ordinal))

    def parts_of(self, ordinal: int) -> list[Interval]:
        """What is written for a date: its own hours up to midnight, and what runs into it from the
        date before.
        """
        return _within_day(self.written_on(ordinal), self.written_on(ordinal - 1))

    def resolve(self, ordinal: int, second: int) -> int:
        """The instant of a local time: one that does not exist moves forward, one that exists twice
        is the first.
        """
        local = datetime.fromordinal(ordinal) + timedelta(seconds=second)
        return (ordinal - _EPOCH_ORDINAL) * DAY + second - self.offset(local)

    def offset(self, local: datetime) -> int:
        """Seconds east of UTC at a naive local time, the first of two (``fold=0``, PEP 495)."""
        offset = self.zone.utcoffset(local)
        assert offset is not None, "an IANA zone always has an offset"
        return offset.days * DAY + offset.seconds

    def start_of_year(self, year: int) -> int:
        """The instant at which a local year begins."""
        return self.resolve(date(year, 1, 1).toordinal(), 0)


class CompiledYear(NamedTuple):
    """The open intervals of one local year, coalesced, and its open dates with the intervals of
    each.
    """

    opens: list[int]
    closes: list[int]
    ordinals: list[int]
    days: list[tuple[Interval, ...]]


def opening_hours(event: CalendarPublished) -> OpeningHours:
    """The hours of a published calendar; dates taken out by hand are not closed."""
    opened = {day.on for day in event.opened_days}
    closed: dict[int, tuple[ClosedDay, ...]] = {}
    for day in event.closed_days:
        if day.on not in opened:
            closed[day.on.toordinal()] = (*closed.get(day.on.toordinal(), ()), day)
    return OpeningHours(
        name=event.name,
        version=event.version,
        zone=zone(event.timezone),
        week=tuple(_written(event.hours.get(day, ())) for day in WEEKDAYS),
        closed=closed,
        exceptional={day.on.toordinal(): _written(day.hours) for day in event.exceptional_hours},
        exceptional_reasons={day.on.toordinal(): day.reason for day in event.exceptional_hours},
        first_year=event.first_year,
        last_year=event.last_year,
    )


def neutral_hours(
    *,
    name: str,
    timezone: str,
    week: Mapping[str, Sequence[str]],
    closed: Iterable[date] = (),
    exceptional: Mapping[date, Sequence[str]] | None = None,
    first_year: int,
    last_year: int,
) -> OpeningHours:
    """The hours of a calendar given in neutral parts: ``week`` and ``exceptional`` hold
    ``HH:MM-HH:MM``, ``closed`` dates.
    """
    return opening_hours(
        CalendarPublished(
            name=name,
            version=1,
            title=name,
            language="en",
            timezone=timezone,
            hours={day: list(hours) for day, hours in week.items()},
            closed_days=[ClosedDay(on=on, name="closed", source=name, kind="by_hand") for on in sorted(set(closed))],
            exceptional_hours=[
                ExceptionalHours(on=on, hours=list(hours), reason=name) for on, hours in (exceptional or {}).items()
            ],
            first_year=first_year,
            last_year=last_year,
            holidays_version="",
            tzdata_version="",
            document={},
            digest="",
        )
    )


def compile_year(hours: OpeningHours, year: int) -> CompiledYear:
    """Every open interval whose local date lies in ``year``."""
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    regular = [merged(_within_day(hours.week[weekday], hours.week[weekday - 1])) for weekday in range(7)]
    special = hours.exceptional.keys() | {ordinal + 1 for ordinal in hours.exceptional}
    compiled = CompiledYear([], [], [], [])
    utcoffset, at = hours.zone.utcoffset, datetime.fromordinal
    known, offset, following = None, 0, utcoffset(at(first))
    for ordinal in range(first, last + 1):
        here, following = following, utcoffset(at(ordinal + 1))
        if here is not known:  # a zone gives the same object again while its offset stays the same
            known, offset = here, hours.offset(at(ordinal))
        if ordinal in hours.closed:
            continue
        local = hours.hours_of(ordinal) if ordinal in special else regular[(ordinal - 1) % 7]
        if not local:
            continue
        if here == following:
            midnight = (ordinal - _EPOCH_ORDINAL) * DAY - offset
            day = tuple([(midnight + start, midnight + end) for start, end in local])
        else:
            # Every end is resolved by itself: one that moves forward may pass another.
            parts = hours.parts_of(ordinal)
            day = merged([(hours.resolve(ordinal, start), hours.resolve(ordinal, end)) for start, end in parts])
        if day:
            _append(compiled, ordinal, day)
    return compiled


def _append(compiled: CompiledYear, ordinal: int, day: tuple[Interval, ...]) -> None:
    opens, closes, ordinals, days = compiled
    ordinals.append(ordinal)
    days.append(day)
    for start, end in day:
        if closes and start <= closes[-1]:
            closes[-1] = max(end, closes[-1])
        else:
            opens.append(start)
            closes.append(end)


def _written(hours: Iterable[str]) -> tuple[Interval, ...]:
    spans = []
    for text in hours:
        start, end = minutes_of_day(text)
        spans.append((start * 60, (end if end > start else end + 24 * 60) * 60))
    return tuple(sorted(spans))


def _within_day(own: Iterable[Interval], day_before: Iterable[Interval]) -> list[Interval]:
    return [(start, min(end, DAY)) for start, end in own] + [(0, end - DAY) for _, end in day_before if end > DAY]
