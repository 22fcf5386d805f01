"""The calendar: arithmetic on business time, by bisection over compiled intervals of integer
seconds.

Instants are whole seconds since 1970-01-01T00:00Z, spans are seconds. An interval is half-open,
``[open, close)``. A budget used up exactly at closing is due at the closing instant; adding zero
outside hours gives the next opening.

Errors: ``CalendarRangeError`` whenever an answer lies beyond the published years,
``ReversedSpanError`` for a span that ends before it starts where a direction has no meaning.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from fristwerk_language.events.terms import CalendarPublished
from sla_service.domain.calendar.business_days import OpenDay, add_business_days
from sla_service.domain.calendar.intervals import Interval, without
from sla_service.domain.calendar.opening_hours import (
    CompiledYear,
    OpeningHours,
    compile_year,
    neutral_hours,
    opening_hours,
)
from sla_service.domain.calendar.year_table import BLOCK_BITS, NO_YEARS, YearTable, day_index, joined, open_seconds

_MEAN_YEAR = 31_556_952


class CalendarRangeError(Exception):
    """Raised when a computation reaches a year for which the calendar is not published."""

    def __init__(self, calendar: str, first_year: int, last_year: int, year: int) -> None:
        self.calendar = calendar
        self.year = year
        super().__init__(
            f"The calendar {calendar} is published for the years {first_year} to {last_year}; this would need {year}."
        )


class ReversedSpanError(Exception):
    """Raised when a span ends before it starts."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__(f"The span ends {start - end} seconds before it starts.")


class Difference(NamedTuple):
    """What a newer version of a calendar changes, within the years of both: spans opened and spans
    closed.
    """

    opened: tuple[Interval, ...]
    closed: tuple[Interval, ...]


class Calendar:
    """A published calendar version. Years are compiled when first needed and kept."""

    __slots__ = ("_bounds", "_table", "_years", "hours")

    def __init__(self, hours: OpeningHours) -> None:
        self.hours = hours
        self._years: dict[int, CompiledYear] = {}
        self._table = NO_YEARS
        self._bounds = (hours.start_of_year(hours.first_year), hours.start_of_year(hours.last_year + 1))

    @classmethod
    def published(cls, event: CalendarPublished) -> Calendar:
        """The calendar that was published with ``event``."""
        return cls(opening_hours(event))

    @classmethod
    def of_parts(
        cls,
        *,
        name: str,
        timezone: str,
        week: Mapping[str, Sequence[str]],
        closed: Iterable[date] = (),
        exceptional: Mapping[date, Sequence[str]] | None = None,
        first_year: int,
        last_year: int,
    ) -> Calendar:
        """A calendar from neutral parts, see ``compilation.neutral_hours``."""
        return cls(
            neutral_hours(
                name=name,
                timezone=timezone,
                week=week,
                closed=closed,
                exceptional=exceptional,
                first_year=first_year,
                last_year=last_year,
            )
        )

    @property
    def label(self) -> str:
        """``name@version``."""
        return f"{self.hours.name}@{self.hours.version}"

    def add_business_time(self, start: int, seconds: int) -> int:
        """The first instant at which ``seconds`` of open time have passed since ``start``; negative
        counts back.
        """
        table = self._table
        if seconds > 0 and table.start <= start < table.end:
            closes = table.closes
            index = table.first_in_block[(start - table.start) >> BLOCK_BITS]
            try:
                while closes[index] <= start:
                    index += 1
                opened = table.opens[index]
                due = (start if start > opened else opened) + seconds  # noqa: FURB136 - max() is slower
                if due <= closes[index]:
                    return due
                shift = table.shift
                used = due - shift[index]
                # Every further interval has at least the shortest one's seconds.
                end = index + seconds // table.shortest + 1
                index = bisect_left(table.after, used, index + 1, end if end < len(closes) else len(closes))  # noqa: FURB136
                return shift[index] + used
            except IndexError:
                pass  # the answer lies beyond the table
        return self._add_slowly(start, seconds)

    def subtract_business_time(self, end: int, seconds: int) -> int:
        """The last instant from which ``seconds`` of open time pass until ``end``; negative counts
        forward.
        """
        if seconds < 0:
            return self.add_business_time(end, -seconds)
        table = self._covering(end)
        if seconds == 0:
            return end
        while (target := open_seconds(table, end) - seconds) < 0:
            table = self._with_year_before(table)
        index = bisect_right(table.after, target)
        return table.shift[index] + target

    def business_time_between(self, start: int, end: int) -> int:
        """The open seconds in ``[start, end)``; negative if ``end`` lies before ``start``."""
        self._covering(start)
        table = self._covering(end)
        return open_seconds(table, end) - open_seconds(table, start)

    def next_opening(self, instant: int) -> int:
        """The first open instant from ``instant`` on; an open one is its own answer."""
        table = self._covering(instant)
        while (index := bisect_right(table.closes, instant)) == len(table.closes):
            table = self._with_year_after(table)
        return max(instant, table.opens[index])

    def next_closing(self, instant: int) -> int:
        """The first closing instant after ``instant``."""
        table = self._covering(instant)
        while (index := bisect_right(table.closes, instant)) == len(table.closes) or table.closes[index] == table.end:
            table = self._with_year_after(table)
        return table.closes[index]

    def is_open(self, instant: int) -> bool:
        """Whether the calendar is open at ``instant``; at a closing instant it is not."""
        table = self._covering(instant)
        index = bisect_right(table.closes, instant)
        return index < len(table.opens) and table.opens[index] <= instant

    def business_intervals(self, start: int, end: int) -> tuple[Interval, ...]:
        """The open intervals in ``[start, end)``, cut to it. Raises ReversedSpanError."""
        if end < start:
            raise ReversedSpanError(start, end)
        self._covering(start)
        if start == end:
            return ()
        table = self._covering(end - 1)
        first, last = bisect_right(table.closes, start), bisect_left(table.opens, end)
        return tuple((max(start, table.opens[index]), min(end, table.closes[index])) for index in range(first, last))

    def open_day(self, ordinal: int, days: int) -> OpenDay:
        """The ``days``-th open date after the date ``ordinal`` (before it, if negative); zero: that
        date, which is open.
        """
        table = self._covering(self.hours.resolve(ordinal, 0))
        while (index := day_index(table, ordinal, days)) >= len(table.ordinals):
            table = self._with_year_after(table)
        while (index := day_index(table, ordinal, days)) < 0:
            table = self._with_year_before(table)
        return OpenDay(table.ordinals[index], table.days[index])

    def add_business_days(self, start: int, days: int, *, end_of_business_day: bool = False) -> int:
        """``days`` open days after ``start`` at the same local clock time (see ``business_days``)."""
        return add_business_days(self, start, days, end_of_business_day=end_of_business_day)

    def digest(self) -> str:
        """SHA-256 over all compiled intervals: it changes if, and only if, an opening or closing
        instant does.
        """
        text = "\n".join(f"{opened} {closed}" for opened, closed in self.business_intervals(*self._bounds))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def difference(self, newer: Calendar) -> Difference:
        """What ``newer`` opens and closes, within the years that both are published for."""
        start, end = max(self._bounds[0], newer._bounds[0]), min(self._bounds[1], newer._bounds[1])
        if start >= end:
            return Difference((), ())
        before, now = self.business_intervals(start, end), newer.business_intervals(start, end)
        return Difference(opened=without(now, before), closed=without(before, now))

    def local(self, instant: int) -> tuple[int, int]:
        """The local date (as an ordinal) and the second of its clock at ``instant``."""
        here = datetime.fromtimestamp(instant, self.hours.zone)
        return here.toordinal(), here.hour * 3600 + here.minute * 60 + here.second

    def _add_slowly(self, start: int, seconds: int) -> int:
        if seconds < 0:
            return self.subtract_business_time(start, -seconds)
        if seconds == 0:
            return self.next_opening(start)
        table = self._covering(start)
        while (used := open_seconds(table, start) + seconds) > (table.after[-1] if table.after else 0):
            table = self._with_year_after(table)
        return table.shift[bisect_left(table.after, used)] + used

    def _covering(self, instant: int) -> YearTable:
        """The table, grown to hold ``instant``."""
        table = self._table
        if table.start <= instant < table.end:
            return table
        first, last = self._bounds
        if not first <= instant < last:
            raise self._beyond(_year_of(instant, self.hours))
        year = _year_of(instant, self.hours)
        if table is NO_YEARS:
            return self._compile(year, year)
        return self._compile(min(year, table.first_year), max(year, table.last_year))

    def _with_year_after(self, table: YearTable) -> YearTable:
        """The table with at least one more year, doubled so that reaching far stays linear."""
        if table.last_year >= self.hours.last_year:
            raise self._beyond(self.hours.last_year + 1)
        years = table.last_year - table.first_year + 1
        return self._compile(table.first_year, min(table.last_year + years, self.hours.last_year))

    def _with_year_before(self, table: YearTable) -> YearTable:
        if table.first_year <= self.hours.first_year:
            raise self._beyond(self.hours.first_year - 1)
        years = table.last_year - table.first_year + 1
        return self._compile(max(table.first_year - years, self.hours.first_year), table.last_year)

    def _compile(self, first_year: int, last_year: int) -> YearTable:
        for year in range(first_year, last_year + 1):
            if year not in self._years:
                self._years[year] = compile_year(self.hours, year)
        bounds = self.hours.start_of_year(first_year), self.hours.start_of_year(last_year + 1)
        self._table = joined([self._years[year] for year in range(first_year, last_year + 1)], bounds, first_year)
        return self._table

    def _beyond(self, year: int) -> CalendarRangeError:
        return CalendarRangeError(self.hours.name, self.hours.first_year, self.hours.last_year, year)


def _year_of(instant: int, hours: OpeningHours) -> int:
    """The local year of an instant; for one that no date can hold, the year it would about be."""
    try:
        return datetime.fromtimestamp(instant, UTC).astimezone(hours.zone).year
    except (OverflowError, ValueError, OSError):
        return 1970 + instant // _MEAN_YEAR
