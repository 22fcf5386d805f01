"""The log in one SQLite file: one writer thread that commits groups, a few threads that read.

Appends that arrive together are committed together in one durable transaction; each keeps its own result, so that a conflict
of one never fails its neighbours.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from eventsourcing.persistence import PersistenceError
from eventsourcing.sqlite import SQLiteDatastore

from shared.event_log.port import FeedLine, IdempotencyKey, Keyed, LogUnavailableError, StoredAnswer
from shared.event_log.sqlite_recorder import Append, GroupingRecorder
from shared.events import NewEvent

Result = TypeVar("Result")
READERS: Final = 4
MAX_GROUP: Final = 512
"""Appends in one transaction at most: bounds its memory and the wait of a lone reader."""
MAX_WAITING: Final = 10_000
KEYS_KEPT: Final = timedelta(days=90)
LOCK_SECONDS: Final = 30
"""How long a write waits for another process that writes."""
POLL_SECONDS: Final = 1.0
"""A wait looks again this often: another process may have appended."""
OPENING_PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds. A file that another process just makes is reported as locked at once, whatever the timeout."""


class SqliteEventLog:
    """The log in one SQLite file, used from one event loop. Several processes may open the same file."""

    def __init__(self, file: Path) -> None:
        """Open the file, or make it. Raises LogUnavailableError."""
        self._recorder = _open(file)
        self._table = self._recorder.events_table_name
        self._appends: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="log-reader")
        self._writer = threading.Thread(target=self._write, name="log-writer", daemon=True)
        self._waiters: set[asyncio.Future[int]] = set()
        self._closing = False
        self._closed = False
        self._writer.start()

    async def append(self, events: Sequence[NewEvent], keyed: Keyed | None = None) -> int:
        """See :class:`EventLog`."""
        assert events, "an append stores at least one event"
        if self._closing:
            raise LogUnavailableError("the log is closing")
        if self._appends.qsize() >= MAX_WAITING:
            raise LogUnavailableError("too many appends are waiting")
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._appends.put(_Waiting(Append(events, keyed), future))
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
        while not self._closing:
            woken: asyncio.Future[int] = loop.create_future()
            self._waiters.add(woken)
            try:
                left = ends_at - loop.time()
                if left <= 0 or await self.last_position() > after:
                    return
                await asyncio.wait([woken], timeout=min(left, POLL_SECONDS))
            finally:
                self._waiters.discard(woken)
            if woken.done() and woken.result() > after:
                return

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
        await asyncio.get_running_loop().run_in_executor(self._readers, self._recorder.delete_keys, now - KEYS_KEPT)

    async def close(self) -> None:
        """See :class:`EventLog`."""
        self._closing = True
        self._wake(0)
        self._appends.put(None)
        await asyncio.to_thread(self._writer.join)
        self._closed = True
        await asyncio.to_thread(self._readers.shutdown)
        self._recorder.datastore.close()

    async def _lines(self, condition: str, *values: object) -> list[FeedLine]:
        statement = f"SELECT rowid, state FROM {self._table} WHERE {condition}"  # noqa: S608 - conditions stand above

        def query(cursor: sqlite3.Cursor) -> list[FeedLine]:
            return [FeedLine(row[0], row[1]) for row in cursor.execute(statement, values)]

        return await self._read(query)

    async def _read(self, query: Callable[[sqlite3.Cursor], Result]) -> Result:
        def read() -> Result:
            try:
                with self._recorder.cursor() as cursor:
                    return query(cursor)
            except (sqlite3.Error, PersistenceError) as error:
                raise LogUnavailableError(f"the log could not be read: {error}") from error

        if self._closed:
            raise LogUnavailableError("the log is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, read)

    def _write(self) -> None:
        """The writer thread: everything that waits becomes one transaction."""
        last = False
        while not last and (first := self._appends.get()) is not None:
            group, last = self._waiting(first)
            try:
                results: Sequence[int | Exception] = self._recorder.insert_group([each.append for each in group])
            except Exception as error:  # noqa: BLE001 - whatever failed, every waiting append must hear of it
                results = [LogUnavailableError(f"the log could not be written: {error}") for _ in group]
            self._settle(group, results)

    def _waiting(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """What waits behind the first, and whether the log closes after it."""
        group = [first]
        while len(group) < MAX_GROUP:
            try:
                following = self._appends.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return group, True
            group.append(following)
        return group, False

    def _settle(self, group: Sequence[_Waiting], results: Sequence[int | Exception]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], int | Exception]]] = {}
        for waiting, result in zip(group, results, strict=True):
            by_loop.setdefault(waiting.future.get_loop(), []).append((waiting.future, result))
        for loop, settled in by_loop.items():
            with suppress(RuntimeError):  # a loop that has ended has nobody left who waits
                loop.call_soon_threadsafe(self._deliver, settled)

    def _deliver(self, settled: Sequence[tuple[asyncio.Future[int], int | Exception]]) -> None:
        for future, result in settled:
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
        highest = max((result for _, result in settled if isinstance(result, int)), default=0)
        if highest:
            self._wake(highest)

    def _wake(self, position: int) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(position)


class _Waiting(msgspec.Struct, frozen=True, eq=False):
    append: Append
    future: asyncio.Future[int]


def _open(file: Path) -> GroupingRecorder:
    for pause in (*OPENING_PAUSES, None):
        datastore = SQLiteDatastore(
            str(file), originator_id_type="text", pool_size=READERS + 1, lock_timeout=LOCK_SECONDS
        )
        try:
            recorder = GroupingRecorder(datastore)
            recorder.create_table()
        except (sqlite3.Error, PersistenceError) as error:
            datastore.close()
            if pause is None or getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                raise LogUnavailableError(f"The log {file} cannot be opened: {error}.") from error
            time.sleep(pause)
        else:
            return recorder
    raise AssertionError("the last attempt returns or raises")
