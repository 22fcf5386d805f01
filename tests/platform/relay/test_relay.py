"""The relay into a NATS server: order, restarts, two at once, a tail that the server lost, and streams of another log."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import nats
import pytest
from nats.errors import Error as NatsError
from nats.js.api import RawStreamMsg
from nats.js.client import JetStreamContext

from fristwerk_platform.http import Stopping
from fristwerk_platform.metrics import Metrics
from fristwerk_platform.relay import Relay, RelayProgress, StreamOptions, UnusableStreamError, opened_stream
from fristwerk_platform.relay import relay as relay_module
from fristwerk_platform.relay.messages import Previous, as_message
from fristwerk_platform.relay.stream import NotTheLastError, StreamEnd
from fristwerk_platform.subscriptions import Feed, FeedPage
from tests.nats_servers import NatsServer, nats_servers
from tests.platform.relay.listed_feed import ListedFeed
from tests.waiting import until_true

PATIENCE_SECONDS = 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_servers(tmp_path_factory.mktemp("nats"), 1) as servers:
        yield servers[0]


@pytest.fixture
async def jetstream(server: NatsServer) -> AsyncIterator[JetStreamContext]:
    """The server's JetStream, with no stream of ours in it."""
    client = await nats.connect(server.url)
    stream = client.jetstream()
    if await stream.streams_info():
        await stream.delete_stream("FRISTWERK")
    yield stream
    await client.close()


def progress_of(feed: Feed, metrics: Metrics) -> RelayProgress:
    return RelayProgress("log", feed, metrics, lambda: datetime(2026, 6, 29, 12, tzinfo=UTC))


@asynccontextmanager
async def relaying(
    server: NatsServer, feed: Feed, progress: RelayProgress | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    """A relay from the feed to the server, until the block ends."""
    stopping, progress = Stopping(), progress or progress_of(feed, Metrics())
    async with opened_stream([server.url], StreamOptions()) as stream:
        task = asyncio.create_task(Relay(feed, stream, "ticket", progress).run(stopping))
        try:
            yield task
        finally:
            stopping.set()
            await asyncio.wait([task])


async def messages_of(stream: JetStreamContext) -> list[RawStreamMsg]:
    """Every message, in order."""
    state = (await stream.stream_info("FRISTWERK")).state
    return [await stream.get_msg("FRISTWERK", seq) for seq in range(state.first_seq, state.last_seq + 1)]


async def until(stream: JetStreamContext, count: int) -> None:
    """Return once the stream has so many messages."""

    async def has() -> bool:
        try:
            return (await stream.stream_info("FRISTWERK")).state.messages >= count
        except NatsError:
            return False  # there is no stream yet, or the server starts

    await until_true(has)


class BehindFeed:
    """Another feed, a moment later: who follows it is overtaken."""

    def __init__(self, feed: ListedFeed) -> None:
        self._feed = feed

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        page = await self._feed.page(after, limit, wait_seconds)
        await asyncio.sleep(0.3)
        return page


def figure(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"fristwerk_relay_{name}", labels)


async def test_every_line_is_published_once_in_order(server: NatsServer, jetstream: JetStreamContext) -> None:
    feed = ListedFeed(300)
    async with relaying(server, feed):
        await until(jetstream, 300)
        feed.add(20)
        await until(jetstream, 320)

    found = await messages_of(jetstream)
    assert [each.data for each in found] == feed.lines
    before: dict[str, str] = {}
    last = "0"
    for each in found:
        headers, partition = each.headers or {}, (each.subject or "").rpartition(".")[2]
        assert headers["Fristwerk-Previous-Position"] == last
        assert headers["Fristwerk-Previous-In-Partition"] == before.get(partition, "0")
        last = before[partition] = headers["ce-sequence"]


async def test_it_goes_on_where_the_stream_ends(server: NatsServer, jetstream: JetStreamContext) -> None:
    feed = ListedFeed(50)
    async with relaying(server, feed):
        await until(jetstream, 50)
    feed.add(50)
    async with relaying(server, feed):
        await until(jetstream, 100)

    assert [each.data for each in await messages_of(jetstream)] == feed.lines
    in_partition = [(each.headers or {})["Fristwerk-Previous-In-Partition"] for each in await messages_of(jetstream)]
    assert "0" not in in_partition[50:]


async def test_of_two_relays_none_repeats_what_the_other_published(
    server: NatsServer, jetstream: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "STAND_BY_SECONDS", 0.05)
    feed, figures = ListedFeed(0), [Metrics(), Metrics()]
    one, other = (progress_of(feed, each) for each in figures)
    async with relaying(server, feed, one), relaying(server, feed, other):
        for _ in range(20):
            feed.add(100)
            await asyncio.sleep(0.02)
        await until(jetstream, 2_000)

    assert [each.data for each in await messages_of(jetstream)] == feed.lines
    assert [figure(each, "republished_total") for each in figures] == [0, 0]


async def test_a_relay_says_that_it_stands_by_while_another_adds_to_the_stream(
    server: NatsServer, jetstream: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "STAND_BY_SECONDS", 0.5)
    feed, figures = ListedFeed(10), [Metrics(), Metrics()]
    one, other = (progress_of(feed, each) for each in figures)
    # What came twice would be taken for done otherwise, and neither notice that it is not alone.
    await jetstream.add_stream(name="FRISTWERK", subjects=["fristwerk.>"], duplicate_window=0.1)

    async def one_stands_by() -> bool:
        feed.add(5)
        return sorted(figure(each, "stands_by") or 0.0 for each in figures) == [0, 1]

    async def none_does() -> bool:
        return not any(figure(each, "stands_by") for each in figures)

    async with relaying(server, feed, one):
        await until(jetstream, 10)
        async with relaying(server, BehindFeed(feed), other):
            await until_true(one_stands_by, pause=0.1)
            await until_true(none_does)
            await until(jetstream, len(feed.lines))
    assert [each.data for each in await messages_of(jetstream)] == feed.lines


async def test_a_relay_that_was_overtaken_adds_nothing(server: NatsServer, jetstream: JetStreamContext) -> None:
    feed = ListedFeed(8)
    messages = [
        as_message(line, log="ticket", previous=Previous(position, {}), max_bytes=1_048_576)
        for position, line in enumerate(feed.lines)
    ]
    async with opened_stream([server.url], StreamOptions()) as stream:
        await stream.add(messages[:5], StreamEnd())
        with pytest.raises(NotTheLastError):
            await stream.add(messages[5:], StreamEnd(4, messages[3].id))
    assert [each.data for each in await messages_of(jetstream)] == feed.lines[:5]


async def test_what_the_server_lost_is_published_again_though_nothing_new_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster may lose what it has acknowledged; here a server comes back with the files that it had before."""
    monkeypatch.setattr(relay_module, "WAIT_SECONDS", 0.2)
    feed, metrics = ListedFeed(8), Metrics()
    with nats_servers(tmp_path, 1) as (server,):
        client = await nats.connect(server.url, reconnect_time_wait=0.1, max_reconnect_attempts=-1)
        jetstream = client.jetstream(timeout=0.5)  # an answer that died with the server is not waited for
        async with relaying(server, feed, progress_of(feed, metrics)):
            await until(jetstream, 8)
            server.kill()
            shutil.copytree(server.folder, tmp_path / "before")
            server.start()
            feed.add(2)
            await until(jetstream, 10)
            server.kill()
            shutil.rmtree(server.folder)
            (tmp_path / "before").rename(server.folder)
            server.start()
            await until(jetstream, 10)
        assert [each.data for each in await messages_of(jetstream)] == feed.lines
        await client.close()
    assert figure(metrics, "republished_total") == 2
    assert figure(metrics, "position") == 10


async def test_while_the_server_is_away_figures_say_how_far_the_stream_falls_behind(tmp_path: Path) -> None:
    feed, metrics = ListedFeed(8), Metrics()
    progress = progress_of(feed, metrics)
    with nats_servers(tmp_path, 1) as (server,):
        client = await nats.connect(server.url, max_reconnect_attempts=-1)
        async with relaying(server, feed, progress):
            await until(client.jetstream(), 8)
            await progress.measure()
            assert (progress.lag.position, progress.lag.source_position, progress.lag.waiting_since) == (8, 8, None)
            server.kill()
            feed.add(3)
            await until_true(lambda: is_so(progress.lag.failing_because is not None))
            await progress.measure()
            lag = progress.lag
            assert (lag.position, lag.source_position) == (8, 11)
            assert lag.waiting_since == datetime(2026, 6, 29, 10, 0, 1, tzinfo=UTC)
            assert figure(metrics, "interruptions_total", by="StreamUnavailableError")
            server.start()
            await until(client.jetstream(), 11)
            await until_true(lambda: is_so(progress.lag.failing_because is None))
            await progress.measure()
            assert (progress.lag.position, progress.lag.waiting_since) == (11, None)
        await client.close()


async def is_so(holds: bool) -> bool:
    return holds


async def test_a_stream_of_another_log_is_left_alone(server: NatsServer, jetstream: JetStreamContext) -> None:
    async with relaying(server, ListedFeed(10)):
        await until(jetstream, 10)
    async with relaying(server, ListedFeed(20, name="other")) as task:
        await asyncio.wait([task], timeout=PATIENCE_SECONDS)
        assert task.done()
        assert "which this log does not have" in str(task.exception())
    assert len(await messages_of(jetstream)) == 10


async def test_a_stream_that_was_emptied_is_no_new_one(server: NatsServer, jetstream: JetStreamContext) -> None:
    feed = ListedFeed(10)
    async with relaying(server, feed):
        await until(jetstream, 10)
    await jetstream.purge_stream("FRISTWERK")
    async with relaying(server, feed) as task:
        await asyncio.wait([task], timeout=PATIENCE_SECONDS)
        assert task.done()
        assert isinstance(task.exception(), UnusableStreamError)
