"""Long work that many ask for at once is done once for all who asked before it began."""

from __future__ import annotations

import asyncio

import pytest

from fristwerk_platform.shared_run import SharedRun


class Work:
    """Counts how often it is done, and how many times at once; ends when it is let go."""

    def __init__(self) -> None:
        self.begun = 0
        self.most_at_once = 0
        self.fails = False
        self._now = 0
        self.may_end = asyncio.Semaphore(0)

    async def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            await self.may_end.acquire()
            if self.fails:
                raise ValueError("it failed")
        finally:
            self._now -= 1
        return number


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_who_ask_while_it_is_done_share_the_next_run() -> None:
    work = Work()
    shared = SharedRun(work)
    first = asyncio.create_task(shared.run())
    await turns()
    others = [asyncio.create_task(shared.run()) for _ in range(20)]
    await turns()
    for _ in range(20):
        work.may_end.release()

    assert await first == 1
    assert await asyncio.gather(*others) == [2] * 20
    assert (work.begun, work.most_at_once) == (2, 1)
    assert await shared.run() == 3, "what was done before it was asked for does not count"


async def test_where_it_fails_or_is_cancelled_the_next_who_waits_begins_again() -> None:
    work = Work()
    shared = SharedRun(work)
    cancelled = asyncio.create_task(shared.run())
    await turns()
    failing, waiting = asyncio.create_task(shared.run()), asyncio.create_task(shared.run())
    await turns()
    cancelled.cancel()
    await turns()
    work.fails = True
    work.may_end.release()
    with pytest.raises(ValueError, match="it failed"):
        await failing
    work.fails = False
    work.may_end.release()

    assert await waiting == 3
    assert work.most_at_once == 1
