"""Bringing a database's tables to what the code expects: made at once where there are none, else migrated with alembic.

A database says in ``alembic_version`` which revision it is at. Revisions are the modules ``v0001_….py``, ``v0002_….py``, … of the
folder that its metadata names, ``MetaData(info=migrated_by(folder))``; the last one gives what the metadata describes. A database
that another version of Fristwerk goes on using beside ours must stay usable for it, so a revision only ever adds.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection

BASELINE: Final = "0001"
"""What databases have that were made before migrations were."""
_FOLDER: Final = "migrations"
_REVISION: Final = re.compile(r"v(\d{4})_\w+")
_version: Final = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
_one_at_a_time: Final = threading.Lock()
"""Alembic's ``op`` is one for the whole process."""
_log = structlog.get_logger()


class NewerDatabaseError(Exception):
    """The database was migrated by a newer version of Fristwerk than this one. The message is a sentence."""


def migrated_by(folder: Path) -> dict[str, Any]:
    """The ``info`` of a metadata whose tables are migrated by the revisions in the folder."""
    return {_FOLDER: folder}


def revisions(metadata: MetaData) -> list[str]:
    """The metadata's revisions in order, such as ``0001``; none, where its tables are made as they are."""
    folder: Path | None = metadata.info.get(_FOLDER)
    found = [] if folder is None else sorted(folder.glob("v*.py"))
    return [match[1] for each in found if (match := _REVISION.fullmatch(each.stem))]


async def bring_up_to_date(connection: AsyncConnection, metadata: MetaData) -> None:
    """Make or migrate the tables, inside a transaction that nobody else's runs beside. Raises NewerDatabaseError."""
    known = revisions(metadata)
    if not known:
        await connection.run_sync(metadata.create_all)
        return
    at = await connection.run_sync(_revision, metadata)
    if at is None:
        await connection.run_sync(metadata.create_all)
        await stamp(connection, known[-1])
    elif at not in known:
        raise NewerDatabaseError(
            f"The database {connection.engine.url.database} is at revision {at}, this version of Fristwerk knows {known[-1]}: "
            "it was used by a newer version. Install that one, or go back with its rebuild --back."
        )
    elif at != known[-1]:
        await migrate(connection, metadata, at)


async def stamp(connection: AsyncConnection, revision: str) -> None:
    """Let a database that was made at once say at which revision that was."""
    await connection.run_sync(_version.create)
    await connection.execute(insert(_version), [{"version_num": revision}])


async def migrate(connection: AsyncConnection, metadata: MetaData, at: str | None, to: str = "head") -> None:
    """Run the revisions after ``at``, or all."""
    async with _turn():
        await connection.run_sync(_migrate, metadata, to)
    _log.info("database_migrated", database=connection.engine.url.database, was=at, now=revisions(metadata)[-1])


def _revision(connection: Connection, metadata: MetaData) -> str | None:
    """The revision that the database is at; null where it is empty."""
    there = inspect(connection)
    if there.has_table(_version.name):
        at: str = connection.execute(select(_version.c.version_num)).scalar_one()
        return at
    if not any(there.has_table(table.name) for table in metadata.sorted_tables):
        return None
    _version.create(connection)
    connection.execute(insert(_version), [{"version_num": BASELINE}])
    return BASELINE


def _migrate(connection: Connection, metadata: MetaData, to: str) -> None:
    # Alembic takes half a second to import, and nearly every start finds the tables as they should be.
    from alembic.config import Config  # noqa: PLC0415
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    folder = str(metadata.info[_FOLDER])
    script = ScriptDirectory(folder, version_locations=[folder])

    def steps(revision: Any, _context: Any) -> Any:
        return script._upgrade_revs(to, revision)  # noqa: SLF001 - what alembic's own upgrade command calls

    with EnvironmentContext(Config(), script, fn=steps, destination_rev=to) as environment:
        environment.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
        environment.run_migrations()


@asynccontextmanager
async def _turn() -> AsyncIterator[None]:
    """Migrate while nobody else in the process does, whichever event loop they run in."""
    await asyncio.to_thread(_one_at_a_time.acquire)
    try:
        yield
    finally:
        _one_at_a_time.release()
