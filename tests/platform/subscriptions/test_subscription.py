"""A follower applies every event once, whatever fails in between, and stops when its source went backwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import Recorded, decode_tolerantly
from fristwerk_platform.event_log import EventLog, NewEvent
from fristwerk_platform.read_models import Database, Query, open_database
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import (
    BatchDelay,
    Checkpoints,
    Feed,
    FeedPage,
    LogFeed,
    SourceUnavailableError,
    Subscription,
)
from fristwerk_platform.subscriptions.checkpoints import SourceWentBackwardsError
from fristwerk_platform.subscriptions.decoding import with_position
from fristwerk_platform.subscriptions.subscription import RETRY_SECONDS as PAUSES

Append = Callable[..., Awaitable[int]]
Fact = Callable[..., NewEvent]
Run = Callable[[Subscription[Recorded]], "asyncio.Task[None]"]

OFTEN = 3
metadata = MetaData()
checkpoints = Checkpoints(metadata)
effects = Table("effects", metadata, Column("number", Integer, primary_key=True), Column("place", String))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fristwerk_platform.subscriptions.subscription.RETRY_SECONDS", (0.01, 0.02))


@pytest.fixture
async def database(database_settings: Settings) -> AsyncIterator[Database]:
    opened = open_database(database_settings, "read-model", metadata)
    await opened.create()
    yield opened
    await opened.close()


@pytest.fixture
async def run(now: datetime) -> AsyncIterator[Run]:
    """Lets a follower run until the test's end."""
    running: list[asyncio.Task[None]] = []

    def start(follower: Subscription[Recorded]) -> asyncio.Task[None]:
        running.append(asyncio.create_task(follower.run(lambda: now)))
        return running[-1]

    yield start
    for task in running:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Trouble(Exception):  # noqa: N818 - what it is, not what it is called
    """What goes wrong in a test, told with what nobody should read: Anna Muster."""


class Effect:
    """Writes a row for each event, and afterwards fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.batches: list[int] = []
        self.tried_often = asyncio.Event()

    async def apply(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        places = [{"place": f"{each.envelope.stream} {each.envelope.version}"} for each in batch]
        if places:
            await connection.execute(insert(effects), places)
        self.batches.append(len(batch))
        if len(self.batches) == OFTEN:
            self.tried_often.set()
        if self.failures:
            self.failures -= 1
            raise Trouble("Anna Muster cannot be reached")


class ListedFeed:
    """A source that gives the pages it is told to, or raises what stands among them; then nothing more happens."""

    def __init__(self, *pages: FeedPage | Exception) -> None:
        self._pages = list(pages)
        self.asked: list[tuple[int, int, float]] = []

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        self.asked.append((after, limit, wait_seconds))
        if not self._pages:
            await asyncio.sleep(3_600)
        page = self._pages.pop(0)
        if isinstance(page, Exception):
            raise page
        return page


class LosesAnAnswer(Database):
    """A database that commits its first transaction and then seems to have failed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._losses = 1

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        async with self._database.transaction() as connection:
            yield connection
        if self._losses:
            self._losses -= 1
            raise ConnectionResetError("after the commit")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        async with self._database.reading() as connection:
            yield connection

    async def fetch(self, query: Query, *arguments: object) -> Sequence[Sequence[Any]]:
        return await self._database.fetch(query, *arguments)


AT_ONCE = BatchDelay()


def follower(feed: Feed, database: Database, effect: Effect, delay: BatchDelay = AT_ONCE) -> Subscription[Recorded]:
    return Subscription(
        source="tickets",
        feed=feed,
        decode=decode_tolerantly,
        database=database,
        checkpoints=checkpoints,
        apply=effect.apply,
        delay=delay,
    )


def page_of(*facts: NewEvent, first: int = 1) -> FeedPage:
    """A page of facts at positions that count from ``first``."""
    lines = [with_position(position, each.line) for position, each in enumerate(facts, start=first)]
    return FeedPage(lines=lines, next=first + len(facts) - 1, last=first + len(facts) - 1)


async def applied(database: Database) -> list[str]:
    async with database.reading() as connection:
        return list((await connection.execute(select(effects.c.place).order_by(effects.c.number))).scalars())


async def stored_position(database: Database) -> int:
    async with database.reading() as connection:
        return await checkpoints.position(connection, "tickets")


async def test_an_event_is_applied_once(log: EventLog, append: Append, database: Database, run: Run) -> None:
    await append(number=3)
    consumer = follower(LogFeed(log), database, Effect())
    run(consumer)
    assert await consumer.reached(3, 5)
    await append("ticket-2", number=2)
    assert await consumer.reached(5, 5)

    assert await applied(database) == ["ticket-1 1", "ticket-1 2", "ticket-1 3", "ticket-2 1", "ticket-2 2"]
    assert await stored_position(database) == 5


async def test_an_event_is_ignored_when_it_comes_again(
    log: EventLog, append: Append, database: Database, run: Run
) -> None:
    await append(number=3)
    before = follower(LogFeed(log), database, Effect())
    await before.step(0)

    restarted = follower(LogFeed(log), database, effect := Effect())
    run(restarted)
    assert await restarted.reached(3, 5)
    await append()
    assert await restarted.reached(4, 5)

    assert await applied(database) == ["ticket-1 1", "ticket-1 2", "ticket-1 3", "ticket-1 4"]
    assert effect.batches == [1]


async def test_an_unknown_type_is_skipped_and_its_version_counts(log: EventLog, fact: Fact, database: Database) -> None:
    unknown = fact("ticket-1", 2)
    await log.append([fact("ticket-1", 1)])
    await log.append([NewEvent(stream="ticket-1", version=2, type="Yodelled", line=_yodelled(unknown.line))])
    await log.append([fact("ticket-1", 3)])

    await follower(LogFeed(log), database, Effect()).step(0)

    assert await applied(database) == ["ticket-1 1", "ticket-1 3"]
    assert await stored_position(database) == 3


def _yodelled(line: bytes) -> bytes:
    return line.replace(b'"ProgressReported"', b'"Yodelled"')


async def test_effect_and_position_stand_or_fall_together(log: EventLog, append: Append, database: Database) -> None:
    await append(number=2)
    consumer = follower(LogFeed(log), database, Effect(failures=1))

    with pytest.raises(Trouble):
        await consumer.step(0)
    assert (await applied(database), await stored_position(database)) == ([], 0)

    await consumer.step(0)
    assert (await applied(database), await stored_position(database)) == (["ticket-1 1", "ticket-1 2"], 2)


async def test_what_fails_is_tried_again_until_it_succeeds_and_says_so_meanwhile(
    log: EventLog, append: Append, database: Database, run: Run, now: datetime
) -> None:
    await append(number=2)
    consumer = follower(LogFeed(log), database, effect := Effect(failures=1_000))
    running = run(consumer)
    await effect.tried_often.wait()

    assert not running.done()
    failing = structs.asdict(consumer.lag)
    assert failing["failing_because"] == "Trouble after position 0", "and not what the error tells of a person"
    assert (failing["source_position"], failing["waiting_since"]) == (2, now)
    assert await applied(database) == []

    effect.failures = 0
    assert await consumer.reached(2, 5)
    await asyncio.sleep(0)
    assert await applied(database) == ["ticket-1 1", "ticket-1 2"]
    assert consumer.lag.failing_because is None
    assert (consumer.lag.waiting_since, consumer.lag.heard_at) == (None, now)


async def test_a_line_that_is_no_event_fails_and_is_not_passed_over(fact: Fact, database: Database, run: Run) -> None:
    good = page_of(fact("ticket-1", 1))
    damaged = FeedPage(lines=[b'{"position":1,"id":'], next=1, last=1)
    consumer = follower(ListedFeed(damaged, damaged, good), database, Effect())
    run(consumer)

    assert await consumer.reached(1, 5)
    assert await applied(database) == ["ticket-1 1"]


async def test_a_source_that_does_not_answer_is_asked_again(fact: Fact, database: Database, run: Run) -> None:
    silent = SourceUnavailableError("nobody there")
    feed = ListedFeed(*[silent] * 5, page_of(fact("ticket-1", 1)))
    consumer = follower(feed, database, Effect())
    run(consumer)

    assert await consumer.reached(1, 5)
    assert consumer.lag.failing_because is None
    await asyncio.sleep(0.05)
    assert feed.asked == [(0, 1_000, 0.0)] * 6 + [(1, 1_000, 25.0)], "after a pause a page is not waited for"


async def test_a_commit_that_only_seemed_to_fail_is_not_repeated(
    log: EventLog, append: Append, database: Database, run: Run
) -> None:
    await append(number=2)
    consumer = follower(LogFeed(log), LosesAnAnswer(database), Effect())
    run(consumer)

    assert await consumer.reached(2, 5)
    await append()
    assert await consumer.reached(3, 5)
    assert await applied(database) == ["ticket-1 1", "ticket-1 2", "ticket-1 3"]


async def test_two_followers_for_one_database_apply_everything_once_between_them(
    log: EventLog, append: Append, database: Database, run: Run
) -> None:
    consumers = [follower(LogFeed(log), database, Effect()) for _ in range(2)]
    for each in consumers:
        run(each)
    for number in range(20):
        await append(f"ticket-{number % 3}")
    for each in consumers:
        assert await each.reached(20, 60), each.lag

    assert sorted(await applied(database)) == sorted(f"ticket-{n} {v}" for n in range(3) for v in range(1, 8))[:-1]
    assert [each.lag.stopped_because for each in consumers] == [None, None]


@pytest.mark.parametrize(("version", "because"), [(4, "version 4 after 2"), (2, "version 2 after 2")])
async def test_a_stream_that_lost_or_repeats_a_version_stops_the_follower(
    fact: Fact, database: Database, run: Run, version: int, because: str
) -> None:
    known = page_of(fact("ticket-1", 1), fact("ticket-1", 2))
    strange = page_of(fact("ticket-2", 1), fact("ticket-1", version), first=3)
    consumer = follower(ListedFeed(known, strange), database, Effect())

    async with asyncio.timeout(5):
        await run(consumer)

    assert consumer.lag.stopped_because == f"stream ticket-1 continues with {because}"
    assert await applied(database) == ["ticket-1 1", "ticket-1 2"]
    assert await stored_position(database) == 2


async def test_a_source_that_ends_before_what_was_read_stops_the_follower_at_once(
    log: EventLog, append: Append, database: Database, run: Run, lose_tail: Callable[[int], None]
) -> None:
    await append(number=5)
    await follower(LogFeed(log), database, Effect()).step(0)
    lose_tail(3)
    restarted = follower(LogFeed(log), database, Effect())

    async with asyncio.timeout(2):
        await run(restarted)

    assert restarted.lag.stopped_because == "tickets ends at position 3, but 5 was read already"
    assert len(await applied(database)) == 5


async def test_a_source_that_lost_its_tail_and_went_on_is_noticed_by_the_versions(
    log: EventLog, append: Append, database: Database, lose_tail: Callable[[int], None], fact: Fact
) -> None:
    await append(number=5)
    consumer = follower(LogFeed(log), database, Effect())
    await consumer.step(0)
    lose_tail(3)
    await log.append([fact("ticket-1", 4), fact("ticket-1", 5), fact("ticket-1", 6)])

    with pytest.raises(SourceWentBackwardsError, match="ticket-1 continues with version 4 after 5"):
        await consumer.step(0)


async def test_a_follower_that_is_far_behind_applies_several_pages_in_one_transaction(
    log: EventLog, append: Append, database: Database
) -> None:
    await append(number=21_500)
    consumer = follower(LogFeed(log), database, effect := Effect())

    assert [await consumer.step(0), await consumer.step(0), await consumer.step(0)] == [20_000, 1_500, 0]

    assert effect.batches == [20_000, 1_500]
    assert len(await applied(database)) == 21_500


async def test_how_far_behind_a_follower_is_shows_while_it_catches_up(
    log: EventLog, append: Append, database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.subscriptions.prefetch.MAX_MERGED_LINES", 1_000)
    await append(number=1_100)
    consumer = follower(LogFeed(log), database, Effect())

    assert await consumer.step(0) == 1_000
    assert (consumer.lag.position, consumer.lag.source_position) == (1_000, 1_100)
    assert consumer.lag.waiting_since == now

    assert await consumer.step(0) == 100
    assert (consumer.lag.position, consumer.lag.source_position) == (1_100, 1_100)
    assert consumer.lag.waiting_since is None


async def test_events_gather_while_nobody_waits_for_them(
    log: EventLog, append: Append, database: Database, run: Run
) -> None:
    consumer = follower(LogFeed(log), database, effect := Effect(), BatchDelay(shortest=0.5))
    run(consumer)
    await append(stream="ticket-0")
    assert await consumer.reached(1, 10)
    for number in range(1, 8):
        await append(stream=f"ticket-{number}")
        await asyncio.sleep(0.01)
    await _applied(effect, 8)

    assert len(effect.batches) <= 3


async def test_events_gather_for_longer_after_many_than_after_few(
    log: EventLog, append: Append, database: Database, run: Run
) -> None:
    consumer = follower(LogFeed(log), database, effect := Effect(), BatchDelay(shortest=0.0, longest=0.5))
    for number in range(300):
        await append(stream=f"many-{number}")
    run(consumer)
    await _applied(effect, 300)
    for number in range(8):
        await append(stream=f"ticket-{number}")
        await asyncio.sleep(0.01)
    await _applied(effect, 308)
    assert effect.batches == [300, 8]

    await append(stream="lone-1")
    await _applied(effect, 309)
    await append(stream="lone-2")
    async with asyncio.timeout(0.3):
        await _applied(effect, 310)


@pytest.mark.parametrize(
    ("events", "seconds"), [(0, 0.01), (8, 0.01), (9, 0.012), (24, 0.042), (28, 0.05), (900, 0.05)]
)
def test_a_pause_is_longer_the_more_events_a_batch_had_up_to_the_longest(events: int, seconds: float) -> None:
    assert BatchDelay(shortest=0.01, longest=0.05).after(events) == pytest.approx(seconds)
    assert BatchDelay(shortest=0.1).after(events) == 0.1


async def test_who_waits_for_a_position_waits_for_no_pause(
    log: EventLog, append: Append, database: Database, run: Run
) -> None:
    consumer = follower(LogFeed(log), database, Effect(), BatchDelay(shortest=3_600))
    run(consumer)
    async with asyncio.timeout(10):
        for number in range(1, 6):
            await append(stream=f"ticket-{number}")
            assert await consumer.reached(number, 20)


@pytest.mark.parametrize("turns", range(3))
async def test_it_ends_when_it_is_stopped_in_the_moment_in_which_somebody_begins_to_wait(
    turns: int, fact: Fact, database: Database, now: datetime
) -> None:
    consumer = follower(ListedFeed(page_of(fact("ticket-1", 1))), database, Effect(), BatchDelay(shortest=3_600))
    running = asyncio.create_task(consumer.run(lambda: now))
    async with asyncio.timeout(10):
        while consumer.lag.position < 1:  # noqa: ASYNC110 - who waited in any other way would end the pause
            await asyncio.sleep(0.01)

    waiting = asyncio.create_task(consumer.reached(2, 0.05))
    for _ in range(1 + turns):
        await asyncio.sleep(0)
    running.cancel()

    _, still_running = await asyncio.wait([running], timeout=2)
    assert not still_running
    assert not await waiting


async def test_waiting_for_a_position_ends_with_its_time_or_when_the_follower_has_stopped(
    fact: Fact, database: Database, run: Run
) -> None:
    backwards = FeedPage(lines=[], next=1, last=0)
    consumer = follower(ListedFeed(page_of(fact("ticket-1", 1)), backwards), database, Effect())
    assert not await consumer.reached(1, 0.05)

    waiting = asyncio.create_task(consumer.reached(2, 20))
    run(consumer)

    async with asyncio.timeout(2):
        assert not await waiting
        assert await consumer.reached(1, 20)
        assert not await consumer.reached(2, 20)


def test_a_source_that_is_back_is_asked_again_within_a_second() -> None:
    """Else health would say that it is away while requests are answered again."""
    assert max(PAUSES) < 1


async def _applied(effect: Effect, events: int) -> None:
    async with asyncio.timeout(10):
        while sum(effect.batches) < events:  # noqa: ASYNC110 - who waited in any other way would end the pause
            await asyncio.sleep(0.01)
