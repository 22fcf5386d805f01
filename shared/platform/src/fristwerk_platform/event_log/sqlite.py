"""The log in one SQLite file, on the recorder of the ``eventsourcing`` library: the embedded default."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from weakref import WeakSet

from eventsourcing.persistence import PersistenceError
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteConnection, SQLiteDatastore

from fristwerk_platform.event_log import protection, sqlite_index, sqlite_statements
from fristwerk_platform.event_log.conflicts import expected_versions, has_rivals
from fristwerk_platform.event_log.feed_pages import first_page
from fristwerk_platform.event_log.group_commit import Append, AppendOutcome, LogMeter
from fristwerk_platform.event_log.index import Filling
from fristwerk_platform.event_log.interface import (
    ClaimedError,
    FeedLine,
    IdempotencyKey,
    KeyUsedError,
    LogUnavailableError,
    NewEvent,
    StoredAnswer,
    StreamAfter,
    StreamVersion,
    VersionConflictError,
)
from fristwerk_platform.event_log.log import GroupCommitLog
from fristwerk_platform.event_log.reads import READERS
from fristwerk_platform.event_log.recorder import CHECK
from fristwerk_platform.event_log.stored_rows import ReadColumns, feed_lines
from fristwerk_platform.opened_file import OpenedFile

LOCK_SECONDS: Final = 30
"""How long a write waits for another process that writes."""
LARGEST_INSERT: Final = 64
"""Rows of one statement at most."""
OPENING_PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds. A file that another process just makes is reported as locked at once, whatever the timeout."""
UNSTORABLE: Final = (
    ValueError,
    TypeError,
    OverflowError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
"""Raised for one append's own content; every other error concerns the whole group."""
REFUSALS: Final = (VersionConflictError, ClaimedError, KeyUsedError, *UNSTORABLE)
"""What refuses one append of a group."""


class SqliteEventLog(GroupCommitLog):
    """The log in a file. SQLite serialises writers, so a reader of positions never skips one."""

    def __init__(self, file: Path, meter: LogMeter | None = None, read_columns: ReadColumns | None = None) -> None:
        """Open the file, or make it. Raises LogUnavailableError."""
        super().__init__(_open(file, read_columns), meter)


def _open(file: Path, read_columns: ReadColumns | None) -> SqliteRecorder:
    for pause in (*OPENING_PAUSES, None):
        datastore = SQLiteDatastore(
            str(file), originator_id_type="text", pool_size=READERS + 1, lock_timeout=LOCK_SECONDS
        )
        try:
            recorder = SqliteRecorder(datastore, OpenedFile(file), read_columns)
            recorder.create_table()
        except SqliteRecorder.failures as error:
            datastore.close()
            if pause is None or getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                raise LogUnavailableError(f"The log {file} cannot be opened: {error}.") from error
            time.sleep(pause)
        else:
            return recorder
    raise AssertionError("the last attempt returns or raises")


class LogFileGoneError(sqlite3.OperationalError):
    """The log's file was deleted, moved or replaced while it was open: what was written to it would be lost."""


class SqliteRecorder(SQLiteApplicationRecorder):
    """The library's SQLite recorder with groups of appends, and positions that are never handed out twice.

    The library's table has no AUTOINCREMENT, so a lost tail's positions would be given to other events.
    """

    failures = (sqlite3.Error, PersistenceError)
    unstorable = UNSTORABLE

    def __init__(self, datastore: SQLiteDatastore, file: OpenedFile, read_columns: ReadColumns | None = None) -> None:
        super().__init__(datastore)
        self._file = file
        self._read_columns = read_columns
        self._set_up = WeakSet[SQLiteConnection]()  # for writing, by settings that a connection keeps
        # The library's statement names no columns, and ours has one more.
        columns = "originator_id, originator_version, topic, state"
        self.insert_events_statement = f"INSERT INTO {self.events_table_name} ({columns}) VALUES (?, ?, ?, ?)"  # noqa: S608
        sizes = (1 << power for power in range(LARGEST_INSERT.bit_length()))
        self._inserts = {rows: sqlite_statements.insert_statement(self.events_table_name, rows) for rows in sizes}

    def construct_create_table_statements(self) -> list[str]:
        events = sqlite_statements.events_table(self.events_table_name)
        return [events, sqlite_statements.KEYS_TABLE, *sqlite_index.TABLES, *protection.SQLITE]

    def create_table(self) -> None:
        """Make the tables that are missing; of several processes that start at once, one after the other."""
        with self._transaction() as cursor:
            for statement in self.create_table_statements:
                cursor.execute(statement)
        self._file.remember()

    def insert_group(self, group: Sequence[Append]) -> list[AppendOutcome]:
        """See :class:`Recorder`. The whole group at once; where that cannot be, append by append."""
        if not has_rivals(group) and (stored := self._insert_together(group)) is not None:
            return stored
        with self._transaction() as cursor:
            outcomes = [self._insert_one(cursor, append) for append in group]
        return outcomes  # noqa: RET504 - only now it is durable

    def select_streams(self, wanted: Sequence[StreamAfter]) -> list[list[FeedLine]]:
        """See :class:`Recorder`."""
        condition = "originator_id = ? AND originator_version > ? ORDER BY originator_version LIMIT ?"
        with self._cursor() as cursor:
            rows = [first_page(self._select_rows(cursor, condition, *each)) for each in wanted]
        return [feed_lines(each, self._read_columns) for each in rows]

    def select_feed(self, after: int, limit: int) -> list[FeedLine]:
        """See :class:`Recorder`."""
        with self._cursor() as cursor:
            rows = self._select_rows(cursor, "rowid > ? ORDER BY rowid LIMIT ?", after, limit)
            return feed_lines(first_page(rows), self._read_columns)

    def select_last_position(self) -> int:
        """See :class:`Recorder`."""
        with self._cursor() as cursor:
            return cursor.execute(f"SELECT max(rowid) FROM {self.events_table_name}").fetchone()[0] or 0  # noqa: S608 - own name

    def select_answers(self, keys: Sequence[IdempotencyKey]) -> list[StoredAnswer | None]:
        """See :class:`Recorder`."""
        with self._cursor() as cursor:
            return [sqlite_statements.stored_answer(cursor, key) for key in keys]

    def select_claimants(self, claims: Sequence[str]) -> list[str | None]:
        """See :class:`Recorder`."""
        with self._cursor() as cursor:
            return [sqlite_index.claimant(cursor, each) for each in claims]

    def select_labelled(self, labels: Sequence[str]) -> list[list[StreamVersion]]:
        """See :class:`Recorder`."""
        with self._cursor() as cursor:
            return [sqlite_index.labelled(cursor, self.events_table_name, each) for each in labels]

    def select_labelled_page(self, label: str, after: str, limit: int) -> list[StreamVersion]:
        """See :class:`Recorder`."""
        with self._cursor() as cursor:
            return sqlite_index.labelled(cursor, self.events_table_name, label, after, limit)

    def select_stream_names(self, after: str, limit: int) -> list[str]:
        """See :class:`Recorder`."""
        statement = (
            f"SELECT DISTINCT originator_id FROM {self.events_table_name} WHERE originator_id > ? "  # noqa: S608 - own name
            "ORDER BY originator_id LIMIT ?"
        )
        with self._cursor() as cursor:
            return [row[0] for row in cursor.execute(statement, (after, limit))]

    def select_filling(self, rules: str) -> tuple[str | None] | None:
        """See :class:`Recorder`."""
        with self._cursor() as cursor:
            return sqlite_index.filled_until(cursor, rules)

    def fill_index(self, filling: Filling) -> None:
        """See :class:`Recorder`."""
        with self._transaction() as cursor:
            sqlite_index.fill(cursor, filling)

    def delete_keys(self, before: int) -> None:
        """See :class:`Recorder`."""
        with self._transaction() as cursor:
            cursor.execute("DELETE FROM idempotency_keys WHERE stored_at < ?", (before,))

    def check_writable(self, size: int) -> None:
        """See :class:`Recorder`. In two transactions: SQLite never writes a page that is freed in the same one."""
        with self._transaction() as cursor:
            cursor.execute("INSERT OR REPLACE INTO idempotency_keys VALUES (?, '', '', zeroblob(?), 0)", (CHECK, size))
        with self._transaction() as cursor:
            cursor.execute("DELETE FROM idempotency_keys WHERE scope = ?", (CHECK,))

    def is_protected(self) -> bool:
        """See :class:`Recorder`."""
        with self._cursor() as cursor:
            return protection.stands_on_sqlite(cursor)

    def close(self) -> None:
        """See :class:`Recorder`."""
        self.datastore.close()

    def _select_rows(self, cursor: sqlite3.Cursor, condition: str, *values: object) -> sqlite3.Cursor:
        columns = sqlite_statements.LINE if self._read_columns is None else sqlite_statements.LINE_AND_COLUMNS
        return cursor.execute(f"SELECT {columns} FROM {self.events_table_name} WHERE {condition}", values)  # noqa: S608

    def _insert_together(self, group: Sequence[Append]) -> list[AppendOutcome] | None:
        """The positions of all appends, stored by a few large statements; null, and nothing is stored, if one is refused.

        Each statement lets go of the interpreter's lock and has to get it back: a statement a row would wait for the event
        loop again and again. Nothing can be taken back but the whole transaction: else SQLite would copy every page that it
        changes, which takes longer than to change it.
        """
        try:
            with self._transaction() as cursor:
                for each in group:
                    if each.keyed is not None:
                        sqlite_statements.insert_key(cursor, each.keyed)
                sqlite_index.change(cursor, group)
                positions = iter(self._insert_lines(cursor, [new for each in group for new in each.events]))
                outcomes: list[AppendOutcome] = [[0, *(next(positions) for _ in each.events)][-1] for each in group]
        except REFUSALS:
            return None
        return outcomes

    def _insert_lines(self, cursor: sqlite3.Cursor, events: Sequence[NewEvent]) -> Iterator[int]:
        """Positions of the events. Raises VersionConflictError if a stream stands elsewhere than before its first event."""
        done = 0
        while done < len(events):
            rows = min(LARGEST_INSERT, 1 << (len(events) - done).bit_length() - 1)
            part = events[done : done + rows]
            values = [
                value
                for new, before in zip(part, expected_versions(part), strict=True)
                for value in (new.stream, new.version, new.type, new.line, before)
            ]
            cursor.execute(self._inserts[rows], values)
            if cursor.rowcount != rows:
                raise VersionConflictError("a stream does not continue with the version given")
            assert cursor.lastrowid is not None, "rows were inserted"
            yield from range(cursor.lastrowid - rows + 1, cursor.lastrowid + 1)
            done += rows

    def _insert_one(self, cursor: sqlite3.Cursor, append: Append) -> AppendOutcome:
        """A savepoint takes a refused append back without its neighbours."""
        cursor.execute("SAVEPOINT one")
        try:
            outcome: AppendOutcome = self._insert(cursor, append)
        except REFUSALS as error:
            cursor.execute("ROLLBACK TO one")
            outcome = error
        cursor.execute("RELEASE one")
        return outcome

    def _insert(self, cursor: sqlite3.Cursor, append: Append) -> int:
        if append.keyed is not None:
            sqlite_statements.insert_key(cursor, append.keyed)
        sqlite_index.change(cursor, [append])
        position: int | None = 0
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

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        """A durable transaction that holds the file's write lock from its beginning. Raises LogFileGoneError."""
        # A reader's connection: the library keeps its lock for writers for ever when none can be opened.
        if self._file.is_gone:
            raise LogFileGoneError(f"{self._file.path.name} was deleted, moved or replaced")
        with self.datastore.get_connection(commit=False) as connection, connection.cursor() as cursor:
            if connection not in self._set_up:
                for setting in sqlite_statements.SETTINGS_FOR_WRITING:
                    cursor.execute(setting)
                self._set_up.add(connection)
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                if cursor.connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise

    @contextmanager
    def _cursor(self) -> Iterator[sqlite3.Cursor]:
        """A cursor on a connection of its own."""
        with self.datastore.get_connection(commit=False) as connection, connection.cursor() as cursor:
            yield cursor
