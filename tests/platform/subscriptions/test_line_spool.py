"""A spool gives each key its lines in their order, and holds no more of them in memory than it may."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from fristwerk_platform.subscriptions import FeedPage, LineSpool, pages_between

KEYS = [f"account-{number}" for number in range(50)]


@pytest.mark.parametrize("buffered_bytes", [0, 1_000, 10**9])
def test_each_key_has_its_lines_in_the_order_in_which_they_were_added(buffered_bytes: int) -> None:
    chance, expected = random.Random(1), dict[str, list[bytes]]()  # noqa: S311 - drawn again by the seed
    with LineSpool(buffered_bytes) as spool:
        for number in range(2_000):
            key, line = chance.choice(KEYS), b"%d" % number * chance.randrange(20)
            spool.add(key, line)
            expected.setdefault(key, []).append(line)
            asked = chance.choice(KEYS)
            assert spool.lines(asked) == expected.get(asked, [])
            assert spool.size(asked) >= sum(map(len, expected.get(asked, [])))
        assert sorted(spool.keys()) == sorted(expected)


def test_a_key_that_was_never_added_to_has_no_lines() -> None:
    with LineSpool() as spool:
        assert spool.lines("nobody") == []
        assert spool.size("nobody") == 0


def test_twenty_megabytes_of_lines_take_one_megabyte_of_memory() -> None:
    with LineSpool(buffered_bytes=1_000_000) as spool:
        tracemalloc.start()
        for number in range(50_000):
            spool.add(KEYS[number % 50], b"%400d" % number)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 3_000_000
        assert len(spool.lines(KEYS[0])) == 1_000


class Counted:
    """A feed of so many lines at every other position; it notes what it was asked for."""

    def __init__(self, positions: int) -> None:
        self._last = positions
        self.asked: list[tuple[int, int]] = []

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        assert wait_seconds == 0
        self.asked.append((after, limit))
        positions = [each for each in range(2, self._last + 1, 2) if each > after][:limit]
        return FeedPage(
            lines=[b"%d" % each for each in positions], next=positions[-1] if positions else after, last=self._last
        )


async def test_pages_reach_to_the_position_and_each_is_asked_for_once() -> None:
    feed = Counted(5_000)

    pages = [page async for page in pages_between(feed, 1_000, 4_000, lines=400)]

    lines = [int(line) for page in pages for line in page.lines]
    assert lines[:2] == [1_002, 1_004]
    assert 4_000 in lines
    assert lines == sorted(set(lines))
    assert len(feed.asked) == len(set(feed.asked)) == len(pages)


async def test_an_empty_part_asks_for_nothing() -> None:
    feed = Counted(10)
    assert [page async for page in pages_between(feed, 4, 4)] == []
    assert feed.asked == []
