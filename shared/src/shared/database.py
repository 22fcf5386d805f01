"""Read models in SQL: the engine, the column type for instants, and one transaction per batch.

SQLite drops time zones, so instants are stored as integers of microseconds since the epoch on every database.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, BigInteger, Dialect, MetaData, Table, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateSchema
from sqlalchemy.types import TypeDecorator

from shared.settings import Settings

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
        return None if value is None else _EPOCH + value * _MICROSECOND


class Database:
    """A service's read model: short transactions on an async engine."""

    def __init__(self, engine: AsyncEngine, metadata: MetaData, schema: str | None = None) -> None:
        self._engine = engine
        self._metadata = metadata
        self._schema = schema

    async def create(self) -> None:
        """Make the tables that are missing; of several processes starting at once one does."""
        async with self.transaction() as connection:
            if self._schema is not None:
                await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('fristwerk'))"))
                await connection.execute(CreateSchema(self._schema, if_not_exists=True))
            await connection.run_sync(self._metadata.create_all)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A writing transaction: all of it or nothing. On SQLite it takes the write lock at once, so it never deadlocks."""
        async with self._engine.connect() as connection:
            await connection.execution_options(writes=True)
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view for reading."""
        async with self._engine.connect() as connection:
            yield connection

    async def close(self) -> None:
        """Let go of all connections."""
        await self._engine.dispose()


def upsert(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert into the table that replaces the row with the same primary key."""
    keys = [column.name for column in table.primary_key]
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table)
    others = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=others)


async def one_at_a_time(connection: AsyncConnection, what: str) -> None:
    """Wait until no other transaction does ``what``; ours does until it ends. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext(:what))"), {"what": what}
        )


def open_database(
    settings: Settings, name: str, metadata: MetaData, pragmas: tuple[str, ...] | None = None
) -> Database:
    """The database that the settings choose: a schema of PostgreSQL, or an SQLite file in the folder ``var``."""
    if settings.database_url is not None:
        return postgres_database(settings.database_url, name.replace("-", "_"), metadata)
    return sqlite_database(settings.var / f"{name}.db", metadata, pragmas or REBUILDABLE)


def postgres_database(url: str, schema: str, metadata: MetaData) -> Database:
    """A schema of a PostgreSQL database; ``url`` is ``postgresql://user:password@host:port/database``."""
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"server_settings": {"search_path": schema, "application_name": f"fristwerk {schema}"}},
    )
    return Database(engine, metadata, schema)


POOL_SIZE: Final = 4
POOL_OVERFLOW: Final = 4
REBUILDABLE: Final = ("journal_mode=WAL", "synchronous=NORMAL")
"""For read models: they are made again from the log, so a tail lost with the power is only replayed."""
IRREPLACEABLE: Final = ("journal_mode=DELETE", "synchronous=FULL", "secure_delete=ON")
"""For keys: on the disk once stored, and off the disk once deleted."""


def sqlite_database(file: Path, metadata: MetaData, pragmas: tuple[str, ...] = REBUILDABLE) -> Database:
    """A database in one SQLite file."""
    url = URL.create("sqlite+aiosqlite", database=str(file))  # in a plain string, "?" in a folder's name ends the path
    engine = create_async_engine(url, pool_size=4, max_overflow=0, hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's own BEGIN below, not the driver's late one
        cursor = connection.cursor()
        for pragma in (*pragmas, "busy_timeout=10000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return Database(engine, metadata)
