"""The timelines of tickets with long histories, kept so that a new event is read into what its
history gave before.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import msgspec

from fristwerk_language.events import Recorded
from sla_service.domain.timers.timeline import Timeline
from sla_service.domain.timers.timeline_reader import GrowingTimeline

LONG: Final = 32
"""Events of a history from which on its timeline is kept."""
MAX_EVENTS: Final = 50_000
"""Of all kept timelines together."""


class _Kept(msgspec.Struct, frozen=True):
    """A timeline, how many events of the history it has read, and the last one's id."""

    timeline: GrowingTimeline
    events: int
    last: str


class GrowingTimelines:
    """Timelines by ticket, the least recently used of them dropped beyond ``max_events``.

    A history never changes but by further events, so what was read for a transaction that failed
    is still right.
    """

    def __init__(self, max_events: int = MAX_EVENTS) -> None:
        self._max_events = max_events
        self._events = 0
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def read(self, ticket: str, recorded: Sequence[Recorded]) -> Timeline:
        """The timeline of a whole history. Raises NoTicketError, UnreadableHistoryError."""
        growing = self._grown(ticket, recorded) or GrowingTimeline(recorded)
        if len(recorded) >= LONG:
            self._kept[ticket] = _Kept(growing, len(recorded), recorded[-1].envelope.id)
            self._events += len(recorded)
            while self._events > self._max_events:
                self._taken(next(iter(self._kept)))
        return growing.timeline()

    def _grown(self, ticket: str, recorded: Sequence[Recorded]) -> GrowingTimeline | None:
        kept = self._taken(ticket)
        if kept is None or kept.events > len(recorded) or recorded[kept.events - 1].envelope.id != kept.last:
            return None
        return kept.timeline if kept.timeline.take(recorded[kept.events :]) else None

    def _taken(self, ticket: str) -> _Kept | None:
        kept = self._kept.pop(ticket, None)
        if kept is not None:
            self._events -= kept.events
        return kept
