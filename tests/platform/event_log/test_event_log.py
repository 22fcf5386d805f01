"""The event log keeps what it acknowledged, all or nothing, once, in an order that never changes."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

import pytest

from fristwerk_language.events import read_line
from fristwerk_platform.event_log import (
    EventLog,
    FeedLine,
    LogUnavailableError,
    NewEvent,
    SqliteEventLog,
    VersionConflictError,
)

Fact = Callable[..., NewEvent]
Append = Callable[..., Awaitable[int]]


async def everything(log: EventLog) -> list[FeedLine]:
    return await log.read_feed(0, 100_000)


def places(lines: list[FeedLine]) -> list[tuple[str, int]]:
    return [(read_line(each.line).stream, read_line(each.line).version) for each in lines]


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
    monkeypatch.setattr("fristwerk_platform.event_log.group_commit.MAX_WAITING", 10)
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


async def test_a_page_of_a_stream_holds_its_first_lines_after_a_version(log: EventLog, fact: Fact) -> None:
    facts = [fact("ticket-1", version) for version in range(1, 8)]
    await log.append(facts)
    await log.append([fact("ticket-2", 1)])

    pages = await asyncio.gather(
        log.read_stream("ticket-1", 2, 3), log.read_stream("ticket-1", 6, 3), log.read_stream("ticket-2", 0, 3)
    )

    assert [[(read_line(each.line).stream, read_line(each.line).version) for each in page] for page in pages] == [
        [("ticket-1", 3), ("ticket-1", 4), ("ticket-1", 5)],
        [("ticket-1", 7)],
        [("ticket-2", 1)],
    ]
