"""The event log: append, read a stream, read the feed, wait. Facts are only ever added.

    EventLog           the port: what a service may ask of the log it owns
    SqliteEventLog     the log in one SQLite file, on the recorder of the ``eventsourcing`` library

Appends that arrive together are committed together in one durable transaction by the one writer thread; each keeps its own
result, so that a conflict of one never fails its neighbours.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import msgspec
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

from shared.events import NewEvent

Result = TypeVar("Result")
MAX_GROUP: Final = 512
"""Appends in one transaction at most: bounds its memory and the wait of a lone reader."""
MAX_WAITING: Final = 10_000
KEYS_KEPT: Final = timedelta(days=90)
POLL_SECONDS: Final = 1.0
"""A wait looks again this often: another process may have appended."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to a command, kept so that a repetition gets the same one."""

    status: int
    body: bytes
    headers: dict[str, str]


class IdempotencyKey(msgspec.Struct, frozen=True, kw_only=True):
    """A client's key for one command: ``scope`` is provider and subject, ``request_digest`` tells another body apart."""

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
    """The root of what an append may raise."""


class VersionConflictError(LogError):
    """A stream already has an event of that version: somebody else was first."""


class KeyUsedError(LogError):
    """The idempotency key has an answer already; nothing was appended."""

    def __init__(self, stored: StoredAnswer) -> None:
        super().__init__("the idempotency key has an answer")
        self.stored = stored


class LogUnavailableError(LogError):
    """The log cannot take events at the moment (closing, disk full, too many waiting); nothing was appended."""


class EventLog(Protocol):
    """What a service may ask of its log. Positions grow along the whole log, versions along a stream, both from 1."""

    async def append(self, events: Sequence[NewEvent], keyed: Keyed | None = None) -> int:
        """Store all events or none, durably; the position of the last.

        Raises VersionConflictError, KeyUsedError or LogUnavailableError.
        """
        ...

    async def read_stream(self, stream: str, after_version: int = 0) -> list[FeedLine]:
        """The stream's lines with a higher version, in order."""
        ...

    async def read_feed(self, after: int, limit: int) -> list[FeedLine]:
        """Up to ``limit`` lines with a higher position, in order, none ever skipped."""
        ...

    async def wait(self, after: int, seconds: float) -> None:
        """Return when a position higher than ``after`` exists or the time is over."""
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


class _Append(msgspec.Struct, frozen=True, eq=False):
    events: Sequence[NewEvent]
    keyed: Keyed | None
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[int]


class _GroupingRecorder(SQLiteApplicationRecorder):
    """The library's SQLite recorder with positions that are never handed out twice, and groups of appends.

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

    def insert_group(self, group: Sequence[_Append]) -> list[int | LogError]:
        """One durable transaction for the group; for each append its last position or why it was not stored."""
        with self.datastore.get_connection(commit=True) as connection:
            cursor: sqlite3.Cursor = connection.cursor().sqlite_cursor
            cursor.execute("BEGIN IMMEDIATE")
            try:
                results = [self._insert_one(cursor, append) for append in group]
                cursor.execute("COMMIT")
            except BaseException:
                if cursor.connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise
            finally:
                cursor.close()
        return results

    def _insert_one(self, cursor: sqlite3.Cursor, append: _Append) -> int | LogError:
        cursor.execute("SAVEPOINT one")
        result: int | LogError = 0
        try:
            if append.keyed is not None:
                self._insert_key(cursor, append.keyed)
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


class SqliteEventLog:
    """The log in one SQLite file: one writer thread that commits groups, a few threads that read."""

    def __init__(self, file: Path) -> None:
        datastore = SQLiteDatastore(str(file), originator_id_type="text", pool_size=5, lock_timeout=30)
        self._recorder = _GroupingRecorder(datastore)
        self._recorder.create_table()
        self._table = self._recorder.events_table_name
        self._appends: queue.SimpleQueue[_Append | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="log-reader")
        self._writer = threading.Thread(target=self._write, name="log-writer", daemon=True)
        self._waiters: set[asyncio.Future[None]] = set()
        self._closing = False
        self._writer.start()

    async def append(self, events: Sequence[NewEvent], keyed: Keyed | None = None) -> int:
        """See :class:`EventLog`."""
        assert events, "an append stores at least one event"
        if self._closing:
            raise LogUnavailableError("the log is closing")
        if self._appends.qsize() >= MAX_WAITING:
            raise LogUnavailableError("too many appends are waiting")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        self._appends.put(_Append(events, keyed, loop, future))
        # A client that goes away does not take its accepted append back.
        return await asyncio.shield(future)

    async def read_stream(self, stream: str, after_version: int = 0) -> list[FeedLine]:
        """See :class:`EventLog`."""
        return await self._lines(
            "originator_id = ? AND originator_version > ? ORDER BY originator_version", stream, after_version
        )

    async def read_feed(self, after: int, limit: int) -> list[FeedLine]:
        """See :class:`EventLog`. Writers are serialised by SQLite, so no lower position can appear later."""
        return await self._lines("rowid > ? ORDER BY rowid LIMIT ?", after, limit)

    async def wait(self, after: int, seconds: float) -> None:
        """See :class:`EventLog`."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + seconds
        while True:
            woken: asyncio.Future[None] = loop.create_future()
            self._waiters.add(woken)
            try:
                left = ends_at - loop.time()
                if await self.last_position() > after or left <= 0:
                    return
                await asyncio.wait([woken], timeout=min(left, POLL_SECONDS))
            finally:
                self._waiters.discard(woken)

    async def last_position(self) -> int:
        """See :class:`EventLog`."""

        def query(cursor: sqlite3.Cursor) -> int:
            row = cursor.execute(f"SELECT max(rowid) FROM {self._table}").fetchone()  # noqa: S608
            return row[0] or 0

        return await self._read(query)

    async def stored_answer(self, key: IdempotencyKey) -> StoredAnswer | None:
        """See :class:`EventLog`."""
        return await self._read(lambda cursor: self._recorder.select_answer(cursor, key))

    async def forget_keys(self, now: datetime) -> None:
        """Delete idempotency keys older than 90 days."""
        before = int((now - KEYS_KEPT).timestamp())

        def delete() -> None:
            with self._recorder.datastore.transaction(commit=True) as cursor:
                cursor.execute("DELETE FROM idempotency_keys WHERE stored_at < ?", (before,))

        await asyncio.get_running_loop().run_in_executor(self._readers, delete)

    async def close(self) -> None:
        """See :class:`EventLog`."""
        self._closing = True
        self._appends.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self._recorder.datastore.close()

    async def _lines(self, condition: str, *values: object) -> list[FeedLine]:
        statement = f"SELECT rowid, state FROM {self._table} WHERE {condition}"  # noqa: S608 - conditions stand above

        def query(cursor: sqlite3.Cursor) -> list[FeedLine]:
            return [FeedLine(row[0], row[1]) for row in cursor.execute(statement, values)]

        return await self._read(query)

    async def _read(self, query: Callable[[sqlite3.Cursor], Result]) -> Result:
        def read() -> Result:
            with self._recorder.datastore.get_connection(commit=False) as connection:
                cursor: sqlite3.Cursor = connection.cursor().sqlite_cursor
                try:
                    return query(cursor)
                finally:
                    cursor.close()

        return await asyncio.get_running_loop().run_in_executor(self._readers, read)

    def _write(self) -> None:
        """The writer thread: everything that waits becomes one transaction."""
        while (first := self._appends.get()) is not None:
            group, last = self._waiting(first)
            try:
                results: Sequence[int | LogError] = self._recorder.insert_group(group)
            except Exception as error:  # noqa: BLE001 - whatever failed, every waiting append must hear of it
                results = [LogUnavailableError(f"the log could not be written: {error}")] * len(group)
            self._settle(group, results)
            if last:
                return

    def _waiting(self, first: _Append) -> tuple[list[_Append], bool]:
        group = [first]
        while len(group) < MAX_GROUP:
            try:
                following = self._appends.get_nowait()
            except queue.Empty:
                return group, False
            if following is None:
                return group, True
            group.append(following)
        return group, False

    def _settle(self, group: Iterable[_Append], results: Sequence[int | LogError]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], int | LogError]]] = {}
        for append, result in zip(group, results, strict=True):
            by_loop.setdefault(append.loop, []).append((append.future, result))
        for loop, settled in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._deliver, settled)

    def _deliver(self, settled: list[tuple[asyncio.Future[int], Any]]) -> None:
        for future, result in settled:
            if future.done():
                continue
            if isinstance(result, LogError):
                future.set_exception(result)
            else:
                future.set_result(result)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
