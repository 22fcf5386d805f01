"""Lines from memory are those that the log would give, whatever was kept before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fristwerk_platform.event_log import EventLog, FeedLine, GroupCommitLog, NewEvent
from fristwerk_platform.event_log.newest_lines import MOST_BYTES, MOST_LINES, NewestLines
from fristwerk_platform.event_log.postgres.in_loop import InLoop
from fristwerk_platform.event_log.postgres.log import PostgresEventLog
from fristwerk_platform.subscriptions import LogFeed

Look = tuple[int, int, bool]
"""How long the log was when somebody looked, from where, and whether this process had stored the last lines itself."""
LOOKS: Final = st.tuples(st.integers(0, 60), st.integers(0, 60), st.booleans())


@given(st.sets(st.integers(1, 60)), st.lists(LOOKS, max_size=12), st.data())
def test_what_is_known_is_the_beginning_of_what_the_log_has(
    positions: set[int], looks: list[Look], data: st.DataObject
) -> None:
    newest, log = NewestLines(), [FeedLine(each, b"%d" % each) for each in sorted(positions)]
    length = 0
    for grown, after, stored_here in looks:
        length, before = max(length, grown), length
        there = [each for each in log if each.position <= length]
        if stored_here:
            newest.add(at_the_end([each for each in there if each.position > before]))
        newest.keep(after, [each for each in there if each.position > after])
        asked = data.draw(st.integers(0, 60))
        limit = data.draw(st.integers(1, 5))

        known = newest.after(asked, limit)

        rest = [each for each in there if each.position > asked]
        assert list(known) == rest[: len(known)]
        assert len(known) <= limit


def at_the_end(lines: list[FeedLine]) -> list[FeedLine]:
    """The last of the lines, as many as follow one another without a gap: as one group is stored."""
    run = lines[-1:]
    while len(run) < len(lines) and lines[-len(run) - 1].position == run[0].position - 1:
        run = lines[-len(run) - 1 :]
    return run


def test_what_was_just_stored_is_known_and_nothing_from_before_a_gap() -> None:
    newest = NewestLines()
    newest.add([FeedLine(4, b"a"), FeedLine(5, b"b")])
    newest.add([FeedLine(6, b"c")])
    assert [each.position for each in newest.after(3, 10)] == [4, 5, 6]
    assert list(newest.after(2, 10)) == []

    newest.add([FeedLine(9, b"d")])  # another process may have stored 7 and 8
    assert [each.position for each in newest.after(8, 10)] == [9]
    assert list(newest.after(6, 10)) == []


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
    """Counts how often a log's feed is read from its database."""

    def __init__(self, log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
        assert isinstance(log, GroupCommitLog)
        reads = log._reads
        self._select = reads.select_feed
        self.reads = 0
        self._answered = 0
        monkeypatch.setattr(reads, "select_feed", self._count)

    async def _count(self, after: int, limit: int) -> list[FeedLine]:
        self.reads += 1
        try:
            return await self._select(after, limit)
        finally:
            self._answered += 1

    async def rest(self) -> None:
        """Return once something was read, and nothing more for a while."""
        before = 0
        while not before == self.reads == self._answered > 0:
            before = self.reads
            await asyncio.sleep(0.1)
        self.reads = self._answered = 0


async def test_three_followers_of_one_event_read_the_log_once_and_what_was_stored_here_not_at_all(
    log: EventLog, append: Callable[..., Awaitable[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, feed = Counting(log, monkeypatch), LogFeed(log)
    followers = [asyncio.create_task(feed.page(0, 1_000, 5)) for _ in range(3)]
    await counted.rest()

    await append("ticket-1")
    pages = await asyncio.gather(*followers)

    assert [(len(each.lines), each.next, each.last) for each in pages] == [(1, 1, 1)] * 3
    assert counted.reads == (0 if isinstance(log._reads, InLoop) else 1)  # type: ignore[attr-defined]  # how it reads
    counted.reads = 0
    assert (await feed.page(0, 1_000, 5)).next == 1
    assert counted.reads == 0


async def test_another_process_s_event_is_found_though_its_notification_got_lost(
    open_log: Callable[[], EventLog], fact: Callable[..., NewEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = open_log(), open_log()
    if isinstance(ours, PostgresEventLog):
        monkeypatch.setattr(ours, "_notified", lambda *_: None)
    feed = LogFeed(ours)
    await ours.append([fact("ticket-1", 1)])
    assert (await feed.page(0, 1_000, 5)).next == 1

    following = asyncio.create_task(feed.page(1, 1_000, 10))
    await theirs.append([fact("ticket-2", 1)])

    async with asyncio.timeout(3):
        assert (await following).next == 2


async def test_who_does_not_wait_is_given_all_that_is_there(
    log: EventLog, append: Callable[..., Awaitable[int]]
) -> None:
    feed = LogFeed(log)
    await append("ticket-1")
    assert (await feed.page(0, 1_000, 5)).last == 1
    await append("ticket-1", 2)

    page = await feed.page(0, 1_000, 0)

    assert (len(page.lines), page.next, page.last) == (3, 3, 3)


async def test_what_another_process_stored_is_read_also_where_nobody_was_told(
    open_log: Callable[[], EventLog], append: Callable[..., Awaitable[int]]
) -> None:
    other = open_log()
    feed = LogFeed(other)
    assert (await feed.page(0, 10, 0.01)).lines == []
    await append()
    assert await other.last_position() == 1  # as the poll of somebody who waits
    assert len((await feed.page(0, 10, 0.01)).lines) == 1
