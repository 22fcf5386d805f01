"""The event log keeps what it acknowledged, all or nothing, once, in an order that never changes."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from shared.event_log import (
    Answer,
    EventLog,
    FeedLine,
    GroupedEventLog,
    IdempotencyKey,
    Keyed,
    KeyUsedError,
    LogUnavailableError,
    SqliteEventLog,
    VersionConflictError,
)
from shared.event_log.grouping import KEYS_KEPT
from shared.events import NewEvent, read_line

Fact = Callable[..., NewEvent]
Append = Callable[..., Awaitable[int]]


@pytest.fixture
def answered(now: datetime) -> Callable[..., Keyed]:
    """Makes a key with the answer that belongs to it."""

    def make(key: str = "key-1", body: bytes = b"first", digest: str = "digest", stored_at: datetime = now) -> Keyed:
        name = IdempotencyKey(scope="hamburg/agent-3", key=key, request_digest=digest)
        return Keyed(key=name, answer=Answer(status=201, body=body, headers={"ETag": '"1"'}), stored_at=stored_at)

    return make


async def everything(log: EventLog) -> list[FeedLine]:
    return await log.read_feed(0, 100_000)


def places(lines: list[FeedLine]) -> list[tuple[str, int]]:
    return [(read_line(each.line).stream, read_line(each.line).version) for each in lines]


async def test_an_answer_alone_is_stored_under_its_key_beside_appends_of_events(
    log: EventLog, fact: Fact, answered: Callable[..., Keyed]
) -> None:
    """A command that changes nothing is answered once as well, or its repetition might change something."""
    alone = answered("key-alone")
    position, nothing = await asyncio.gather(
        log.append([fact("ticket-1", 1)], answered("key-1")), log.append([], alone)
    )
    assert (position, nothing) == (1, 0)
    stored = await log.stored_answer(alone.key)
    assert stored is not None
    assert stored.answer == alone.answer
    with pytest.raises(KeyUsedError):
        await log.append([], alone)
    assert len(await everything(log)) == 1


async def test_an_answer_alone_is_stored_where_no_events_are_appended_beside_it(
    log: EventLog, answered: Callable[..., Keyed]
) -> None:
    assert await log.append([], answered()) == 0

    assert await log.stored_answer(answered().key) is not None
    with pytest.raises(KeyUsedError):
        await log.append([], answered())


async def test_what_was_appended_is_read_back_to_the_byte(log: EventLog, fact: Fact) -> None:
    first, second = fact("ticket-1", 1), fact("ticket-1", 2)

    assert await log.append([first]) == 1
    assert await log.append([second]) == 2

    assert await log.read_stream("ticket-1") == [FeedLine(1, first.line), FeedLine(2, second.line)]
    assert await log.read_stream("ticket-1", after_version=1) == [FeedLine(2, second.line)]
    assert await log.read_stream("ticket-2") == []
    assert await log.last_position() == 2


async def test_an_empty_log_ends_at_zero(log: EventLog) -> None:
    assert await log.last_position() == 0
    assert await everything(log) == []


async def test_a_version_that_exists_is_a_conflict(log: EventLog, fact: Fact) -> None:
    await log.append([fact("ticket-1", 1)])

    with pytest.raises(VersionConflictError, match="ticket-1 does not continue with version 1"):
        await log.append([fact("ticket-1", 1)])


@pytest.mark.parametrize("version", [0, -1, 3])
async def test_a_version_that_leaves_a_gap_is_a_conflict(log: EventLog, fact: Fact, version: int) -> None:
    await log.append([fact("ticket-1", 1)])

    with pytest.raises(VersionConflictError):
        await log.append([fact("ticket-1", version)])
    with pytest.raises(VersionConflictError):
        await log.append([fact("ticket-2", 2)])

    assert places(await everything(log)) == [("ticket-1", 1)]


async def test_of_several_events_all_are_stored_or_none(log: EventLog, fact: Fact) -> None:
    await log.append([fact("ticket-2", 1)])

    with pytest.raises(VersionConflictError):
        await log.append([fact("ticket-1", 1), fact("ticket-1", 2), fact("ticket-2", 1)])
    with pytest.raises(VersionConflictError):
        await log.append([fact("ticket-1", 1), fact("ticket-1", 1)])
    await log.append([fact("ticket-1", 1), fact("ticket-2", 2), fact("ticket-1", 2)])

    assert places(await everything(log)) == [("ticket-2", 1), ("ticket-1", 1), ("ticket-2", 2), ("ticket-1", 2)]


async def test_a_conflict_of_one_never_fails_its_neighbours(log: EventLog, fact: Fact) -> None:
    await log.append([fact("ticket-0", 1)])
    appends = [log.append([fact(f"ticket-{number}", 1)]) for number in range(20)]
    appends += [log.append([fact("ticket-19", 1), fact("ticket-19", 2)])]

    outcomes = await asyncio.gather(*appends, return_exceptions=True)

    assert [type(each) for each in outcomes] == [VersionConflictError] + [int] * 19 + [VersionConflictError]
    assert len(await everything(log)) == 20


async def test_what_cannot_be_stored_never_fails_its_neighbours(log: EventLog, fact: Fact) -> None:
    unstorable = NewEvent(stream="ticket-\ud800", version=1, type="Closed", line=b"{}")
    too_large = NewEvent(stream="ticket-3", version=2**70, type="Closed", line=b"{}")

    outcomes = await asyncio.gather(
        log.append([fact("ticket-1", 1)]),
        log.append([unstorable]),
        log.append([too_large]),
        log.append([fact("ticket-2", 1)]),
        return_exceptions=True,
    )

    assert [isinstance(each, int) for each in outcomes] == [True, False, False, True]
    assert places(await everything(log)) == [("ticket-1", 1), ("ticket-2", 1)]


async def test_of_rivals_for_a_version_exactly_one_wins(log: EventLog, fact: Fact) -> None:
    rivals = [log.append([fact("ticket-1", 1, channel=str(number))]) for number in range(50)]

    outcomes = await asyncio.gather(*rivals, return_exceptions=True)

    assert sum(isinstance(each, int) for each in outcomes) == 1
    assert len(await everything(log)) == 1


async def test_a_key_brings_back_the_answer_it_was_stored_with(
    log: EventLog, fact: Fact, answered: Callable[..., Keyed]
) -> None:
    await log.append([fact("ticket-1", 1)], answered())

    with pytest.raises(KeyUsedError) as used:
        await log.append([fact("ticket-1", 2)], answered(body=b"second", digest="another"))

    assert used.value.stored.request_digest == "digest"
    assert used.value.stored.answer == Answer(status=201, body=b"first", headers={"ETag": '"1"'})
    assert await log.stored_answer(answered().key) == used.value.stored
    assert len(await everything(log)) == 1


async def test_a_used_key_says_so_even_where_the_version_is_taken_by_now(
    log: EventLog, fact: Fact, answered: Callable[..., Keyed]
) -> None:
    await log.append([fact("ticket-1", 1)], answered())

    with pytest.raises(KeyUsedError):
        await log.append([fact("ticket-1", 1)], answered())


async def test_a_key_of_an_append_that_was_refused_is_still_unused(
    log: EventLog, fact: Fact, answered: Callable[..., Keyed]
) -> None:
    await log.append([fact("ticket-1", 1)])

    with pytest.raises(VersionConflictError):
        await log.append([fact("ticket-1", 1)], answered())

    assert await log.stored_answer(answered().key) is None
    await log.append([fact("ticket-1", 2)], answered())


async def test_one_client_s_key_is_not_another_s(log: EventLog, fact: Fact, answered: Callable[..., Keyed]) -> None:
    mine = answered()
    theirs = Keyed(
        key=IdempotencyKey(scope="kiel/agent-3", key=mine.key.key, request_digest="digest"),
        answer=mine.answer,
        stored_at=mine.stored_at,
    )
    await log.append([fact("ticket-1", 1)], mine)

    assert await log.stored_answer(theirs.key) is None
    assert await log.append([fact("ticket-2", 1)], theirs) == 2


async def test_of_concurrent_appends_under_one_key_exactly_one_is_stored(
    log: EventLog, fact: Fact, answered: Callable[..., Keyed]
) -> None:
    twins = [log.append([fact(f"ticket-{n}", 1)], answered(body=str(n).encode())) for n in range(20)]

    outcomes = await asyncio.gather(*twins, return_exceptions=True)

    winners = [number for number, each in enumerate(outcomes) if isinstance(each, int)]
    answers = {each.stored.answer.body for each in outcomes if isinstance(each, KeyUsedError)}
    assert len(winners) == 1
    assert answers == {str(winners[0]).encode()}
    assert len(await everything(log)) == 1


async def test_keys_are_forgotten_after_ninety_days(
    log: GroupedEventLog, fact: Fact, answered: Callable[..., Keyed], now: datetime
) -> None:
    await log.append([fact("ticket-1", 1)], answered("old", stored_at=now - KEYS_KEPT - timedelta(seconds=2)))
    await log.append([fact("ticket-1", 2)], answered("young", stored_at=now - KEYS_KEPT + timedelta(seconds=2)))

    await log.forget_keys(now)

    assert await log.stored_answer(answered("old").key) is None
    assert await log.stored_answer(answered("young").key) is not None
    assert len(await everything(log)) == 2


async def test_positions_of_a_lost_tail_are_never_given_to_other_events(
    open_log: Callable[[], EventLog], fact: Fact, lose_tail: Callable[[int], None]
) -> None:
    log = open_log()
    positions = [await log.append([fact("ticket-1", version)]) for version in range(1, 6)]
    await log.close()
    lose_tail(2)

    reopened = open_log()

    assert await reopened.last_position() == 2
    assert await reopened.append([fact("ticket-1", 3)]) > positions[-1]


async def test_a_state_newer_than_a_log_that_lost_its_tail_cannot_go_on(
    open_log: Callable[[], EventLog], fact: Fact, lose_tail: Callable[[int], None]
) -> None:
    log = open_log()
    await log.append([fact("ticket-1", 1), fact("ticket-1", 2), fact("ticket-1", 3)])
    await log.close()
    lose_tail(2)

    with pytest.raises(VersionConflictError):
        await open_log().append([fact("ticket-1", 4)])


async def test_readers_that_follow_eight_writers_never_skip_an_event(log: EventLog, fact: Fact) -> None:
    writers, each_writes = 8, 60

    async def write(stream: str) -> None:
        for version in range(1, each_writes + 1):
            await log.append([fact(stream, version)])

    async def follow(limit: int) -> list[FeedLine]:
        seen: list[FeedLine] = []
        while len(seen) < writers * each_writes:
            await log.wait(seen[-1].position if seen else 0, 5)
            seen += await log.read_feed(seen[-1].position if seen else 0, limit)
        return seen

    async with asyncio.timeout(20):
        *_, few, many = await asyncio.gather(
            *(write(f"ticket-{number}") for number in range(writers)), follow(3), follow(1_000)
        )

    assert few == many == await everything(log)
    assert [each.position for each in few] == sorted({each.position for each in few})


async def test_a_wait_ends_as_soon_as_something_is_appended(log: EventLog, append: Append) -> None:
    await append()
    waiting = asyncio.create_task(log.wait(1, 20))
    await asyncio.sleep(0.05)
    assert not waiting.done()

    await append()

    async with asyncio.timeout(0.5):
        await waiting


async def test_a_wait_for_what_is_there_ends_at_once(log: EventLog, append: Append) -> None:
    await append(number=3)

    async with asyncio.timeout(0.5):
        await log.wait(2, 20)


async def test_a_wait_ends_when_its_time_is_over(log: EventLog, append: Append) -> None:
    await append()
    loop = asyncio.get_running_loop()
    began = loop.time()

    await log.wait(1, 0.15)

    assert 0.14 <= loop.time() - began < 1


async def test_a_refused_append_wakes_nobody(log: EventLog, append: Append, fact: Fact) -> None:
    await append()
    waiting = asyncio.create_task(log.wait(1, 20))
    await asyncio.sleep(0.05)

    with pytest.raises(VersionConflictError):
        await log.append([fact("ticket-1", 1)])
    await asyncio.sleep(0.05)

    assert not waiting.done()
    waiting.cancel()


async def test_an_append_whose_client_went_away_is_stored_all_the_same(log: EventLog, fact: Fact) -> None:
    appending = asyncio.create_task(log.append([fact("ticket-1", 1)]))
    await asyncio.sleep(0)
    appending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await appending

    await log.append([fact("ticket-2", 1)])

    assert ("ticket-1", 1) in places(await everything(log))


async def test_closing_stores_what_was_accepted_and_refuses_what_comes_later(
    open_log: Callable[[], EventLog], fact: Fact
) -> None:
    log = open_log()
    accepted = [asyncio.create_task(log.append([fact(f"ticket-{number}", 1)])) for number in range(1_500)]
    await asyncio.sleep(0)

    await log.close()

    assert all(isinstance(each, int) for each in await asyncio.gather(*accepted))
    with pytest.raises(LogUnavailableError, match="closing"):
        await log.append([fact("ticket-late", 1)])
    with pytest.raises(LogUnavailableError, match="closed"):
        await log.last_position()
    assert len(await everything(open_log())) == 1_500


async def test_closing_ends_every_wait(open_log: Callable[[], EventLog]) -> None:
    log = open_log()
    waiting = asyncio.create_task(log.wait(0, 20))
    await asyncio.sleep(0.05)

    async with asyncio.timeout(0.5):
        await log.close()
        await waiting


async def test_a_log_may_be_closed_twice(open_log: Callable[[], EventLog]) -> None:
    log = open_log()

    await log.close()
    await log.close()


async def test_too_many_waiting_appends_are_refused_and_the_others_stored(
    log: EventLog, fact: Fact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.event_log.grouping.MAX_WAITING", 10)
    numbers = count(1)

    outcomes = await asyncio.gather(
        *(log.append([fact(f"ticket-{next(numbers)}", 1)]) for _ in range(2_000)), return_exceptions=True
    )

    refused = [each for each in outcomes if isinstance(each, LogUnavailableError)]
    assert refused
    assert str(refused[0]) == "too many appends are waiting"
    assert len(await everything(log)) == len(outcomes) - len(refused)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_file_that_is_no_log_is_refused_with_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "log.db"
    file.write_bytes(b"this is a letter and not a database at all" * 100)

    assert refusal_to_open(file) == f"The log {file} cannot be opened: file is not a database."
    gc.collect()  # the library leaves the connection that it could not use to the collector, which warns of it


def refusal_to_open(file: Path) -> str:
    with pytest.raises(LogUnavailableError) as refused:
        SqliteEventLog(file)
    return str(refused.value)
