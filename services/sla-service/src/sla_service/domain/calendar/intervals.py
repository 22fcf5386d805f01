"""Half-open intervals of whole seconds: merging them, and taking some away from others."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

Interval = tuple[int, int]
"""Half-open, in seconds: since local midnight, or since the epoch."""


def merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Sorted, empty and reversed ones dropped, touching and overlapping ones made one."""
    result: list[Interval] = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return tuple(result)


def without(intervals: Iterable[Interval], others: Sequence[Interval]) -> tuple[Interval, ...]:
    """The parts of sorted ``intervals`` that lie in none of the sorted ``others``."""
    rest: list[Interval] = []
    for start, end in intervals:
        position = start
        for other_start, other_end in others[bisect_right(others, position, key=lambda other: other[1]) :]:
            if other_start >= end:
                break
            if other_start > position:
                rest.append((position, other_start))
            position = max(position, other_end)
        if position < end:
            rest.append((position, end))
    return tuple(rest)
