"""A reader at the end of another service's feed follows its stream, and asks for pages wherever it is not at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from fristwerk_platform.subscriptions import FeedPage, HttpFeed, SourceUnavailableError

SECONDS = 2.0


class Source:
    """A feed of five lines at first, whose stream says what a test puts into it."""

    def __init__(self) -> None:
        self.last = 5
        self.asked: list[str] = []
        self.said: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self.refuses = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        after = int(request.url.params["after"])
        self.asked.append(f"{request.url.path.removeprefix('/v1/events') or '/page'} {after}")
        if self.refuses:
            return httpx.Response(429, json={"detail": "64 are open already."})
        if request.url.path.endswith("/stream"):
            return httpx.Response(200, content=self._stream())
        until = min(self.last, after + int(request.url.params["limit"]))
        headers = {"Fristwerk-Next-Position": str(max(until, after)), "Fristwerk-Last-Position": str(self.last)}
        return httpx.Response(
            200, content=b"".join(b"%d\n" % each for each in range(after + 1, until + 1)), headers=headers
        )

    async def _stream(self) -> AsyncIterator[bytes]:
        while (said := await self.said.get()) is not None:
            if isinstance(said, Exception):
                raise said
            yield said

    def say(self, *positions: int) -> bytes:
        self.last = positions[-1]
        return b"".join(b"id: %d\ndata: %d\n\n" % (each, each) for each in positions)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
async def feed(source: Source) -> AsyncIterator[HttpFeed]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(source.answer), base_url="http://source") as client:
        feed = HttpFeed(client, lambda: "token", streaming=True)
        yield feed
        await feed.aclose()


def page(*positions: int, last: int | None = None) -> FeedPage:
    return FeedPage(lines=[b"%d" % each for each in positions], next=positions[-1], last=last or positions[-1])


async def test_who_has_caught_up_follows_the_stream_and_what_came_meanwhile_is_one_page(
    feed: HttpFeed, source: Source
) -> None:
    assert await feed.page(0, 3, SECONDS) == page(1, 2, 3, last=5)
    assert await feed.page(3, 3, SECONDS) == page(4, 5)
    text = source.say(6, 7)
    source.said.put_nowait(text[:7])  # a line may be cut anywhere
    source.said.put_nowait(text[7:])
    await asyncio.sleep(0.05)
    assert await feed.page(5, 3, SECONDS) == page(6, 7)
    source.said.put_nowait(b": still here\n\n" + source.say(8, 9, 10, 11))
    await asyncio.sleep(0.05)
    assert await feed.page(7, 3, SECONDS) == page(8, 9, 10, last=11)
    assert await feed.page(10, 3, SECONDS) == page(11)
    assert source.asked == ["/page 0", "/page 3", "/stream 5"]


async def test_what_is_left_on_the_connection_for_a_while_is_read_as_one(source: Source) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(source.answer), base_url="http://source") as client:
        feed = HttpFeed(client, lambda: "token", streaming=True, gather_seconds=0.3)
        await feed.page(0, 9, 0)
        await feed.page(5, 9, 0.05)  # the stream is open and waits
        source.said.put_nowait(source.say(6))
        assert await feed.page(5, 9, SECONDS) == page(6)  # who was read nothing before is not kept waiting
        source.said.put_nowait(source.say(7))
        await asyncio.sleep(0.05)
        assert source.said.qsize() == 1
        assert await feed.page(6, 9, SECONDS) == page(7)
        await feed.aclose()


async def test_who_is_behind_reads_all_that_lies_there_without_a_rest(source: Source) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(source.answer), base_url="http://source") as client:
        feed = HttpFeed(client, lambda: "token", streaming=True, gather_seconds=0.3)
        await feed.page(0, 9, 0)
        for position in range(6, 46):
            source.said.put_nowait(source.say(position))
        reached = 5
        async with asyncio.timeout(2):  # forty rests would be twelve seconds
            while reached < 45:
                reached = (await feed.page(reached, 9, SECONDS)).next
        await feed.aclose()


async def test_a_silent_stream_answers_after_the_wait_and_stays_open(feed: HttpFeed, source: Source) -> None:
    await feed.page(0, 9, 0)
    nothing = FeedPage(lines=[], next=5, last=5)
    assert [await feed.page(5, 9, 0.02), await feed.page(5, 9, 0.02)] == [nothing, nothing]
    source.said.put_nowait(source.say(6))
    assert await feed.page(5, 9, SECONDS) == page(6)
    assert source.asked == ["/page 0", "/stream 5"]


async def test_a_stream_that_ended_is_followed_by_a_page_and_another_stream(feed: HttpFeed, source: Source) -> None:
    await feed.page(0, 9, 0)
    source.said.put_nowait(None)
    source.last = 6
    assert await feed.page(5, 9, SECONDS) == page(6)
    source.said.put_nowait(source.say(7))
    assert await feed.page(6, 9, SECONDS) == page(7)
    assert source.asked == ["/page 0", "/stream 5", "/page 5", "/stream 6"]


async def test_who_goes_on_elsewhere_leaves_the_stream(feed: HttpFeed, source: Source) -> None:
    await feed.page(0, 9, 0)
    source.said.put_nowait(source.say(6))
    assert await feed.page(5, 9, SECONDS) == page(6)
    assert await feed.page(5, 9, SECONDS) == page(6)
    assert source.asked == ["/page 0", "/stream 5", "/page 5"]


@pytest.mark.parametrize("failure", [httpx.ReadError("cut"), httpx.ReadTimeout("silent")])
async def test_a_stream_that_breaks_is_a_source_that_did_not_respond(
    feed: HttpFeed, source: Source, failure: Exception
) -> None:
    await feed.page(0, 9, 0)
    source.said.put_nowait(failure)
    with pytest.raises(SourceUnavailableError, match=str(failure)):
        await feed.page(5, 9, SECONDS)
    assert await feed.page(0, 9, 0) == page(1, 2, 3, 4, 5)


async def test_a_refused_stream_says_why(feed: HttpFeed, source: Source) -> None:
    await feed.page(0, 9, 0)
    source.refuses = True
    with pytest.raises(SourceUnavailableError, match="429: 64 are open already"):
        await feed.page(5, 9, SECONDS)
