"""A source in memory that processes follow together, and what they write of it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models import SqlDatabase
from fristwerk_platform.subscriptions import (
    Checkpoints,
    Decode,
    FeedPage,
    Membership,
    PartitionedSubscription,
    Partitions,
    Subscription,
)
from fristwerk_platform.subscriptions.subscription import Apply

SOURCE = "source"
AT = datetime(2026, 6, 9, tzinfo=UTC)
metadata = MetaData()
checkpoints = Checkpoints(metadata)
partitions = Partitions(metadata)
effects = Table("effects", metadata, Column("number", Integer, primary_key=True), Column("place", String))


class Event(msgspec.Struct, frozen=True):
    """An event as a subscription needs it."""

    position: int
    stream: str
    version: int

    id = property(lambda self: f"e-{self.stream}-{self.version}")
    type = property(lambda _: "Happened")
    recorded_at = property(lambda _: AT)
    is_known = property(lambda _: True)
    is_readable = property(lambda _: True)


class Source:
    """A feed in memory; ``before_page`` may keep a reader waiting with the page that it was given."""

    def __init__(self, streams: int, events: int) -> None:
        self.lines: list[bytes] = []
        self._versions: Counter[str] = Counter()
        self._streams = streams
        self.grow(events)
        self.before_page: Callable[[], Awaitable[None]] | None = None

    def grow(self, events: int) -> None:
        lot = random.Random(len(self.lines))  # noqa: S311 - drawn again by the seed
        for _ in range(events):
            stream = f"s{lot.randrange(self._streams)}"
            self._versions[stream] += 1
            event = Event(len(self.lines) + 1, stream, self._versions[stream])
            self.lines.append(msgspec.json.encode(event))

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        found = self.lines[after : after + min(limit, 50)]
        if self.before_page is not None:
            await self.before_page()
        elif not found:
            await asyncio.sleep(min(wait_seconds, 0.02))
        return FeedPage(lines=found, next=after + len(found), last=len(self.lines))

    @property
    def places(self) -> list[str]:
        return [f"{each.stream} {each.version}" for each in map(decode, self.lines)]


def decode(line: bytes) -> Event:
    return msgspec.json.decode(line, type=Event)


async def apply(connection: AsyncConnection, batch: Sequence[Event]) -> None:
    places = [{"place": f"{each.stream} {each.version}"} for each in batch]
    if places:
        await connection.execute(insert(effects), places)


def member(
    database: SqlDatabase,
    source: Source,
    name: str,
    concerns_all: Callable[[Event], bool] = lambda _: False,
    *,
    decoded_by: Decode[Event] = decode,
    applied_by: Apply[Event] = apply,
) -> PartitionedSubscription[Event]:
    return PartitionedSubscription(
        source=SOURCE,
        feed=source,
        decode=decoded_by,
        database=database,
        checkpoints=checkpoints,
        membership=Membership(partitions, name, concerns_all),
        apply=applied_by,
    )


@asynccontextmanager
async def running(*followers: Subscription[Event]) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(each.run(lambda: AT)) for each in followers]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def written(database: SqlDatabase) -> list[str]:
    async with database.reading() as connection:
        return list((await connection.execute(select(effects.c.place).order_by(effects.c.number))).scalars())


async def until_written(database: SqlDatabase, number: int) -> list[str]:
    async with asyncio.timeout(20):
        while len(found := await written(database)) < number:  # noqa: ASYNC110 - other tasks write
            await asyncio.sleep(0.02)
    return found


async def owners(database: SqlDatabase) -> Counter[str | None]:
    async with database.reading() as connection:
        return Counter((await connection.execute(select(partitions.table.c.owner))).scalars())


async def until_owned(database: SqlDatabase, wanted: dict[str | None, int]) -> None:
    """Until so many partitions have these owners."""
    async with asyncio.timeout(20):
        while await owners(database) != wanted:  # noqa: ASYNC110 - other tasks take them
            await asyncio.sleep(0.02)


async def until_shared(database: SqlDatabase, *shares: int) -> None:
    """Until every partition has an owner, and the owners have so many, in whatever order."""
    async with asyncio.timeout(20):
        while None in (found := await owners(database)) or sorted(found.values()) != sorted(shares):  # noqa: ASYNC110 - other tasks take them
            await asyncio.sleep(0.02)
