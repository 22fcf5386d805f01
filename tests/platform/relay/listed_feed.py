"""A feed whose lines are listed, for what follows a feed."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from fristwerk_platform.subscriptions.pages import FeedPage


class ListedFeed:
    """Lines with the positions from 1 on, of tickets in turn; ``name`` makes their ids another log's."""

    def __init__(self, count: int, name: str = "log") -> None:
        self.lines: list[bytes] = []
        self._name = name
        self._added = asyncio.Event()
        self.add(count)

    def add(self, count: int) -> None:
        """More lines."""
        self._added.set()
        self.lines += [self._line(len(self.lines) + 1 + index) for index in range(count)]

    def _line(self, position: int) -> bytes:
        event = {
            "position": position,
            "id": f"{self._name}-{position}",
            "type": "Responded",
            "schema": 1,
            "provider": "north",
            "stream": f"ticket-{position % 31}",
            "version": 1,
            "occurred_at": "2026-06-29T10:00:00Z",
            "recorded_at": "2026-06-29T10:00:01Z",
        }
        return json.dumps(event).encode()

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        """As :class:`fristwerk_platform.subscriptions.Feed` has it."""
        if after >= len(self.lines) and wait_seconds > 0:
            self._added.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._added.wait()
        found = self.lines[after : after + limit]
        return FeedPage(lines=found, next=after + len(found), last=len(self.lines))
