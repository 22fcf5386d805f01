"""Opens what a service needs for the trees over its log: their database, the key of their heads, their keeper."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from fristwerk_platform.event_log import EventLog
from fristwerk_platform.read_models import DURABLE, SqlDatabase, open_database
from fristwerk_platform.settings import Settings
from fristwerk_platform.transparency import keys
from fristwerk_platform.transparency.keeper import TreeKeeper
from fristwerk_platform.transparency.proofs import TreeReads
from fristwerk_platform.transparency.tables import metadata


class Trees(msgspec.Struct, frozen=True):
    """The trees over one log."""

    database: SqlDatabase
    keeper: TreeKeeper
    reads: TreeReads


def open_trees(settings: Settings, log: EventLog, name: str, now: Callable[[], datetime]) -> Trees:
    """The trees over the log ``name``. The key is made where there is none. Raises KeyFileError."""
    database = open_database(settings, f"{name}-trees", metadata, DURABLE)
    signing = keys.load_or_make_checkpoint_keys(settings.keys.with_name(keys.FILE))
    keeper = TreeKeeper(log, name, database, signing, now)
    return Trees(database, keeper, TreeReads(log, keeper))
