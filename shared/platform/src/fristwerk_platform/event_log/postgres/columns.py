"""What statements of the log on PostgreSQL are given, an array for each column, and what their rows say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from fristwerk_platform.array_literals import array_literal
from fristwerk_platform.event_log.conflicts import expected_versions
from fristwerk_platform.event_log.group_commit import Append, AppendOutcome
from fristwerk_platform.event_log.index import Entry, IndexChange
from fristwerk_platform.event_log.interface import (
    Answer,
    IdempotencyKey,
    Keyed,
    KeyUsedError,
    StoredAnswer,
    StreamVersion,
)

_OF_BYTES: Final = (3, 8)
"""Which of the columns of :func:`insert_columns` hold bytes."""


def by_label(rows: Iterable[Sequence[Any]], labels: int) -> list[list[StreamVersion]]:
    """The streams of each label from rows that begin with its number, from 1."""
    found: list[list[StreamVersion]] = [[] for _ in range(labels)]
    for number, stream, version in rows:
        found[number - 1].append((stream, version))
    return found


def key_used(keyed: Keyed | None, answers: dict[tuple[str, str], StoredAnswer]) -> KeyUsedError | None:
    """The refusal of a key that has an answer."""
    stored = answers.get((keyed.key.scope, keyed.key.key)) if keyed else None
    return None if stored is None else KeyUsedError(stored)


def last_positions(positions: Sequence[int], group: Sequence[Append]) -> list[AppendOutcome]:
    """The position of each append's last event; 0 where it has none."""
    following = iter(positions)
    return [[0, *(next(following) for _ in each.events)][-1] for each in group]


def columns_of(keys: Sequence[IdempotencyKey]) -> tuple[list[str], list[str]]:
    """Keys as a statement takes them."""
    return [key.scope for key in keys], [key.key for key in keys]


def columns_of_entries(entries: Sequence[Entry]) -> list[list[str]]:
    """Entries of the index as a statement takes them."""
    return [[name for name, _ in entries], [stream for _, stream in entries]]


def by_key(rows: Iterable[Any]) -> dict[tuple[str, str], StoredAnswer]:
    """Stored answers by scope and key."""
    return {
        (scope, key): StoredAnswer(request_digest=digest, answer=msgspec.msgpack.decode(answer, type=Answer))
        for scope, key, digest, answer in rows
    }


def insert_columns(group: Sequence[Append]) -> list[list[Any]]:
    """The events of a group, and the answers that are stored with them."""
    events = [new for each in group for new in each.events]
    keyed = [each.keyed for each in group if each.keyed is not None]
    return [
        [new.stream for new in events],
        [new.version for new in events],
        [new.type for new in events],
        [new.line for new in events],
        expected_versions(events),
        [each.key.scope for each in keyed],
        [each.key.key for each in keyed],
        [each.key.request_digest for each in keyed],
        [msgspec.msgpack.encode(each.answer) for each in keyed],
        [int(each.stored_at.timestamp()) for each in keyed],
    ]


def append_arguments(group: Sequence[Append], change: IndexChange | None) -> list[list[bytes] | str]:
    """The columns as the event loop's statement takes them: those of bytes as lists, the others as texts."""
    columns = [*insert_columns(group), *(change_columns(change) if change else ())]
    return [each if at in _OF_BYTES else array_literal(each) for at, each in enumerate(columns)]


def change_columns(change: IndexChange) -> list[list[str]]:
    """What a group changes in the index."""
    return [*columns_of_entries(change.claims), *columns_of_entries(change.added), *columns_of_entries(change.dropped)]
