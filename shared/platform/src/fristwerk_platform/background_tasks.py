"""The background tasks of a service, each watched: one that ends is reported by health at once and
started again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import structlog

from fristwerk_platform.health import Dependency
from fristwerk_platform.process_counters import TASKS_RESTARTED
from fristwerk_platform.service import StartupStep

Work = Callable[[], Coroutine[Any, Any, None]]
RESTART_SECONDS: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Pauses before a task is started again, growing while it ends again and again."""
STEADY_SECONDS: Final = 1.0
"""How long a task has to run after a restart until health trusts it."""
_log = structlog.get_logger()


class BackgroundTasks:
    """Runs a service's background work until it stops, and knows what is not running.

    Every task should catch what it expects to fail. This is for what nobody expected: without it a
    task that ended would leave a service that answers and does half of its work.
    """

    def __init__(self) -> None:
        self._ended: dict[str, str] = {}

    def forever(self, name: str, work: Work) -> StartupStep:
        """A step of the start: the work runs until the service stops, whether it fails or returns."""
        return self._step(name, work, may_return=False)

    def until_done(self, name: str, work: Work) -> StartupStep:
        """A step of the start: the work may return, and is started again only where it fails."""
        return self._step(name, work, may_return=True)

    async def check(self) -> Dependency:
        """For ``/health/ready``: the sentences about what has ended and is not steady yet."""
        return Dependency(ok=not self._ended, detail=" ".join(self._ended.values()) or None)

    def _step(self, name: str, work: Work, *, may_return: bool) -> StartupStep:
        @asynccontextmanager
        async def run() -> AsyncIterator[None]:
            task = asyncio.create_task(self._keep_running(name, work, may_return=may_return))
            try:
                yield
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

        return run

    async def _keep_running(self, name: str, work: Work, *, may_return: bool) -> None:
        failures = 0
        while True:
            task = asyncio.create_task(work())
            try:
                _, running = await asyncio.wait([task], timeout=STEADY_SECONDS)
                if running:
                    failures = 0
                    self._ended.pop(name, None)
                    await asyncio.wait([task])
            finally:
                if not task.done():  # the service stops
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            if error is None and may_return:
                self._ended.pop(name, None)
                return
            self._note(name, error)
            await asyncio.sleep(RESTART_SECONDS[min(failures, len(RESTART_SECONDS) - 1)])
            failures += 1

    def _note(self, name: str, error: BaseException | None) -> None:
        """Only the error's name goes to health, as its message may contain data of an event."""
        because = "returned" if error is None else f"failed with {type(error).__name__}"
        self._ended[name] = f"The task {name} {because} and is started again."
        TASKS_RESTARTED.labels(name).inc()
        _log.error("background_task_ended", task=name, because=because, exc_info=error)
