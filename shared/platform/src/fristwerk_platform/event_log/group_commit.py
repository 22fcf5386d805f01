"""The thread that writes to a log: appends that arrive together become one durable transaction.

Each append keeps its own result, so a conflict of one never fails its neighbours. A lone append waits for nobody: what is asked
for in one turn of the event loop is handed over together, and the thread writes all that it has got; what comes meanwhile is the
next group.
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

from fristwerk_language.events import NewEvent
from fristwerk_platform.event_log.interface import Keyed, LogUnavailableError

AppendOutcome = int | Exception
"""An append's last position, or why it was not stored."""
MAX_GROUP: Final = 512
"""Appends in one transaction at most: bounds its memory and the time the log is locked."""
MAX_WAITING: Final = 10_000
_log = structlog.get_logger()


class Append(msgspec.Struct, frozen=True, eq=False):
    """One append on its way to the writer, and who waits for it."""

    events: Sequence[NewEvent]
    keyed: Keyed | None
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[int]


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


class GroupCommitter:
    """``insert_group`` writes a group durably, in the thread; ``stored`` hears of the highest position, in the event loop."""

    def __init__(
        self,
        insert_group: Callable[[Sequence[Append]], Sequence[AppendOutcome]],
        stored: Callable[[int], None],
        meter: LogMeter | None,
    ) -> None:
        self._insert_group = insert_group
        self._stored = stored
        self._meter = meter
        self._gathered: list[Append] = []
        self._handed: queue.SimpleQueue[list[Append] | None] = queue.SimpleQueue()
        self._unanswered = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    async def append(self, events: Sequence[NewEvent], keyed: Keyed | None) -> int:
        """See :class:`EventLog`."""
        if self._closing:
            raise LogUnavailableError("the log is closing")
        if self._unanswered >= MAX_WAITING:
            raise LogUnavailableError("too many appends are waiting")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        began = time.perf_counter()
        if not self._gathered:
            loop.call_soon(self._hand_over)
        self._gathered.append(Append(events, keyed, loop, future))
        self._unanswered += 1
        # A client that goes away cancels its waiting alone: what was accepted is stored.
        position = await future
        if self._meter is not None:
            self._meter.appended(time.perf_counter() - began)
        return position

    async def close(self) -> None:
        """Write what was accepted, then end."""
        self._closing = True
        self._hand_over()
        self._handed.put(None)
        await asyncio.to_thread(self._thread.join)

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        if gathered:
            self._handed.put(gathered)

    def _run(self) -> None:
        """The thread."""
        waiting: deque[Append] = deque()
        last = False
        while not last or waiting:
            last = self._take(waiting) or last
            group = [waiting.popleft() for _ in range(min(len(waiting), MAX_GROUP))]
            if group:
                self._settle(group, self._written(group, len(waiting)))

    def _take(self, waiting: deque[Append]) -> bool:
        """Take over what was handed over, waiting for it if there is nothing; whether nothing more will come."""
        while not waiting or not self._handed.empty():
            if (handed := self._handed.get()) is None:
                return True
            waiting.extend(handed)
        return False

    def _written(self, group: Sequence[Append], waiting: int) -> Sequence[AppendOutcome]:
        began = time.perf_counter()
        try:
            outcomes = self._insert_group(group)
        except Exception as error:  # noqa: BLE001 - whatever failed, every waiting append must hear of it
            _log.error("log_not_written", appends=len(group), error=str(error))
            if self._meter is not None:
                self._meter.failed(len(group))
            return [LogUnavailableError(f"the log could not be written: {error}") for _ in group]
        if self._meter is not None:
            waiting = max(waiting, self._unanswered - len(group))
            self._meter.written(len(group), time.perf_counter() - began, waiting)
        return outcomes

    def _settle(self, group: Iterable[Append], outcomes: Sequence[AppendOutcome]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], AppendOutcome]]] = {}
        for append, outcome in zip(group, outcomes, strict=True):
            by_loop.setdefault(append.loop, []).append((append.future, outcome))
        for loop, settled in by_loop.items():
            with suppress(RuntimeError):  # in a loop that has ended nobody waits any more
                loop.call_soon_threadsafe(self._deliver, settled)

    def _deliver(self, settled: Sequence[tuple[asyncio.Future[int], AppendOutcome]]) -> None:
        self._unanswered -= len(settled)
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
            self._stored(highest)
