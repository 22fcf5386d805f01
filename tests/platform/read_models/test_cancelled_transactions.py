"""A transaction whose task is cancelled ends at once, and nobody waits for what is left of it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text

from fristwerk_platform.read_models import Database, advisory_lock, open_database
from fristwerk_platform.settings import Settings

metadata = MetaData()
things = Table("things", metadata, Column("number", Integer, primary_key=True), Column("name", String))


@pytest.fixture
async def database(database_settings: Settings) -> AsyncIterator[Database]:
    opened = open_database(database_settings, "read-model", metadata)
    await opened.create()
    yield opened
    await opened.close()


async def store(database: Database, *names: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(insert(things), [{"name": each} for each in names])


async def names(database: Database) -> list[str]:
    async with database.reading() as connection:
        return list((await connection.execute(select(things.c.name).order_by(things.c.number))).scalars())


SLOW_QUERY = """
WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 1000000)
SELECT name, (SELECT count(*) FROM numbers) FROM things
"""
"""It has rows left to read when its first one comes, after some tenths of a second."""


async def test_a_writer_that_is_cancelled_during_a_query_does_not_keep_the_others_waiting(database: Database) -> None:
    await store(database, "before", "before", "before")
    asking = asyncio.Event()

    async def change_and_ask() -> None:
        async with database.transaction() as connection:
            await connection.execute(things.update().values(name="after"))
            asking.set()
            await connection.execute(text(SLOW_QUERY))

    gc.disable()  # what is held by a cycle stays, as it does in an idle service
    try:
        task = asyncio.create_task(change_and_ask())
        await asking.wait()
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

        async with asyncio.timeout(5):
            assert await names(database) == ["before"] * 3
            await store(database, "next")
    finally:
        gc.enable()


async def test_wherever_a_transaction_is_cancelled_the_next_one_is_committed(database: Database) -> None:
    """Between ``BEGIN`` and its answer, too: the connection must not go back with a transaction that nobody knows of."""

    async def lock_and_store(name: str) -> None:
        async with database.transaction() as connection:
            await advisory_lock(connection, "things")
            await connection.execute(insert(things).values(name=name))
            await asyncio.Event().wait()

    for turns in range(60):
        task = asyncio.create_task(lock_and_store("cancelled"))
        for _ in range(turns // 2):
            await asyncio.sleep(0.001 * (turns % 2) / 4)
        task.cancel()
        await asyncio.wait([task])
        async with asyncio.timeout(5):
            async with database.transaction() as connection:
                await advisory_lock(connection, "things")
                await connection.execute(insert(things).values(name=f"after {turns}"))
            assert (await names(database))[-1] == f"after {turns}"
    assert await names(database) == [f"after {turns}" for turns in range(60)]
