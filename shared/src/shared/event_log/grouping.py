"""Group commit: appends that arrive together become one durable transaction of the one writer thread.

Each append keeps its own result, so a conflict of one never fails its neighbours. A lone append waits for nobody: the writer
takes what is there and commits; what arrives meanwhile is the next group.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

import msgspec
import structlog

from shared.event_log.port import FeedLine, IdempotencyKey, Keyed, LogUnavailableError, StoredAnswer
from shared.events import NewEvent

Result = TypeVar("Result")
Outcome = int | Exception
"""An append's last position, or why it was not stored."""
MAX_GROUP: Final = 512
"""Appends in one transaction at most: bounds its memory and the time the log is locked."""
MAX_WAITING: Final = 10_000
KEYS_KEPT: Final = timedelta(days=90)
POLL_SECONDS: Final = 1.0
"""A wait looks again this often: another process may have appended, and its notification may be lost."""
DAY_SECONDS: Final = 86_400.0
READERS: Final = 4
_log = structlog.get_logger()


class Append(msgspec.Struct, frozen=True, eq=False):
    """One append on its way to the writer, and who waits for it."""

    events: Sequence[NewEvent]
    keyed: Keyed | None
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[int]


class GroupRecorder(Protocol):
    """A database's part of the log; called from the writer's and the readers' threads."""

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """What the database raises when it cannot do its work."""
        ...

    def insert_group(self, group: Sequence[Append]) -> Sequence[Outcome]:
        """One durable transaction for the group; an outcome for each append."""
        ...

    def select_stream(self, stream: str, after_version: int) -> list[FeedLine]:
        """A stream's lines with a higher version, in order."""
        ...

    def select_feed(self, after: int, limit: int) -> list[FeedLine]:
        """Lines with a higher position, in order; a lower position never appears later."""
        ...

    def select_last_position(self) -> int:
        """The highest position, or 0."""
        ...

    def select_answer(self, key: IdempotencyKey) -> StoredAnswer | None:
        """The answer stored under a key."""
        ...

    def delete_keys(self, before: int) -> None:
        """Delete idempotency keys stored before a second since the epoch."""
        ...

    def close(self) -> None:
        """Let go of all connections."""
        ...


class LogMeter(Protocol):
    """Who measures a log; called from the writer's thread and from the event loop."""

    def appended(self, seconds: float) -> None:
        """One append is durable, so long after it was asked for."""
        ...

    def written(self, appends: int, seconds: float, waiting: int) -> None:
        """A group of so many was written, while others came to wait."""
        ...

    def failed(self, appends: int) -> None:
        """A group of so many could not be written."""
        ...


class GroupedEventLog:
    """The port ``EventLog`` over a recorder: one writer thread that commits groups, a few threads that read.

    Used from one event loop; several processes may use the same database.
    """

    def __init__(self, recorder: GroupRecorder, meter: LogMeter | None = None) -> None:
        self._recorder = recorder
        self._meter = meter
        self._appends: queue.SimpleQueue[Append | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="log-reader")
        self._writer = threading.Thread(target=self._write, name="log-writer", daemon=True)
        self._waiters: set[asyncio.Future[int]] = set()
        self._closing = False
        self._closed = False
        self._writer.start()

    async def append(self, events: Sequence[NewEvent], keyed: Keyed | None = None) -> int:
        """See :class:`EventLog`."""
        assert events or keyed, "an append stores something"
        if self._closing:
            raise LogUnavailableError("the log is closing")
        if self._appends.qsize() >= MAX_WAITING:
            raise LogUnavailableError("too many appends are waiting")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        began = time.perf_counter()
        self._appends.put(Append(events, keyed, loop, future))
        # A client that goes away cancels its waiting alone: what was accepted is stored.
        position = await future
        if self._meter is not None:
            self._meter.appended(time.perf_counter() - began)
        return position

    async def read_stream(self, stream: str, after_version: int = 0) -> list[FeedLine]:
        """See :class:`EventLog`."""
        return await self._read(lambda: self._recorder.select_stream(stream, after_version))

    async def read_feed(self, after: int, limit: int) -> list[FeedLine]:
        """See :class:`EventLog`."""
        return await self._read(lambda: self._recorder.select_feed(after, limit))

    async def wait(self, after: int, seconds: float) -> None:
        """See :class:`EventLog`."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + seconds
        told = 0
        while not self._closing:
            woken: asyncio.Future[int] = loop.create_future()
            self._waiters.add(woken)
            try:
                left = ends_at - loop.time()
                # Whoever was woken for an earlier position need not ask what the last one is.
                if left <= 0 or (told == 0 and await self.last_position() > after):
                    return
                await asyncio.wait([woken], timeout=min(left, POLL_SECONDS))
            finally:
                self._waiters.discard(woken)
            told = woken.result() if woken.done() else 0
            if told > after:
                return

    async def last_position(self) -> int:
        """See :class:`EventLog`."""
        return await self._read(self._recorder.select_last_position)

    async def stored_answer(self, key: IdempotencyKey) -> StoredAnswer | None:
        """See :class:`EventLog`."""
        return await self._read(lambda: self._recorder.select_answer(key))

    async def forget_keys(self, now: datetime) -> None:
        """Delete idempotency keys older than 90 days."""
        before = int((now - KEYS_KEPT).timestamp())
        await self._read(lambda: self._recorder.delete_keys(before))

    async def keep_tidy(self, now: Callable[[], datetime]) -> None:
        """Forget old idempotency keys once a day, until cancelled."""
        while True:
            try:
                await self.forget_keys(now())
            except LogUnavailableError as error:
                _log.warning("keys_not_forgotten", error=str(error))
            await asyncio.sleep(DAY_SECONDS)

    async def close(self) -> None:
        """See :class:`EventLog`."""
        self._closing = True
        self.wake()
        self._appends.put(None)
        await asyncio.to_thread(self._writer.join)
        self._closed = True
        await asyncio.to_thread(self._readers.shutdown)
        self._recorder.close()

    def wake(self, position: int = 0) -> None:
        """Let those who wait look again, or go on if they wait for that position; called in the event loop."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(position)

    async def _read(self, query: Callable[[], Result]) -> Result:
        if self._closed:
            raise LogUnavailableError("the log is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, query)
        except self._recorder.failures as error:
            raise LogUnavailableError(f"the log could not be read: {error}") from error

    def _write(self) -> None:
        """The writer thread: everything that waits becomes one transaction."""
        last = False
        while not last and (first := self._appends.get()) is not None:
            group, last = self._waiting(first)
            self._settle(group, self._written(group))

    def _written(self, group: Sequence[Append]) -> Sequence[Outcome]:
        began = time.perf_counter()
        try:
            outcomes = self._recorder.insert_group(group)
        except Exception as error:  # noqa: BLE001 - whatever failed, every waiting append must hear of it
            _log.error("log_not_written", appends=len(group), error=str(error))
            if self._meter is not None:
                self._meter.failed(len(group))
            return [LogUnavailableError(f"the log could not be written: {error}") for _ in group]
        if self._meter is not None:
            self._meter.written(len(group), time.perf_counter() - began, self._appends.qsize())
        return outcomes

    def _waiting(self, first: Append) -> tuple[list[Append], bool]:
        """What waits with the first, and whether it is the last group of all."""
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

    def _settle(self, group: Iterable[Append], outcomes: Sequence[Outcome]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], Outcome]]] = {}
        for append, outcome in zip(group, outcomes, strict=True):
            by_loop.setdefault(append.loop, []).append((append.future, outcome))
        for loop, settled in by_loop.items():
            with suppress(RuntimeError):  # in a loop that has ended nobody waits any more
                loop.call_soon_threadsafe(self._deliver, settled)

    def _deliver(self, settled: Sequence[tuple[asyncio.Future[int], Outcome]]) -> None:
        highest = 0
        for future, outcome in settled:
            if isinstance(outcome, int):
                highest = max(highest, outcome)
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        if highest:
            self.wake(highest)
