"""The thread that writes to a log: appends that arrive together become one durable transaction (group commit).

Each append keeps its own result, so a conflict of one never fails another. A lone append is not delayed: the appends of one turn
of the event loop are handed to the thread together, and it writes everything that it has got; what arrives meanwhile is the next
group.
"""

from __future__ import annotations

import asyncio
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
        self._pending.append(Append(events, keyed, loop, future))
        self._unfinished += 1
        # A client that disconnects cancels only this await: an accepted append is stored.
        position = await future
        if self._meter is not None:
            self._meter.appended(time.perf_counter() - began)
        return position

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
        """The thread's loop."""
        waiting: deque[Append] = deque()
        closing = False
        while not closing or waiting:
            closing = self._dequeue_into(waiting) or closing
            group = [waiting.popleft() for _ in range(min(len(waiting), MAX_GROUP))]
            if group:
                self._report(group, self._write(group, len(waiting)))

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
            _log.error("log_not_written", appends=len(group), error=str(error))
            if self._meter is not None:
                self._meter.failed(len(group))
            return [LogUnavailableError(f"the log could not be written: {error}") for _ in group]
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
