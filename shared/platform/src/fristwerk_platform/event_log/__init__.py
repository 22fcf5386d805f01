"""The event log: append, read a stream, read the feed, wait. Events are only ever added.

EventLog            the interface
SqliteEventLog      the log in one SQLite file: the embedded default
PostgresEventLog    the log on PostgreSQL (in ``fristwerk_platform.event_log.postgres.log``: it brings a driver along)
open_log            the one that the settings select
"""

from __future__ import annotations

from fristwerk_platform.event_log.feed_pages import PAGE_BYTES, is_full_page
from fristwerk_platform.event_log.group_commit import LogMeter
from fristwerk_platform.event_log.interface import (
    ALL,
    NO_NAMES,
    Answer,
    ClaimedError,
    EventLog,
    FeedLine,
    IdempotencyKey,
    Keyed,
    KeyUsedError,
    LogError,
    LogUnavailableError,
    NameChange,
    NewEvent,
    StoredAnswer,
    StreamAfter,
    StreamVersion,
    VersionConflictError,
)
from fristwerk_platform.event_log.log import KEYS_KEPT, GroupCommitLog
from fristwerk_platform.event_log.sqlite import SqliteEventLog
from fristwerk_platform.event_log.stored_rows import DamagedEventError, ReadColumns
from fristwerk_platform.settings import Settings


def open_log(
    settings: Settings, name: str, meter: LogMeter | None = None, *, read_columns: ReadColumns | None = None
) -> GroupCommitLog:
    """The log that the settings select: a schema of PostgreSQL, or an SQLite file in the folder ``var``.

    With ``read_columns`` every line that is read is compared with the columns of its row.
    """
    if settings.database_url is None:
        return SqliteEventLog(settings.var / f"{name}.db", meter, read_columns)
    from fristwerk_platform.event_log.postgres.log import PostgresEventLog  # noqa: PLC0415 - SQLite starts without the driver

    return PostgresEventLog(settings.database_url, name.replace("-", "_"), meter, read_columns)


__all__ = [
    "ALL",
    "KEYS_KEPT",
    "NO_NAMES",
    "PAGE_BYTES",
    "Answer",
    "ClaimedError",
    "DamagedEventError",
    "EventLog",
    "FeedLine",
    "GroupCommitLog",
    "IdempotencyKey",
    "KeyUsedError",
    "Keyed",
    "LogError",
    "LogMeter",
    "LogUnavailableError",
    "NameChange",
    "NewEvent",
    "SqliteEventLog",
    "StoredAnswer",
    "StreamAfter",
    "StreamVersion",
    "VersionConflictError",
    "is_full_page",
    "open_log",
]
