"""The trees grow with the log, their heads can be checked by anybody, and a log that was changed by hand is named."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec
import pytest

from fristwerk_platform.event_log import EventLog, FeedLine, LogUnavailableError
from fristwerk_platform.transparency.keeper import TreeKeeper
from fristwerk_platform.transparency.proofs import NoSuchTreePartError, close_by
from fristwerk_platform.transparency.trees import Trees
from fristwerk_proof import checkpoints
from fristwerk_proof.merkle import leaf_hash, root_of
from fristwerk_proof.proofs import check_consistency, check_inclusion
from fristwerk_proof.tiles import unbundled
from tests.platform.transparency.conftest import Execute, leaves_of

Append = Callable[..., Awaitable[int]]
CHANGES: Final = {
    "a changed event": (
        "UPDATE stored_events SET state = replace(state, 'email', 'phone') WHERE rowid = 3",
        """UPDATE log.stored_events SET state = convert_to(replace(convert_from(state, 'UTF8'), 'email', 'phone'), 'UTF8')
        WHERE notification_id = 3""",
        r"The event at position 3 \(ProgressReported, version 3 of ticket-1\) is not the one",
    ),
    "a deleted event": (
        "DELETE FROM stored_events WHERE rowid = 3",
        "DELETE FROM log.stored_events WHERE notification_id = 3",
        "The event at position 3 is missing",
    ),
    "two swapped events": (
        "UPDATE stored_events SET state = (SELECT state FROM stored_events WHERE rowid = 2) WHERE rowid = 3",
        """UPDATE log.stored_events SET state = (SELECT state FROM log.stored_events WHERE notification_id = 2)
        WHERE notification_id = 3""",
        "is not the one",
    ),
    "a lost tail": (
        "DELETE FROM stored_events WHERE rowid > 3",
        "DELETE FROM log.stored_events WHERE notification_id > 3",
        "The event at position 4 is missing",
    ),
}


async def test_each_provider_has_a_tree_of_its_own_lines(trees: Trees, log: EventLog, append: Append) -> None:
    for stream, provider in [("ticket-1", "hamburg"), ("ticket-2", "zürich"), ("ticket-1", "hamburg")] * 2:
        await append(stream, provider=provider)

    assert await trees.keeper.step() == 6

    for provider, size in (("hamburg", 4), ("zürich", 2)):
        head = await trees.reads.head(provider)
        origin = trees.keeper.origin(provider)
        opened = checkpoints.opened(head.note, trees.keeper.keys.verifiers(origin))
        assert (opened.size, opened.root) == (size, root_of(await leaves_of(log, provider)))
    assert "z%C3%BCrich" in trees.keeper.origin("zürich")


async def test_a_tree_of_many_tiles_proves_every_event_and_each_of_its_heads(
    trees: Trees, log: EventLog, append: Append
) -> None:
    for number in (1, 255, 1, 300, 90):
        await append("ticket-1", number)
        await append("ticket-2", provider="bern")
        await trees.keeper.step()
    hashes = await leaves_of(log, "hamburg")
    heads = await trees.reads.heads("hamburg", 0, 10)
    newest = heads[-1]
    root = root_of(hashes)

    assert [each.size for each in heads] == [1, 256, 257, 557, 647]
    for position in (1, 3, 4, 257, 259, 400, 651):
        proof = await trees.reads.inclusion("hamburg", position)
        check_inclusion(
            bytes.fromhex(proof.leaf), proof.index, newest.size, [bytes.fromhex(each) for each in proof.hashes], root
        )
        assert bytes.fromhex(proof.leaf) == hashes[proof.index]
    for older in heads:
        shown = await trees.reads.consistency("hamburg", older.size, newest.size)
        seen = root_of(hashes[: older.size])
        check_consistency(older.size, seen, newest.size, root, [bytes.fromhex(each) for each in shown.hashes])
    bundled = list(unbundled(await trees.reads.entries("hamburg", 1, 256)))
    assert [leaf_hash(each) for each in bundled] == hashes[256:512]


async def test_what_lies_between_a_small_providers_events_is_not_read(
    trees: Trees, log: EventLog, append: Append, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await append("ticket-2", 2, provider="bern")
        await append("ticket-1", 400)
    await trees.keeper.step()
    hashes = await leaves_of(log, "bern")
    asked: list[int] = []
    read_feed = log.read_feed

    async def counted(after: int, limit: int) -> list[FeedLine]:
        asked.append(limit)
        return await read_feed(after, limit)

    monkeypatch.setattr(log, "read_feed", counted)
    lines = await trees.reads.lines("bern", 0, 1_000)

    assert [leaf_hash(each) for each in lines] == hashes
    assert asked == [2, 2, 2]


@pytest.mark.parametrize(
    ("positions", "together"),
    [([5], [5]), ([5, 6, 38, 71], [5, 6, 38]), ([1, 50], [1]), ([*range(1, 2_001)], [*range(1, 1_001)])],
)
def test_positions_that_lie_close_are_read_together(positions: list[int], together: list[int]) -> None:
    assert close_by(positions) == together


async def test_another_providers_event_is_in_no_proof(trees: Trees, append: Append) -> None:
    await append("ticket-1", 3)
    foreign = await append("ticket-2", provider="bern")
    await trees.keeper.step()

    with pytest.raises(NoSuchTreePartError, match=f"No event at position {foreign} is in the tree of 3"):
        await trees.reads.inclusion("hamburg", foreign)
    with pytest.raises(NoSuchTreePartError):
        await trees.reads.head("nobody")
    with pytest.raises(NoSuchTreePartError):
        await trees.reads.consistency("hamburg", 2, 4)
    with pytest.raises(NoSuchTreePartError):
        await trees.reads.tile("hamburg", 0, 0, 4)


async def test_a_log_that_was_there_before_its_tree_is_covered_as_found(
    open_some: Callable[[], Trees], append: Append
) -> None:
    trees = open_some()
    await trees.database.create()
    await append("ticket-1", 3)
    await trees.keeper.begin()
    await trees.keeper.step()
    await append("ticket-1", 2)
    await trees.keeper.begin()
    await trees.keeper.step()

    assert [(each.size, each.as_found) for each in await trees.reads.heads("hamburg", 0, 10)] == [(3, True), (5, False)]


async def test_two_keepers_at_once_take_every_event_once(
    trees: Trees, open_some: Callable[[], Trees], log: EventLog, append: Append
) -> None:
    other = open_some()
    for _ in range(10):
        await append("ticket-1", 7)
        await asyncio.gather(trees.keeper.step(), other.keeper.step())
    await trees.keeper.finish()

    head = await other.reads.head("hamburg")
    opened = checkpoints.opened(head.note, trees.keeper.keys.verifiers(trees.keeper.origin("hamburg")))
    assert (opened.size, opened.root) == (70, root_of(await leaves_of(log, "hamburg")))


async def test_what_is_recorded_is_covered_without_anybody_asking(trees: Trees, append: Append) -> None:
    running = asyncio.create_task(trees.keeper.run())
    await append("ticket-1", 1_000)

    async with asyncio.timeout(8):
        while await trees.keeper.position() < 1_000:  # noqa: ASYNC110 - the keeper tells nobody
            await asyncio.sleep(0.02)

    running.cancel()
    assert (await trees.keeper.check()).detail == "0 events are in no signed head yet"


async def test_while_the_log_cannot_be_read_the_trees_wait_and_then_go_on(
    trees: Trees, log: EventLog, append: Append, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task that ended would be started again, and the service would not be ready for seconds after its database was."""
    reads, read_newest = 0, log.read_newest

    async def away_twice(after: int, limit: int) -> Sequence[FeedLine]:
        nonlocal reads
        reads += 1
        if reads <= 2:
            raise LogUnavailableError("the log could not be read")
        return await read_newest(after, limit)

    monkeypatch.setattr(log, "read_newest", away_twice)
    await append("ticket-1", 1_000)
    running = asyncio.create_task(trees.keeper.run())

    async with asyncio.timeout(8):
        while not running.done() and await trees.keeper.position() < 1_000:  # noqa: ASYNC110 - the keeper tells nobody
            await asyncio.sleep(0.02)

    assert not running.done()
    assert reads >= 3
    running.cancel()


async def test_an_unchanged_log_is_found_unchanged(trees: Trees, append: Append, now: datetime) -> None:
    await append("ticket-1", 300)
    await append("ticket-2", 10, provider="bern")
    await trees.keeper.finish()
    await append("ticket-1", 5)  # not covered yet

    assert await trees.keeper.check_log(pauses=0) is None
    assert trees.keeper.checked_at == now


@pytest.mark.parametrize("kind", CHANGES)
async def test_a_log_that_was_changed_by_hand_is_named_between_its_two_heads(
    trees: Trees, append: Append, by_hand: Execute, kind: str
) -> None:
    on_sqlite, on_postgres, sentence = CHANGES[kind]
    await append("ticket-1", 2)
    await trees.keeper.step()
    await append("ticket-1", 3)
    await trees.keeper.step()
    by_hand(on_sqlite, on_postgres)

    found = await trees.keeper.check_log(pauses=0)

    assert found is not None
    assert re.search(sentence, found), found
    assert "it stands between the head of 2 events and that of 5, signed 2026-06-03T14:31:12.052000+00:00." in found
    health = await trees.keeper.check()
    assert (health.ok, health.detail) == (False, found)


async def test_an_event_that_was_moved_is_missing_where_it_was(trees: Trees, append: Append, by_hand: Execute) -> None:
    await append("ticket-1", 2)
    await append("ticket-2", 2)
    await trees.keeper.step()
    by_hand(
        "UPDATE stored_events SET rowid = 9 WHERE rowid = 3",
        "UPDATE log.stored_events SET notification_id = 9 WHERE notification_id = 3",
    )

    assert "position 3 is missing" in str(await trees.keeper.check_log(pauses=0))


async def test_a_log_that_lost_its_tail_is_not_taken_on(
    trees: Trees, append: Append, lose_tail: Callable[[int], None]
) -> None:
    await append("ticket-1", 5)
    await trees.keeper.step()
    lose_tail(3)

    assert await trees.keeper.step() == 0
    assert trees.keeper.contradiction == "The log ends at position 3, but its tree reaches to 5."
    assert (await trees.reads.head("hamburg")).size == 5


async def test_keys_are_rotated_and_old_heads_still_checked(trees: Trees, append: Append) -> None:
    await append("ticket-1")
    await trees.keeper.step()
    before = trees.keeper.keys
    newest = base64.b64encode(bytes(range(32))).decode()
    trees.keeper.keys = msgspec.structs.replace(before, seeds=[newest, *before.seeds])
    await append("ticket-1")
    await trees.keeper.step()

    keys = trees.keeper.keys.verifiers(trees.keeper.origin("hamburg"))
    assert len(keys) == 2
    for head in await trees.reads.heads("hamburg", 0, 10):
        assert checkpoints.opened(head.note, keys).size == head.size


async def test_many_who_ask_for_the_log_to_be_hashed_share_a_run(
    log: EventLog, append: Append, trees: Trees, now: datetime
) -> None:
    await append("ticket-1", 300)
    await trees.keeper.finish()
    ended: list[datetime] = []

    def note() -> datetime:
        ended.append(now)
        return now

    keeper = TreeKeeper(log, "tickets", trees.database, trees.keeper.keys, note)
    assert await asyncio.gather(*(keeper.check_log_now() for _ in range(20))) == [None] * 20

    assert len(ended) == 2, "the first, and one for all who asked while it ran"
