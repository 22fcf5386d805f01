"""The feed of a told log, opened as a replay opens it: another process can be given it."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from fristwerk_platform.subscriptions import FeedPage, position_of
from sla_service.replay import OpenFeed


class ToldFeed:
    """Lines by their positions, of which some may be missing."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = {position_of(line): line for line in lines}
        self._positions = sorted(self._lines)
        self._last = max(self._lines, default=0)

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        first = bisect_right(self._positions, after)
        found = self._positions[first : first + limit]
        if not found:
            await asyncio.sleep(wait_seconds)
        lines = [self._lines[position] for position in found]
        return FeedPage(lines=lines, next=found[-1] if found else after, last=self._last)


def told(lines: Sequence[bytes]) -> OpenFeed:
    """Opens the feed of these lines."""
    return partial(_opened, tuple(lines))


@asynccontextmanager
async def _opened(lines: Sequence[bytes]) -> AsyncIterator[ToldFeed]:
    yield ToldFeed(lines)
