"""Lines of a megabyte: a page ends after some of them, and nobody takes a short page for the end of the log."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

import pytest
from msgspec import structs
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import Recorded, columns_of, decode_tolerantly
from fristwerk_platform.event_log import (
    PAGE_BYTES,
    DamagedEventError,
    EventLog,
    FeedLine,
    NewEvent,
    open_log,
)
from fristwerk_platform.read_models import open_database
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import (
    BatchDelay,
    Checkpoints,
    FeedPage,
    LogFeed,
    Prefetch,
    Subscription,
    pages_between,
)
from fristwerk_platform.transparency.proofs import NoSuchTreePartError
from fristwerk_platform.transparency.trees import open_trees
from tests.by_hand import postgres_by_hand, sqlite_by_hand

LONG = 1024 * 1024
LINES = 20
SHORT = 3
IN_A_PAGE = 8
PAGES = [8, 8, 4 + SHORT]
Fact = Callable[..., NewEvent]
NewFacts = Callable[[int, int], list[NewEvent]]


@pytest.fixture
def long_facts(fact: Fact) -> NewFacts:
    """So many facts of one stream after a version, each with a sealed part of a megabyte."""

    def make(after: int, number: int) -> list[NewEvent]:
        facts = [fact("ticket-1", version) for version in range(after + 1, after + number + 1)]
        personal = b'"personal":"fw1.%s"' % (b"x" * LONG)
        return [structs.replace(each, line=each.line.replace(b'"personal":null', personal)) for each in facts]

    return make


@pytest.fixture
async def log(database_settings: Settings, long_facts: NewFacts, fact: Fact) -> AsyncIterator[EventLog]:
    """Twenty long lines, and a few short ones behind them."""
    opened = open_log(database_settings, "log", read_columns=columns_of)
    await opened.append(long_facts(0, LINES))
    await opened.append([fact("ticket-1", LINES + number) for number in range(1, SHORT + 1)])
    yield opened
    await opened.close()


async def pages_of(log: EventLog, limit: int) -> list[list[FeedLine]]:
    found = [await log.read_feed(0, limit)]
    while found[-1]:
        found.append(await log.read_feed(found[-1][-1].position, limit))
    return found[:-1]


def positions(lines: Sequence[FeedLine]) -> list[int]:
    return [each.position for each in lines]


async def test_a_page_ends_with_the_line_that_makes_it_large_and_the_next_goes_on(log: EventLog) -> None:
    pages = await pages_of(log, 1_000)

    assert [len(each) for each in pages] == PAGES
    assert [position for page in pages for position in positions(page)] == list(range(1, LINES + SHORT + 1))
    assert positions(await log.read_feed(LINES - 2, 3)) == [LINES - 1, LINES, LINES + 1]
    assert positions(await log.read_feed(0, 1)) == [1]


async def test_a_line_longer_than_a_page_is_a_page(log: EventLog, long_facts: NewFacts) -> None:
    (new,) = long_facts(LINES + SHORT, 1)
    longer = structs.replace(new, line=new.line.replace(b"fw1.", b"fw1." + b"y" * PAGE_BYTES))
    await log.append([longer])

    assert [len(each) for each in await pages_of(log, 1_000)] == [*PAGES[:-1], PAGES[-1] + 1]
    assert positions(await log.read_feed(LINES + SHORT, 1_000)) == [LINES + SHORT + 1]


async def test_only_the_lines_of_a_page_are_in_memory(log: EventLog) -> None:
    await log.read_feed(LINES, 1)
    tracemalloc.start()
    try:
        assert len(await log.read_feed(0, 1_000)) == IN_A_PAGE
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert PAGE_BYTES < peak < 2 * PAGE_BYTES, f"{peak / LONG:.0f} MiB of {LINES}"


async def test_a_stream_is_read_in_pages_likewise_to_its_end(log: EventLog) -> None:
    read = [lines async for lines in log.stream_pages("ticket-1")]
    both = await asyncio.gather(log.read_stream("ticket-1", 2), log.read_stream("ticket-1", LINES))
    few = [len(lines) async for lines in log.stream_pages("ticket-1", 10, 4)]

    assert [len(each) for each in read] == PAGES
    assert [position for page in read for position in positions(page)] == list(range(1, LINES + SHORT + 1))
    assert [positions(each) for each in both] == [list(range(3, 3 + IN_A_PAGE)), [LINES + 1, LINES + 2, LINES + 3]]
    assert few == [4, 4, 4, 1]
    assert [lines async for lines in log.stream_pages("ticket-2")] == []


async def test_only_the_lines_of_a_page_of_a_stream_are_in_memory(log: EventLog) -> None:
    await log.read_stream("ticket-1", LINES)
    tracemalloc.start()
    try:
        assert len(await log.read_stream("ticket-1")) == IN_A_PAGE
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert PAGE_BYTES < peak < 2 * PAGE_BYTES, f"{peak / LONG:.0f} MiB of {LINES}"


async def test_long_lines_are_compared_with_their_columns_too(database_settings: Settings, log: EventLog) -> None:
    if database_settings.database_url is None:
        with sqlite_by_hand(database_settings.var / "log.db") as connection:
            connection.execute("UPDATE stored_events SET topic = 'Closed' WHERE rowid = 2")
    else:
        with postgres_by_hand(database_settings.database_url, "log") as session:
            session.execute("UPDATE log.stored_events SET topic = 'Closed' WHERE notification_id = 2")

    with pytest.raises(DamagedEventError, match="position 2 "):
        await log.read_feed(0, 1_000)


@pytest.mark.parametrize("wait_seconds", [0, 5])
async def test_a_page_that_ends_early_does_not_say_that_it_is_the_last(log: EventLog, wait_seconds: float) -> None:
    feed, pages = LogFeed(log), list[FeedPage]()
    while not pages or not pages[-1].is_last:
        pages.append(await feed.page(pages[-1].next if pages else 0, 1_000, wait_seconds))

    assert [len(each.lines) for each in pages] == PAGES
    assert {each.last for each in pages} == {LINES + SHORT}


async def test_who_waits_gets_from_memory_what_the_log_has(log: EventLog) -> None:
    """Lines that do not reach to the end of the log are not kept as if they did."""
    first = await log.read_newest(0, 1_000)
    assert positions(first) == list(range(1, IN_A_PAGE + 1))
    assert positions(await log.read_newest(IN_A_PAGE - 1, 1_000)) == list(range(IN_A_PAGE, 2 * IN_A_PAGE))


async def test_who_is_behind_reads_ahead_and_merges_no_more_than_fits(log: EventLog) -> None:
    reading = Prefetch(LogFeed(log))
    first = await reading.page(0, 0)
    fetching = reading._fetching
    second = await reading.page(first.next, 0)
    await reading.aclose()

    assert fetching is not None
    assert fetching[0] == first.next == IN_A_PAGE
    assert (len(first.lines), len(second.lines), second.is_last) == (IN_A_PAGE, IN_A_PAGE, False)


async def test_a_part_of_a_feed_is_read_to_its_end(log: EventLog) -> None:
    found = [page.next async for page in pages_between(LogFeed(log), 4, LINES + 1)]

    assert found == [12, 20, LINES + 1]


async def test_a_follower_catches_up_without_resting_where_a_page_is_short(
    database_settings: Settings, log: EventLog, now: datetime
) -> None:
    metadata, applied, done = MetaData(), list[int](), asyncio.Event()
    checkpoints = Checkpoints(metadata)
    database = open_database(database_settings, "read-model", metadata)

    async def apply(_connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        applied.extend(each.envelope.position for each in batch)
        if applied[-1] == LINES + SHORT:
            done.set()

    await database.create()
    follower = Subscription(
        source="log",
        feed=LogFeed(log),
        decode=decode_tolerantly,
        database=database,
        checkpoints=checkpoints,
        apply=apply,
        delay=BatchDelay(shortest=3_600),
    )
    running = asyncio.create_task(follower.run(lambda: now))
    async with asyncio.timeout(20):
        await done.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await database.close()

    assert applied == list(range(1, LINES + SHORT + 1))


async def test_trees_take_long_lines_without_a_rest_and_show_them_in_parts(
    database_settings: Settings, log: EventLog, now: datetime
) -> None:
    trees = open_trees(database_settings, log, "log", lambda: now)
    await trees.database.create()
    running = asyncio.create_task(trees.keeper.run())
    async with asyncio.timeout(15):
        while await trees.keeper.position() < LINES + SHORT:  # noqa: ASYNC110 - the keeper tells nobody
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert [len(await trees.reads.lines("hamburg", after, 1_000)) for after in (0, 8, 16)] == PAGES
    assert await trees.keeper.check_log(pauses=0) is None
    with pytest.raises(NoSuchTreePartError, match="The feed has it"):
        await trees.reads.entries("hamburg", 0, LINES)
    await trees.database.close()


async def test_trees_take_what_is_left_before_they_end(
    database_settings: Settings, log: EventLog, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.transparency.keeper.FINISH_SECONDS", 60.0)
    trees = open_trees(database_settings, log, "log", lambda: now)
    await trees.database.create()
    await trees.keeper.finish()

    assert await trees.keeper.tail() == 0
    await trees.database.close()
