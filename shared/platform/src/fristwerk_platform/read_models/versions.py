"""The versions of a read model: files of SQLite or schemas of PostgreSQL, and the pointer to the
active one.

Version 1 is ``<name>.db`` or the schema ``<name>``, the next one ``<name>-2.db`` or ``<name>_2``,
and so on. The pointer is the file ``<name>.generation``, or a row of the table
``public.fristwerk_generations``; without one, version 1 is active. Stored names say *generation*,
as a version was first called; databases keep them.
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
from fristwerk_platform.read_models.database import Database, SqlDatabase, postgres_database, sqlite_database
from fristwerk_platform.read_models.sqlite_pragmas import DURABLE, REBUILDABLE

LIVE: Final = "live"
"""The schema name of the live version where it is attached to the file of the next one."""
LOCK_NOT_AVAILABLE: Final = "55P03"
_pointers: Final = Table(
    "fristwerk_generations",
    MetaData(),
    Column("name", String, primary_key=True),
    Column("generation", Integer, nullable=False),
    schema="public",
)


class RebuildError(Exception):
    """The read model could not be rebuilt; the live version is as it was.

    The message is a sentence.
    """


class RebuildRunningError(RebuildError):
    """The read model is being rebuilt by another process."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The read model {name} is being rebuilt already.")


class ReadModelVersions(Protocol):
    """The versions of one read model, by number."""

    @property
    def name(self) -> str:
        """The read model's name, such as ``orders``."""
        ...

    def open(self, version: int) -> SqlDatabase:
        """A version, as services use it."""
        ...

    def open_next_to(self, live: int, version: int) -> tuple[SqlDatabase, str]:
        """A version that is being built, and the schema name under which its transactions see
        ``live`` as of one moment.
        """
        ...

    async def active(self) -> int:
        """The version that the pointer names."""
        ...

    async def activate(self, version: int) -> None:
        """Make the pointer name another version."""
        ...

    async def existing(self) -> list[int]:
        """The versions that exist, in order."""
        ...

    async def drop(self, version: int) -> bool:
        """Drop a version. Returns False, and drops nothing, while it is in use."""
        ...

    def rebuild_lock(self) -> AbstractAsyncContextManager[None]:
        """Hold the rebuild lock. Raises RebuildRunningError where another process holds it."""
        ...


class FileVersions:
    """Versions as files in one folder; see :class:`ReadModelVersions`."""

    def __init__(self, folder: Path, name: str, metadata: MetaData, pragmas: tuple[str, ...] = REBUILDABLE) -> None:
        self.name = name
        self._folder = folder
        self._metadata = metadata
        self._pragmas = pragmas

    def open(self, version: int) -> SqlDatabase:
        """See :class:`ReadModelVersions`."""
        return sqlite_database(self._file(version), self._metadata, self._pragmas)

    def open_next_to(self, live: int, version: int) -> tuple[SqlDatabase, str]:
        """See :class:`ReadModelVersions`."""
        attached = (LIVE, self._file(live))
        # The replacement must be on the disk before the replaced version records it.
        return sqlite_database(self._file(version), self._metadata, DURABLE, attached=attached), LIVE

    async def active(self) -> int:
        """See :class:`ReadModelVersions`."""
        pointer = self._folder / f"{self.name}.generation"
        return int(pointer.read_text()) if pointer.exists() else 1

    async def activate(self, version: int) -> None:
        """See :class:`ReadModelVersions`.

        After a power cut the file holds the old number or the new one.
        """
        # The rebuild and each service that notices the switch may all write it at once.
        beginning = self._folder / f"{self.name}.generation.{os.getpid()}.new"
        with beginning.open("w") as file:
            file.write(f"{version}\n")
            file.flush()
            os.fsync(file.fileno())
        beginning.replace(self._folder / f"{self.name}.generation")

    async def existing(self) -> list[int]:
        """See :class:`ReadModelVersions`."""
        shape = re.compile(rf"{re.escape(self.name)}(?:-(\d+))?\.db")
        files = self._folder.iterdir() if self._folder.is_dir() else ()
        found = (shape.fullmatch(file.name) for file in files)
        return sorted(int(each[1] or 1) for each in found if each is not None)

    async def drop(self, version: int) -> bool:
        """See :class:`ReadModelVersions`.

        A process that still reads the file keeps it until it closes it.
        """
        file = self._file(version)
        for each in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
            each.unlink(missing_ok=True)
        return True

    @asynccontextmanager
    async def rebuild_lock(self) -> AsyncIterator[None]:
        """See :class:`ReadModelVersions`. The lock ends with the process, however that ends."""
        with (self._folder / f"{self.name}.rebuild").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RebuildRunningError(self.name) from None
            yield

    def _file(self, version: int) -> Path:
        return self._folder / (f"{self.name}.db" if version == 1 else f"{self.name}-{version}.db")


class SchemaVersions:
    """Versions as schemas of one PostgreSQL database; see :class:`ReadModelVersions`."""

    def __init__(self, url: str, name: str, metadata: MetaData, max_connections: int) -> None:
        self.name = name
        self._url = url
        self._max_connections = max_connections
        self._base = name.replace("-", "_")
        self._metadata = metadata

    def open(self, version: int) -> SqlDatabase:
        """See :class:`ReadModelVersions`."""
        schema = self._schema(version)
        return postgres_database(self._url, schema, self._metadata, max_connections=self._max_connections)

    def open_next_to(self, live: int, version: int) -> tuple[SqlDatabase, str]:
        """See :class:`ReadModelVersions`."""
        schema = self._schema(version)
        database = postgres_database(self._url, schema, self._metadata, statement_seconds=None, snapshot=True)
        return database, self._schema(live)

    async def active(self) -> int:
        """See :class:`ReadModelVersions`."""
        named = select(_pointers.c.generation).where(_pointers.c.name == self._base)
        async with self._public() as database, database.reading() as connection:
            exists = await connection.execute(text("SELECT to_regclass('public.fristwerk_generations')"))
            if exists.scalar() is None:
                return 1
            return (await connection.execute(named)).scalar() or 1

    async def activate(self, version: int) -> None:
        """See :class:`ReadModelVersions`."""
        row = {"name": self._base, "generation": version}
        async with self._public() as database, database.transaction() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('fristwerk'))"))
            await connection.run_sync(_pointers.metadata.create_all)
            await store(connection, _pointers, [row])

    async def existing(self) -> list[int]:
        """See :class:`ReadModelVersions`."""
        shape = re.compile(rf"{re.escape(self._base)}(?:_(\d+))?")
        async with self._public() as database, database.reading() as connection:
            names = (await connection.execute(text("SELECT nspname FROM pg_namespace"))).scalars()
            found = [shape.fullmatch(name) for name in names]
        return sorted(int(each[1] or 1) for each in found if each is not None)

    async def drop(self, version: int) -> bool:
        """See :class:`ReadModelVersions`."""
        try:
            async with self._public() as database, database.transaction() as connection:
                await connection.execute(text("SET LOCAL lock_timeout = '5s'"))
                await connection.execute(DropSchema(self._schema(version), cascade=True, if_exists=True))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            return False
        return True

    @asynccontextmanager
    async def rebuild_lock(self) -> AsyncIterator[None]:
        """See :class:`ReadModelVersions`.

        The lock ends with the connection, however the process ends.
        """
        lock = text("SELECT pg_try_advisory_lock(hashtext('fristwerk rebuild'), hashtext(:name))")
        async with self._public() as database, database.reading() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            if not (await connection.execute(lock, {"name": self._base})).scalar():
                raise RebuildRunningError(self.name)
            yield

    def _schema(self, version: int) -> str:
        return self._base if version == 1 else f"{self._base}_{version}"

    @asynccontextmanager
    async def _public(self) -> AsyncIterator[Database]:
        """The database for one use; its connections, and the locks they hold, end with it."""
        database = postgres_database(self._url, "public", MetaData())
        try:
            yield database
        finally:
            await database.close()
