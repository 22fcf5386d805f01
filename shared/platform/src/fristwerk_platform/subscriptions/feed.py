"""Feeds that can be followed: of the service's own log, or of another service over HTTP.

Feed          the interface: pages of lines
Page          always carries where to go on, even when everything was filtered away
LogFeed       the feed of the service's own log
HttpFeed      the feed of another service
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import httpx
import msgspec

from fristwerk_platform.event_log import EventLog
from fristwerk_platform.subscriptions.decoding import with_position

BATCH: Final = 1_000
"""Lines of a page at most."""
NEXT_POSITION_HEADER: Final = "Fristwerk-Next-Position"
LAST_POSITION_HEADER: Final = "Fristwerk-Last-Position"


class SourceUnavailableError(Exception):
    """The source did not respond; the request is repeated."""


class FeedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Lines with their positions; go on after ``next``. ``last`` is the source's highest position at that time."""

    lines: list[bytes]
    next: int
    last: int


class Feed(Protocol):
    """A log that can be followed."""

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        """The next lines after a position; waits up to ``wait_seconds`` for the first. Raises SourceUnavailableError."""
        ...


class LogFeed:
    """The service's own log as a feed."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        """See :class:`Feed`."""
        found = await self._log.read_feed(after, limit)
        if not found and wait_seconds > 0:
            await self._log.wait(after, wait_seconds)
            found = await self._log.read_feed(after, limit)
        last = await self._log.last_position()
        lines = [with_position(line.position, line.line) for line in found]
        return FeedPage(lines=lines, next=found[-1].position if found else after, last=last)


class HttpFeed:
    """Another service's feed over HTTP, read with a subscriber's token."""

    def __init__(self, client: httpx.AsyncClient, token: Callable[[], str]) -> None:
        self._client = client
        self._token = token

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        """See :class:`Feed`."""
        try:
            request = self._client.stream(
                "GET",
                "/v1/events",
                params={"after": after, "limit": limit, "wait": wait_seconds},
                headers={"Authorization": f"Bearer {self._token()}"},
                timeout=httpx.Timeout(10.0, read=wait_seconds + 10.0),
            )
            async with request as response:
                if response.is_error:
                    await response.aread()  # the problem document, for the sentence below
                response.raise_for_status()
                # Not ``response.content``: a response is part of a cycle, so its content would stay in memory until the
                # collector of cycles runs, which is set to run rarely: a hundred megabytes of pages.
                content = b"".join([part async for part in response.aiter_bytes()])
            return FeedPage(
                lines=content.splitlines(),
                next=int(response.headers[NEXT_POSITION_HEADER]),
                last=int(response.headers[LAST_POSITION_HEADER]),
            )
        except httpx.HTTPStatusError as error:
            raise SourceUnavailableError(_sentence(error)) from error
        except (httpx.HTTPError, KeyError, ValueError) as error:
            raise SourceUnavailableError(f"{type(error).__name__}: {error}") from error


class _Problem(msgspec.Struct, frozen=True):
    """What is read of a problem document (RFC 9457)."""

    detail: str


def _sentence(error: httpx.HTTPStatusError) -> str:
    """The refusal's own sentence where it has one: it may name the event that is damaged."""
    try:
        detail = msgspec.json.decode(error.response.content, type=_Problem).detail
    except msgspec.DecodeError:
        return str(error)
    return f"{error.response.status_code}: {detail}"
