"""Reading a feed ahead: while a subscription is far behind, the next pages are merged and fetched in advance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from fristwerk_platform.subscriptions.feed import BATCH, Feed
from fristwerk_platform.subscriptions.pages import FeedPage

MAX_MERGED_LINES: Final = 20 * BATCH
"""Lines of a merged page at most."""
MAX_MERGED_BYTES: Final = 8 * 1024 * 1024
"""No page is added to one whose lines have so many bytes."""


class Prefetch:
    """Reads a feed for one reader: while it is far behind, merges up to twenty pages and fetches the next ones meanwhile.

    The cost of a batch is then shared by more events, and the reader does not wait for the source between batches. A reader that
    has nearly caught up fetches only once its batch is applied, because more events will have arrived by then.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._fetching: tuple[int, asyncio.Task[FeedPage]] | None = None

    async def page(self, after: int, wait_seconds: float) -> FeedPage:
        """The page after a position, which need not be the end of the last page. Raises SourceUnavailableError."""
        position, fetching = self._fetching or (None, None)
        self._fetching = None
        if fetching is None or position != after:
            await _cancelled(fetching)
            page = await self._merged(after, wait_seconds)
        else:
            page = await fetching
        if page.lines and not page.is_last:
            self._fetching = page.next, asyncio.create_task(self._merged(page.next, 0))
        return page

    async def aclose(self) -> None:
        """Cancel what is being fetched."""
        if self._fetching is not None:
            await _cancelled(self._fetching[1])
        self._fetching = None

    async def _merged(self, after: int, wait_seconds: float) -> FeedPage:
        page = await self._feed.page(after, BATCH, wait_seconds)
        lines, size = page.lines, _bytes_of(page)
        while page.lines and not page.is_last and len(lines) < MAX_MERGED_LINES and size < MAX_MERGED_BYTES:
            page = await self._feed.page(page.next, BATCH, 0)
            lines, size = lines + page.lines, size + _bytes_of(page)
        return FeedPage(lines=lines, next=page.next, last=page.last)


async def pages_between(feed: Feed, after: int, until: int, *, lines: int = BATCH) -> AsyncGenerator[FeedPage]:
    """The pages of a feed from ``after`` (exclusive) to the position ``until`` (inclusive); the next one is fetched meanwhile.

    ``lines`` is how many a page has at most; it may reach beyond ``until`` where positions are missing. The caller stops
    where ``page.last`` is below what it needs: a source that ends before ``until`` would give empty pages for ever.

    Raises SourceUnavailableError.
    """
    fetching: asyncio.Task[FeedPage] | None = None
    try:
        while after < until:
            page = await (fetching or feed.page(after, min(lines, until - after), 0))
            after, fetching = page.next, None
            if after < until:
                fetching = asyncio.create_task(feed.page(after, min(lines, until - after), 0))
                await asyncio.sleep(0)  # lets the request go out before the page is worked on
            yield page
    finally:
        await _cancelled(fetching)


def _bytes_of(page: FeedPage) -> int:
    return sum(map(len, page.lines))


async def _cancelled(fetching: asyncio.Task[FeedPage] | None) -> None:
    if fetching is not None:
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)
