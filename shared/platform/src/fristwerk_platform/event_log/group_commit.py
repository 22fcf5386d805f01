"""The thread that writes to a log: appends that arrive together become one durable transaction (group commit).

Each append keeps its own result, so a conflict of one never fails another. A lone append is not delayed: the appends of one turn
of the event loop are handed to the thread together, and it writes everything that it has got; what arrives meanwhile is the next
group.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final, Protocol

import msgspec
import structlog

from fristwerk_platform.event_log.interface import Keyed, LogUnavailableError, NewEvent

AppendOutcome = int | Exception
"""An append's last position, or why it was not stored."""
MAX_GROUP: Final = 512
"""Appends in one transaction at most: bounds its memory and the time for which the log is locked."""
MAX_WAITING: Final = 10_000
_log = structlog.get_logger()


class Append(msgspec.Struct, frozen=True, eq=False):
    """One append on its way to the writer thread, and the future that its caller awaits."""

    events: Sequence[NewEvent]
    keyed: Keyed | None
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[int]


class LogMeter(Protocol):
    """Measures a log; called from the writer thread and from the event loop."""

    def appended(self, seconds: float) -> None:
        """One append is durable, this long after it was requested."""
        ...

    def written(self, appends: int, seconds: float, waiting: int) -> None:
        """A group of this size was written, while this many more appends were waiting."""
        ...

    def failed(self, appends: int) -> None:
        """A group of this size could not be written."""
        ...


class GroupCommitter:
    """Groups appends and writes each group with ``insert_group``, which runs in the writer thread.

    ``on_stored`` gets the highest position of a group, in the event loop.
    """

    def __init__(
        self,
        insert_group: Callable[[Sequence[Append]], Sequence[AppendOutcome]],
        on_stored: Callable[[int], None],
        meter: LogMeter | None,
    ) -> None:
        self._insert_group = insert_group
        self._on_stored = on_stored
        self._meter = meter
        self._pending: list[Append] = []
        self._queue: queue.SimpleQueue[list[Append] | None] = queue.SimpleQueue()
        self._unfinished = 0
        self._closing = False
        self._taken: deque[Append] = deque()
        self.failing_because: Exception | None = None
        """Why the last write failed; ``None`` once one succeeds."""
        self.written_at = float("-inf")
        """When something was last written, by the monotonic clock."""
        self._progress_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    async def append(self, events: Sequence[NewEvent], keyed: Keyed | None) -> int:
        """See :class:`EventLog`."""
        if self._closing:
            raise LogUnavailableError("the log is closing")
        if self._unfinished >= MAX_WAITING:
            raise LogUnavailableError("too many appends are waiting")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        began = time.perf_counter()
        if not self._pending:
            loop.call_soon(self._enqueue_pending)
        if self._unfinished == 0:
            self._progress_at = time.monotonic()
        self._pending.append(Append(events, keyed, loop, future))
        self._unfinished += 1
        # A client that disconnects cancels only this await: an accepted append is stored.
        position = await future
        if self._meter is not None:
            self._meter.appended(time.perf_counter() - began)
        return position

    @property
    def stuck_seconds(self) -> float:
        """For how long appends have been waiting without one being finished; 0 where none waits."""
        return time.monotonic() - self._progress_at if self._unfinished else 0.0

    def note_written(self) -> None:
        """Something was written: a group, or what a check writes."""
        self.failing_because, self.written_at = None, time.monotonic()

    async def close(self) -> None:
        """Write what was accepted, then end the thread."""
        self._closing = True
        self._enqueue_pending()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _enqueue_pending(self) -> None:
        pending, self._pending = self._pending, []
        if pending:
            self._queue.put(pending)

    def _run(self) -> None:
        """The thread. Whatever ends its loop, those who wait are refused and it begins again."""
        while True:
            try:
                self._write_groups()
            except BaseException as error:  # noqa: BLE001 - without this thread every append would wait for ever
                self._refuse_taken(error)
            else:
                return

    def _write_groups(self) -> None:
        """Write what arrives until the log closes."""
        waiting = self._taken
        closing = False
        while not closing or waiting:
            closing = self._dequeue_into(waiting) or closing
            group = list(itertools.islice(waiting, MAX_GROUP))
            if group:
                outcomes = self._write(group, len(waiting) - len(group))
                for _ in group:
                    waiting.popleft()
                self._report(group, outcomes)

    def _refuse_taken(self, error: BaseException) -> None:
        taken = list(self._taken)
        self._taken.clear()
        self.failing_because = LogUnavailableError(f"the writer failed: {type(error).__name__}")
        with suppress(Exception):
            _log.error("log_writer_failed", appends=len(taken), exc_info=error)
        self._report(taken, [self.failing_because for _ in taken])

    def _dequeue_into(self, waiting: deque[Append]) -> bool:
        """Move everything from the queue, blocking while there is nothing. Returns whether the queue has ended."""
        while not waiting or not self._queue.empty():
            if (appends := self._queue.get()) is None:
                return True
            waiting.extend(appends)
        return False

    def _write(self, group: Sequence[Append], waiting: int) -> Sequence[AppendOutcome]:
        began = time.perf_counter()
        try:
            outcomes = self._insert_group(group)
        except Exception as error:  # noqa: BLE001 - whatever failed, every caller must get an error
            self.failing_because = error
            _log.error("log_not_written", appends=len(group), error=str(error))
            if self._meter is not None:
                self._meter.failed(len(group))
            return [LogUnavailableError(f"the log could not be written: {error}") for _ in group]
        self.note_written()
        if self._meter is not None:
            waiting = max(waiting, self._unfinished - len(group))
            self._meter.written(len(group), time.perf_counter() - began, waiting)
        return outcomes

    def _report(self, group: Iterable[Append], outcomes: Sequence[AppendOutcome]) -> None:
        """Hand the outcomes to the event loops that await them."""
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], AppendOutcome]]] = {}
        for append, outcome in zip(group, outcomes, strict=True):
            by_loop.setdefault(append.loop, []).append((append.future, outcome))
        for loop, finished in by_loop.items():
            with suppress(RuntimeError):  # an event loop that was closed awaits nothing
                loop.call_soon_threadsafe(self._finish, finished)

    def _finish(self, finished: Sequence[tuple[asyncio.Future[int], AppendOutcome]]) -> None:
        self._unfinished -= len(finished)
        self._progress_at = time.monotonic()
        highest = 0
        for future, outcome in finished:
            if isinstance(outcome, int):
                highest = max(highest, outcome)
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        if highest:
            self._on_stored(highest)
