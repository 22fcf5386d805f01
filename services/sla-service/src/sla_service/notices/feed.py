"""The notices as a feed (see ``fristwerk_platform.subscriptions.Feed``)."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy import func, select

from fristwerk_platform.read_models import Database
from fristwerk_platform.subscriptions import FeedPage, with_position
from sla_service.notices.change_signal import ChangeSignal
from sla_service.projections.tables import notices

POLL_SECONDS: Final = 1.0
"""How often a waiting reader looks without being woken: another process may have added a notice."""


class NoticeFeed:
    """Pages of notices by position; a reader at the end waits for ``signal``."""

    def __init__(self, database: Database, signal: ChangeSignal) -> None:
        self._database = database
        self._signal = signal

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        """The next notices after a position. Their lines are short: a notice holds names and instants only."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + wait_seconds
        while True:
            seen = self._signal.count
            page = await self._read(after, limit)
            left = ends_at - loop.time()
            if page.lines or left <= 0:
                return page
            await self._signal.wait_after(seen, min(left, POLL_SECONDS))

    async def _read(self, after: int, limit: int) -> FeedPage:
        statement = (
            select(notices.c.position, notices.c.line)
            .where(notices.c.position > after)
            .order_by(notices.c.position)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
            last = (await connection.execute(select(func.max(notices.c.position)))).scalar() or 0
        lines = [with_position(row.position, row.line) for row in rows]
        return FeedPage(lines=lines, next=rows[-1].position if rows else after, last=last)
