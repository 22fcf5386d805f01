"""Writing to a log: appends that arrive together become one durable transaction (group commit).

Each append keeps its own result, so a conflict of one never fails another. A lone append is not delayed: the appends of one turn
of the event loop are handed over together, and what arrives while they are written is the next group.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
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


class GroupedAppends:
    """The half of the port ``EventLog`` that appends."""

    def __init__(self, writer: GroupCommitter) -> None:
        self._writer = writer

    async def append(self, events: Sequence[NewEvent], keyed: Keyed | None = None) -> int:
        """See :class:`EventLog`."""
        assert events or keyed, "an append stores something"
        return await self._writer.append(events, keyed)


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


class GroupCommitter(ABC):
    """Groups appends and has each group written. ``on_stored`` gets the highest position of a group, in the event loop."""

    def __init__(self, on_stored: Callable[[int], None], meter: LogMeter | None) -> None:
        self._on_stored = on_stored
        self._meter = meter
        self._pending: list[Append] = []
        self._unfinished = 0
        self._closing = False
        self.failing_because: Exception | None = None
        """Why the last write failed; ``None`` once one succeeds."""
        self.written_at = float("-inf")
        """When something was last written, by the monotonic clock."""
        self._progress_at = float("-inf")

    async def append(self, events: Sequence[NewEvent], keyed: Keyed | None) -> int:
        """The append's last position, once its group is durable. Raises as :class:`EventLog` says."""
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
        """Write what was accepted, then end."""
        self._closing = True
        self._enqueue_pending()
        await self._end()

    def _enqueue_pending(self) -> None:
        pending, self._pending = self._pending, []
        if pending:
            self._hand_over(pending)

    @abstractmethod
    def _hand_over(self, appends: list[Append]) -> None:
        """Have them written, with what waits already."""

    @abstractmethod
    async def _end(self) -> None:
        """Return once all that was handed over is written."""

    def _note_failed(self, group: Sequence[Append], error: Exception) -> list[AppendOutcome]:
        """A group could not be written; every caller gets an error."""
        self.failing_because = error
        _log.error("log_not_written", appends=len(group), error=str(error))
        if self._meter is not None:
            self._meter.failed(len(group))
        return [LogUnavailableError(f"the log could not be written: {error}") for _ in group]

    def _note_group(self, group: Sequence[Append], began: float, waiting: int) -> None:
        """A group was written, while so many others were waiting."""
        self.note_written()
        if self._meter is not None:
            waiting = max(waiting, self._unfinished - len(group))
            self._meter.written(len(group), time.perf_counter() - began, waiting)

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


class LoopCommitter(GroupCommitter):
    """Writes in the event loop, one group after the other, with a statement that waits without a thread."""

    def __init__(
        self,
        insert_group: Callable[[Sequence[Append]], Awaitable[Sequence[AppendOutcome]]],
        on_stored: Callable[[int], None],
        meter: LogMeter | None,
    ) -> None:
        super().__init__(on_stored, meter)
        self._insert_group = insert_group
        self._waiting: deque[Append] = deque()
        self._writing: asyncio.Task[None] | None = None

    def _hand_over(self, appends: list[Append]) -> None:
        self._waiting.extend(appends)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_groups())

    async def _end(self) -> None:
        if self._writing is not None:
            await self._writing

    async def _write_groups(self) -> None:
        while group := list(islice(self._waiting, MAX_GROUP)):
            for _ in group:
                self._waiting.popleft()
            outcomes = await self._write(group)
            self._finish([(each.future, outcome) for each, outcome in zip(group, outcomes, strict=True)])

    async def _write(self, group: Sequence[Append]) -> Sequence[AppendOutcome]:
        began = time.perf_counter()
        try:
            outcomes = await self._insert_group(group)
        except Exception as error:  # noqa: BLE001 - whatever failed, every caller must get an error
            return self._note_failed(group, error)
        self._note_group(group, began, len(self._waiting))
        return outcomes
