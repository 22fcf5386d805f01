"""The log in one SQLite file, on the recorder of the ``eventsourcing`` library: the embedded default."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

from shared.event_log.grouping import Append, GroupedEventLog
from shared.event_log.port import (
    Answer,
    FeedLine,
    IdempotencyKey,
    Keyed,
    KeyUsedError,
    LogError,
    StoredAnswer,
    VersionConflictError,
)


class SqliteEventLog(GroupedEventLog):
    """The log in a file. SQLite serialises writers, so a reader of positions never skips one."""

    def __init__(self, file: Path) -> None:
        recorder = SqliteGroupRecorder(SQLiteDatastore(str(file), originator_id_type="text", pool_size=5, lock_timeout=30))
        recorder.create_table()
        super().__init__(recorder)


class SqliteGroupRecorder(SQLiteApplicationRecorder):
    """The library's SQLite recorder with groups of appends, and positions that are never handed out twice.

    The library's table has no AUTOINCREMENT, so a lost tail's positions would be given to other events.
    """

    def construct_create_table_statements(self) -> list[str]:
        events = (
            f"CREATE TABLE IF NOT EXISTS {self.events_table_name} (rowid INTEGER PRIMARY KEY AUTOINCREMENT, "
            "originator_id TEXT NOT NULL, originator_version INTEGER NOT NULL, topic TEXT NOT NULL, state BLOB NOT NULL, "
            "UNIQUE (originator_id, originator_version))"
        )
        keys = (
            "CREATE TABLE IF NOT EXISTS idempotency_keys (scope TEXT NOT NULL, key TEXT NOT NULL, "
            "request_digest TEXT NOT NULL, answer BLOB NOT NULL, stored_at INTEGER NOT NULL, "
            "PRIMARY KEY (scope, key)) WITHOUT ROWID"
        )
        return [events, keys]

    def insert_group(self, group: Sequence[Append]) -> list[int | LogError]:
        """See :class:`GroupRecorder`. A savepoint per append takes a refused one back without its neighbours."""
        with self._cursor(commit=True) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                results = [self._insert_one(cursor, append) for append in group]
                cursor.execute("COMMIT")
            except BaseException:
                if cursor.connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise
        return results

    def select_stream(self, stream: str, after_version: int) -> list[FeedLine]:
        """See :class:`GroupRecorder`."""
        condition = "originator_id = ? AND originator_version > ? ORDER BY originator_version"
        return self._select_lines(condition, stream, after_version)

    def select_feed(self, after: int, limit: int) -> list[FeedLine]:
        """See :class:`GroupRecorder`."""
        return self._select_lines("rowid > ? ORDER BY rowid LIMIT ?", after, limit)

    def select_last_position(self) -> int:
        """See :class:`GroupRecorder`."""
        with self._cursor(commit=False) as cursor:
            row = cursor.execute(f"SELECT max(rowid) FROM {self.events_table_name}").fetchone()  # noqa: S608 - own name
            return row[0] or 0

    def select_answer(self, key: IdempotencyKey) -> StoredAnswer | None:
        """See :class:`GroupRecorder`."""
        with self._cursor(commit=False) as cursor:
            return _stored_answer(cursor, key)

    def delete_keys(self, before: int) -> None:
        """See :class:`GroupRecorder`."""
        with self._cursor(commit=True) as cursor:
            cursor.execute("DELETE FROM idempotency_keys WHERE stored_at < ?", (before,))

    def close(self) -> None:
        """See :class:`GroupRecorder`."""
        self.datastore.close()

    def _select_lines(self, condition: str, *values: object) -> list[FeedLine]:
        with self._cursor(commit=False) as cursor:
            rows = cursor.execute(f"SELECT rowid, state FROM {self.events_table_name} WHERE {condition}", values)  # noqa: S608
            return [FeedLine(row[0], row[1]) for row in rows]

    def _insert_one(self, cursor: sqlite3.Cursor, append: Append) -> int | LogError:
        cursor.execute("SAVEPOINT one")
        result: int | LogError = 0
        try:
            if append.keyed is not None:
                _insert_key(cursor, append.keyed)
            for new in append.events:
                cursor.execute(
                    f"INSERT INTO {self.events_table_name} (originator_id, originator_version, topic, state) "  # noqa: S608
                    "VALUES (?, ?, ?, ?)",
                    (new.stream, new.version, new.type, new.line),
                )
                result = cursor.lastrowid or 0
        except sqlite3.IntegrityError:
            cursor.execute("ROLLBACK TO one")
            result = VersionConflictError(", ".join(f"{new.stream} {new.version}" for new in append.events))
        except KeyUsedError as used:
            result = used
        cursor.execute("RELEASE one")
        return result

    @contextmanager
    def _cursor(self, *, commit: bool) -> Iterator[sqlite3.Cursor]:
        with self.datastore.get_connection(commit=commit) as connection:
            cursor: sqlite3.Cursor = connection.cursor().sqlite_cursor
            try:
                yield cursor
            finally:
                cursor.close()


def _insert_key(cursor: sqlite3.Cursor, keyed: Keyed) -> None:
    """Raises KeyUsedError."""
    stored = _stored_answer(cursor, keyed.key)
    if stored is not None:
        raise KeyUsedError(stored)
    key = keyed.key
    answer = msgspec.msgpack.encode(keyed.answer)
    row = (key.scope, key.key, key.request_digest, answer, int(keyed.stored_at.timestamp()))
    cursor.execute("INSERT INTO idempotency_keys VALUES (?, ?, ?, ?, ?)", row)


def _stored_answer(cursor: sqlite3.Cursor, key: IdempotencyKey) -> StoredAnswer | None:
    statement = "SELECT request_digest, answer FROM idempotency_keys WHERE scope = ? AND key = ?"
    row = cursor.execute(statement, (key.scope, key.key)).fetchone()
    if row is None:
        return None
    return StoredAnswer(request_digest=row[0], answer=msgspec.msgpack.decode(row[1], type=Answer))
