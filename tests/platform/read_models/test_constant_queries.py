"""A constant query by itself: answered as in a reading, and on PostgreSQL over connections of the driver that heal and end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, make_url
from sqlalchemy.exc import DBAPIError, ProgrammingError

from fristwerk_local.postgres import PostgresServer
from fristwerk_platform.loop_connections import READING
from fristwerk_platform.read_models import (
    Database,
    DatabaseUnavailableError,
    Query,
    SqlDatabase,
    fetch,
    open_database,
    postgres_database,
)
from fristwerk_platform.settings import Settings

metadata = MetaData()
things = Table("things", metadata, Column("number", Integer, primary_key=True), Column("name", String))
NAMED = Query("SELECT number, name FROM things WHERE number > $1 AND name IN LIST($2) ORDER BY number")
NUMBER = Query("SELECT CAST($1 AS BIGINT)")
SLEEP = Query("SELECT pg_sleep($1)")
SETTING = Query("SELECT current_setting($1)")


@pytest.fixture
async def database(database_settings: Settings) -> AsyncIterator[Database]:
    opened = open_database(database_settings, "read-model", metadata)
    await opened.create()
    async with opened.transaction() as connection:
        await connection.execute(insert(things), [{"number": n, "name": "abc"[n % 3]} for n in range(6)])
    yield opened
    await opened.close()


OpenPostgres = Callable[..., SqlDatabase]


@pytest.fixture
async def open_postgres() -> AsyncIterator[OpenPostgres]:
    opened: list[SqlDatabase] = []

    def open_one(url: str, **how: Any) -> SqlDatabase:
        opened.append(postgres_database(url, "read_model", metadata, **how))
        return opened[-1]

    yield open_one
    for each in opened:
        await each.close()


@pytest.fixture
def postgres(open_postgres: OpenPostgres, postgres_url: str) -> SqlDatabase:
    return open_postgres(postgres_url)


OWN = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'fristwerk read_model'"


def sessions(url: str, state: str = "%") -> int:
    """How many sessions of the read model the server has."""
    with psycopg.connect(url) as connection:
        return len(connection.execute(f"SELECT pid {OWN} AND state LIKE %s", [state]).fetchall())


async def becomes(url: str, number: int, state: str = "%") -> bool:
    """Whether the server soon has so many sessions."""
    ends_at = time.monotonic() + 5
    while sessions(url, state) != number:
        if time.monotonic() > ends_at:
            return False
        await asyncio.sleep(0.02)
    return True


async def test_a_query_by_itself_has_the_rows_that_it_has_in_a_reading(database: Database) -> None:
    found = await database.fetch(NAMED, 1, ["a", "c"])

    async with database.reading() as connection:
        assert [*map(tuple, found)] == [*map(tuple, await fetch(connection, NAMED, 1, ["a", "c"]))]
    assert [*map(tuple, found)] == [(2, "c"), (3, "a"), (5, "c")]


async def test_it_sees_what_was_committed_last_and_nothing_else(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(insert(things), {"number": 9, "name": "c"})
        assert len(await database.fetch(NAMED, 5, ["c"])) == 0
    assert len(await database.fetch(NAMED, 5, ["c"])) == 1


async def test_an_error_of_the_statement_is_raised_as_itself_and_the_next_query_answered(database: Database) -> None:
    with pytest.raises(DBAPIError) as refused:
        await database.fetch(Query("SELECT nothing FROM things"))
    assert not isinstance(refused.value, DatabaseUnavailableError)
    assert (await database.fetch(NUMBER, 7))[0][0] == 7


async def test_on_postgres_the_error_has_the_class_that_sqlalchemy_gives_it(postgres: SqlDatabase) -> None:
    with pytest.raises(ProgrammingError, match="UndefinedTable"):
        await postgres.fetch(Query("SELECT 1 FROM nowhere"))


async def test_it_reads_the_schema_of_the_database_with_a_plan_that_is_kept(postgres: SqlDatabase) -> None:
    asked = ("search_path", "plan_cache_mode", "application_name")
    found = [(await postgres.fetch(SETTING, name))[0][0] for name in asked]

    assert found == ["read_model", "force_generic_plan", "fristwerk read_model"]


async def test_it_takes_nothing_of_sqlalchemy_s(postgres: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection of its pool takes twice as long as the query of one ticket."""

    def refused(*_: object) -> None:
        raise AssertionError("a connection of SQLAlchemy")

    monkeypatch.setattr("sqlalchemy.ext.asyncio.AsyncEngine.connect", refused)

    assert (await postgres.fetch(NUMBER, 1))[0][0] == 1


async def answered(database: SqlDatabase, query: Query, argument: object) -> list[Any]:
    return [row[0] for row in await database.fetch(query, argument)]


async def test_a_query_that_is_cancelled_ends_on_the_server_and_its_connection_is_used_again(
    postgres: SqlDatabase, postgres_url: str
) -> None:
    for turn in range(2 * READING):
        asked = asyncio.create_task(answered(postgres, SLEEP, 60.0))
        assert await becomes(postgres_url, 1, "active")
        asked.cancel()
        await asyncio.wait([asked])
        assert asked.cancelled()
        async with asyncio.timeout(5):
            assert await answered(postgres, NUMBER, turn) == [turn]

    assert await becomes(postgres_url, 0, "active")
    assert sessions(postgres_url) == 1


async def test_wherever_queries_are_cancelled_the_others_have_their_own_answers(
    postgres: SqlDatabase, postgres_url: str
) -> None:
    """While one waits for a connection, is connecting, asks, and has its answer."""
    for turn in range(60):
        tasks = [asyncio.create_task(answered(postgres, NUMBER, n)) for n in range(8)]
        await asyncio.sleep(0.0005 * (turn % 12))
        for each in tasks[::2]:
            each.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait(tasks)
        assert [await each for each in tasks[1::2]] == [[1], [3], [5], [7]]
        assert all(each.cancelled() or each.result() == [n] for n, each in enumerate(tasks))

    async with asyncio.timeout(5):
        assert await asyncio.gather(*(answered(postgres, NUMBER, 1) for _ in range(8))) == [[1]] * 8
    assert await becomes(postgres_url, READING)


async def test_so_many_are_asked_at_once_and_the_next_one_does_not_wait_for_ever(
    postgres: SqlDatabase, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.loop_connections.WAIT_SECONDS", 0.2)
    asked = [asyncio.create_task(answered(postgres, SLEEP, 1.0)) for _ in range(READING)]
    assert await becomes(postgres_url, READING, "active")

    with pytest.raises(DatabaseUnavailableError):
        await postgres.fetch(NUMBER, 1)

    await asyncio.gather(*asked)
    assert (await postgres.fetch(NUMBER, 1))[0][0] == 1
    assert sessions(postgres_url) == READING


async def test_one_that_takes_too_long_is_given_up_on_the_server_too(
    open_postgres: OpenPostgres, postgres_url: str
) -> None:
    database = open_postgres(postgres_url, statement_seconds=0.3)

    with pytest.raises(DatabaseUnavailableError, match="TimeoutError"):
        await database.fetch(SLEEP, 60.0)

    assert await becomes(postgres_url, 0, "active")
    assert (await database.fetch(NUMBER, 1))[0][0] == 1


async def test_while_the_server_is_down_it_is_refused_and_afterwards_not(
    open_postgres: OpenPostgres, own_postgres_server: PostgresServer
) -> None:
    database = open_postgres(own_postgres_server.url())
    assert await asyncio.gather(*(answered(database, NUMBER, 1) for _ in range(READING))) == [[1]] * READING
    asked = asyncio.create_task(answered(database, SLEEP, 60.0))
    assert await becomes(own_postgres_server.url(), 1, "active")
    await asyncio.to_thread(own_postgres_server.stop)

    with pytest.raises(DatabaseUnavailableError):
        await asked
    for _ in range(2 * READING):
        with pytest.raises(DatabaseUnavailableError):
            await database.fetch(NUMBER, 1)
    await asyncio.to_thread(own_postgres_server.start)

    assert await asyncio.gather(*(answered(database, NUMBER, 1) for _ in range(8))) == [[1]] * 8


async def test_connections_that_end_between_two_queries_are_replaced_unnoticed(
    postgres: SqlDatabase, postgres_url: str
) -> None:
    await asyncio.gather(*(answered(postgres, NUMBER, 1) for _ in range(READING)))
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid) {OWN}")

    assert await asyncio.gather(*(answered(postgres, NUMBER, 1) for _ in range(8))) == [[1]] * 8


class Firewall:
    """Stands before a server and passes on what it gets; drops all connections open at a time without a word to anybody."""

    def __init__(self, url: str) -> None:
        self._server = make_url(url)
        self._passing: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.StreamWriter] = set()
        self._dropped: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def address(self) -> AsyncIterator[str]:
        """Where it listens."""
        listening = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        try:
            yield self._server.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        finally:
            listening.close()
            for each in self._passing:
                each.cancel()
            await asyncio.gather(*self._passing, return_exceptions=True)
            for writer in self._open:
                writer.transport.abort()

    def drop(self) -> None:
        """Pass on nothing more of the connections that are open."""
        self._dropped |= self._open

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._server.host, self._server.port)
        self._open |= {writer, back}
        for source, sink in ((reader, back), (there, writer)):
            self._passing.add(asyncio.create_task(self._pass_from(source, sink)))

    async def _pass_from(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            if sink not in self._dropped:
                sink.write(data)


async def test_connections_that_were_dropped_silently_while_idle_are_replaced(
    open_postgres: OpenPostgres, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.loop_connections.PING_AFTER_SECONDS", 0.0)
    monkeypatch.setattr("fristwerk_platform.loop_connections.PING_SECONDS", 0.2)
    firewall = Firewall(postgres_url)
    async with firewall.address() as url:
        database = open_postgres(url)
        assert await asyncio.gather(*(answered(database, NUMBER, 1) for _ in range(READING))) == [[1]] * READING
        firewall.drop()

        async with asyncio.timeout(5):
            assert await answered(database, NUMBER, 2) == [2]
        await database.close()


async def test_closing_ends_all_connections_and_none_is_opened_any_more(
    postgres: SqlDatabase, postgres_url: str
) -> None:
    asked = [asyncio.create_task(answered(postgres, SLEEP, 0.3)) for _ in range(READING)]
    assert await becomes(postgres_url, READING, "active")
    connecting = asyncio.create_task(answered(postgres, NUMBER, 1))

    await postgres.close()

    for each in (*asked, connecting):
        with pytest.raises(DatabaseUnavailableError):
            await each
    with pytest.raises(DatabaseUnavailableError):
        await postgres.fetch(NUMBER, 1)
    assert await becomes(postgres_url, 0)
