"""A wait has its result, or is ended and leaves nothing running."""

from __future__ import annotations

import asyncio

import pytest

from fristwerk_platform.unless_ended import EndedError, unless_ended


async def test_what_comes_first_counts() -> None:
    assert await unless_ended(asyncio.sleep(0, "done"), asyncio.Event().wait()) == "done"


async def test_the_end_cancels_what_is_waited_for() -> None:
    cancelled = asyncio.Event()

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(EndedError):
        await unless_ended(wait_for_ever(), asyncio.sleep(0))
    async with asyncio.timeout(5):
        await cancelled.wait()


async def test_an_error_of_what_is_waited_for_is_raised() -> None:
    async def fail() -> None:
        raise ValueError("no page")

    with pytest.raises(ValueError, match="no page"):
        await unless_ended(fail(), asyncio.Event().wait())


async def test_who_is_cancelled_while_waiting_leaves_nothing_running() -> None:
    before = asyncio.all_tasks()
    waiting = asyncio.create_task(unless_ended(asyncio.Event().wait(), asyncio.Event().wait()))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == before
