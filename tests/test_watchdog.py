"""The watchdog sees what holds the loop, and neither what halts once nor the collecting of garbage."""

from __future__ import annotations

import asyncio
import gc
import time

from tests.watchdog import LONGEST_SECONDS, TRIES, thread_seconds, watched

TOO_LONG = LONGEST_SECONDS * 1.6


def busy(seconds: float) -> None:
    """Use so much of the processor."""
    ends_at = time.thread_time() + seconds
    while time.thread_time() < ends_at:
        pass


async def test_what_holds_the_loop_is_seen_with_what_was_tried() -> None:
    tried: list[None] = []

    async def attack() -> None:
        tried.append(None)
        busy(TOO_LONG)

    async with watched() as watchdog:
        await watchdog.see("a long loop", attack)
        await watchdog.see("a short one", nothing)

    assert LONGEST_SECONDS < watchdog.longest < 3 * TOO_LONG
    assert watchdog.culprit == "a long loop"
    assert len(tried) == TRIES


async def test_a_machine_that_stands_still_once_does_not_count() -> None:
    halts = iter([TOO_LONG, 0.0])

    async def attack() -> None:
        busy(next(halts))

    async with watched() as watchdog:
        await watchdog.see("a halt", attack)

    assert watchdog.longest < LONGEST_SECONDS
    assert list(halts) == []


async def test_collecting_garbage_is_not_counted() -> None:
    kept: list[list[int]] = []

    async def attack() -> None:
        began = time.thread_time()
        gc.collect()
        taken.append(time.thread_time() - began)

    taken: list[float] = []
    async with watched() as watchdog:
        kept = [[number] for number in range(1_500_000)]
        watchdog.paused = True
        await asyncio.sleep(0.01)
        await watchdog.see("a collection", attack)

    assert len(kept) == 1_500_000
    assert watchdog.longest < 0.02 < taken[0]


async def nothing() -> None:
    """Does not wait."""


def test_a_stopwatch_counts_what_was_computed_while_nothing_is_collected() -> None:
    with thread_seconds() as taken:
        assert not gc.isenabled()
        busy(0.02)
        time.sleep(0.02)

    assert 0.02 <= taken.seconds < 0.04
    assert gc.isenabled()
