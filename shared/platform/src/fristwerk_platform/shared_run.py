"""Long work that many ask for at once, and that is done once for all who asked before it began."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class SharedRun(Generic[Result]):
    """At most one run at a time. Who asks meanwhile shares the next, since what the one that goes on
    has passed may have changed before it was asked for.
    """

    def __init__(self, work: Callable[[], Awaitable[Result]]) -> None:
        self._work = work
        self._one_at_a_time = asyncio.Lock()
        self._begun = 0
        self._last: tuple[int, Result] | None = None

    async def run(self) -> Result:
        """The result of a run that began after this was called. Raises what the work raises, and the
        next who waits begins it again.
        """
        begun = self._begun
        async with self._one_at_a_time:
            if self._last is not None and self._last[0] > begun:
                return self._last[1]
            self._begun += 1
            number = self._begun
            result = await self._work()
            self._last = number, result
            return result
