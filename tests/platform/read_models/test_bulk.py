"""Many rows in one statement: stored, replaced, added in order, looked up by keys, on both databases alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    func,
    select,
)
from sqlalchemy.exc import IntegrityError

from fristwerk_platform.read_models import (
    Database,
    Query,
    UtcDateTime,
    Write,
    add,
    fetch,
    in_list,
    open_database,
    removal,
    store,
    write,
)
from fristwerk_platform.settings import Settings

metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("provider", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("count", BigInteger),
    Column("open", Boolean),
    Column("at", UtcDateTime),
    Column("on", Date),
    Column("line", LargeBinary),
    Column("word", String().with_variant(String(collation="C"), "postgresql")),
)
numbered = Table(
    "numbered",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("name", String, unique=True),
)
AT = datetime(2026, 6, 3, 14, 31, 12, 52_001, tzinfo=UTC)


def thing(name: str, **columns: Any) -> dict[str, Any]:
    empty = dict.fromkeys(column.name for column in things.columns)
    return empty | {"provider": "hamburg", "name": name} | columns


@pytest.fixture
async def database(database_settings: Settings) -> AsyncIterator[Database]:
    opened = open_database(database_settings, "things", metadata)
    await opened.create()
    yield opened
    await opened.close()


async def stored(database: Database) -> list[dict[str, Any]]:
    async with database.reading() as connection:
        return [dict(row) for row in (await connection.execute(select(things).order_by(things.c.name))).mappings()]


async def test_every_type_of_column_comes_back_as_it_was_and_so_does_nothing(database: Database) -> None:
    full = thing("full", count=2**40, open=True, at=AT, on=date(2026, 6, 3), line=b"\x00'line", word="Ä")
    rows = [thing("empty"), full, thing("l'été \N{SNOWMAN}", open=False, line=b"")]

    async with database.transaction() as connection:
        await store(connection, things, rows)

    assert await stored(database) == sorted(rows, key=lambda row: str(row["name"]))


async def test_nothing_is_no_text_on_a_server_that_was_set_up_to_read_none(postgres_url: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(postgres_url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f'ALTER DATABASE "{name}" SET array_nulls = off')
    await connection.close()
    database = open_database(Settings(var=tmp_path, database_url=postgres_url), "things", metadata)
    await database.create()

    async with database.transaction() as writing:
        await store(writing, things, [thing("empty"), thing("said", word="NULL")])

    assert [each["word"] for each in await stored(database)] == [None, "NULL"]
    await database.close()


async def test_a_row_replaces_what_has_its_key_be_it_stored_or_earlier_in_the_list(database: Database) -> None:
    async with database.transaction() as connection:
        await store(connection, things, [thing("a", count=1), thing("b", count=1)])
        await store(connection, things, [thing("a", count=2), thing("c", count=1), thing("a", count=3)])

    assert {row["name"]: row["count"] for row in await stored(database)} == {"a": 3, "b": 1, "c": 1}


async def test_nothing_is_stored_and_nothing_added_where_there_are_no_rows(database: Database) -> None:
    async with database.transaction() as connection:
        await store(connection, things, [])
        await add(connection, things, [])

    assert await stored(database) == []


async def test_rows_that_are_added_are_numbered_in_the_order_of_the_list(database: Database) -> None:
    names = [f"n{number * 7919 % 2_000:04}" for number in range(2_000)]

    async with database.transaction() as connection:
        await add(connection, numbered, [{"name": name} for name in names])
        rows = await connection.execute(select(numbered.c.name).order_by(numbered.c.number))

    assert list(rows.scalars()) == names


async def test_a_row_that_is_there_already_is_not_added_nor_are_its_neighbours(database: Database) -> None:
    async with database.transaction() as connection:
        await add(connection, things, [thing("a")])

    with pytest.raises(IntegrityError):
        async with database.transaction() as connection:
            await add(connection, things, [thing("b"), thing("a")])

    assert [row["name"] for row in await stored(database)] == ["a"]


@pytest.mark.parametrize("wanted", [[], ["a"], ["a", "x'y", 'q"z', "missing"], [f"k{n}" for n in range(40_000)]])
async def test_rows_are_found_by_their_keys_however_many(database: Database, wanted: list[str]) -> None:
    names = ["a", "b", "x'y", 'q"z', "k39999"]
    async with database.transaction() as connection:
        await store(connection, things, [thing(name) for name in names])
        found = await connection.execute(select(things.c.name).where(in_list(connection, things.c.name, wanted)))

        assert set(found.scalars()) == set(names) & set(wanted)
        others = await connection.execute(select(func.count()).where(~in_list(connection, things.c.name, wanted)))

    assert others.scalar_one() == len(set(names) - set(wanted))


async def test_writes_of_several_tables_are_one_and_removed_is_what_has_a_key(database: Database) -> None:
    async with database.transaction() as connection:
        await write(
            connection,
            Write("store", things, [thing("a", at=AT), thing("b"), thing("a", at=AT, count=2)]),
            Write("add", numbered, [{"name": "first"}, {"name": "second"}]),
        )
        await write(connection, removal(things.c.name, ["b", "none"]), Write("add", numbered, [{"name": "third"}]))

    assert await stored(database) == [thing("a", at=AT, count=2)]
    async with database.reading() as connection:
        assert [tuple(row) for row in (await connection.execute(select(numbered).order_by(numbered.c.number)))] == [
            (1, "first"),
            (2, "second"),
            (3, "third"),
        ]


async def test_a_write_is_undone_with_its_transaction_though_it_was_the_first_statement(database: Database) -> None:
    async with database.transaction() as connection:
        await write(connection, Write("store", things, [thing("a")]))
        await connection.rollback()

    assert await stored(database) == []


async def test_a_query_finds_by_a_value_and_by_a_list_of_keys(database: Database) -> None:
    query = Query("SELECT name, count FROM things WHERE provider = $1 AND name IN LIST($2) ORDER BY name")
    async with database.transaction() as connection:
        await store(connection, things, [thing("a", count=1), thing("l'été", count=2), thing("c")])
        found = await fetch(connection, query, "hamburg", ["l'été", "c", "none"])
        assert [tuple(row) for row in found] == [("c", None), ("l'été", 2)]
        assert await fetch(connection, query, "berlin", ["c"]) == []
        assert await fetch(connection, query, "hamburg", []) == []
