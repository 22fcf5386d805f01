"""The thread that writes to a log whose database is waited for in a thread."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import islice

import structlog

from fristwerk_platform.event_log.group_commit import MAX_GROUP, Append, AppendOutcome, GroupCommitter, LogMeter
from fristwerk_platform.event_log.interface import LogUnavailableError

_log = structlog.get_logger()


class WriterThread(GroupCommitter):
    """Writes each group with ``insert_group``, which runs in the thread."""

    def __init__(
        self,
        insert_group: Callable[[Sequence[Append]], Sequence[AppendOutcome]],
        on_stored: Callable[[int], None],
        meter: LogMeter | None,
    ) -> None:
        super().__init__(on_stored, meter)
        self._insert_group = insert_group
        self._queue: queue.SimpleQueue[list[Append] | None] = queue.SimpleQueue()
        self._taken: deque[Append] = deque()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def _hand_over(self, appends: list[Append]) -> None:
        self._queue.put(appends)

    async def _end(self) -> None:
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

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
            group = list(islice(waiting, MAX_GROUP))
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
            return self._note_failed(group, error)
        self._note_group(group, began, waiting)
        return outcomes

    def _report(self, group: Iterable[Append], outcomes: Sequence[AppendOutcome]) -> None:
        """Hand the outcomes to the event loops that await them."""
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], AppendOutcome]]] = {}
        for append, outcome in zip(group, outcomes, strict=True):
            by_loop.setdefault(append.loop, []).append((append.future, outcome))
        for loop, finished in by_loop.items():
            with suppress(RuntimeError):  # an event loop that was closed awaits nothing
                loop.call_soon_threadsafe(self._finish, finished)
