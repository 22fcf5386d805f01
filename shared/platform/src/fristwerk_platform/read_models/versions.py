"""Where the generations of a read model lie: files of SQLite or schemas of PostgreSQL, and the pointer to the one in use.

Generation 1 is ``<name>.db`` or the schema ``<name>``, the next one ``<name>-2.db`` or ``<name>_2``, and so on. The pointer is
the file ``<name>.generation``, or a row of the table ``public.fristwerk_generations``; without one it is 1.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import Column, Integer, MetaData, String, Table, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import DropSchema

from fristwerk_platform.read_models.bulk import store
from fristwerk_platform.read_models.database import REBUILDABLE, Database, postgres_database, sqlite_database

LIVE: Final = "live"
"""What the generation in use is called where both lie in one file's view."""
DURABLE: Final = ("journal_mode=WAL", "synchronous=FULL")
"""What replaces a generation must be on the disk before that one says so."""
LOCK_NOT_AVAILABLE: Final = "55P03"
_pointers: Final = Table(
    "fristwerk_generations",
    MetaData(),
    Column("name", String, primary_key=True),
    Column("generation", Integer, nullable=False),
    schema="public",
)


class RebuildError(Exception):
    """The read model could not be rebuilt; the live one is as it was. The message is a sentence."""


class RebuildRunningError(RebuildError):
    """The read model is being rebuilt by another process."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The read model {name} is being rebuilt already.")


class ReadModelVersions(Protocol):
    """The generations of one read model."""

    @property
    def name(self) -> str:
        """The read model's name, such as ``sla``."""
        ...

    def opened(self, generation: int) -> Database:
        """A generation, as services use it."""
        ...

    def beside(self, generation: int, live: int) -> tuple[Database, str]:
        """A generation that is being built; its transactions see one moment of ``live``, under that schema's name."""
        ...

    async def pointer(self) -> int:
        """The generation that the pointer names."""
        ...

    async def point_to(self, generation: int) -> None:
        """Let the pointer name another generation."""
        ...

    async def present(self) -> list[int]:
        """The generations that exist, in order."""
        ...

    async def drop(self, generation: int) -> bool:
        """Take a generation away; false where somebody still uses it, and it stays."""
        ...

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Be the only one that rebuilds. Raises RebuildRunningError."""
        ...


class FileVersions:
    """Generations as files in one folder; see :class:`ReadModelVersions`."""

    def __init__(self, folder: Path, name: str, metadata: MetaData, pragmas: tuple[str, ...] = REBUILDABLE) -> None:
        self.name = name
        self._folder = folder
        self._metadata = metadata
        self._pragmas = pragmas

    def opened(self, generation: int) -> Database:
        """See :class:`ReadModelVersions`."""
        return sqlite_database(self._file(generation), self._metadata, self._pragmas)

    def beside(self, generation: int, live: int) -> tuple[Database, str]:
        """See :class:`ReadModelVersions`."""
        seen = (LIVE, self._file(live))
        return sqlite_database(self._file(generation), self._metadata, DURABLE, seen=seen), LIVE

    async def pointer(self) -> int:
        """See :class:`ReadModelVersions`."""
        pointer = self._folder / f"{self.name}.generation"
        return int(pointer.read_text()) if pointer.exists() else 1

    async def point_to(self, generation: int) -> None:
        """See :class:`ReadModelVersions`. A reader finds the old number or the new one, whenever the power fails."""
        beginning = self._folder / f"{self.name}.generation.new"
        with beginning.open("w") as file:
            file.write(f"{generation}\n")
            file.flush()
            os.fsync(file.fileno())
        beginning.replace(self._folder / f"{self.name}.generation")

    async def present(self) -> list[int]:
        """See :class:`ReadModelVersions`."""
        shape = re.compile(rf"{re.escape(self.name)}(?:-(\d+))?\.db")
        files = self._folder.iterdir() if self._folder.is_dir() else ()
        found = (shape.fullmatch(file.name) for file in files)
        return sorted(int(each[1] or 1) for each in found if each is not None)

    async def drop(self, generation: int) -> bool:
        """See :class:`ReadModelVersions`. Who still reads the file keeps it until it is closed."""
        file = self._file(generation)
        for each in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
            each.unlink(missing_ok=True)
        return True

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """See :class:`ReadModelVersions`. The lock goes with the process, however it ends."""
        with (self._folder / f"{self.name}.rebuild").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RebuildRunningError(self.name) from None
            yield

    def _file(self, generation: int) -> Path:
        return self._folder / (f"{self.name}.db" if generation == 1 else f"{self.name}-{generation}.db")


class SchemaVersions:
    """Generations as schemas of one PostgreSQL database; see :class:`ReadModelVersions`."""

    def __init__(self, url: str, name: str, metadata: MetaData, most_connections: int) -> None:
        self.name = name
        self._url = url
        self._most_connections = most_connections
        self._base = name.replace("-", "_")
        self._metadata = metadata

    def opened(self, generation: int) -> Database:
        """See :class:`ReadModelVersions`."""
        schema = self._schema(generation)
        return postgres_database(self._url, schema, self._metadata, most_connections=self._most_connections)

    def beside(self, generation: int, live: int) -> tuple[Database, str]:
        """See :class:`ReadModelVersions`."""
        schema = self._schema(generation)
        database = postgres_database(self._url, schema, self._metadata, statement_seconds=None, one_moment=True)
        return database, self._schema(live)

    async def pointer(self) -> int:
        """See :class:`ReadModelVersions`."""
        named = select(_pointers.c.generation).where(_pointers.c.name == self._base)
        async with self._public() as database, database.reading() as connection:
            exists = await connection.execute(text("SELECT to_regclass('public.fristwerk_generations')"))
            if exists.scalar() is None:
                return 1
            return (await connection.execute(named)).scalar() or 1

    async def point_to(self, generation: int) -> None:
        """See :class:`ReadModelVersions`."""
        row = {"name": self._base, "generation": generation}
        async with self._public() as database, database.transaction() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('fristwerk'))"))
            await connection.run_sync(_pointers.metadata.create_all)
            await store(connection, _pointers, [row])

    async def present(self) -> list[int]:
        """See :class:`ReadModelVersions`."""
        shape = re.compile(rf"{re.escape(self._base)}(?:_(\d+))?")
        async with self._public() as database, database.reading() as connection:
            names = (await connection.execute(text("SELECT nspname FROM pg_namespace"))).scalars()
            found = [shape.fullmatch(name) for name in names]
        return sorted(int(each[1] or 1) for each in found if each is not None)

    async def drop(self, generation: int) -> bool:
        """See :class:`ReadModelVersions`."""
        try:
            async with self._public() as database, database.transaction() as connection:
                await connection.execute(text("SET LOCAL lock_timeout = '5s'"))
                await connection.execute(DropSchema(self._schema(generation), cascade=True, if_exists=True))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            return False
        return True

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """See :class:`ReadModelVersions`. The lock goes with the connection, however the process ends."""
        lock = text("SELECT pg_try_advisory_lock(hashtext('fristwerk rebuild'), hashtext(:name))")
        async with self._public() as database, database.reading() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            if not (await connection.execute(lock, {"name": self._base})).scalar():
                raise RebuildRunningError(self.name)
            yield

    def _schema(self, generation: int) -> str:
        return self._base if generation == 1 else f"{self._base}_{generation}"

    @asynccontextmanager
    async def _public(self) -> AsyncIterator[Database]:
        """The database for once; its connections end with it, and with them what they hold."""
        database = postgres_database(self._url, "public", MetaData())
        try:
            yield database
        finally:
            await database.close()
