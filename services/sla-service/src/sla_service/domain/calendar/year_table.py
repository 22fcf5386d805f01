"""Consecutive years of a calendar as sorted lists, in which instants and days are found by
bisection.

All instants are whole seconds since 1970-01-01T00:00Z, all sums are seconds of open time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from operator import sub
from typing import Final

import msgspec

from sla_service.domain.calendar.intervals import Interval
from sla_service.domain.calendar.opening_hours import CompiledYear

BLOCK_BITS: Final = 15
"""A block of a table has 2¹⁵ seconds, some nine hours: it holds an interval or two, and a table of
eight years has 7,700 blocks.
"""


class YearTable(msgspec.Struct, frozen=True):
    """The compiled years ``first_year`` … ``last_year``: sorted intervals and cumulative open
    seconds.

    ``after[i]`` counts the open seconds up to ``closes[i]``; ``shift[i]`` is ``closes[i] -
    after[i]``, so that within interval ``i`` an instant is ``shift[i]`` plus the open seconds
    before it. ``start`` and ``end`` bound the years as instants.

    ``first_in_block[b]`` is the first interval that closes after the beginning of block ``b``, of
    which each has ``2 ** BLOCK_BITS`` seconds from ``start`` on. ``shortest`` is the length of the
    shortest interval, 1 where there is none.
    """

    start: int
    end: int
    opens: list[int]
    closes: list[int]
    after: list[int]
    shift: list[int]
    ordinals: list[int]
    days: list[tuple[Interval, ...]]
    first_year: int
    last_year: int
    first_in_block: list[int]
    shortest: int


NO_YEARS = YearTable(0, 0, [], [], [], [], [], [], 0, 0, [], 1)


def joined(years: list[CompiledYear], bounds: tuple[int, int], first_year: int) -> YearTable:
    """Consecutive years as one table; what is open across New Year becomes one interval."""
    opens: list[int] = []
    closes: list[int] = []
    for year in years:
        touching = bool(closes and year.opens and year.opens[0] <= closes[-1])
        if touching:
            closes.pop()
        opens += year.opens[1:] if touching else year.opens
        closes += year.closes
    lengths = list(map(sub, closes, opens))
    after = list(accumulate(lengths))
    return YearTable(
        *bounds,
        opens,
        closes,
        after,
        list(map(sub, closes, after)),
        [ordinal for year in years for ordinal in year.ordinals],
        [day for year in years for day in year.days],
        first_year,
        first_year + len(years) - 1,
        _first_in_blocks(closes, *bounds),
        min(lengths, default=1),
    )


def _first_in_blocks(closes: list[int], start: int, end: int) -> list[int]:
    """See ``YearTable.first_in_block``."""
    found: list[int] = []
    index, number = 0, len(closes)
    for instant in range(start, end, 1 << BLOCK_BITS):
        while index < number and closes[index] <= instant:
            index += 1
        found.append(index)
    return found


def open_seconds(table: YearTable, instant: int) -> int:
    """The open seconds from the table's start to ``instant``."""
    index = bisect_right(table.closes, instant)
    if index == len(table.closes):
        return table.after[-1] if table.after else 0
    return max(instant, table.opens[index]) - table.shift[index]


def day_index(table: YearTable, ordinal: int, days: int) -> int:
    if days > 0:
        return bisect_right(table.ordinals, ordinal) + days - 1
    index = bisect_left(table.ordinals, ordinal) + days
    assert days or table.ordinals[index] == ordinal, "the date is open"
    return index
