"""Wakes the tasks of this process that wait for new notices or alarms."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class ChangeSignal:
    """Counts changes. Whoever reads ``count`` before looking at the tables misses no change made
    while it looked.
    """

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self.count = 0

    async def notify(self) -> None:
        """Wake every waiting task; called after the transaction of a change."""
        async with self._changed:
            self.count += 1
            self._changed.notify_all()

    async def wait_after(self, seen: int, seconds: float) -> None:
        """Return once there were more changes than ``seen``, or ``seconds`` have passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self.count > seen)
