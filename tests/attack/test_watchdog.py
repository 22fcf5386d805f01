"""The watchdog sees what holds the loop, and not the collecting of garbage."""

from __future__ import annotations

import asyncio
import gc
import time

from tests.attack.conftest import watched


def busy(seconds: float) -> None:
    """Use so much of the processor."""
    ends_at = time.thread_time() + seconds
    while time.thread_time() < ends_at:
        pass


async def test_what_holds_the_loop_is_seen_with_what_was_tried() -> None:
    async with watched() as watchdog:
        await asyncio.sleep(0.01)
        watchdog.now = "a long loop"
        busy(0.08)
        await asyncio.sleep(0.01)

    assert 0.07 < watchdog.longest < 0.2
    assert watchdog.culprit == "a long loop"


async def test_collecting_garbage_is_not_counted() -> None:
    async with watched() as watchdog:
        kept = [[number] for number in range(1_500_000)]
        await asyncio.sleep(0.01)
        watchdog.longest = 0.0
        gc.collect()
        await asyncio.sleep(0.01)

    assert len(kept) == 1_500_000
    assert watchdog.longest < 0.02
