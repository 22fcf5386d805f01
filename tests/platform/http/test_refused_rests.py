"""The rests of refused requests are read a few at a time, whatever number of them waits."""

from __future__ import annotations

import asyncio

from fristwerk_platform.http.refused_rests import EVERY_SECONDS, MOST_WAITING, READS_AT_ONCE, RefusedRests


class Connection(asyncio.Transport):
    """Counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.resumed = 0
        self.is_reading_now = True
        self.is_aborted = False

    def pause_reading(self) -> None:
        self.is_reading_now = False

    def resume_reading(self) -> None:
        self.resumed += 1
        self.is_reading_now = True

    def abort(self) -> None:
        self.is_aborted = True


async def test_a_few_are_read_at_a_time_in_the_order_in_which_they_came() -> None:
    rests, connections = RefusedRests(), [Connection() for _ in range(3 * READS_AT_ONCE)]
    for each in connections:
        rests.wait(each)
    assert not any(each.is_reading_now for each in connections)
    counts = set()
    while not all(each.resumed for each in connections):
        resumed = [each.resumed for each in connections]
        assert resumed == sorted(resumed, reverse=True)
        counts.add(sum(resumed))
        await asyncio.sleep(EVERY_SECONDS / 20)

    assert counts == {0, READS_AT_ONCE, 2 * READS_AT_ONCE}


async def test_one_that_is_read_waits_again_for_its_turn() -> None:
    rests, connections = RefusedRests(), [Connection() for _ in range(READS_AT_ONCE + 1)]
    for each in connections:
        rests.wait(each)
        rests.wait(each)
    await asyncio.sleep(EVERY_SECONDS * 1.5)
    rests.wait(connections[0])
    await asyncio.sleep(EVERY_SECONDS * 2)

    assert [each.resumed for each in connections] == [2] + [1] * READS_AT_ONCE


async def test_no_more_than_a_number_wait_and_the_first_is_closed() -> None:
    rests, connections = RefusedRests(), [Connection() for _ in range(MOST_WAITING + 2)]
    for each in connections:
        rests.wait(each)

    assert [each.is_aborted for each in connections] == [True, True] + [False] * MOST_WAITING
