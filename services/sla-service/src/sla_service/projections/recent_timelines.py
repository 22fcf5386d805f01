"""The timelines of the tickets that had events last, kept so that a new event is read into what its
history gave before, and the history is neither read from the database nor decoded again.

A history only grows, and every event of a ticket's stream has the next version. So what is kept is
still whole where it ends just before a new event, whichever process stored it; where it does not,
the history is read again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from fristwerk_language.events import Recorded
from sla_service.domain.timers.timeline_reader import GrowingTimeline, NoTicketError

MAX_EVENTS: Final = 110_000
"""Of all kept timelines together, of which each counts ``TICKET_EVENTS`` more; 50 MB at 460 bytes an event."""
TICKET_EVENTS: Final = 8
"""A timeline without events takes as much memory as so many events."""


class ReadTicket(msgspec.Struct, kw_only=True):
    """A ticket's timeline as read so far: ``events`` of them, up to ``version``, of which the last
    occurred and was recorded, at ``position`` of the log, as it says. ``row`` is what was written of the ticket
    itself; None: nothing yet.
    """

    provider: str
    growing: GrowingTimeline
    events: int
    version: int
    occurred_at: datetime
    recorded_at: datetime
    position: int
    row: Mapping[str, Any] | None = None

    def take(self, later: Sequence[Recorded]) -> bool:
        """Read further events. Returns False, and is of no more use, where the history does not go on
        with them, or one of them cannot simply be added.
        """
        if later[0].envelope.version != self.version + 1 or not self.growing.take(later):
            return False
        last = later[-1].envelope
        self.events += len(later)
        self.version, self.position = last.version, last.position
        self.occurred_at, self.recorded_at = last.occurred_at, last.recorded_at
        return True


def read_ticket(recorded: Sequence[Recorded]) -> ReadTicket:
    """A ticket's whole history. Raises NoTicketError, UnreadableHistoryError."""
    if not recorded:
        raise NoTicketError
    last = max(recorded, key=lambda each: each.envelope.version).envelope
    return ReadTicket(
        provider=recorded[0].envelope.provider,
        growing=GrowingTimeline(recorded),
        events=len(recorded),
        version=last.version,
        occurred_at=last.occurred_at,
        recorded_at=last.recorded_at,
        position=last.position,
    )


class RecentTimelines:
    """Tickets as they were read up to the last commit, the least recently used of them dropped
    beyond ``max_events``.
    """

    def __init__(self, max_events: int = MAX_EVENTS) -> None:
        self._max_events = max_events
        self._events = 0
        self._kept: OrderedDict[str, ReadTicket] = OrderedDict()

    def take(self, news: Mapping[str, Sequence[Recorded]]) -> dict[str, ReadTicket]:
        """The tickets whose whole history is read with these new events; those of which it must be read
        from the database are missing.

        None of them is kept any longer: they hold events that are not committed yet.
        """
        found: dict[str, ReadTicket] = {}
        for ticket, new in news.items():
            kept = self._taken(ticket)
            if kept is not None and kept.take(new):
                found[ticket] = kept
        return found

    def keep(self, tickets: Mapping[str, ReadTicket]) -> None:
        """Keep tickets as they were committed."""
        for ticket, read in tickets.items():
            self._taken(ticket)
            self._kept[ticket] = read
            self._events += read.events + TICKET_EVENTS
        while self._events > self._max_events:
            self._taken(next(iter(self._kept)))

    def _taken(self, ticket: str) -> ReadTicket | None:
        kept = self._kept.pop(ticket, None)
        if kept is not None:
            self._events -= kept.events + TICKET_EVENTS
        return kept
