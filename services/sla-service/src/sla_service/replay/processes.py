"""Work shared out among processes: this one, and others that are started for it."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from multiprocessing.connection import wait
from typing import Final, TypeVar

from fristwerk_platform.gc_tuning import tune_garbage_collection

TASKS_AHEAD: Final = 2
"""So many tasks are given to another process at once: one to work on, and one for when that is done."""
Task = TypeVar("Task")
Result = TypeVar("Result")
Lane = Callable[[Task], Awaitable[Result]]
"""Somebody who does one task after the other."""


def usable_cores() -> int:
    """The processor cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class OtherProcesses:
    """The processes beside this one."""

    def __init__(self, pool: ProcessPoolExecutor | None, number: int) -> None:
        self._pool = pool
        self._number = number

    def lanes(self, do: Callable[[Task], Result]) -> list[Lane[Task, Result]]:
        """How they do tasks; ``do`` and its tasks and results can be pickled."""

        async def elsewhere(task: Task) -> Result:
            return await asyncio.get_running_loop().run_in_executor(self._pool, do, task)

        return [elsewhere] * (self._number * TASKS_AHEAD)


@asynccontextmanager
async def other_processes(number: int) -> AsyncIterator[OtherProcesses]:
    """So many processes beside this one. They are new ones, not copies: a copy would share this one's threads and connections."""
    if number == 0:
        yield OtherProcesses(None, 0)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(number, mp_context=context, initializer=_begin)
    try:
        yield OtherProcesses(pool, number)
    finally:
        pool.shutdown(cancel_futures=True)


async def shared_out(
    tasks: Sequence[Task], lanes: Sequence[Lane[Task, Result]], on_done: Callable[[Result], None]
) -> list[Result]:
    """The results of all tasks in their order, each done by whichever lane is free; ``on_done`` gets each at once.

    Raises what the first task to fail raises, once the others have stopped.
    """
    waiting = iter(enumerate(tasks))
    found: dict[int, Result] = {}

    async def work(lane: Lane[Task, Result]) -> None:
        for number, task in waiting:
            found[number] = result = await lane(task)
            on_done(result)

    working = [asyncio.ensure_future(work(lane)) for lane in lanes]
    try:
        await asyncio.gather(*working)
    finally:
        for each in working:
            each.cancel()
        await asyncio.gather(*working, return_exceptions=True)
    return [found[number] for number in range(len(tasks))]


def _begin() -> None:
    """What a new process does first; it ends when the one that started it does, however that ends."""
    tune_garbage_collection()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
