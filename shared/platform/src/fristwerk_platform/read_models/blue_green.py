"""A blue/green read model: a rebuild makes its next version while the current one is in use, and
all services switch over.

A version records in itself what replaced it, and every writing transaction reads that first, under
a lock that the switch takes exclusively. So nothing is ever written to a version after it was
replaced; the writer goes on in the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import structlog
from sqlalchemy import Column, Integer, MetaData, Table, delete, insert, text
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.health import Dependency
from fristwerk_platform.read_models.carry_over import PASSING
from fristwerk_platform.read_models.database import Database, SqlDatabase
from fristwerk_platform.read_models.driver import Query, fetch
from fristwerk_platform.read_models.sqlite_pragmas import REBUILDABLE
from fristwerk_platform.read_models.versions import FileVersions, ReadModelVersions, SchemaVersions
from fristwerk_platform.settings import Settings

REFRESH_SECONDS: Final = 1.0
"""How often a service that only reads checks whether its version was replaced."""
_log = structlog.get_logger()


def open_live_read_model(
    settings: Settings, name: str, metadata: MetaData, pragmas: tuple[str, ...] | None = None
) -> LiveReadModel:
    """A read model in the version that is in use, where the settings say (see
    ``read_models.versions``).
    """
    return LiveReadModel(read_model_versions(settings, name, metadata, pragmas))


def read_model_versions(
    settings: Settings, name: str, metadata: MetaData, pragmas: tuple[str, ...] | None = None
) -> ReadModelVersions:
    """The versions of a read model; adds the table to its metadata in which a version records what
    replaced it.
    """
    _replaced_by_table(metadata)
    if settings.database_url is not None:
        return SchemaVersions(settings.database_url, name, metadata, settings.database_connections)
    return FileVersions(settings.var, name, metadata, pragmas or REBUILDABLE)


class LiveReadModel:
    """The version in use; see :class:`Database`.

    Transactions in flight finish on the version on which they started.
    """

    def __init__(self, versions: ReadModelVersions) -> None:
        self._versions = versions
        self._current: _OpenVersion | None = None
        self._switching = asyncio.Lock()

    @property
    def version(self) -> int:
        """The number of the version in use."""
        return self._in_use().number

    async def create(self) -> None:
        """Make or migrate the tables of the version in use, which is the first where there is none."""
        self._current = self._open(await self._versions.active())
        await self._current.database.create()
        await self.refresh()

    async def find(self) -> bool:
        """Open the version in use without making anything. Returns whether there is one."""
        number = await self._versions.active()
        if number not in await self._versions.existing():
            return False
        self._current = self._open(number)
        with suppress(
            ProgrammingError, OperationalError
        ):  # a version older than rebuilding has no table of replacements
            await self.refresh()
        return True

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """See :class:`Database`; always in a version that is not replaced before the transaction
        ends.
        """
        while True:
            async with self._use() as used, used.database.transaction() as connection:
                await _hold_shared_lock(connection)
                if await replaced_by(connection) is None:
                    yield connection
                    return
            await self.refresh()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """See :class:`Database`."""
        async with self._use() as used, used.database.reading() as connection:
            yield connection

    async def fetch(self, query: Query, *arguments: Any) -> Sequence[Sequence[Any]]:
        """See :class:`Database`."""
        async with self._use() as used:
            return await used.database.fetch(query, *arguments)

    async def check(self) -> Dependency:
        """For ``/health/ready``: whether the version in use answers and is where it was."""
        async with self._use() as used:
            return await used.database.check()

    async def refresh(self) -> None:
        """Switch to the version that replaced the one in use, if there is one."""
        async with self._switching:
            before = self._in_use()
            number = await self._newest(before)
            if number == before.number:
                return
            await self._versions.activate(number)  # the rebuild may have been killed before it could
            self._current = self._open(number)
            _log.info("read_model_replaced", read_model=self._versions.name, was=before.number, now=number)
            await before.retire()

    async def keep_fresh(self) -> None:
        """Refresh once a second, until cancelled."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
            except (SQLAlchemyError, OSError) as error:
                _log.warning("read_model_version_unknown", read_model=self._versions.name, error=type(error).__name__)

    async def close(self) -> None:
        """Close all connections."""
        if self._current is not None:
            await self._current.database.close()

    async def _newest(self, used: _OpenVersion) -> int:
        try:
            return await newest(self._versions, used.number, used.database)
        except (ProgrammingError, OperationalError):
            active = await self._versions.active()
            if active == used.number:
                raise
            return active  # there were two rebuilds in between, and the second one dropped the version in use

    def _open(self, number: int) -> _OpenVersion:
        return _OpenVersion(number, self._versions.open(number))

    def _in_use(self) -> _OpenVersion:
        assert self._current is not None, "created"
        return self._current

    @asynccontextmanager
    async def _use(self) -> AsyncIterator[_OpenVersion]:
        used = self._in_use()
        used.uses += 1
        try:
            yield used
        finally:
            used.uses -= 1
            await used.close_if_unused()


class _OpenVersion:
    """An open version, how many transactions use it, and whether there will be more."""

    def __init__(self, number: int, database: SqlDatabase) -> None:
        self.number = number
        self.database = database
        self.uses = 0
        self._retired = False

    async def retire(self) -> None:
        """Close it once nothing uses it any more."""
        self._retired = True
        await self.close_if_unused()

    async def close_if_unused(self) -> None:
        if self._retired and self.uses == 0:
            await self.database.close()


async def newest(versions: ReadModelVersions, number: int, database: Database) -> int:
    """The version in use after everything that replaced this one."""
    next_number = await _replacement(database)
    while next_number is not None:
        number, replacement = next_number, versions.open(next_number)
        try:
            next_number = await _replacement(replacement)
        finally:
            await replacement.close()
    return number


@asynccontextmanager
async def writes_blocked(live: Database) -> AsyncIterator[AsyncConnection]:
    """Block all other writing to the version until this transaction ends; reading goes on."""
    async with live.transaction() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        yield connection


async def mark_replaced(connection: AsyncConnection, number: int) -> None:
    """Record in the blocked version which one replaces it."""
    await connection.execute(insert(_replacements), [{"generation": number}])


async def mark_live(connection: AsyncConnection) -> None:
    """Record in the version that nothing replaces it."""
    await connection.execute(delete(_replacements))


async def replaced_by(connection: AsyncConnection) -> int | None:
    """The number of the version that replaced this one, if one did."""
    rows = await fetch(connection, _REPLACED_BY)
    return rows[0][0] if rows else None


async def _replacement(database: Database) -> int | None:
    async with database.reading() as connection:
        return await replaced_by(connection)


async def _hold_shared_lock(connection: AsyncConnection) -> None:
    """Prevent the version from being replaced before this transaction ends; SQLite's write lock
    does so anyway.
    """
    if connection.dialect.name == "postgresql":
        await fetch(connection, _SHARED_LOCK)


def _replaced_by_table(metadata: MetaData) -> Table:
    """The stored name of a version's number is ``generation``, as it was first called; databases
    keep it.
    """
    key = Column("generation", Integer, primary_key=True, autoincrement=False)
    return Table("replaced_by", metadata, key, info=PASSING, keep_existing=True)


_LOCK: Final = "hashtext(current_schema()), hashtext('fristwerk generation')"
_SHARED_LOCK: Final = Query(f"SELECT pg_advisory_xact_lock_shared({_LOCK})")
_REPLACED_BY: Final = Query("SELECT generation FROM replaced_by")
_replacements: Final = _replaced_by_table(MetaData())
