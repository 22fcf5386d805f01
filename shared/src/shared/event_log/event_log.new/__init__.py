"""The event log: append, read a stream, read the feed, wait. Facts are only ever added."""

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
from shared.event_log.sqlite_log import SqliteEventLog

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
