"""The ``eventsourcing`` library's SQLite recorder, made to store groups of appends and never to hand out a position twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import msgspec
from eventsourcing.sqlite import SQLiteApplicationRecorder

from shared.event_log.port import Answer, IdempotencyKey, Keyed, KeyUsedError, StoredAnswer, VersionConflictError
from shared.events import NewEvent

UNSTORABLE: Final = (ValueError, TypeError, OverflowError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""Raised for one append's own content; every other error concerns the whole transaction."""


class Append(msgspec.Struct, frozen=True):
    """Events to be stored together and, for a command with a key, the answer beside them."""

    events: Sequence[NewEvent]
    keyed: Keyed | None


class GroupingRecorder(SQLiteApplicationRecorder):
    """Stores groups of appends in one transaction each; every append of a group has its own result.

    The library's table has no AUTOINCREMENT, so the positions of a lost tail would be given to other events.
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

    def create_table(self) -> None:
        """Make the tables that are missing; of several processes that start at once, one after the other."""
        with self.cursor() as cursor, self._transaction(cursor):
            for statement in self.create_table_statements:
                cursor.execute(statement)

    @contextmanager
    def cursor(self) -> Iterator[sqlite3.Cursor]:
        """A cursor on a connection of its own.

        Asked for as a reader's even for writing: the pool's lock for writers stays taken for ever when a connection cannot be
        opened, and SQLite serialises writers itself.
        """
        with self.datastore.get_connection(commit=False) as connection:
            cursor: sqlite3.Cursor = connection.cursor().sqlite_cursor
            try:
                yield cursor
            finally:
                cursor.close()

    @contextmanager
    def _transaction(self, cursor: sqlite3.Cursor) -> Iterator[None]:
        cursor.execute("PRAGMA synchronous=FULL")  # some builds of SQLite do not sync a commit of their own accord
        cursor.execute("BEGIN IMMEDIATE")
        try:
            yield
            cursor.execute("COMMIT")
        except BaseException:
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK")
            raise

    def insert_group(self, group: Sequence[Append]) -> list[int | Exception]:
        """One durable transaction for the group; for each append its last position or why it was not stored."""
        with self.cursor() as cursor, self._transaction(cursor):
            return [self._insert_one(cursor, append) for append in group]

    def _insert_one(self, cursor: sqlite3.Cursor, append: Append) -> int | Exception:
        cursor.execute("SAVEPOINT one")
        try:
            result: int | Exception = self._insert(cursor, append)
        except (VersionConflictError, KeyUsedError, *UNSTORABLE) as error:
            cursor.execute("ROLLBACK TO one")
            result = error
        cursor.execute("RELEASE one")
        return result

    def _insert(self, cursor: sqlite3.Cursor, append: Append) -> int:
        if append.keyed is not None:
            self._insert_key(cursor, append.keyed)
        for new in append.events:
            cursor.execute(
                f"INSERT INTO {self.events_table_name} (originator_id, originator_version, topic, state) "  # noqa: S608
                "SELECT ?, ?, ?, ? WHERE ? = 1 + coalesce("
                f"(SELECT max(originator_version) FROM {self.events_table_name} WHERE originator_id = ?), 0)",
                (new.stream, new.version, new.type, new.line, new.version, new.stream),
            )
            if cursor.rowcount != 1:
                raise VersionConflictError(f"{new.stream} does not continue with version {new.version}")
        position = cursor.lastrowid
        assert position is not None, "a row was inserted"
        return position

    def _insert_key(self, cursor: sqlite3.Cursor, keyed: Keyed) -> None:
        stored = self.select_answer(cursor, keyed.key)
        if stored is not None:
            raise KeyUsedError(stored)
        cursor.execute(
            "INSERT INTO idempotency_keys VALUES (?, ?, ?, ?, ?)",
            (
                keyed.key.scope,
                keyed.key.key,
                keyed.key.request_digest,
                msgspec.msgpack.encode(keyed.answer),
                int(keyed.stored_at.timestamp()),
            ),
        )

    @staticmethod
    def select_answer(cursor: sqlite3.Cursor, key: IdempotencyKey) -> StoredAnswer | None:
        """The answer stored under a key."""
        row = cursor.execute(
            "SELECT request_digest, answer FROM idempotency_keys WHERE scope = ? AND key = ?", (key.scope, key.key)
        ).fetchone()
        if row is None:
            return None
        return StoredAnswer(request_digest=row[0], answer=msgspec.msgpack.decode(row[1], type=Answer))

    def delete_keys(self, before: datetime) -> None:
        """Forget the keys that were used before an instant."""
        with self.cursor() as cursor, self._transaction(cursor):
            cursor.execute("DELETE FROM idempotency_keys WHERE stored_at < ?", (int(before.timestamp()),))
