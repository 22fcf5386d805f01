"""Processes that share a source by partitions apply every event once, whoever stops where."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import psycopg
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models import SqlDatabase
from fristwerk_platform.subscriptions import (
    SourceWentBackwardsError,
    Subscription,
    partition_in_sql,
    partition_of,
)
from tests.platform.subscriptions.partition_fixtures import database, quick_renewals, short_leases
from tests.platform.subscriptions.partitioned_source import (
    SOURCE,
    Event,
    Source,
    apply,
    checkpoints,
    decode,
    member,
    owners,
    partitions,
    running,
    until_owned,
    until_shared,
    until_written,
    written,
)

__all__ = ["database", "quick_renewals", "short_leases"]  # fixtures


def test_postgres_computes_the_same_partition(postgres_url: str) -> None:
    streams = [f"ticket-{number}" for number in range(300)] + ["", "ticket-ü", "contract-–"]
    with psycopg.connect(postgres_url) as connection:
        statement = f"SELECT {partition_in_sql('stream')} FROM unnest(%s::text[]) AS stream"  # noqa: S608 - a constant
        found = [row[0] for row in connection.execute(statement, [streams])]
    assert found == [partition_of(each) for each in streams]
    assert set(found) <= set(range(64))
    assert len(set(found)) > 60


async def test_two_share_the_work_and_each_effect_is_there_once_in_its_streams_order(database: SqlDatabase) -> None:
    source = Source(streams=40, events=500)
    first, second = member(database, source, "first"), member(database, source, "second")
    async with running(first, second):
        await until_shared(database, 32, 32)
        source.grow(500)
        found = await until_written(database, 1_000)
    assert sorted(found) == sorted(source.places)
    for stream in {place.split()[0] for place in found}:
        versions = [int(place.split()[1]) for place in found if place.split()[0] == stream]
        assert versions == sorted(versions)


async def test_who_stops_leaves_its_partitions_at_once_and_who_comes_gets_a_share(database: SqlDatabase) -> None:
    source = Source(streams=40, events=100)
    first = member(database, source, "first")
    async with running(first):
        await until_owned(database, {"first": 64})
        async with running(member(database, source, "second"), member(database, source, "third")):
            await until_shared(database, 22, 22, 20)
        await until_owned(database, {"first": 64})
        source.grow(100)
        found = await until_written(database, 200)
    assert sorted(found) == sorted(source.places)
    assert await owners(database) == {None: 64}


async def stalled_with_a_page(database: SqlDatabase, source: Source) -> None:
    """One reads a page and stops with it, for longer than its lease; another takes over and reads on;
    then the first goes on with what it had in its hands.
    """
    frozen, thawed = asyncio.Event(), asyncio.Event()
    first = member(database, source, "first")
    await first.resume()

    async def freeze() -> None:
        frozen.set()
        await thawed.wait()

    source.before_page = freeze
    step = asyncio.create_task(first.step(0))
    await frozen.wait()
    source.before_page = None
    async with running(member(database, source, "second")):
        await until_owned(database, {"second": 64})
        await until_written(database, len(source.lines))
        thawed.set()
        with suppress(Exception):
            await step


@pytest.mark.usefixtures("short_leases")
async def test_an_owner_that_was_stopped_writes_nothing_after_another_took_over(database: SqlDatabase) -> None:
    source = Source(streams=40, events=50)
    await stalled_with_a_page(database, source)
    assert sorted(await written(database)) == sorted(source.places)


@pytest.mark.usefixtures("short_leases")
async def test_without_the_fence_the_same_doubles_effects(
    database: SqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def advance(*_: object) -> None:
        """Trusts the lease that it had."""

    async def advancing(*_: object) -> list[object]:
        return []

    monkeypatch.setattr(partitions, "advance", advance)
    monkeypatch.setattr(checkpoints, "advancing_streams", advancing)
    source = Source(streams=40, events=50)
    await stalled_with_a_page(database, source)
    assert max(Counter(await written(database)).values()) == 2


@pytest.mark.usefixtures("short_leases")
async def test_who_stops_inside_a_transaction_is_ended_by_the_server(database: SqlDatabase) -> None:
    """It holds the rows of its partitions, so nobody could take them over while its session lasts."""
    source = Source(streams=40, events=50)
    inside = asyncio.Event()

    async def stop_inside(connection: AsyncConnection, batch: Sequence[Event]) -> None:
        await apply(connection, batch)
        inside.set()
        await asyncio.sleep(3600)

    stopped = member(database, source, "stopped", applied_by=stop_inside)
    await stopped.resume()
    step = asyncio.create_task(stopped.step(0))
    await inside.wait()
    async with running(member(database, source, "other")):
        found = await until_written(database, 50)
    assert sorted(found) == sorted(source.places)
    step.cancel()
    with suppress(BaseException):
        await step


async def test_what_concerns_all_is_applied_by_each(database: SqlDatabase) -> None:
    source = Source(streams=40, events=200)
    everywhere = source.places[0].split()[0]
    names = ("first", "second")
    both = [member(database, source, name, lambda event: event.stream == everywhere) for name in names]
    for each in both:
        await each.resume()
    await both[0].resume()  # gives half of its partitions back
    await both[1].resume()
    for _ in range(4):
        for each in both:
            await each.step(0)
    counted = Counter(await written(database))
    assert set(counted) == set(source.places)
    assert {place: number for place, number in counted.items() if number != 1} == {
        place: 2 for place in source.places if place.split()[0] == everywhere
    }


async def test_partitions_go_on_where_the_whole_was_and_who_follows_it_as_a_whole_stops(database: SqlDatabase) -> None:
    source = Source(streams=40, events=50)
    whole = Subscription(
        source=SOURCE, feed=source, decode=decode, database=database, checkpoints=checkpoints, apply=apply
    )
    async with running(whole) as (task,):
        await until_written(database, 50)
        async with running(member(database, source, "first")):
            # Else the whole may apply the new events before, and have none at which it notices.
            await until_owned(database, {"first": 64})
            source.grow(100)
            found = await until_written(database, 150)
            async with asyncio.timeout(5):
                await task
    assert whole.lag.stopped_because is not None
    assert sorted(found) == sorted(source.places)


async def test_a_source_with_another_event_at_a_partitions_position_stops_it(database: SqlDatabase) -> None:
    source = Source(streams=40, events=50)
    first = member(database, source, "first")
    async with running(first):
        await until_written(database, 50)
    source.lines[-1] = msgspec.json.encode(Event(50, "other", 1))
    second = member(database, source, "second")
    with pytest.raises(SourceWentBackwardsError, match="position 50"):
        await second.resume()


async def test_the_whole_is_followed_again_once_nobody_shares_it_and_all_partitions_are_level(
    database: SqlDatabase,
) -> None:
    source = Source(streams=40, events=60)
    async with running(member(database, source, "first")):
        await until_written(database, 60)
        async with database.transaction() as connection:
            because = await partitions.join_up(connection, SOURCE)
        assert because is not None
        assert "stop them first" in because
    without_events = min(set(range(64)) - {partition_of(place.split()[0]) for place in source.places})
    one = update(partitions.table).where(partitions.table.c.partition == without_events)
    async with database.transaction() as connection:
        await connection.execute(one.values(position=3, last_event=None))
    async with database.transaction() as connection:
        assert "2 different positions" in (await partitions.join_up(connection, SOURCE) or "")
    second = member(database, source, "second")
    async with running(second):
        await until_owned(database, {"second": 64})
        assert await second.reached(60, 20)
    async with database.transaction() as connection:
        assert await partitions.join_up(connection, SOURCE) is None
    whole = Subscription(
        source=SOURCE, feed=source, decode=decode, database=database, checkpoints=checkpoints, apply=apply
    )
    source.grow(20)
    async with running(whole):
        found = await until_written(database, 80)
    assert sorted(found) == sorted(source.places)
    assert whole.lag.stopped_because is None
