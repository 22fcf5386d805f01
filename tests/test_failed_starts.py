"""A service whose start fails, at whichever step, leaves no file, thread, task or connection behind."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType

import httpx
import pytest

import billing_service.app
import sla_service.app
import ticket_service.app
from fristwerk_platform import service
from fristwerk_platform.http import Stopping
from fristwerk_platform.service import StartupStep
from fristwerk_platform.settings import Settings

Enter = Callable[[AsyncExitStack, StartupStep], Awaitable[None]]
STEPS = {ticket_service.app: 17, sla_service.app: 7, billing_service.app: 10}
"""How many steps the start of each service has."""
MOMENT_SECONDS = 10.0


class Trouble(Exception):  # noqa: N818 - what it is, not what it is called
    """What goes wrong while a service starts."""


def failing_after(steps: int) -> Enter:
    """Carries out so many steps; the next one begins and then fails."""
    begun = 0
    enter = service.enter

    async def enter_or_fail(stack: AsyncExitStack, each: StartupStep) -> None:
        nonlocal begun
        await enter(stack, each)
        begun += 1
        if begun > steps:
            raise Trouble

    return enter_or_fail


def open_now(folder: Path, others: Collection[threading.Thread]) -> list[str]:
    """Open files in the folder, threads of logs but those of others, and tasks, but for the one that runs."""
    descriptors = [os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()]
    files = [each for each in descriptors if each.startswith(str(folder))]
    threads = [each.name for each in threading.enumerate() if each.name.startswith("log-") and each not in others]
    tasks = [repr(each) for each in asyncio.all_tasks() if each is not asyncio.current_task()]
    return files + threads + tasks


async def left_behind(folder: Path, others: Collection[threading.Thread]) -> list[str]:
    """What is still open after a moment: a connection that was cancelled while it was made is closed by its own thread."""
    ends_at = time.monotonic() + MOMENT_SECONDS
    while open_now(folder, others) and time.monotonic() < ends_at:
        gc.collect()
        await asyncio.sleep(0.01)
    return open_now(folder, others)


@pytest.fixture(autouse=True)
def _quick_collections() -> None:
    """The collector looks only at what a test makes, not at everything that the tests before it left."""
    gc.collect()
    gc.freeze()


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the process's open files")
@pytest.mark.parametrize(
    ("module", "steps"),
    [(module, steps) for module, number in STEPS.items() for steps in range(number)],
    ids=lambda value: value.__name__.partition("_")[0] if isinstance(value, ModuleType) else str(value),
)
async def test_a_start_that_fails_half_way_closes_what_it_opened(
    module: ModuleType, steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "enter", failing_after(steps))
    client = httpx.AsyncClient(base_url="http://127.0.0.1:9")
    others = () if module is ticket_service.app else (client,)
    threads = threading.enumerate()
    app = module.create_app(Settings(var=tmp_path), Stopping(), *others)

    with pytest.raises(Trouble):
        async with app.router.lifespan_context(app):
            pytest.fail("it started")

    assert await left_behind(tmp_path, threads) == []
    assert client.is_closed or module is ticket_service.app
    await client.aclose()


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the process's open files")
@pytest.mark.parametrize("module", STEPS, ids=lambda module: module.__name__.partition("_")[0])
async def test_every_step_of_a_start_is_tried(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With as many steps allowed as there are, the service starts, has files open, and closes them when it stops."""
    monkeypatch.setattr(service, "enter", failing_after(STEPS[module]))
    client = httpx.AsyncClient(base_url="http://127.0.0.1:9")
    others = () if module is ticket_service.app else (client,)
    threads = threading.enumerate()
    app = module.create_app(Settings(var=tmp_path), Stopping(), *others)

    async with app.router.lifespan_context(app):
        assert open_now(tmp_path, threads) != []

    assert await left_behind(tmp_path, threads) == []
    await client.aclose()
