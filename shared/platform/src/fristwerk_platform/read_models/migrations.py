"""Bringing a database's tables to what the code expects: created at once where there are none, else
migrated with alembic.

A database records its revision in ``alembic_version``. Revisions are the modules ``v0001_….py``,
``v0002_….py``, … of the folder that its metadata names, ``MetaData(info=migrated_by(folder))``; the
last one gives what the metadata describes. An older program that uses the same database next to
ours must be able to go on, so a revision only ever adds.
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
"""The revision of databases that were made before there were migrations."""
_FOLDER: Final = "migrations"
_REVISION: Final = re.compile(r"v(\d{4})_\w+")
_ENVIRONMENT: Final = Path(__file__).parent / "migration_environment"
"""The folder of ``env.py``, which alembic runs."""
_version: Final = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
_migrating: Final = threading.Lock()
"""Alembic's ``op`` and ``context`` are global to the process."""
_log = structlog.get_logger()


class NewerDatabaseError(Exception):
    """The database was migrated by a newer version of this program. The message is a sentence."""


def migrated_by(folder: Path) -> dict[str, Any]:
    """The ``info`` of a metadata whose tables are migrated by the revisions in the folder."""
    return {_FOLDER: folder}


def revisions(metadata: MetaData) -> list[str]:
    """The metadata's revisions in order, such as ``0001``; none, where its tables are never
    migrated.
    """
    folder: Path | None = metadata.info.get(_FOLDER)
    found = [] if folder is None else sorted(folder.glob("v*.py"))
    return [match[1] for each in found if (match := _REVISION.fullmatch(each.stem))]


def newest_revision(metadata: MetaData) -> str:
    """The revision that this program brings the metadata's tables to; "none" where they are never
    migrated.
    """
    return next(reversed(revisions(metadata)), "none")


async def bring_up_to_date(connection: AsyncConnection, metadata: MetaData) -> None:
    """Create or migrate the tables, in a transaction that excludes all others.

    Raises NewerDatabaseError.
    """
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
    """Record the revision of a database whose tables were created at once."""
    await connection.run_sync(_version.create)
    await connection.execute(insert(_version), [{"version_num": revision}])


async def migrate(connection: AsyncConnection, metadata: MetaData, at: str | None, to: str = "head") -> None:
    """Run the revisions after ``at``, or all."""
    async with _migration_lock():
        await connection.run_sync(_migrate, metadata, to)
    _log.info("database_migrated", database=connection.engine.url.database, was=at, now=revisions(metadata)[-1])


def _revision(connection: Connection, metadata: MetaData) -> str | None:
    """The revision of the database; ``None`` where it is empty."""
    tables = inspect(connection)
    if tables.has_table(_version.name):
        at: str = connection.execute(select(_version.c.version_num)).scalar_one()
        return at
    if not any(tables.has_table(table.name) for table in metadata.sorted_tables):
        return None
    _version.create(connection)
    connection.execute(insert(_version), [{"version_num": BASELINE}])
    return BASELINE


def _migrate(connection: Connection, metadata: MetaData, to: str) -> None:
    # Alembic takes half a second to import, and nearly every start finds the tables up to date.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    for option, folder in (("script_location", _ENVIRONMENT), ("version_locations", metadata.info[_FOLDER])):
        config.set_main_option(option, str(folder).replace("%", "%%"))  # options are interpolated
    config.set_main_option("path_separator", "newline")  # a folder's name may contain every other separator
    config.attributes |= {"connection": connection, "metadata": metadata}
    command.upgrade(config, to)


@asynccontextmanager
async def _migration_lock() -> AsyncIterator[None]:
    """Let only one thread of the process migrate at a time, whichever event loop it runs."""
    await asyncio.to_thread(_migrating.acquire)
    try:
        yield
    finally:
        _migrating.release()
