"""The event log's interface: append, read a stream, read the feed, wait. Events are only ever added.

LogError                    the root of what a log may raise
    VersionConflictError    a stream does not continue with that version
    ClaimedError            a name that an event claims belongs to a stream already
    KeyUsedError            the idempotency key was used already
    LogUnavailableError     the log cannot be written or read at the moment
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final, Protocol

import msgspec


class NameChange(msgspec.Struct, frozen=True, kw_only=True):
    """By which names a stream is found once an event of it is stored, kept in an index beside the events.

    ``claims`` belong to this stream from then on and never to another; ``labels`` other streams may have as well.
    """

    claims: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    dropped_labels: tuple[str, ...] = ()

    def __or__(self, other: NameChange) -> NameChange:
        """Both changes; no label may be in one of them as given and in the other as dropped."""
        return NameChange(
            claims=self.claims + other.claims,
            labels=self.labels + other.labels,
            dropped_labels=self.dropped_labels + other.dropped_labels,
        )


NO_NAMES: Final = NameChange()


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event ready to be appended: where it goes, its type's name, and its stored line of JSON."""

    stream: str
    version: int
    """Counts inside the stream, from 1."""
    type: str
    line: bytes
    names: NameChange = NO_NAMES


ALL: Final = 2**31 - 1
"""A limit that no stream reaches."""
StreamAfter = tuple[str, int, int]
"""A stream, the version after which to read it, and how many lines of it at most."""
StreamVersion = tuple[str, int]
"""A stream, and the version of its last event."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The response to a command, kept so that a repetition gets the same one."""

    status: int
    body: bytes
    headers: dict[str, str]


class IdempotencyKey(msgspec.Struct, frozen=True, kw_only=True):
    """A client's key for one command: ``scope`` is the client, ``request_digest`` detects a key reused for another request."""

    scope: str
    key: str
    request_digest: str


class Keyed(msgspec.Struct, frozen=True, kw_only=True):
    """What an append stores together with its events: the client's key and the response."""

    key: IdempotencyKey
    answer: Answer
    stored_at: datetime


class StoredAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A response found under a key, with the digest of the request that it answered."""

    request_digest: str
    answer: Answer


class FeedLine(msgspec.Struct, frozen=True, gc=False):
    """A stored line and its position."""

    position: int
    line: bytes


class LogError(Exception):
    """The root of what a log may raise; nothing was appended."""


class VersionConflictError(LogError):
    """A stream does not continue with that version: another append was first, or the preceding version is missing."""


class ClaimedError(LogError):
    """A name that an event claims belongs to a stream already, be it the event's own."""

    def __init__(self, claim: str, stream: str) -> None:
        super().__init__(f"{claim} belongs to {stream}")
        self.claim = claim
        self.stream = stream


class KeyUsedError(LogError):
    """The idempotency key was used already."""

    def __init__(self, stored: StoredAnswer) -> None:
        super().__init__("the idempotency key has an answer")
        self.stored = stored


class LogUnavailableError(LogError):
    """The log cannot be written or read at the moment: closing, disk full, too many appends waiting."""


class EventLog(Protocol):
    """A service's log. Positions grow along the whole log, versions along a stream, both from 1."""

    async def append(self, events: Sequence[NewEvent], keyed: Keyed | None = None) -> int:
        """Store all events or none, durably. Returns the last one's position. Each stream's versions must be consecutive.

        A command that changes nothing appends only its response, so that its repetition changes nothing either; returns 0.
        The names of the events are stored in the same transaction.
        Raises VersionConflictError, ClaimedError, KeyUsedError or LogUnavailableError.
        """
        ...

    async def claimant(self, claim: str) -> str | None:
        """The stream that a name belongs to, by every append so far, of whatever process; ``None`` if to none."""
        ...

    async def labelled(self, label: str) -> list[StreamVersion]:
        """The streams that have a label by every append so far, of whatever process, in the order of their names."""
        ...

    async def labelled_each(self, labels: Sequence[str]) -> list[list[StreamVersion]]:
        """The same for several labels, in their order, by one look."""
        ...

    async def labelled_page(self, label: str, after: str, limit: int) -> list[StreamVersion]:
        """The first of these behind the name of a stream; ``""``: from the beginning."""
        ...

    async def read_stream(self, stream: str, after_version: int = 0, limit: int = ALL) -> list[FeedLine]:
        """The stream's first ``limit`` lines with a higher version, in order. Like every read, raises LogUnavailableError.

        They may be fewer although more follow, where they have many bytes: see :func:`is_full_page`, and
        :meth:`stream_pages` for all of them.
        """
        ...

    async def read_streams(self, wanted: Sequence[StreamAfter]) -> list[list[FeedLine]]:
        """The same of several streams, in their order, at the price of one."""
        ...

    def stream_pages(self, stream: str, after_version: int = 0, limit: int = ALL) -> AsyncIterator[list[FeedLine]]:
        """All the stream's lines with a higher version, at most ``limit`` at a time; no page is empty."""
        ...

    async def read_feed(self, after: int, limit: int) -> list[FeedLine]:
        """Up to ``limit`` lines with a higher position, in order, none ever skipped.

        They may be fewer although more follow, where they have many bytes: see :func:`is_full_page`.
        """
        ...

    async def read_newest(self, after: int, limit: int) -> Sequence[FeedLine]:
        """The same for who waits for what comes, from memory where others have just read or stored it.

        What another process has just stored may be missing at the end, until :meth:`wait` returns.
        """
        ...

    async def wait(self, after: int, seconds: float) -> None:
        """Return once a position higher than ``after`` exists, the time is over, or the log closes."""
        ...

    async def last_position(self) -> int:
        """The highest position, 0 for an empty log."""
        ...

    async def stored_answer(self, key: IdempotencyKey) -> StoredAnswer | None:
        """The response stored under a key; ``None`` if the key was not used."""
        ...

    async def close(self) -> None:
        """Store what was accepted; everything later is refused."""
        ...
