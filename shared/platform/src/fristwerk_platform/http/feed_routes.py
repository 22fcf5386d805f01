"""The feed over HTTP, the same on each service: NDJSON pages with long polling, and server-sent events.

A page always carries where to go on, even when everything on it was filtered away; a bare list makes consumers stop early.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import nullcontext, suppress
from typing import Any, Final

import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fristwerk_platform.auth import ALL_PROVIDERS, Principal
from fristwerk_platform.http import Routes, Stopping, allowed, principal_of
from fristwerk_platform.http.at_once import AtOnce
from fristwerk_platform.http.described_headers import HEAD, LAST_EVENT_ID, LAST_POSITION, NEXT_POSITION
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.queries import QueryParameters, next_link
from fristwerk_platform.subscriptions.batch_delay import BatchDelay
from fristwerk_platform.subscriptions.feed import LAST_POSITION_HEADER, NEXT_POSITION_HEADER, Feed
from fristwerk_platform.subscriptions.pages import FeedPage
from fristwerk_platform.unless_ended import EndedError, unless_ended

MAX_WAIT_SECONDS: Final = 25.0
MAX_LINES: Final = 1_000
MAX_POSITION: Final = 2**62
MAX_WAITING: Final = 64
"""Long polls and streams of one caller that may be open at once in a process; 429 beyond."""
KEEP_ALIVE_SECONDS: Final = 15.0
GATHER_SECONDS: Final = BatchDelay(shortest=0.005, longest=0.02)
"""So long events gather after some were sent on a stream: one that comes alone is sent at once, and many are one write."""


class StreamQuery(QueryParameters):
    """From where on, and which lines."""

    after: int = Field(0, ge=0, le=MAX_POSITION)
    stream: str | None = Field(None, max_length=200)
    type: str | None = Field(None, max_length=100)


class PageQuery(QueryParameters):
    """From where on, how many lines, how long to wait for the first, and which."""

    after: int = Field(0, ge=0, le=MAX_POSITION, description="Lines with a higher position")
    limit: int = Field(MAX_LINES, ge=1, le=MAX_LINES)
    wait: float = Field(0, ge=0, le=MAX_WAIT_SECONDS, description="Seconds to wait for the first line")
    stream: str | None = Field(None, max_length=200)
    type: str | None = Field(None, max_length=100)


class _Head(msgspec.Struct, frozen=True):
    """The parts of a line that decide who may see it and whether it was asked for."""

    position: int
    provider: str
    stream: str
    type: str


_head = msgspec.json.Decoder(_Head)


class FeedFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines of the log a reader gets."""

    provider: str
    stream: str | None = None
    type: str | None = None

    @property
    def takes_all(self) -> bool:
        """Whether nothing is filtered away."""
        return self.provider == ALL_PROVIDERS and self.stream is None and self.type is None

    def takes(self, head: _Head) -> bool:
        """Whether the line is the reader's and was asked for."""
        return (
            self.provider in (ALL_PROVIDERS, head.provider)
            and self.stream in (None, head.stream)
            and self.type in (None, head.type)
        )


async def filtered_page(
    feed: Feed, wanted: FeedFilter, *, after: int, limit: int, wait_seconds: float, stopping: Stopping
) -> FeedPage:
    """The next page of what the reader wants. While nothing was found it goes on until the time is over.

    Up to 1,000 lines of the log are looked through at once, and 8 MiB of them, so a page may be empty although more follows.
    """
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + wait_seconds
    while True:
        left = 0.0 if stopping.is_set() else max(0.0, ends_at - loop.time())
        looked_at = limit if wanted.takes_all else MAX_LINES
        page = _taken(await _interruptible_page(feed, after, looked_at, left, stopping), wanted, limit)
        if page.lines or loop.time() >= ends_at or stopping.is_set():
            return page
        after = page.next


def _taken(page: FeedPage, wanted: FeedFilter, limit: int) -> FeedPage:
    """What the reader wants of a page, and where to go on after it."""
    if wanted.takes_all:
        return page
    lines: list[bytes] = []
    position = 0
    for line in page.lines:
        head = _head.decode(line)
        if not wanted.takes(head):
            continue
        if len(lines) == limit:
            return FeedPage(lines=lines, next=position, last=page.last)
        lines.append(line)
        position = head.position
    return FeedPage(lines=lines, next=page.next, last=page.last)


async def _interruptible_page(feed: Feed, after: int, limit: int, wait_seconds: float, stopping: Stopping) -> FeedPage:
    if wait_seconds <= 0:
        return await feed.page(after, limit, 0)
    try:
        return await unless_ended(feed.page(after, limit, wait_seconds), stopping.wait())
    except EndedError:
        return await feed.page(after, limit, 0)


NewestHead = Callable[[str], Awaitable[str | None]]
"""The short form of a provider's newest signed head; None where there is none, or it is not known yet."""


async def _headed(newest_head: NewestHead | None, provider: str) -> dict[str, str]:
    """The header with the head; none for readers of all providers, as each provider has a tree of its own."""
    short = None if newest_head is None or provider == ALL_PROVIDERS else await newest_head(provider)
    return {} if short is None else {HEAD: short}


class FeedLines(msgspec.Struct, frozen=True):
    """How the lines of a feed are described: by an example, and by a type for OpenAPI."""

    example: str = '{"position":1042}'
    event: Any = None


def feed_router(
    feed: Feed,
    stopping: Stopping,
    readers: Collection[str],
    lines: FeedLines = FeedLines(),  # noqa: B008 - immutable
    newest_head: NewestHead | None = None,
) -> Routes:
    """The routes ``GET /v1/events`` and ``…/stream`` over a feed, for the roles that may read all of it."""
    routes = Routes(tags=["feed"])
    waiting = _Waiting(MAX_WAITING, "long polls and streams")

    @routes.get(
        "/events",
        summary="Follow the log, page by page",
        responses=_lines(lines, "Lines, each an event", "application/x-ndjson", "{line}\n"),
    )
    async def read_events(request: Request, query: PageQuery) -> Response:
        """NDJSON in order of position. `Link: rel="next"` and `Fristwerk-Next-Position` say where to go on, always.

        A page ends after the line with which its lines have 8 MiB; nothing more was there where
        `Fristwerk-Next-Position` is `Fristwerk-Last-Position`.
        """
        wanted = FeedFilter(provider=_reader(request, readers), stream=query.stream, type=query.type)
        with waiting.one_more(principal_of(request)) if query.wait else nullcontext():
            page = await filtered_page(
                feed, wanted, after=query.after, limit=query.limit, wait_seconds=query.wait, stopping=stopping
            )
        return _page_answer(request, page, await _headed(newest_head, wanted.provider))

    @routes.get(
        "/events/stream",
        summary="Follow the log as server-sent events",
        responses=_lines(lines, "Events, each line of the log as `data`", "text/event-stream", "data: {line}\n\n"),
        headers=(LAST_EVENT_ID,),
    )
    async def stream_events(request: Request, query: StreamQuery) -> StreamingResponse:
        """The same lines as `text/event-stream`; each event's id is its position, so `Last-Event-ID` resumes."""
        last_event_id = request.headers.get("last-event-id")
        after = query.after if last_event_id is None else _last_event(last_event_id)
        wanted = FeedFilter(provider=_reader(request, readers), stream=query.stream, type=query.type)
        with waiting.one_more(principal_of(request)):
            pass  # refused before the answer begins, for a stream has no status once it is open
        events = _sse(feed, wanted, after, stopping, request.state.token_seconds_left)
        headers = _STREAM_HEADERS | await _headed(newest_head, wanted.provider)
        within = waiting.within(principal_of(request), events)
        return StreamingResponse(within, media_type="text/event-stream", headers=headers)

    return routes


def _page_answer(request: Request, page: FeedPage, head: dict[str, str]) -> Response:
    positions = {NEXT_POSITION_HEADER: str(page.next), LAST_POSITION_HEADER: str(page.last)}
    return Response(
        b"\n".join([*page.lines, b""]),
        media_type="application/x-ndjson",
        headers=next_link(request, page.next) | positions | head,
    )


def _lines(lines: FeedLines, description: str, media_type: str, template: str) -> dict[int | str, dict[str, Any]]:
    """A text whose lines are events; JSON Schema says so with ``contentSchema`` (2020-12, section 8.5)."""
    content = {"example": template.format(line=lines.example), "model": str, "line": lines.event}
    headers = (NEXT_POSITION, LAST_POSITION, HEAD) if media_type == "application/x-ndjson" else (HEAD,)
    return {200: {"description": description, "headers": headers, "content": {media_type: content}}}


_STREAM_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""No proxy keeps events back."""


class _Waiting(AtOnce):
    """How many long polls and streams each caller has open: what waits costs nothing but a place, of which there are few."""

    async def within(self, principal: Principal, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The events while the caller has a place; of many streams opened at once, those beyond end at once."""
        with suppress(Problem), self.one_more(principal):
            async for event in events:
                yield event


def _reader(request: Request, readers: Collection[str]) -> str:
    """The provider whose events the caller may read."""
    return allowed(request, readers, "follow the feed").provider


def _last_event(given: str) -> int:
    if not given.isascii() or not given.isdigit() or len(given) > len(str(MAX_POSITION)) or int(given) > MAX_POSITION:
        raise Problem(422, "Last-Event-ID is the position of the last event that was received.")
    return int(given)


async def _sse(
    feed: Feed, wanted: FeedFilter, after: int, stopping: Stopping, seconds_left: Callable[[], float]
) -> AsyncIterator[bytes]:
    """The HTML standard's event stream (section 9.2): id, data, and a comment while nothing happens.

    It ends with the token, when that expires or is revoked.
    """
    while not stopping.is_set() and (left := seconds_left()) > 0:
        page = await filtered_page(
            feed, wanted, after=after, limit=MAX_LINES, wait_seconds=min(KEEP_ALIVE_SECONDS, left), stopping=stopping
        )
        if seconds_left() <= 0:
            return
        events = b"".join(b"id: %d\ndata: %s\n\n" % (_head.decode(line).position, line) for line in page.lines)
        yield events or b": still here\n\n"
        after = page.next
        if page.lines and page.is_last:
            await asyncio.sleep(GATHER_SECONDS.after(len(page.lines)))
