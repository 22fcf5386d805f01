"""The newest lines of a log in memory: every follower asks for the same ones within milliseconds.

A log never changes what it has and never lets a lower position appear later, so lines that were read up to the end of the
log stay all there is between their ends; and nothing can lie between two positions that follow one another.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from fristwerk_platform.event_log.interface import FeedLine

MOST_LINES: Final = 2_000
"""Twice what the trees over a log wait for and take at once: they come after some more was appended."""
MOST_BYTES: Final = 3_000_000


class NewestLines:
    """All lines after one position up to another, which was once the last."""

    def __init__(self) -> None:
        self._after = 0
        self._lines: list[FeedLine] = []
        self._bytes = 0

    def after(self, position: int, limit: int) -> Sequence[FeedLine]:
        """The lines after a position, up to a limit; none where they are not known, or there may be newer ones alone."""
        if position < self._after or not self._lines:
            return ()
        first = bisect_right(self._lines, position, key=attrgetter("position"))
        return self._lines[first : first + limit]

    def keep(self, position: int, lines: Sequence[FeedLine]) -> None:
        """Keep lines that were all there were after a position. Old ones are dropped where they become too many."""
        if not lines or lines[-1].position <= self._end:
            return
        if not self._after <= position <= self._end:
            self._after, self._lines, self._bytes = position, [], 0
        end = self._end
        self._add([each for each in lines if each.position > end])

    def add(self, lines: Sequence[FeedLine]) -> None:
        """Keep lines that were just stored at positions that follow one another, the highest there are as far as is known."""
        if not lines or lines[0].position <= self._end or lines[-1].position - lines[0].position != len(lines) - 1:
            return
        if lines[0].position != self._end + 1:  # what lies between is not known
            self._after, self._lines, self._bytes = lines[0].position - 1, [], 0
        self._add(lines)

    @property
    def _end(self) -> int:
        return self._lines[-1].position if self._lines else self._after

    def _add(self, added: Sequence[FeedLine]) -> None:
        self._lines.extend(added)
        self._bytes += sum(len(each.line) for each in added)
        dropped = 0
        while len(self._lines) - dropped > MOST_LINES or self._bytes > MOST_BYTES:
            self._bytes -= len(self._lines[dropped].line)
            self._after = self._lines[dropped].position
            dropped += 1
        del self._lines[:dropped]
