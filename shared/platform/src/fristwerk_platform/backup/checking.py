"""Whether a backup is what was copied: digests of the files, SQLite's own check, digests of the
logs, and the signed heads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from fristwerk_platform.backup.manifest import BackupError, Manifest, described, read_manifest, state_of_log
from fristwerk_platform.event_log import EventLog, LogUnavailableError, SqliteEventLog, open_log
from fristwerk_platform.read_models import DURABLE, Database, SqlDatabase, open_database
from fristwerk_platform.read_models.database import sqlite_database
from fristwerk_platform.settings import Settings
from fristwerk_platform.transparency import store
from fristwerk_platform.transparency.keeper import TreeKeeper
from fristwerk_platform.transparency.keys import CheckpointKeys
from fristwerk_platform.transparency.tables import metadata
from fristwerk_proof.checkpoints import opened
from fristwerk_proof.notes import NoteError

TREES: Final = "-trees.db"


def check_backup(folder: Path) -> Manifest:
    """What the backup holds, every file of it compared with its digest. Raises BackupError."""
    manifest = read_manifest(folder)
    for file in manifest.files:
        if not (folder / file.name).exists():
            raise BackupError(f"{folder / file.name} is missing.")
        if described(folder / file.name) != file:
            raise BackupError(f"{folder / file.name} is not what was copied: its digest differs.")
    return manifest


def check_databases(folder: Path, manifest: Manifest) -> None:
    """Raises BackupError where SQLite finds a file damaged, or a log is not the one that was
    copied.
    """
    for file in (folder / each.name for each in manifest.files if each.name.endswith(".db")):
        with closing(sqlite3.connect(file)) as database:
            try:
                found = str(database.execute("PRAGMA quick_check").fetchone()[0])
            except sqlite3.Error as error:
                found = str(error)
        if found != "ok":
            raise BackupError(f"{file} is damaged: {found}.")
    for log in manifest.logs:
        if state_of_log(folder / f"{log.name}.db") != log:
            raise BackupError(f"The log {log.name} is not the one that was copied: its digest differs.")


async def check_heads(folder: Path, keys: CheckpointKeys, now: Callable[[], datetime]) -> list[str]:
    """Compare each log with its hash trees, and the trees with their newest signed heads; returns a
    sentence for each tree.

    Raises BackupError where they differ.
    """
    sentences = []
    for name in _trees(folder):
        log = SqliteEventLog(folder / f"{name}-log.db")
        database = sqlite_database(folder / f"{name}{TREES}", metadata, DURABLE)
        sentences += await _compared(name, log, database, keys, now)
    return sentences


async def check_stored_heads(
    settings: Settings, logs: Iterable[str], keys: CheckpointKeys, now: Callable[[], datetime]
) -> list[str]:
    """The same of these logs where the settings say they lie, before the services are started.

    Raises BackupError where they differ, or where there is no tree.
    """
    sentences = []
    for name in logs:
        log = open_log(settings, f"{name}-log")
        database = open_database(settings, f"{name}-trees", metadata, DURABLE)
        try:
            sentences += await _compared(name, log, database, keys, now)
        except (SQLAlchemyError, LogUnavailableError) as error:
            raise BackupError(f"There is no log {name}-log with a hash tree to be read.") from error
    return sentences


async def _compared(
    name: str, log: EventLog, database: SqlDatabase, keys: CheckpointKeys, now: Callable[[], datetime]
) -> list[str]:
    """Compare a log with its trees, and those with their heads; both are closed. Raises BackupError."""
    try:
        keeper = TreeKeeper(log, name, database, keys, now)
        contradiction = await keeper.check_log(pauses=0)
        if contradiction is not None:
            raise BackupError(f"The log {name}-log contradicts its hash tree: {contradiction}")
        return await _heads(database, keeper)
    finally:
        await database.close()
        await log.close()


def _trees(folder: Path) -> list[str]:
    return sorted(file.name.removesuffix(TREES) for file in folder.glob(f"*{TREES}"))


async def _heads(database: Database, keeper: TreeKeeper) -> list[str]:
    sentences = []
    async with database.reading() as connection:
        for provider in await store.providers(connection):
            head, edge = await store.read_head(connection, provider), await store.read_edge(connection, provider)
            origin = keeper.origin(provider)
            if head is None:
                raise BackupError(f"The tree {origin} has no signed head.")
            try:
                signed = opened(head.note, keeper.keys.verifiers(origin), origin)
            except NoteError as error:
                raise BackupError(f"The head of {origin} was signed with another checkpoint key: {error}.") from error
            if (signed.size, signed.root) != (edge.size, edge.root()) or head.size != edge.size:
                raise BackupError(f"The tree {origin} is not the one under its signed head of {signed.size} events.")
            sentences.append(f"{origin}: {signed.size} events under the head signed {head.signed_at.isoformat()}")
    return sentences
