"""Who is far behind reads ahead; who has nearly caught up lets events gather; and nothing is read twice or left out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from fristwerk_platform.event_log import EventLog
from fristwerk_platform.subscriptions import LogFeed
from fristwerk_platform.subscriptions.prefetch import Prefetch

Append = Callable[..., Awaitable[int]]


async def test_what_was_read_ahead_is_forgotten_where_the_reader_goes_on_elsewhere(
    log: EventLog, append: Append
) -> None:
    await append(number=3_000)
    reading = Prefetch(LogFeed(log))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("fristwerk_platform.subscriptions.prefetch.MAX_MERGED_LINES", 1_000)
        first = await reading.page(0, 0)
        again = await reading.page(0, 0)
        second = await reading.page(again.next, 0)
    await reading.aclose()

    assert first == again
    assert (len(second.lines), second.next, second.last) == (1_000, 2_000, 3_000)


async def test_what_was_read_by_who_had_caught_up_is_not_continued_before_it_is_applied(
    log: EventLog, append: Append
) -> None:
    """What comes meanwhile gathers, and is one batch instead of two."""
    await append(number=2)
    reading = Prefetch(LogFeed(log))
    first = await reading.page(0, 0)
    await append(stream="ticket-2", number=3)
    await asyncio.sleep(0.05)
    await append(stream="ticket-3", number=4)

    assert (first.next, len((await reading.page(2, 0)).lines)) == (2, 7)
    await reading.aclose()
