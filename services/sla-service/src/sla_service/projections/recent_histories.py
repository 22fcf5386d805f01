"""The histories of the tickets that had events last, kept in memory so that a new event need not
read and decode the old ones.

A history only grows, and every event of a ticket's stream has the next version. So what is kept
is still whole where it ends just before a new event, whichever process stored it; where it does
not, it is read again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from fristwerk_language.events import Recorded

MAX_BYTES: Final = 8 * 1024 * 1024
"""Of the kept lines; with their decoded events they take about five times as much."""


class RecentHistories:
    """Whole histories, the least recently used of them dropped beyond ``max_bytes`` of lines."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, tuple[Sequence[Recorded], int]] = OrderedDict()

    def before(self, news: Mapping[str, Sequence[Recorded]]) -> dict[str, Sequence[Recorded]]:
        """The whole histories before new events of tickets; those that must be read are missing."""
        found: dict[str, Sequence[Recorded]] = {}
        for ticket, new in news.items():
            version = new[0].envelope.version - 1
            kept, _ = self._kept.get(ticket, ((), 0))
            if version == (kept[-1].envelope.version if kept else 0):
                found[ticket] = kept
        return found

    def keep(self, histories: Mapping[str, Sequence[Recorded]]) -> None:
        """Keep whole histories as they were committed."""
        for ticket, recorded in histories.items():
            self._drop(ticket)
            size = sum(len(each.line) for each in recorded)
            if recorded and size <= self._max_bytes:
                self._kept[ticket] = recorded, size
                self._bytes += size
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, ticket: str) -> None:
        _, size = self._kept.pop(ticket, ((), 0))
        self._bytes -= size
