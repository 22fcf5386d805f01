"""A read model that may be replaced while it is in use: a rebuild makes its next generation beside it, and all go over to that.

What a generation was replaced by stands in the generation itself, and every writing transaction looks there first, under a lock
that the switch takes alone. So nothing is ever written into a generation after it was replaced; a writer goes on in the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog
from sqlalchemy import Column, Integer, MetaData, Table, delete, insert, select, text
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models.carry_over import PASSING
from fristwerk_platform.read_models.database import REBUILDABLE, Database
from fristwerk_platform.read_models.versions import FileVersions, ReadModelVersions, SchemaVersions
from fristwerk_platform.settings import Settings

LOOK_SECONDS: Final = 1.0
"""How often a service that only reads looks whether its generation was replaced."""
_log = structlog.get_logger()


def open_live_read_model(
    settings: Settings, name: str, metadata: MetaData, pragmas: tuple[str, ...] | None = None
) -> LiveReadModel:
    """A read model in the generation that is in use, where the settings say (see ``fristwerk_platform.read_models.versions``)."""
    return LiveReadModel(places(settings, name, metadata, pragmas))


def places(
    settings: Settings, name: str, metadata: MetaData, pragmas: tuple[str, ...] | None = None
) -> ReadModelVersions:
    """Where the generations of a read model lie; adds the table to its metadata in which a generation says what replaced it."""
    _replaced(metadata)
    if settings.database_url is not None:
        return SchemaVersions(settings.database_url, name, metadata, settings.database_connections)
    return FileVersions(settings.var, name, metadata, pragmas or REBUILDABLE)


class LiveReadModel(Database):
    """The generation in use, as a :class:`Database`. Whoever is in the middle of something ends it where it was begun."""

    def __init__(self, places: ReadModelVersions) -> None:
        self._places = places
        self._used: _Used | None = None
        self._changing = asyncio.Lock()

    @property
    def generation(self) -> int:
        """The number of the generation in use."""
        return self._now_used().number

    async def create(self) -> None:
        """See :class:`Database`."""
        self._used = await self._opened(await self._places.pointer())
        await self._used.database.create()
        await self.refresh()

    async def find(self) -> bool:
        """Open the generation in use and make nothing; whether there is one."""
        number = await self._places.pointer()
        if number not in await self._places.present():
            return False
        self._used = await self._opened(number)
        with suppress(ProgrammingError, OperationalError):  # no rebuild can have replaced what is older than rebuilding
            await self.refresh()
        return True

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """See :class:`Database`; always in a generation that was not replaced, and is not until the end."""
        while True:
            async with self._use() as used, used.database.transaction() as connection:
                await _stay(connection)
                if await replaced_by(connection) is None:
                    yield connection
                    return
            await self.refresh()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """See :class:`Database`."""
        async with self._use() as used, used.database.reading() as connection:
            yield connection

    async def refresh(self) -> None:
        """Go over to the generation that replaced the one in use, if there is one."""
        async with self._changing:
            before = self._now_used()
            number = await self._newest(before)
            if number == before.number:
                return
            await self._places.point_to(number)  # who switched may have been killed before it could
            self._used = await self._opened(number)
            _log.info("generation_replaced", read_model=self._places.name, was=before.number, now=number)
            await before.end()

    async def keep_fresh(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.refresh()
            except (SQLAlchemyError, OSError) as error:
                _log.warning("generation_unknown", read_model=self._places.name, error=type(error).__name__)

    async def close(self) -> None:
        """See :class:`Database`."""
        if self._used is not None:
            await self._used.database.close()

    async def _newest(self, used: _Used) -> int:
        try:
            return await newest(self._places, used.number, used.database)
        except (ProgrammingError, OperationalError):
            pointed = await self._places.pointer()
            if pointed == used.number:
                raise
            return pointed  # we slept through two rebuilds, and the second one dropped what we use

    async def _opened(self, number: int) -> _Used:
        return _Used(number, self._places.opened(number))

    def _now_used(self) -> _Used:
        assert self._used is not None, "created"
        return self._used

    @asynccontextmanager
    async def _use(self) -> AsyncIterator[_Used]:
        used = self._now_used()
        used.uses += 1
        try:
            yield used
        finally:
            used.uses -= 1
            await used.close_if_done()


class _Used:
    """A generation, how many transactions and readings it serves, and whether there will be more."""

    def __init__(self, number: int, database: Database) -> None:
        self.number = number
        self.database = database
        self.uses = 0
        self._ended = False

    async def end(self) -> None:
        """Close it once nobody uses it any more."""
        self._ended = True
        await self.close_if_done()

    async def close_if_done(self) -> None:
        if self._ended and self.uses == 0:
            await self.database.close()


async def newest(places: ReadModelVersions, number: int, database: Database) -> int:
    """The generation that is in use after everything that replaced this one."""
    following = await _replacement(database)
    while following is not None:
        number, opened = following, places.opened(following)
        try:
            following = await _replacement(opened)
        finally:
            await opened.close()
    return number


@asynccontextmanager
async def writes_blocked(live: Database) -> AsyncIterator[AsyncConnection]:
    """Nobody writes into the generation until this transaction ends; readers go on."""
    async with live.transaction() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        yield connection


async def replace(connection: AsyncConnection, number: int) -> None:
    """Let the halted generation say what replaced it."""
    await connection.execute(insert(_mark), [{"generation": number}])


async def reinstate(connection: AsyncConnection) -> None:
    """Let the generation say that it was not replaced."""
    await connection.execute(delete(_mark))


async def replaced_by(connection: AsyncConnection) -> int | None:
    """What replaced the generation, if anything did."""
    return (await connection.execute(select(_mark.c.generation))).scalar()


async def _replacement(database: Database) -> int | None:
    async with database.reading() as connection:
        return await replaced_by(connection)


async def _stay(connection: AsyncConnection) -> None:
    """Keep the generation from being replaced before this transaction ends; SQLite's write lock does so anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"SELECT pg_advisory_xact_lock_shared({_LOCK})"))


def _replaced(metadata: MetaData) -> Table:
    key = Column("generation", Integer, primary_key=True, autoincrement=False)
    return Table("replaced_by", metadata, key, info=PASSING, keep_existing=True)


_LOCK: Final = "hashtext(current_schema()), hashtext('fristwerk generation')"
_mark: Final = _replaced(MetaData())
