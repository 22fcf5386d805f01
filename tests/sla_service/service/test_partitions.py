"""Several processes derive the timers of one log together: the rows are those of one, no notice is given twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from fristwerk_language.events import Recorded, decode_tolerantly
from fristwerk_platform.read_models import SqlDatabase, postgres_database, sqlite_database
from fristwerk_platform.subscriptions import Membership, PartitionedSubscription, Subscription, partitioned, partitions
from sla_service.notices.outbox import Outbox
from sla_service.notices.watch import Watch
from sla_service.notices.watched_share import WatchedShare
from sla_service.projections import tables
from sla_service.projections.projector import SOURCE, Projector, concerns_all_tickets
from sla_service.replay import PartitionsApartError, replay
from tests.sla_service.conftest import Published
from tests.sla_service.service.shared_work import busy_log, doubled, rows
from tests.sla_service.service.told_feed import ToldFeed, told

LATER = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "LEASE_SECONDS", 1.0)
    monkeypatch.setattr(partitioned, "RENEW_SECONDS", 0.05)


class Process:
    """What a process of the service does in the background, on a database that others have open too."""

    def __init__(self, name: str, database: SqlDatabase, feed: ToldFeed, now: Callable[[], datetime]) -> None:
        numbers = iter(range(10**9))
        self.database = database
        self.outbox = Outbox(now, lambda: f"{name}-{next(numbers)}")
        self.follower: PartitionedSubscription[Recorded] = PartitionedSubscription(
            source=SOURCE,
            feed=feed,
            decode=decode_tolerantly,
            database=database,
            checkpoints=tables.checkpoints,
            membership=Membership(tables.partitions, name, concerns_all_tickets),
            apply=Projector(self.outbox, self._applies).apply,
            on_applied=self.outbox.signal.notify,
        )
        self.watch = Watch(
            database, self.outbox, now, self.follower.lag, lambda: WatchedShare(name, self.follower.caught_up())
        )

    def _applies(self, stream: str) -> bool:
        return self.follower.applies(stream)

    @asynccontextmanager
    async def running(self, now: Callable[[], datetime]) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.follower.run(now)), asyncio.create_task(self.watch.run())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def derived_alone(folder: Path, feed: ToldFeed) -> SqlDatabase:
    """What one process derives of the whole log, with every alarm fired."""
    database = sqlite_database(folder / "alone.db", tables.metadata)
    await database.create()
    numbers = iter(range(10**9))
    outbox = Outbox(lambda: LATER, lambda: f"alone-{next(numbers)}")
    follower = Subscription(
        source=SOURCE,
        feed=feed,
        decode=decode_tolerantly,
        database=database,
        checkpoints=tables.checkpoints,
        apply=Projector(outbox).apply,
    )
    while await follower.step(0):
        pass
    watch = Watch(database, outbox, lambda: LATER)
    while await watch.look():
        pass
    return database


async def until_fired(database: SqlDatabase, position: int, followers: Sequence[Process]) -> None:
    """Until everything is applied, and no alarm that is due is left."""
    async with asyncio.timeout(60):
        while True:
            async with database.reading() as connection:
                due = select(func.count()).select_from(tables.alarms).where(tables.alarms.c.at < LATER)
                left = (await connection.execute(due)).scalar_one()
            if not left and all(each.follower.lag.position >= position for each in followers):
                return
            await asyncio.sleep(0.05)


async def test_three_processes_derive_and_announce_what_one_does(
    tmp_path: Path, postgres_url: str, published: Published
) -> None:
    log = busy_log(published, 60)
    feed = ToldFeed(log.lines)
    alone = await derived_alone(tmp_path, feed)
    opened = [postgres_database(postgres_url, "sla", tables.metadata, max_connections=3) for _ in range(3)]
    await opened[0].create()
    one, two, three = (Process(name, each, feed, lambda: LATER) for name, each in zip("abc", opened, strict=True))
    async with one.running(lambda: LATER), two.running(lambda: LATER), three.running(lambda: LATER):
        await until_fired(one.database, len(log.lines), [one, two, three])
    assert await rows(one.database) == await rows(alone)
    assert await doubled(one.database) == {}
    for each in (alone, *opened):
        await each.close()


async def test_a_process_watches_its_own_tickets_and_no_others(postgres_url: str, published: Published) -> None:
    log = busy_log(published, 40)
    feed = ToldFeed(log.lines)
    database = postgres_database(postgres_url, "sla", tables.metadata)
    await database.create()
    first, second = Process("a", database, feed, lambda: LATER), Process("b", database, feed, lambda: LATER)
    await first.follower.resume()
    while await first.follower.step(0):
        pass
    for each in (second, first, second):
        await each.follower.resume()
    shares = [set(each.follower.caught_up()) for each in (first, second)]
    assert [len(each) for each in shares] == [32, 32]
    before = await alarms_left(database)
    while await first.watch.look():
        pass
    between = await alarms_left(database)
    assert 0 < between < before
    while await second.watch.look():
        pass
    assert await alarms_left(database) == 0
    await database.close()


async def test_a_share_that_was_taken_over_fires_nothing(postgres_url: str, published: Published) -> None:
    feed = ToldFeed(busy_log(published, 20).lines)
    database = postgres_database(postgres_url, "sla", tables.metadata)
    await database.create()
    first = Process("a", database, feed, lambda: LATER)
    await first.follower.resume()
    while await first.follower.step(0):
        pass
    async with database.transaction() as connection:
        await tables.partitions.leave(connection, SOURCE, "a", {})
        await tables.partitions.take_share(connection, SOURCE, "b", {})
    assert await first.watch.look() == 0
    await database.close()


async def shared_unevenly(database: SqlDatabase, lines: Sequence[bytes], behind: int) -> None:
    """Two processes have half of the partitions each, and one of them has read less of the log."""
    await database.create()
    first = Process("a", database, ToldFeed(lines), lambda: LATER)
    second = Process("b", database, ToldFeed(lines[:behind]), lambda: LATER)
    for each in (first, second, first, second):
        await each.follower.resume()
    for each in (first, second):
        while await each.follower.step(0):
            pass
        await each.follower.resume()


async def test_a_replay_compares_each_partition_as_far_as_it_is_applied(
    postgres_url: str, published: Published
) -> None:
    log = busy_log(published, 60)
    database = postgres_database(postgres_url, "sla", tables.metadata)
    await shared_unevenly(database, log.lines, len(log.lines) - 100)
    said: list[str] = []
    found = await replay(database, told(log.lines), said.append)
    assert (found.differing, found.tickets > 40, found.is_equal) == ((), True, True)
    assert f"positions {len(log.lines) - 100:,} to {len(log.lines):,}" in said[0]
    async with database.transaction() as connection:
        await connection.execute(delete(tables.timers).where(tables.timers.c.ticket == "t00007"))
    assert (await replay(database, told(log.lines), said.append)).differing == ("t00007",)
    await database.close()


async def test_a_replay_is_refused_while_terms_lie_between_the_partitions(
    postgres_url: str, published: Published
) -> None:
    log = busy_log(published, 60)
    database = postgres_database(postgres_url, "sla", tables.metadata)
    await shared_unevenly(database, log.lines, 12)
    with pytest.raises(PartitionsApartError, match="up to positions from 12 to"):
        await replay(database, told(log.lines), lambda _: None)
    await database.close()


async def alarms_left(database: SqlDatabase) -> int:
    async with database.reading() as connection:
        due = select(func.count()).select_from(tables.alarms).where(tables.alarms.c.at < LATER)
        return (await connection.execute(due)).scalar_one()
