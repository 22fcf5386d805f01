"""The event log over a database's recorder: concurrent appends share a transaction (``group_commit``), concurrent reads
share a query (``read_batching``), and who follows the feed is woken by what is appended.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from fristwerk_platform.event_log.feed_pages import is_full_page
from fristwerk_platform.event_log.group_commit import GroupCommitter, GroupedAppends, LogMeter
from fristwerk_platform.event_log.index import Filling
from fristwerk_platform.event_log.interface import (
    FeedLine,
    LogUnavailableError,
    StreamVersion,
)
from fristwerk_platform.event_log.newest_lines import NewestLines
from fristwerk_platform.event_log.read_batching import BatchedReads
from fristwerk_platform.event_log.reads import READERS, ReaderThreads, Reads
from fristwerk_platform.event_log.recorder import Recorder
from fristwerk_platform.event_log.writer_thread import WriterThread
from fristwerk_platform.health import Dependency

KEYS_KEPT: Final = timedelta(days=90)
POLL_SECONDS: Final = 1.0
"""How often a wait checks the database: another process may have appended, and its notification may be lost."""
DAY_SECONDS: Final = 86_400.0
STUCK_SECONDS: Final = 1.5
"""An append takes milliseconds; who waits for longer than this is told that the log is not ready."""
WRITTEN_LATELY_SECONDS: Final = 1.0
CHECKED_BYTES: Final = 100
CHECKED_BYTES_AFTER_FAILURE: Final = 64 * 1024
_log = structlog.get_logger()


class GroupCommitLog(GroupedAppends, BatchedReads):
    """The port ``EventLog`` over a recorder: one writer that commits groups, and reads that share a query.

    Used from one event loop; several processes may use the same database.
    """

    def __init__(self, recorder: Recorder, meter: LogMeter | None = None, threads: int = READERS) -> None:
        self._recorder = recorder
        self._threads = ReaderThreads(recorder, threads)
        writer, reads = self._ways(meter)
        GroupedAppends.__init__(self, writer)
        BatchedReads.__init__(self, reads, (*recorder.failures, *reads.failures))
        self._newest = NewestLines()
        self._reading: dict[tuple[int, int], asyncio.Task[list[FeedLine]]] = {}
        self._reached = 0
        """The highest position that this process has stored, read or was told of."""
        self._waiters: dict[asyncio.Future[int], int] = {}
        """Who waits, and for a position higher than which."""
        self._notifications = 0
        self._found_nothing: tuple[int, int] | None = None
        """After which position a look into the feed found nothing, and how many notifications there had been before it."""
        self._closing = False

    def _ways(self, meter: LogMeter | None) -> tuple[GroupCommitter, Reads]:
        """Who writes and who reads what is asked all the time: threads, where the database has to be waited for in one."""
        return WriterThread(self._recorder.insert_group, self.notify_waiters, meter), self._threads

    async def read_feed(self, after: int, limit: int) -> list[FeedLine]:
        """See :class:`EventLog`."""
        notifications = self._notifications
        found = await self._read(self._reads.select_feed(after, limit))
        if found:
            self._reached = max(self._reached, found[-1].position)
        else:
            self._found_nothing = after, notifications
        return found

    async def read_newest(self, after: int, limit: int) -> Sequence[FeedLine]:
        """See :class:`EventLog`."""
        known = self._newest.after(after, limit)
        if known or self._is_end(after):
            return known
        reading = self._reading.get((after, limit))
        if reading is None:
            reading = self._reading[after, limit] = asyncio.create_task(self._read_shared(after, limit))
        return await asyncio.shield(reading)  # others may be waiting for it

    async def wait(self, after: int, seconds: float) -> None:
        """See :class:`EventLog`."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + seconds
        # Who has just looked, and was told of nothing since, need not ask again; a lost notification costs a second.
        has_looked = self._is_end(after)
        while not self._closing:
            waiter: asyncio.Future[int] = loop.create_future()
            self._waiters[waiter] = after
            try:
                left = ends_at - loop.time()
                if left <= 0 or (not has_looked and await self.last_position() > after):
                    return
                has_looked = False
                await asyncio.wait([waiter], timeout=min(left, POLL_SECONDS))
            finally:
                del self._waiters[waiter]
            if waiter.done() and waiter.result() > after:
                return

    async def last_position(self) -> int:
        """See :class:`EventLog`."""
        last = await self._read(self._last.load(None))
        self._reached = max(self._reached, last)
        return last

    async def labelled_page(self, label: str, after: str, limit: int) -> list[StreamVersion]:
        """See :class:`EventLog`."""
        return await self._read(self._threads.ask(partial(self._recorder.select_labelled_page, label, after, limit)))

    async def stream_names(self, after: str, limit: int) -> list[str]:
        """The names of streams that come after a name, in order."""
        return await self._read(self._threads.ask(partial(self._recorder.select_stream_names, after, limit)))

    async def filled(self, rules: str) -> tuple[str | None] | None:
        """How far the index was filled by these rules, see :class:`Filling`; ``None`` if not at all."""
        return await self._read(self._threads.ask(partial(self._recorder.select_filling, rules)))

    async def fill(self, filling: Filling) -> None:
        """Store entries that the index does not have yet, and how far the filling has come, in one transaction."""
        await self._read(self._threads.ask(partial(self._recorder.fill_index, filling)))

    async def forget_keys(self, now: datetime) -> None:
        """Delete idempotency keys older than 90 days."""
        before = int((now - KEYS_KEPT).timestamp())
        await self._read(self._threads.ask(lambda: self._recorder.delete_keys(before)))

    async def keep_tidy(self, now: Callable[[], datetime]) -> None:
        """Delete old idempotency keys once a day, until cancelled."""
        while True:
            try:
                await self.forget_keys(now())
            except LogUnavailableError as error:
                _log.warning("keys_not_forgotten", error=str(error))
            await asyncio.sleep(DAY_SECONDS)

    async def check(self) -> Dependency:
        """For ``/health/ready``: whether the log can be read and written, and what keeps it from that.

        Nothing is written for the check while appends succeed. After one that failed a small write
        is no proof: a disk that is full for most appends has room for it.
        """
        if (seconds := self._writer.stuck_seconds) > STUCK_SECONDS:
            return Dependency(ok=False, detail=f"appends have been waiting for {seconds:.0f} s")
        failed = self._writer.failing_because
        try:
            if not await self._read(self._threads.ask(self._recorder.is_protected)):
                return Dependency(ok=False, detail="nothing refuses to change events: its triggers were dropped")
            if failed is not None or time.monotonic() - self._writer.written_at > WRITTEN_LATELY_SECONDS:
                size = CHECKED_BYTES if failed is None else CHECKED_BYTES_AFTER_FAILURE
                await self._read(self._threads.ask(lambda: self._recorder.check_writable(size)))
                self._writer.note_written()
        except LogUnavailableError as error:
            return Dependency(ok=False, detail=f"cannot be read or written: {_reason(error)}")
        return Dependency(ok=True)

    async def close(self) -> None:
        """See :class:`EventLog`."""
        self._closing = True
        self.notify_waiters()
        await self._writer.close()
        self._closed = True
        await self._threads.close()
        self._recorder.close()

    def notify_waiters(self, position: int = 0) -> None:
        """Tell waiters the position that the log has reached, unless it is not what they wait for; without one they query
        it. Called in the event loop.
        """
        self._notifications += 1
        self._reached = max(self._reached, position)
        for waiter, after in self._waiters.items():
            if not waiter.done() and (position == 0 or position > after):
                waiter.set_result(position)

    def note_appended(self, lines: Sequence[FeedLine]) -> None:
        """These lines were stored, at consecutive positions: who follows need not read them. Called in the event loop."""
        self._newest.add(lines)

    def _is_end(self, position: int) -> bool:
        """Whether nothing higher is known of: this process stored or read that position and was told of none since."""
        if position < self._reached:  # another process has stored more, and nobody was notified
            return False
        return position == self._reached > 0 or self._found_nothing == (position, self._notifications)

    async def _read_shared(self, after: int, limit: int) -> list[FeedLine]:
        try:
            found = await self.read_feed(after, limit)
        finally:
            del self._reading[after, limit]
        if not is_full_page(found, limit):
            self._newest.keep(after, found)
        return found


def _reason(error: BaseException) -> str:
    """The name that the database gives to what happened: its message may hold an address or a path."""
    while error.__cause__ is not None:
        error = error.__cause__
    return getattr(error, "sqlite_errorname", None) or type(error).__name__
