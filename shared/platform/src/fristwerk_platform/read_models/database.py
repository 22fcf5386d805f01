"""Databases: the engine, the column type for instants, short transactions, the error of an
unreachable database.

SQLite drops time zones, so instants are stored as integers of microseconds since the epoch on every
database.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from sqlalchemy import URL, BigInteger, Dialect, MetaData, event, make_url, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateSchema
from sqlalchemy.types import TypeDecorator

from fristwerk_platform.array_literals import NULLS
from fristwerk_platform.health import Dependency
from fristwerk_platform.loop_connections import CONNECT_SECONDS, PING_AFTER_SECONDS, LoopConnections
from fristwerk_platform.opened_file import OpenedFile
from fristwerk_platform.read_models.cancelled_transactions import end_at_once
from fristwerk_platform.read_models.driver import Query, fetch, translated
from fristwerk_platform.read_models.migrations import bring_up_to_date
from fristwerk_platform.read_models.sqlite_pragmas import REBUILDABLE, set_pragmas
from fristwerk_platform.read_models.unavailable import DatabaseUnavailableError, unavailable_where_lost
from fristwerk_platform.settings import DATABASE_CONNECTIONS, Settings

FILE_CONNECTIONS: Final = 4
"""Connections to an SQLite file at most."""
POOL_SECONDS: Final = 10.0
"""How long a request waits for a pooled connection."""
_LOCK: Final = Query("SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext($1))")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant, kept exactly and in UTC on every database; naive times are refused."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - its signature
        if value is None:
            return None
        assert value.tzinfo is not None, "instants carry their zone"
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - its signature
        return None if value is None else instant_of_stored(value)


def instant_of_stored(value: int) -> datetime:
    """The instant that a column of ``UtcDateTime`` holds as this number."""
    return _EPOCH + value * _MICROSECOND


class Database(Protocol):
    """Where rows are read and written: short transactions and readings.

    All raise DatabaseUnavailableError.
    """

    def transaction(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A writing transaction: all of it or nothing."""
        ...

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A consistent view for reading."""
        ...

    async def fetch(self, query: Query, *arguments: Any) -> Sequence[Sequence[Any]]:
        """The rows of a constant query by itself, as the function ``fetch`` has them; raises what it does.

        For what requests ask often: on PostgreSQL it goes past SQLAlchemy, and its plan is kept.
        """
        ...


class SqlDatabase:
    """A file of SQLite or a schema of PostgreSQL; see :class:`Database`."""

    def __init__(
        self,
        engine: AsyncEngine,
        metadata: MetaData,
        schema: str | None = None,
        file: OpenedFile | None = None,
        loop_connections: LoopConnections | None = None,
    ) -> None:
        self._engine = engine
        self._loop_connections = loop_connections
        self._file = file
        self._metadata = metadata
        self._schema = schema

    async def create(self) -> None:
        """Make or migrate the tables; of several processes that start at once, one does.

        Raises NewerDatabaseError.
        """
        async with self.transaction() as connection:
            if self._schema is not None:
                await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('fristwerk'))"))
                await connection.execute(CreateSchema(self._schema, if_not_exists=True))
            await bring_up_to_date(connection, self._metadata)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """See :class:`Database`. On SQLite it takes the write lock at once, so it never deadlocks."""
        if self._file is not None and self._file.is_gone:
            raise DatabaseUnavailableError(f"{self._file.path.name} was deleted, moved or replaced")
        async with _connection(self._engine) as connection:
            await connection.execution_options(writes=True)
            async with connection.begin():
                yield connection
            for call in _after_commit.pop(connection, ()):
                call()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """See :class:`Database`."""
        async with _connection(self._engine) as connection:
            yield connection

    async def fetch(self, query: Query, *arguments: Any) -> Sequence[Sequence[Any]]:
        """See :class:`Database`."""
        if self._loop_connections is None:
            async with self.reading() as connection:
                return await fetch(connection, query, *arguments)
        with unavailable_where_lost(OSError), translated():  # nothing else than connecting raises one
            return await self._loop_connections.fetch(query.postgres, *arguments)

    async def check(self) -> Dependency:
        """For ``/health/ready``: whether the database answers, and on SQLite is where it was."""
        if self._file is not None and self._file.is_gone:
            return Dependency(ok=False, detail=f"{self._file.path.name} was deleted, moved or replaced")
        async with self.reading() as connection:
            await connection.execute(text("SELECT 1"))
        return Dependency(ok=True)

    async def close(self) -> None:
        """Close all connections."""
        if self._loop_connections is not None:
            await self._loop_connections.close()
        await self._engine.dispose()


@asynccontextmanager
async def _connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    with unavailable_where_lost():
        async with engine.connect() as connection:
            yield connection


async def advisory_lock(connection: AsyncConnection, what: str) -> None:
    """Hold the lock named ``what`` until the transaction ends, waiting for it.

    SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        await fetch(connection, _LOCK, what)


def after_commit(connection: AsyncConnection, call: Callable[[], None]) -> None:
    """Call once the connection's transaction is committed, and never if it is not; it is one of a
    :class:`Database`.
    """
    _after_commit.setdefault(connection, []).append(call)


_after_commit: Final[WeakKeyDictionary[AsyncConnection, list[Callable[[], None]]]] = WeakKeyDictionary()
"""Not events of SQLAlchemy, whose registration takes as long as a statement, and which are called
before the commit.
"""


def open_database(
    settings: Settings, name: str, metadata: MetaData, pragmas: tuple[str, ...] | None = None
) -> SqlDatabase:
    """The database that the settings select: a schema of PostgreSQL, or an SQLite file in the
    folder ``var``.
    """
    if settings.database_url is not None:
        limit = settings.database_connections
        return postgres_database(settings.database_url, name.replace("-", "_"), metadata, max_connections=limit)
    return sqlite_database(settings.var / f"{name}.db", metadata, pragmas or REBUILDABLE)


def postgres_database(
    url: str,
    schema: str,
    metadata: MetaData,
    *,
    max_connections: int = DATABASE_CONNECTIONS,
    statement_seconds: float | None = 30.0,
    snapshot: bool = False,
) -> SqlDatabase:
    """A schema of a PostgreSQL database; ``url`` is
    ``postgresql://user:password@host:port/database[?sslmode=…]``.

    A statement that takes longer than ``statement_seconds`` fails. With ``snapshot`` every
    statement of a transaction sees the database as of the transaction's beginning.
    """
    isolation = {"isolation_level": "REPEATABLE READ"} if snapshot else {}
    given = make_url(url)
    server_settings = {"search_path": schema, "application_name": f"fristwerk {schema}", **NULLS}
    engine = create_async_engine(
        given.set(drivername="postgresql+asyncpg", query={}),
        pool_size=max_connections,  # all are kept: under load a closed one would be opened again at once
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_use_lifo=True,  # the one used last has its statements prepared
        hide_parameters=True,
        **isolation,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": statement_seconds,
            "ssl": given.query.get("sslmode"),
            "server_settings": server_settings,
        },
    )
    _check_before_use(engine)
    asked = LoopConnections(url, statement_seconds=statement_seconds, server_settings=server_settings)
    return SqlDatabase(engine, metadata, schema, loop_connections=asked)


def _check_before_use(engine: AsyncEngine) -> None:
    """Have a pooled connection replaced that broke while nothing used it.

    The driver knows of one that the server closed. To ask the server each time, as SQLAlchemy's
    ``pool_pre_ping`` does, takes as long as all the statements of one event.
    """

    @event.listens_for(engine.sync_engine, "checkin")
    def remember(_connection: Any, record: Any) -> None:
        record.info["returned_at"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def check(connection: Any, record: Any, _proxy: Any) -> None:
        if connection.driver_connection.is_closed():
            raise DisconnectionError("the server has closed the connection")
        if time.monotonic() - record.info.get("returned_at", math.inf) < PING_AFTER_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:
            raise DisconnectionError(f"{type(error).__name__}: {error}") from error


def sqlite_database(
    file: Path, metadata: MetaData, pragmas: tuple[str, ...] = REBUILDABLE, *, attached: tuple[str, Path] | None = None
) -> SqlDatabase:
    """A database in one SQLite file.

    ``attached`` is a schema name and another file, which can be read under that name.

    A transaction sees the other file as of its beginning, and never locks it.
    """
    opened = OpenedFile(file)
    url = URL.create("sqlite+aiosqlite", database=str(file))  # in a plain string, "?" in a folder's name ends the path
    engine = create_async_engine(
        url,
        pool_size=FILE_CONNECTIONS,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        hide_parameters=True,
        connect_args={"uri": attached is not None},
    )
    end_at_once(engine)

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's own BEGIN below, not the driver's late one
        connection.run_async(lambda driver: set_pragmas(driver, pragmas))
        opened.remember()
        if attached is not None:
            name, other = attached
            cursor = connection.cursor()
            cursor.execute(f"ATTACH DATABASE ? AS {name}", (f"{other.absolute().as_uri()}?mode=ro",))
            cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return SqlDatabase(engine, metadata, file=opened)
