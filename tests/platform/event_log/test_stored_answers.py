"""Answers stored under idempotency keys: in the transaction of their events, found again to the byte, forgotten after 90 days."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from fristwerk_platform.event_log import (
    Answer,
    EventLog,
    FeedLine,
    GroupCommitLog,
    IdempotencyKey,
    Keyed,
    KeyUsedError,
    NewEvent,
    VersionConflictError,
)
from fristwerk_platform.event_log.log import KEYS_KEPT

Fact = Callable[..., NewEvent]


@pytest.fixture
def answered(now: datetime) -> Callable[..., Keyed]:
    """Makes a key with the answer that belongs to it."""

    def make(key: str = "key-1", body: bytes = b"first", digest: str = "digest", stored_at: datetime = now) -> Keyed:
        name = IdempotencyKey(scope="hamburg/agent-3", key=key, request_digest=digest)
        return Keyed(key=name, answer=Answer(status=201, body=body, headers={"ETag": '"1"'}), stored_at=stored_at)

    return make


async def everything(log: EventLog) -> list[FeedLine]:
    return await log.read_feed(0, 100_000)


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
    log: GroupCommitLog, fact: Fact, answered: Callable[..., Keyed], now: datetime
) -> None:
    await log.append([fact("ticket-1", 1)], answered("old", stored_at=now - KEYS_KEPT - timedelta(seconds=2)))
    await log.append([fact("ticket-1", 2)], answered("young", stored_at=now - KEYS_KEPT + timedelta(seconds=2)))

    await log.forget_keys(now)

    assert await log.stored_answer(answered("old").key) is None
    assert await log.stored_answer(answered("young").key) is not None
    assert len(await everything(log)) == 2


async def test_a_log_that_is_kept_tidy_forgets_them_at_once_and_again_and_again(
    log: GroupCommitLog,
    fact: Fact,
    answered: Callable[..., Keyed],
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fristwerk_platform.event_log.log.DAY_SECONDS", 0.01)
    days = iter([now, now + KEYS_KEPT + timedelta(days=1)])
    await log.append([fact("ticket-1", 1)], answered())

    tidying = asyncio.create_task(log.keep_tidy(lambda: next(days)))
    with pytest.raises(RuntimeError):  # no third day
        async with asyncio.timeout(5):
            await tidying

    assert await log.stored_answer(answered().key) is None
