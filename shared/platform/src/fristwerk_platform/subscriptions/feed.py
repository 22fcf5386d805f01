"""Where a feed comes from: the service's own log, or another service over HTTP; both give pages.

ReadAhead     reads a feed for one reader
Page          a stretch of a feed; always says where to go on, even when everything was filtered away
LogFeed       the feed of the service's own log
HttpFeed      the feed of another service
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import httpx
import msgspec

from fristwerk_language.events import with_position
from fristwerk_platform.event_log import EventLog

BATCH: Final = 1_000
"""Lines of a page at most."""
MOST_GATHERED: Final = 10 * BATCH
NEXT_POSITION_HEADER: Final = "Fristwerk-Next-Position"
LAST_POSITION_HEADER: Final = "Fristwerk-Last-Position"


class SourceUnavailableError(Exception):
    """The source did not answer; it is asked again."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Lines with their positions; go on after ``next``. ``last`` is the source's highest position at that time."""

    lines: list[bytes]
    next: int
    last: int


class Feed(Protocol):
    """A log that can be followed."""

    async def page(self, after: int, limit: int, wait_seconds: float) -> Page:
        """The next lines after a position; waits up to ``wait_seconds`` for the first. Raises SourceUnavailableError."""
        ...


class Prefetch:
    """Reads a feed for one reader: while it is far behind several pages as one, and what comes next meanwhile.

    What a batch costs is shared by more events then, and nobody waits for the source in between. Who has nearly caught up reads
    again only once the batch is applied: more will have gathered by then.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._coming: tuple[int, asyncio.Task[Page]] | None = None

    async def page(self, after: int, wait_seconds: float) -> Page:
        """What comes next after a position, which need not be where the last page ended. Raises SourceUnavailableError."""
        position, coming = self._coming or (None, None)
        self._coming = None
        if coming is None or position != after:
            await _ended(coming)
            page = await self._gathered(after, wait_seconds)
        else:
            page = await coming
        if len(page.lines) >= BATCH and page.next < page.last:
            self._coming = page.next, asyncio.create_task(self._gathered(page.next, 0))
        return page

    async def aclose(self) -> None:
        """Give up what is coming."""
        if self._coming is not None:
            await _ended(self._coming[1])
        self._coming = None

    async def _gathered(self, after: int, wait_seconds: float) -> Page:
        page = await self._feed.page(after, BATCH, wait_seconds)
        lines = page.lines
        while len(page.lines) >= BATCH and page.next < page.last and len(lines) < MOST_GATHERED:
            page = await self._feed.page(page.next, BATCH, 0)
            lines = lines + page.lines
        return Page(lines=lines, next=page.next, last=page.last)


async def _ended(coming: asyncio.Task[Page] | None) -> None:
    if coming is not None:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


class LogFeed:
    """The service's own log as a feed."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def page(self, after: int, limit: int, wait_seconds: float) -> Page:
        """See :class:`Feed`."""
        found = await self._log.read_feed(after, limit)
        if not found and wait_seconds > 0:
            await self._log.wait(after, wait_seconds)
            found = await self._log.read_feed(after, limit)
        last = await self._log.last_position()
        lines = [with_position(each.position, each.line) for each in found]
        return Page(lines=lines, next=found[-1].position if found else after, last=last)


class HttpFeed:
    """Another service's feed over HTTP, read with a follower's token."""

    def __init__(self, client: httpx.AsyncClient, token: Callable[[], str]) -> None:
        self._client = client
        self._token = token

    async def page(self, after: int, limit: int, wait_seconds: float) -> Page:
        """See :class:`Feed`."""
        try:
            answer = await self._client.get(
                "/v1/events",
                params={"after": after, "limit": limit, "wait": wait_seconds},
                headers={"Authorization": f"Bearer {self._token()}"},
                timeout=httpx.Timeout(10.0, read=wait_seconds + 10.0),
            )
            answer.raise_for_status()
            return Page(
                lines=answer.content.splitlines(),
                next=int(answer.headers[NEXT_POSITION_HEADER]),
                last=int(answer.headers[LAST_POSITION_HEADER]),
            )
        except (httpx.HTTPError, KeyError, ValueError) as error:
            raise SourceUnavailableError(f"{type(error).__name__}: {error}") from error
