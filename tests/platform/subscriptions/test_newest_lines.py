"""Lines from memory are those that the log would give, whatever was kept before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from fristwerk_platform.event_log import EventLog, FeedLine
from fristwerk_platform.subscriptions import LogFeed
from fristwerk_platform.subscriptions.newest_lines import MOST_BYTES, MOST_LINES, NewestLines

Look = tuple[int, int]
"""How long the log was when somebody looked, and from where."""


@given(st.sets(st.integers(1, 60)), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12), st.data())
def test_what_is_known_is_the_beginning_of_what_the_log_has(
    positions: set[int], looks: list[Look], data: st.DataObject
) -> None:
    newest, log = NewestLines(), [FeedLine(each, b"%d" % each) for each in sorted(positions)]
    length = 0
    for grown, after in looks:
        length = max(length, grown)
        there = [each for each in log if each.position <= length]
        newest.keep(after, [each for each in there if each.position > after])
        asked = data.draw(st.integers(0, 60))
        limit = data.draw(st.integers(1, 5))

        known = newest.after(asked, limit)

        rest = [each for each in there if each.position > asked]
        assert list(known) == rest[: len(known)]
        assert len(known) <= limit


def test_what_was_just_kept_is_known() -> None:
    newest = NewestLines()
    newest.keep(3, [FeedLine(4, b"a"), FeedLine(7, b"b")])
    newest.keep(7, [FeedLine(8, b"c")])

    assert [each.position for each in newest.after(3, 10)] == [4, 7, 8]
    assert [each.position for each in newest.after(7, 10)] == [8]
    assert list(newest.after(2, 10)) == []
    assert list(newest.after(8, 10)) == []


def test_memory_is_bounded_by_lines_and_by_bytes() -> None:
    newest = NewestLines()
    for position in range(1, MOST_LINES + 500):
        newest.keep(position - 1, [FeedLine(position, b"x")])
    assert len(newest.after(499, 10_000)) == MOST_LINES
    assert list(newest.after(498, 10_000)) == []

    newest.keep(MOST_LINES + 499, [FeedLine(MOST_LINES + 500, b"x" * (MOST_BYTES + 1))])
    assert list(newest.after(MOST_LINES + 499, 10)) == []


class Counting:
    """A log that counts how often its feed is read."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.reads = 0

    async def read_feed(self, after: int, limit: int) -> list[FeedLine]:
        self.reads += 1
        return await self._log.read_feed(after, limit)

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)


async def test_three_followers_of_one_event_read_the_log_once(
    log: EventLog, append: Callable[..., Awaitable[int]]
) -> None:
    counted = Counting(log)
    feed = LogFeed(cast("EventLog", counted))
    followers = [asyncio.create_task(feed.page(0, 1_000, 5)) for _ in range(3)]
    await asyncio.sleep(0.1)
    counted.reads = 0

    await append("ticket-1")
    pages = await asyncio.gather(*followers)

    assert [(len(each.lines), each.next, each.last) for each in pages] == [(1, 1, 1)] * 3
    assert counted.reads == 1
    counted.reads = 0
    assert (await feed.page(0, 1_000, 5)).next == 1
    assert counted.reads == 0


async def test_who_does_not_wait_is_given_all_that_is_there(
    log: EventLog, append: Callable[..., Awaitable[int]]
) -> None:
    feed = LogFeed(log)
    await append("ticket-1")
    assert (await feed.page(0, 1_000, 5)).last == 1
    await append("ticket-1", 2)

    page = await feed.page(0, 1_000, 0)

    assert (len(page.lines), page.next, page.last) == (3, 3, 3)
