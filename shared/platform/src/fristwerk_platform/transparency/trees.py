"""Opens what a service needs for the trees over its log: their database, the key of their heads, their keeper."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from fristwerk_platform.event_log import EventLog
from fristwerk_platform.read_models import DURABLE, SqlDatabase, open_database
from fristwerk_platform.settings import Settings
from fristwerk_platform.transparency import keys
from fristwerk_platform.transparency.access_log import AccessLog
from fristwerk_platform.transparency.keeper import TreeKeeper
from fristwerk_platform.transparency.proofs import TreeReads
from fristwerk_platform.transparency.tables import metadata


class Trees(msgspec.Struct, frozen=True):
    """The trees over one log."""

    database: SqlDatabase
    keeper: TreeKeeper
    reads: TreeReads
    accesses: AccessLog


def open_trees(settings: Settings, log: EventLog, name: str, now: Callable[[], datetime]) -> Trees:
    """The trees over the log ``name``. The key is made where there is none. Raises KeyFileError."""
    database = open_database(settings, f"{name}-trees", metadata, DURABLE)
    signing = keys.load_or_make_checkpoint_keys(settings.keys.with_name(keys.FILE))
    keeper = TreeKeeper(log, name, database, signing, now)
    return Trees(database, keeper, TreeReads(log, keeper), AccessLog(database, name, signing, now))


def open_accesses(settings: Settings, name: str, now: Callable[[], datetime]) -> tuple[SqlDatabase, AccessLog]:
    """What auditors read of a service that has no log of its own, in a database of its own. Raises
    KeyFileError.
    """
    database = open_database(settings, f"{name}-accesses", metadata, DURABLE)
    signing = keys.load_or_make_checkpoint_keys(settings.keys.with_name(keys.FILE))
    return database, AccessLog(database, name, signing, now)


async def stored_contradiction(settings: Settings, log: EventLog, name: str, now: Callable[[], datetime]) -> str | None:
    """How the log ``name`` differs from the trees that are stored of it; None where it does not, or has none yet.

    For commands beside the service: the whole log is hashed. Raises KeyFileError, LogUnavailableError.
    """
    on_sqlite = settings.database_url is None
    if not settings.keys.with_name(keys.FILE).exists() or (
        on_sqlite and not (settings.var / f"{name}-trees.db").exists()
    ):
        return None
    trees = open_trees(settings, log, name, now)
    try:
        return await trees.keeper.check_log(pauses=0)
    finally:
        await trees.database.close()
