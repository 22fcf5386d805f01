"""What a database has to do for a log: everything here waits for the database, so threads call it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from fristwerk_platform.event_log.group_commit import Append, AppendOutcome
from fristwerk_platform.event_log.index import Filling
from fristwerk_platform.event_log.interface import FeedLine, IdempotencyKey, StoredAnswer, StreamAfter, StreamVersion

CHECK: Final = "health check"
"""The scope of the idempotency key that a check of writing stores and deletes; no client has it."""


class Recorder(Protocol):
    """A database's part of the log; called from the writer thread and the reader threads."""

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """What the database raises when it is unavailable or broken."""
        ...

    @property
    def unstorable(self) -> tuple[type[Exception], ...]:
        """What it raises for the content of one append or one read; every other error concerns the whole group."""
        ...

    def insert_group(self, group: Sequence[Append]) -> Sequence[AppendOutcome]:
        """Store the group in one durable transaction; returns an outcome for each append."""
        ...

    def select_streams(self, wanted: Sequence[StreamAfter]) -> list[list[FeedLine]]:
        """For each stream its first lines with a higher version, in order, a page at most (see ``feed_pages``)."""
        ...

    def select_feed(self, after: int, limit: int) -> list[FeedLine]:
        """Lines with a higher position, in order, a page at most (see ``feed_pages``); a lower position never appears later."""
        ...

    def select_last_position(self) -> int:
        """The highest position, or 0."""
        ...

    def select_answers(self, keys: Sequence[IdempotencyKey]) -> list[StoredAnswer | None]:
        """The answers stored under the keys."""
        ...

    def select_claimants(self, claims: Sequence[str]) -> list[str | None]:
        """The streams that the names belong to."""
        ...

    def select_labelled(self, labels: Sequence[str]) -> list[list[StreamVersion]]:
        """For each label the streams that have it, in the order of their names."""
        ...

    def select_labelled_page(self, label: str, after: str, limit: int) -> list[StreamVersion]:
        """The first streams behind a name that have a label, in the order of their names."""
        ...

    def select_stream_names(self, after: str, limit: int) -> list[str]:
        """The names of streams that come after a name, in order."""
        ...

    def select_filling(self, rules: str) -> tuple[str | None] | None:
        """How far the index was filled by these rules, see :class:`Filling`; ``None`` if not at all."""
        ...

    def fill_index(self, filling: Filling) -> None:
        """Store entries that are not there yet, and how far the filling has come, in one durable transaction."""
        ...

    def delete_keys(self, before: int) -> None:
        """Delete idempotency keys stored before a second since the epoch."""
        ...

    def check_writable(self, size: int) -> None:
        """Store so many bytes durably and delete them again; raises one of ``failures`` where that cannot be."""
        ...

    def is_protected(self) -> bool:
        """Whether the triggers that refuse to change or delete events stand."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...
