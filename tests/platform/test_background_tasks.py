"""Background tasks are watched: one that ends is reported at once, started again, and trusted once it has run for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fristwerk_platform.background_tasks import BackgroundTasks
from fristwerk_platform.service import StartupStep


class Trouble(Exception):  # noqa: N818 - what it is, not what it is called
    """What nobody expected."""


class Worker:
    """Ends a number of times, each time as told, and works from then on."""

    def __init__(self, *ends: BaseException | None) -> None:
        self._ends = list(ends)
        self.starts = 0
        self.cancelled = False

    async def run(self) -> None:
        self.starts += 1
        if self._ends:
            if (error := self._ends.pop(0)) is not None:
                raise error
            return
        try:
            await asyncio.sleep(3_600)
        finally:
            self.cancelled = True


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fristwerk_platform.background_tasks.RESTART_SECONDS", (0.05,))
    monkeypatch.setattr("fristwerk_platform.background_tasks.STEADY_SECONDS", 0.05)


@asynccontextmanager
async def running(step: StartupStep) -> AsyncIterator[None]:
    async with step():
        await asyncio.sleep(0.01)
        yield


async def in_the_end(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(5):
        while not await holds():  # noqa: ASYNC110 - a task's state is looked at, as health does
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("end", "because"),
    [(Trouble("Anna Muster"), "failed with Trouble"), (None, "returned")],
    ids=["failed", "returned"],
)
async def test_a_task_that_ends_is_reported_at_once_and_started_again(
    end: BaseException | None, because: str, logged: list[MutableMapping[str, Any]]
) -> None:
    tasks, worker = BackgroundTasks(), Worker(end, end)

    async with running(tasks.forever("projection", worker.run)):
        ended = await tasks.check()
        assert not ended.ok
        assert ended.detail == f"The task projection {because} and is started again."
        await in_the_end(lambda: is_ok(tasks))

    assert worker.starts == 3
    assert worker.cancelled, "it ends with the service"
    assert [entry["event"] for entry in logged] == ["background_task_ended"] * 2


async def is_ok(tasks: BackgroundTasks) -> bool:
    return (await tasks.check()).ok


async def test_a_task_that_somebody_cancelled_is_started_again() -> None:
    tasks, worker = BackgroundTasks(), Worker(asyncio.CancelledError())

    async with running(tasks.forever("watch", worker.run)):
        assert not (await tasks.check()).ok
        await in_the_end(lambda: is_ok(tasks))

    assert worker.starts == 2


async def test_a_task_that_is_done_is_not_started_again_but_one_that_failed_is() -> None:
    tasks, worker = BackgroundTasks(), Worker(Trouble(), None)

    async with running(tasks.until_done("parked tickets", worker.run)):
        assert not (await tasks.check()).ok
        await in_the_end(lambda: is_ok(tasks))
        await asyncio.sleep(0.2)

    assert worker.starts == 2


async def test_every_task_that_ended_is_named() -> None:
    tasks = BackgroundTasks()

    async with (
        running(tasks.forever("watch", Worker(Trouble()).run)),
        running(tasks.forever("simulations", Worker(Trouble()).run)),
    ):
        detail = (await tasks.check()).detail or ""

    assert "watch" in detail
    assert "simulations" in detail
