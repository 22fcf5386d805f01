"""Following through JetStream: what messages leave out is read in the feed, and every event comes once, in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import httpx
import nats
import pytest
from nats.aio.client import Client

from fristwerk_client.jetstream import follow_jetstream, partition_of
from fristwerk_platform.relay import StreamOptions, opened_stream
from fristwerk_platform.relay.messages import Previous, as_message
from fristwerk_platform.relay.stream import StreamEnd
from fristwerk_platform.subscriptions import partitions
from tests.nats_servers import NatsServer, nats_servers
from tests.platform.relay.listed_feed import ListedFeed
from tests.waiting import until_true

PATIENCE_SECONDS = 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_servers(tmp_path_factory.mktemp("nats"), 1) as servers:
        yield servers[0]


class Source:
    """A feed over HTTP that counts what it is asked, and the stream to which the test publishes what it likes of it."""

    def __init__(self, url: str, stream: str) -> None:
        self.feed = ListedFeed(0)
        self.asked = 0
        self._url = url
        self._options = StreamOptions(name=stream)
        self._end = StreamEnd()
        self._by_partition: dict[int, int] = {}
        self.service = httpx.AsyncClient(transport=httpx.MockTransport(self._answer), base_url="http://ticket")

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        page = await self.feed.page(int(request.url.params["after"]), int(request.url.params["limit"]), 0)
        headers = {"Fristwerk-Next-Position": str(page.next), "Fristwerk-Last-Position": str(page.last)}
        return httpx.Response(200, headers=headers, content=b"\n".join([*page.lines, b""]))

    async def publish(self, *positions: int, max_bytes: int = 1_048_576) -> None:
        """Add these positions to the stream, each saying which one was before it in the log."""
        async with opened_stream([self._url], self._options) as stream:
            for position in positions:
                line = self.feed.lines[position - 1]
                partition = partition_of(json.loads(line)["stream"])
                before = max((each for each in range(1, position) if self._partition(each) == partition), default=0)
                previous = Previous(position - 1, {partition: before})
                message = as_message(line, log="ticket", previous=previous, max_bytes=max_bytes)
                await stream.add([message], self._end)
                self._end = StreamEnd(position, message.id)

    def _partition(self, position: int) -> int:
        return partition_of(json.loads(self.feed.lines[position - 1])["stream"])

    def events(self, partition: int | None = None) -> list[dict[str, Any]]:
        """Everything in the feed, or what of it a partition has."""
        found = [json.loads(line) for line in self.feed.lines]
        return [each for each in found if partition in (None, partition_of(each["stream"]))]


@pytest.fixture
async def source(server: NatsServer) -> AsyncIterator[Source]:
    """With a stream of no messages."""
    client = await nats.connect(server.url)
    if await client.jetstream().streams_info():
        await client.jetstream().delete_stream("FRISTWERK")
    await client.close()
    made = Source(server.url, "FRISTWERK")
    async with opened_stream([server.url], StreamOptions()):
        yield made


@pytest.fixture
async def client(server: NatsServer) -> AsyncIterator[Client]:
    connected = await nats.connect(server.url)
    yield connected
    await connected.close()


async def followed(source: Source, client: Client, count: int, **how: Any) -> list[dict[str, Any]]:
    """So many events, once they are there; the follower has begun when this is first awaited."""
    found: list[dict[str, Any]] = []
    batches = follow_jetstream(source.service, client, 0, **how)
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(batches):
        async for _, events in batches:
            found += events
            if len(found) >= count:
                break
    return found


async def begun(source: Source) -> None:
    """Wait until the follower has read the feed for the first time, and so has its subscription."""

    async def asked() -> bool:
        return source.asked > 0

    await until_true(asked)
    await asyncio.sleep(0.05)  # until the answer is read


async def test_what_is_new_comes_by_messages_alone(source: Source, client: Client) -> None:
    source.feed.add(5)
    following = asyncio.create_task(followed(source, client, 25))
    await begun(source)
    source.feed.add(20)
    await source.publish(*range(1, 26))  # the first five once more

    assert await following == source.events()
    assert source.asked == 1


async def test_a_message_that_is_missing_is_read_in_the_feed(source: Source, client: Client) -> None:
    following = asyncio.create_task(followed(source, client, 12))
    await begun(source)
    source.feed.add(12)
    await source.publish(1, 2, 3, 7, 8, 9, 10, 11, 12)

    assert await following == source.events()
    assert source.asked > 1


async def test_a_line_too_large_for_a_message_is_read_in_the_feed(source: Source, client: Client) -> None:
    following = asyncio.create_task(followed(source, client, 3))
    await begun(source)
    source.feed.add(3)
    await source.publish(1, 2, max_bytes=100)
    await source.publish(3)

    assert await following == source.events()


async def test_without_any_message_the_feed_is_asked_after_a_while(source: Source, client: Client) -> None:
    following = asyncio.create_task(followed(source, client, 3, quiet_seconds=0.2))
    await begun(source)
    source.feed.add(3)

    assert await following == source.events()


async def test_a_partition_has_its_streams_and_notices_what_is_missing_of_them(source: Source, client: Client) -> None:
    source.feed.add(40)
    partition = partition_of("ticket-7")
    wanted = source.events(partition)
    assert [each["position"] for each in wanted][:2] == [7, 38]
    source.feed.lines, rest = source.feed.lines[:7], source.feed.lines[7:]
    following = asyncio.create_task(followed(source, client, len(wanted) + 1, partition=partition))
    await begun(source)
    source.feed.lines += rest
    source.feed.add(31)
    await source.publish(*range(8, 38), *range(39, 72))  # without 38, which is of the partition

    assert await following == source.events(partition)[: len(wanted) + 1]


def test_partitions_are_those_of_the_relay() -> None:
    streams = [f"ticket-{number}" for number in range(500)]
    assert [*map(partition_of, streams)] == [*map(partitions.partition_of, streams)]
