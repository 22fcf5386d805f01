"""Waiting for what tells nobody when it has come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until_true(holds: Callable[[], Awaitable[bool]], seconds: float = 60.0, pause: float = 0.02) -> None:
    """Return once it holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - nobody says when
            await asyncio.sleep(pause)
