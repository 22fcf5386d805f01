"""Read models keep instants exactly, write all of a transaction or nothing, and several writers wait for one another."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from fristwerk_platform.read_models import (
    IRREPLACEABLE,
    Database,
    DatabaseUnavailableError,
    UtcDateTime,
    Write,
    after_commit,
    open_database,
    postgres_database,
    sqlite_database,
    upsert,
    write,
)
from fristwerk_platform.settings import Settings

metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("provider", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", UtcDateTime),
    Column("name", String),
)


@pytest.fixture
async def database(database_settings: Settings) -> AsyncIterator[Database]:
    opened = open_database(database_settings, "read-model", metadata)
    await opened.create()
    yield opened
    await opened.close()


async def store(database: Database, *rows: Mapping[str, object]) -> None:
    async with database.transaction() as connection:
        await connection.execute(upsert(connection, things), [dict(row) for row in rows])


async def names(database: Database) -> list[str]:
    async with database.reading() as connection:
        return list((await connection.execute(select(things.c.name).order_by(things.c.number))).scalars())


async def test_an_instant_comes_back_as_it_was_in_utc(database: Database) -> None:
    instants = [
        datetime(2026, 6, 3, 14, 31, 12, 52_000, tzinfo=UTC),
        datetime(2026, 6, 3, 14, 31, 12, 999_999, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=2))),
    ]
    await store(database, *({"provider": "hamburg", "number": n, "at": at} for n, at in enumerate([*instants, None])))

    async with database.reading() as connection:
        found = list((await connection.execute(select(things.c.at).order_by(things.c.number))).scalars())
        counted = [
            (await connection.execute(select(func.count()).where(things.c.at == at))).scalar_one() for at in instants
        ]

    assert found == [*instants, None]
    assert all(at.tzinfo is UTC for at in found[:-1])
    assert counted == [1] * len(instants)


async def test_a_naive_time_is_refused(database: Database) -> None:
    with pytest.raises((StatementError, AssertionError), match="instants carry their zone"):
        await store(database, {"provider": "hamburg", "number": 1, "at": datetime(2026, 6, 3), "name": "a"})  # noqa: DTZ001


async def test_instants_are_compared_as_instants(database: Database, now: datetime) -> None:
    rows = [{"provider": "hamburg", "number": n, "at": now + timedelta(hours=n), "name": str(n)} for n in range(5)]
    await store(database, *rows)
    until = (now + timedelta(hours=2)).astimezone(timezone(timedelta(hours=-9)))

    async with database.reading() as connection:
        found = await connection.execute(
            select(things.c.number).where(things.c.at <= until).order_by(things.c.at.desc())
        )

    assert list(found.scalars()) == [2, 1, 0]


async def test_an_upsert_replaces_the_row_with_the_same_key_whole(database: Database, now: datetime) -> None:
    await store(database, {"provider": "hamburg", "number": 1, "at": now, "name": "old"})
    await store(
        database,
        {"provider": "hamburg", "number": 1, "at": None, "name": "new"},
        {"provider": "kiel", "number": 1, "at": now, "name": "theirs"},
    )

    async with database.reading() as connection:
        rows = (await connection.execute(select(things).order_by(things.c.provider))).all()
    assert [tuple(row) for row in rows] == [("hamburg", 1, None, "new"), ("kiel", 1, now, "theirs")]


async def test_a_transaction_is_stored_whole_or_not_at_all(database: Database) -> None:
    await store(database, {"provider": "hamburg", "number": 1, "at": None, "name": "a"})

    async def store_two() -> None:
        async with database.transaction() as connection:
            for number, name in ((2, "b"), (1, "Anna Muster")):
                await connection.execute(insert(things), {"provider": "hamburg", "number": number, "name": name})

    with pytest.raises(IntegrityError) as refused:
        await store_two()

    assert await names(database) == ["a"]
    assert "Anna Muster" not in str(refused.value), "what an error tells is logged"


async def test_what_is_called_after_a_commit_finds_no_transaction_any_more_and_is_not_called_after_none(
    database: Database,
) -> None:
    in_transaction: list[bool] = []

    async with database.transaction() as connection:
        after_commit(connection, lambda: in_transaction.append(connection.in_transaction()))
        await connection.execute(insert(things), [{"provider": "p", "number": 1, "name": "stored"}])
        assert not in_transaction
    assert in_transaction == [False]

    with suppress(ZeroDivisionError):
        async with database.transaction() as connection:
            after_commit(connection, lambda: in_transaction.append(True))
            raise ZeroDivisionError
    assert in_transaction == [False]


async def test_a_transaction_of_the_driver_s_statements_needs_none_of_sqlalchemy_s(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would take as long as five of the driver's."""
    database = postgres_database(postgres_url, "read_model", metadata)
    await database.create()
    row = {"provider": "p", "number": 1, "at": None, "name": "stored"}

    def refused(*_: object) -> None:
        raise AssertionError("a statement of SQLAlchemy")

    with monkeypatch.context() as patch:
        patch.setattr("sqlalchemy.engine.base.Connection._execute_context", refused)
        async with database.transaction() as connection:
            await write(connection, Write("store", things, [row]))
        with suppress(ZeroDivisionError):
            async with database.transaction() as connection:
                await write(connection, Write("store", things, [row | {"name": "another"}]))
                raise ZeroDivisionError

    assert await names(database) == ["stored"]
    await database.close()


async def test_writers_that_read_first_wait_for_one_another(database: Database, now: datetime) -> None:
    """With a lock that is only taken by the first write, SQLite refuses all but one of them at once."""
    await store(database, {"provider": "hamburg", "number": 0, "at": now, "name": "a"})

    async def count_up(number: int) -> None:
        async with database.transaction() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(select(func.pg_advisory_xact_lock(1)))
            count = (await connection.execute(select(func.count()).select_from(things))).scalar_one()
            await asyncio.sleep(0.01)
            row = {"provider": "hamburg", "number": count, "at": now, "name": str(number)}
            await connection.execute(insert(things), row)

    await asyncio.gather(*(count_up(number) for number in range(4)))

    assert len(await names(database)) == 5


async def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    await store(database, {"provider": "hamburg", "number": 1, "at": None, "name": "before"})
    async with database.transaction() as connection:
        await connection.execute(upsert(connection, things), [{"provider": "hamburg", "number": 1, "name": "after"}])
        async with asyncio.timeout(2):
            assert await names(database) == ["before"]

    assert await names(database) == ["after"]


async def test_tables_are_made_once_by_whoever_comes_first(database_settings: Settings) -> None:
    opened = [open_database(database_settings, "read-model", metadata) for _ in range(4)]

    await asyncio.gather(*(each.create() for each in opened))
    await opened[0].create()

    assert await names(opened[3]) == []
    for each in opened:
        await each.close()


async def test_many_that_make_a_file_at_once_wait_for_one_another(tmp_path: Path) -> None:
    """Each holds the lock that the others need for the journal of WAL; one in seventy was refused."""
    for number in range(60):
        opened = [sqlite_database(tmp_path / f"{number}.db", metadata) for _ in range(6)]
        await asyncio.gather(*(each.check() for each in opened))
        for each in opened:
            await each.close()


def in_folder(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


@pytest.mark.parametrize("folder", ["Ärger & Söhne", "a?b#c", "100%20", "it's", "a;b", "日本"])
async def test_a_folder_may_have_any_name(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    database = sqlite_database(tmp_path / folder / "read-model.db", metadata)
    await database.create()
    await store(database, {"provider": "hamburg", "number": 1, "at": None, "name": "a"})
    await database.close()

    assert in_folder(tmp_path) == {folder}
    with closing(sqlite3.connect(tmp_path / folder / "read-model.db")) as connection:
        assert connection.execute("SELECT name FROM things").fetchall() == [("a",)]


async def test_what_is_deleted_from_an_irreplaceable_database_is_off_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "keys.db"
    database = sqlite_database(file, metadata, IRREPLACEABLE)
    await database.create()
    secret = "the key of a person who wants to be forgotten" * 20
    await store(database, {"provider": "hamburg", "number": 1, "at": None, "name": secret})
    assert secret[:45].encode() in file.read_bytes()

    async with database.transaction() as connection:
        await connection.execute(things.delete())
    await database.close()

    assert in_folder(tmp_path) == {"keys.db"}
    assert secret[:20].encode() not in file.read_bytes()


async def test_what_must_be_encrypted_is_never_sent_in_the_clear(postgres_url: str) -> None:
    """The server of the tests has no certificate."""
    database = postgres_database(f"{postgres_url}?sslmode=require", "read_model", MetaData())

    with pytest.raises(DatabaseUnavailableError, match="rejected SSL upgrade"):
        await database.create()

    await database.close()


async def test_no_more_connections_are_opened_than_are_allowed(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.read_models.database.POOL_SECONDS", 0.1)
    database = postgres_database(postgres_url, "public", MetaData(), max_connections=2)

    async with database.reading(), database.reading():
        with pytest.raises(PoolTimeoutError):
            async with database.reading():
                pass

    async with database.reading(), database.reading():
        pass
    await database.close()


async def test_a_file_that_is_gone_or_another_is_not_ready(tmp_path: Path) -> None:
    opened = open_database(Settings(var=tmp_path), "read-model", metadata)
    await opened.create()
    assert (await opened.check()).ok
    (tmp_path / "read-model.db").rename(tmp_path / "elsewhere.db")
    gone = await opened.check()
    (tmp_path / "read-model.db").touch()
    another = await opened.check()
    await opened.close()
    assert [(each.ok, each.detail) for each in (gone, another)] == [
        (False, "read-model.db was deleted, moved or replaced")
    ] * 2
