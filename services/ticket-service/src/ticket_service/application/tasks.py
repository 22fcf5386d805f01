"""The open tasks of a provider, kept in memory and brought up to date from the tickets that have
changed since.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import Final

import msgspec

from ticket_service.application.consistent_reads import ConsistentReads
from ticket_service.domain.tasks import KINDS, Task, TaskKind, open_tasks
from ticket_service.queries.read_model import ReadModel

KEPT_PROVIDERS: Final = 100
_cursor: Final = attrgetter("cursor")


class _Known(msgspec.Struct):
    """Of one provider: its tasks in order and by ticket, as of a position of the log."""

    position: int = 0
    ordered: list[Task] = []
    by_ticket: dict[str, list[Task]] = {}


class Tasks:
    """Lists what is open, without reading every ticket for every page."""

    def __init__(self, current: ConsistentReads) -> None:
        self._current = current
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._refreshing = asyncio.Lock()

    async def page(
        self,
        provider: str,
        wanted: Mapping[str, str],
        *,
        kinds: Collection[TaskKind] = KINDS,
        until: datetime | None,
        after: str,
        limit: int | None,
    ) -> Sequence[Task]:
        """Open tasks of these ``kinds`` in the order of ``at`` behind a cursor: those whose fields
        equal what is ``wanted`` and that are due ``until`` then. Without a ``limit`` all of them.
        """
        read_model = await self._current()
        async with self._refreshing:
            known = await self._brought_up_to_date(read_model, provider)
            start = bisect_right(known.ordered, after, key=_cursor)
            found = (
                each
                for each in islice(known.ordered, start, None)
                if each.kind in kinds
                and all(getattr(each, name) == value for name, value in wanted.items())
                and (until is None or each.at <= until)
            )
            return list(islice(found, limit))

    async def _brought_up_to_date(self, read_model: ReadModel, provider: str) -> _Known:
        known = self._known.setdefault(provider, _Known())
        self._known.move_to_end(provider)
        if len(self._known) > KEPT_PROVIDERS:
            self._known.popitem(last=False)
        async for ticket, position in read_model.changed_after(provider, known.position):
            for gone in known.by_ticket.pop(ticket.id, ()):
                known.ordered.remove(gone)
            if tasks := list(open_tasks(ticket)):
                known.by_ticket[ticket.id] = tasks
                for each in tasks:
                    insort(known.ordered, each, key=_cursor)
            known.position = max(known.position, position)
        return known
