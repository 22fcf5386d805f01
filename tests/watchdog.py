"""How long this process held its event loop, or one thread its processor, without the collecting of garbage.

Python's collector takes longer the more a process keeps, and thousands of tests keep far more than a service does.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

from coverage import Coverage

Returned = TypeVar("Returned")
LONGEST_SECONDS = 0.05 if Coverage.current() is None else 0.2
"""Nothing holds the event loop longer; more where every line is traced."""
TRIES = 3


class Stopwatch:
    """Seconds of the processor that one thread used."""

    seconds = 0.0


@contextmanager
def thread_seconds() -> Iterator[Stopwatch]:
    """What this thread uses while the context is open. Nothing is collected meanwhile, in any thread."""
    stopwatch = Stopwatch()
    was_on = gc.isenabled()
    gc.disable()
    began = time.thread_time()
    try:
        yield stopwatch
    finally:
        stopwatch.seconds = time.thread_time() - began
        if was_on:
            gc.enable()


class Watchdog:
    """How long the event loop ran one thing, in processor time of its own thread: other processes and threads do not count.

    It wakes every millisecond; what the thread did in between ran without a chance for anything else, but for a millisecond.
    Collecting the garbage of this process is not counted: most of it is the tests' own.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self.culprit: str | None = None
        """What held it longest."""
        self.paused = False
        """Whether the test itself is at work until the loop runs again."""
        self._held = 0.0
        self._collecting_since = 0.0
        self._collected = 0.0

    async def see(self, what: str, act: Callable[[], Awaitable[Returned]]) -> Returned:
        """What the act returns.

        One that holds the loop too long is tried twice more, and the shortest time counts: an act
        that does so holds it every time, a machine that stands still for a moment does so once.
        """
        times = []
        while True:
            self._held = 0.0
            returned = await act()
            for _ in range(3):  # it may wait for nothing: then the timer has a turn, and the watch that it wakes
                await asyncio.sleep(0)
            times.append(self._held)
            if self._held <= LONGEST_SECONDS or len(times) == TRIES:
                break
        if min(times) > self.longest:
            self.longest, self.culprit = min(times), what
        return returned

    async def watch(self) -> None:
        """Until cancelled."""
        before = time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            after = time.thread_time()
            if self.paused:
                self.paused = False
            else:
                self._held = max(self._held, after - before - self._collected)
            before, self._collected = after, 0.0

    def collects(self, phase: str, _info: dict[str, int]) -> None:
        """For ``gc.callbacks``: how long a collection took."""
        if phase == "start":
            self._collecting_since = time.thread_time()
        else:
            self._collected += time.thread_time() - self._collecting_since


@asynccontextmanager
async def watched() -> AsyncIterator[Watchdog]:
    """A watchdog for as long as the context is open; garbage is collected as in a service that has started."""
    watchdog = Watchdog()
    gc.collect()
    gc.freeze()
    gc.callbacks.append(watchdog.collects)
    task = asyncio.create_task(watchdog.watch())
    await asyncio.sleep(0)  # so that it has begun
    try:
        yield watchdog
    finally:
        task.cancel()
        gc.callbacks.remove(watchdog.collects)
        gc.unfreeze()
