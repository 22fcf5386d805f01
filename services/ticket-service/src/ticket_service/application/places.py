"""Places in the worklist, explained: how long a ticket waits, how often it was passed over, and what stands before it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from ticket_service.application.consistent_reads import ConsistentReads
from ticket_service.application.ticket_lists import Total
from ticket_service.application.worklist import Worklist
from ticket_service.domain.place import Ranked, why_there
from ticket_service.domain.worklist import is_free
from ticket_service.queries.ticket_lists import TicketListReads

MOST_PASSED: Final = 1_000
"""So many others are counted at most."""
_MINUTE: Final = timedelta(minutes=1)


class WorklistPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a ticket stands in the whole worklist, from 1, and ``why``. ``passed_over`` counts the tickets that were received
    after it and which somebody has, or had until they were done; null where this one waits for nobody.
    """

    ticket: str
    number: int
    age_minutes: int
    passed_over: Total | None
    why: str


class Places:
    """Explains places, for callers who have waited for the read model."""

    def __init__(self, current: ConsistentReads, reads: TicketListReads, worklist: Worklist) -> None:
        self._current = current
        self._reads = reads
        self._worklist = worklist

    async def of(self, provider: str, now: datetime, tickets: Sequence[str]) -> list[WorklistPlace]:
        """The places of tickets of the worklist, in the order in which these are given; of what is done meanwhile there is
        none.
        """
        ranking = await self._worklist.ranking(provider, now)
        standing = [each for ticket in tickets if (each := await ranking.standing(ticket)) is not None]
        waiting = [own.ticket.received_at for _, own, _ in standing if is_free(own.ticket)]
        taken = await self._reads.taken_since(provider, min(waiting), limit=MOST_PASSED + 1) if waiting else []
        return [_place(number, own, before, taken[::-1], now) for number, own, before in standing]


def _place(number: int, own: Ranked, before: Ranked | None, taken: Sequence[datetime], now: datetime) -> WorklistPlace:
    passed = len(taken) - bisect_right(taken, own.ticket.received_at)
    return WorklistPlace(
        ticket=own.ticket.id,
        number=number,
        age_minutes=max(0, (now - own.ticket.received_at) // _MINUTE),
        passed_over=Total(count=min(passed, MOST_PASSED), more=passed > MOST_PASSED) if is_free(own.ticket) else None,
        why=why_there(own, before),
    )
