"""The event log: append, read a stream, read the feed, wait. Facts are only ever added.

    EventLog            the port: what a service may ask of the log it owns
    SqliteEventLog      the log in one SQLite file: the embedded default
    PostgresEventLog    the log on PostgreSQL (import it from ``shared.event_log.postgres``: it brings a driver along)
"""

from __future__ import annotations

from shared.event_log.port import (
    Answer,
    EventLog,
    FeedLine,
    IdempotencyKey,
    Keyed,
    KeyUsedError,
    LogError,
    LogUnavailableError,
    StoredAnswer,
    VersionConflictError,
)
from shared.event_log.sqlite import SqliteEventLog

__all__ = [
    "Answer",
    "EventLog",
    "FeedLine",
    "IdempotencyKey",
    "KeyUsedError",
    "Keyed",
    "LogError",
    "LogUnavailableError",
    "SqliteEventLog",
    "StoredAnswer",
    "VersionConflictError",
]
