"""What is asked at the same time is put to the database at once, and nobody gets another one's trouble or an old answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from fristwerk_platform.event_log import EventLog, IdempotencyKey, LogUnavailableError, NewEvent
from fristwerk_platform.event_log.read_batching import MAX_CONCURRENT, BatchedQuery

Fact = Callable[..., NewEvent]
Append = Callable[..., Awaitable[int]]


class Unanswerable(Exception):  # noqa: N818 - what it is, not what it is called
    """What the database says to a question that it cannot even store."""


class Answering:
    """A database that replies with ten times the question, once it may; -1 is no question, and 0 breaks it."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.may_reply = threading.Event()
        self.may_reply.set()

    def __call__(self, questions: Sequence[int]) -> list[int]:
        self.asked.append(sorted(questions))
        assert self.may_reply.wait(10)
        if -1 in questions:
            raise Unanswerable
        if 0 in questions:
            raise ConnectionError
        return [10 * each for each in questions]


@pytest.fixture
def answering() -> Answering:
    return Answering()


@pytest.fixture
async def batched(answering: Answering) -> AsyncIterator[BatchedQuery[int, int]]:
    with ThreadPoolExecutor(4) as executor:

        async def query(questions: Sequence[int]) -> list[int]:
            return await asyncio.get_running_loop().run_in_executor(executor, answering, questions)

        yield BatchedQuery(query, (Unanswerable,))
        answering.may_reply.set()


async def asked(batched: BatchedQuery[int, int], *questions: int) -> list[int | BaseException]:
    return await asyncio.gather(*(batched.load(each) for each in questions), return_exceptions=True)


async def test_what_is_asked_in_one_turn_is_one_query_and_each_question_stands_in_it_once(
    batched: BatchedQuery[int, int], answering: Answering
) -> None:
    assert await batched.load(7) == 70
    assert await asked(batched, 1, 2, 1, 3, 2) == [10, 20, 10, 30, 20]

    assert answering.asked == [[7], [1, 2, 3]]


async def test_what_is_asked_while_enough_is_under_way_waits_together(
    batched: BatchedQuery[int, int], answering: Answering
) -> None:
    answering.may_reply.clear()
    waiting = []
    for number in range(1, MAX_CONCURRENT + 6):
        waiting.append(asyncio.create_task(batched.load(number)))
        await asyncio.sleep(0.01)
    assert answering.asked == [[1], [2]]

    answering.may_reply.set()

    assert await asyncio.gather(*waiting) == [10 * number for number in range(1, MAX_CONCURRENT + 6)]
    assert answering.asked == [[1], [2], list(range(3, MAX_CONCURRENT + 6))]


async def test_a_question_that_is_under_way_is_put_again_for_who_asks_later(
    batched: BatchedQuery[int, int], answering: Answering
) -> None:
    """Between the two something may have been stored, which the first reply does not know."""
    answering.may_reply.clear()
    first = asyncio.create_task(batched.load(1))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(batched.load(1))
    await asyncio.sleep(0.01)
    answering.may_reply.set()

    assert (await first, await second) == (10, 10)
    assert answering.asked == [[1], [1]]


async def test_a_question_that_cannot_be_put_fails_nobody_else(batched: BatchedQuery[int, int]) -> None:
    one, none, other = await asked(batched, 1, -1, 2)

    assert (one, other) == (10, 20)
    assert isinstance(none, Unanswerable)
    assert isinstance((await asked(batched, -1))[0], Unanswerable)
    assert await batched.load(3) == 30


async def test_several_questions_of_one_are_one_query_with_those_of_others(
    batched: BatchedQuery[int, int], answering: Answering
) -> None:
    several, one, none = await asyncio.gather(batched.load_all((3, 1, 3)), batched.load(1), batched.load_all(()))

    assert (several, one, none) == ([30, 10, 30], 10, [])
    assert answering.asked == [[1, 3]]
    assert await batched.load_all(()) == []
    assert answering.asked == [[1, 3]]


async def test_who_asks_several_of_which_one_cannot_be_put_fails_alone(batched: BatchedQuery[int, int]) -> None:
    one, none, other = await asyncio.gather(
        batched.load_all((1, 2)), batched.load_all((1, -1)), batched.load(2), return_exceptions=True
    )

    assert (one, other) == ([10, 20], 20)
    assert isinstance(none, Unanswerable)


async def test_what_concerns_the_database_is_told_to_all(batched: BatchedQuery[int, int]) -> None:
    assert [type(each) for each in await asked(batched, 1, 0, 2)] == [ConnectionError] * 3
    assert await batched.load(3) == 30


async def test_who_goes_away_takes_no_answer_from_others(batched: BatchedQuery[int, int], answering: Answering) -> None:
    answering.may_reply.clear()
    waiting = [asyncio.create_task(batched.load(each)) for each in (1, 1, 2)]
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    answering.may_reply.set()

    assert await asyncio.gather(*waiting[1:]) == [10, 20]
    assert await batched.load(3) == 30


async def test_who_asks_at_the_end_hears_that_it_is_the_end(log: EventLog) -> None:
    await log.close()

    async with asyncio.timeout(2):
        with pytest.raises(LogUnavailableError, match="closed"):
            await log.read_stream("ticket-1")


async def test_streams_read_at_once_do_not_get_mixed_up(log: EventLog, fact: Fact) -> None:
    facts = {stream: [fact(stream, version) for version in range(1, 8)] for stream in ("a", "b", "c", "d")}
    for version in range(7):
        await log.append([each[version] for each in facts.values()])

    wanted = [(stream, after) for stream in (*facts, "nothing") for after in (0, 3, 7)]
    found = await asyncio.gather(*(log.read_stream(*each) for each in wanted))

    for (stream, after), lines in zip(wanted, found, strict=True):
        assert [each.line for each in lines] == [each.line for each in facts.get(stream, [])[after:]]


async def test_a_name_that_no_database_stores_is_nobody_elses_trouble(log: EventLog, append: Append) -> None:
    await append(stream="ticket-1")

    good, odd, lost = await asyncio.gather(
        log.read_stream("ticket-1"),
        log.read_stream("ticket-\0"),
        log.stored_answer(IdempotencyKey(scope="\ud800", key="k", request_digest="d")),
        return_exceptions=True,
    )

    assert isinstance(good, list)
    assert len(good) == 1
    assert odd == [] or isinstance(odd, Exception)
    assert lost is None or isinstance(lost, Exception)
