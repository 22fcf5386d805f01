"""Feeds that can be followed: of the service's own log, or of another service over HTTP.

Feed          the interface: pages of lines
Page          always carries where to go on, even when everything was filtered away
LogFeed       the feed of the service's own log
HttpFeed      the feed of another service
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import httpx
import msgspec

from fristwerk_platform.event_log import EventLog, FeedLine, is_full_page
from fristwerk_platform.subscriptions.decoding import with_positions
from fristwerk_platform.subscriptions.event_stream import EventStream
from fristwerk_platform.subscriptions.pages import FeedPage

BATCH: Final = 1_000
"""Lines of a page at most."""
NEXT_POSITION_HEADER: Final = "Fristwerk-Next-Position"
LAST_POSITION_HEADER: Final = "Fristwerk-Last-Position"


class SourceUnavailableError(Exception):
    """The source did not respond; the request is repeated."""


class Feed(Protocol):
    """A log that can be followed."""

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        """The next lines after a position; waits up to ``wait_seconds`` for the first. Raises SourceUnavailableError.

        Fewer than ``limit`` may come although more follow: only a page that says so is the last.
        """
        ...


class LogFeed:
    """The service's own log as a feed, for all of its readers.

    Who waits for what comes gets from memory what another who waited has read. Who does not wait wants all that is there.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        """See :class:`Feed`."""
        if wait_seconds <= 0:
            found: Sequence[FeedLine] = await self._log.read_feed(after, limit)
        elif not (found := await self._log.read_newest(after, limit)):
            await self._log.wait(after, wait_seconds)
            found = await self._log.read_newest(after, limit)
        at_end = found and not is_full_page(found, limit)
        last = found[-1].position if at_end else await self._log.last_position()
        return FeedPage(lines=with_positions(found), next=found[-1].position if found else after, last=last)


class HttpFeed:
    """Another service's feed over HTTP, read with a subscriber's token.

    With ``streaming`` a reader that has reached the end follows the source's stream instead of
    asking for page after page; ``gather_seconds`` as in :class:`EventStream`.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        token: Callable[[], str],
        *,
        streaming: bool = False,
        gather_seconds: float = 0.0,
    ) -> None:
        self._gather_seconds = gather_seconds
        self._client = client
        self._token = token
        self._streaming = streaming
        self._end: int | None = None
        self._stream: EventStream | None = None

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        """See :class:`Feed`."""
        try:
            if self._streaming and wait_seconds > 0:
                return await self._streamed(after, limit, wait_seconds)
            return await self._requested(after, limit, wait_seconds)
        except httpx.HTTPStatusError as error:
            raise SourceUnavailableError(_sentence(error)) from error
        except (httpx.HTTPError, KeyError, ValueError) as error:
            raise SourceUnavailableError(f"{type(error).__name__}: {error}") from error

    async def aclose(self) -> None:
        """End the stream, if there is one."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()

    async def _streamed(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        """A page of the stream; one that was asked for where the reader is not at the end of the
        source, or the stream has ended.
        """
        if self._stream is not None and self._stream.position != after:
            await self.aclose()
        if self._stream is None and self._end == after:
            self._stream = EventStream(self._client, after, self._headers(), self._gather_seconds)
            self._end = None
        if self._stream is not None:
            try:
                page = await self._stream.page(limit, wait_seconds)
            except httpx.HTTPError:
                await self.aclose()
                raise
            if page is not None:
                return page
            await self.aclose()
        return await self._requested(after, limit, 0)

    async def _requested(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        request = self._client.stream(
            "GET",
            "/v1/events",
            params={"after": after, "limit": limit, "wait": wait_seconds},
            headers=self._headers(),
            timeout=httpx.Timeout(10.0, read=wait_seconds + 10.0),
        )
        async with request as response:
            if response.is_error:
                await response.aread()  # the problem document, for a sentence
            response.raise_for_status()
            # Not ``response.content``: a response is part of a cycle, and its content would stay in memory until the
            # collector of cycles runs, which is set to run rarely: a hundred megabytes of pages.
            content = b"".join([part async for part in response.aiter_bytes()])
        page = FeedPage(
            lines=content.splitlines(),
            next=int(response.headers[NEXT_POSITION_HEADER]),
            last=int(response.headers[LAST_POSITION_HEADER]),
        )
        self._end = page.next if page.is_last else None
        return page

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token()}"}


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
