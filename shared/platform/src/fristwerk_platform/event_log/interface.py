"""What a service may ask of the log it owns: append, read a stream, read the feed, wait. Facts are only ever added.

LogError                    the root of what a log may raise
    VersionConflictError    a stream does not continue with that version
    KeyUsedError            the idempotency key has an answer already
    LogUnavailableError     the log cannot be written or read at the moment
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from fristwerk_language.events import NewEvent


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to a command, kept so that a repetition gets the same one."""

    status: int
    body: bytes
    headers: dict[str, str]


class IdempotencyKey(msgspec.Struct, frozen=True, kw_only=True):
    """A client's key for one command: ``scope`` is who asks, ``request_digest`` tells another request apart."""

    scope: str
    key: str
    request_digest: str


class Keyed(msgspec.Struct, frozen=True, kw_only=True):
    """What an append stores beside its events: the client's key and the answer it gets."""

    key: IdempotencyKey
    answer: Answer
    stored_at: datetime


class StoredAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer found under a key, with the digest of the request it was given to."""

    request_digest: str
    answer: Answer


class FeedLine(msgspec.Struct, frozen=True):
    """A stored line at its position."""

    position: int
    line: bytes


class LogError(Exception):
    """The root of what a log may raise; nothing was appended."""


class VersionConflictError(LogError):
    """A stream does not continue with that version: somebody else was first, or what it would follow is not there."""


class KeyUsedError(LogError):
    """The idempotency key has an answer already."""

    def __init__(self, stored: StoredAnswer) -> None:
        super().__init__("the idempotency key has an answer")
        self.stored = stored


class LogUnavailableError(LogError):
    """The log cannot be written or read at the moment: closing, disk full, too many appends waiting."""


class EventLog(Protocol):
    """What a service may ask of its log. Positions grow along the whole log, versions along a stream, both from 1."""

    async def append(self, events: Sequence[NewEvent], keyed: Keyed | None = None) -> int:
        """Store all events or none, durably; the position of the last. Each stream's versions must follow one another.

        A command that changes nothing appends its answer alone, so that its repetition changes nothing either; 0 then.
        Raises VersionConflictError, KeyUsedError or LogUnavailableError.
        """
        ...

    async def read_stream(self, stream: str, after_version: int = 0) -> list[FeedLine]:
        """The stream's lines with a higher version, in order. Like every read, raises LogUnavailableError."""
        ...

    async def read_feed(self, after: int, limit: int) -> list[FeedLine]:
        """Up to ``limit`` lines with a higher position, in order, none ever skipped."""
        ...

    async def wait(self, after: int, seconds: float) -> None:
        """Return when a position higher than ``after`` exists, the time is over, or the log closes."""
        ...

    async def last_position(self) -> int:
        """The highest position, 0 for an empty log."""
        ...

    async def stored_answer(self, key: IdempotencyKey) -> StoredAnswer | None:
        """The answer under a key, if the key was used."""
        ...

    async def close(self) -> None:
        """Finish what was accepted, then refuse."""
        ...
