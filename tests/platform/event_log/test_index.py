"""The index kept with the log: claims belong to one stream for ever, labels find streams, both in their events' transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from fristwerk_language.events import read_line
from fristwerk_platform.event_log import (
    ClaimedError,
    EventLog,
    GroupCommitLog,
    NameChange,
    NewEvent,
    VersionConflictError,
)
from fristwerk_platform.event_log.index import Entry
from fristwerk_platform.event_log.index_upkeep import IndexUpkeep

Fact = Callable[..., NewEvent]
RULES = "1"


def stream_of(line: bytes) -> str:
    return read_line(line).stream


def marked(new: NewEvent, **names: tuple[str, ...]) -> NewEvent:
    """The event with what it claims, the labels it gives and those it drops."""
    return msgspec.structs.replace(new, names=NameChange(**names))


async def test_a_claim_belongs_to_the_stream_that_was_first(log: EventLog, fact: Fact) -> None:
    await log.append([marked(fact("ticket-1", 1), claims=("reference:hamburg:HAM-1",))])

    with pytest.raises(ClaimedError) as refused:
        await log.append([fact("ticket-3", 1), marked(fact("ticket-2", 1), claims=("reference:hamburg:HAM-1",))])

    assert (refused.value.claim, refused.value.stream) == ("reference:hamburg:HAM-1", "ticket-1")
    assert await log.claimant("reference:hamburg:HAM-1") == "ticket-1"
    assert await log.claimant("reference:hamburg:HAM-2") is None
    assert await log.last_position() == 1


async def test_a_claim_is_refused_to_its_own_stream_as_well(log: EventLog, fact: Fact) -> None:
    """A message that arrives twice is the same message, also where both times it is of the same ticket."""
    await log.append([marked(fact("ticket-1", 1), claims=("source:1",))])

    with pytest.raises(ClaimedError) as refused:
        await log.append([marked(fact("ticket-1", 2), claims=("source:2", "source:1"))])

    assert (refused.value.claim, refused.value.stream) == ("source:1", "ticket-1")
    assert await log.claimant("source:2") is None


async def test_what_claims_a_name_twice_is_refused(log: EventLog, fact: Fact) -> None:
    with pytest.raises(ClaimedError):
        await log.append(
            [marked(fact("ticket-1", 1), claims=("source:1",)), marked(fact("ticket-2", 1), claims=("source:1",))]
        )

    assert await log.claimant("source:1") is None


async def test_of_rivals_for_a_claim_exactly_one_wins_and_no_neighbour_fails(log: EventLog, fact: Fact) -> None:
    rivals = [log.append([marked(fact(f"ticket-{each}", 1), claims=("source:1",))]) for each in range(20)]
    neighbours = [log.append([marked(fact(f"call-{each}", 1), claims=(f"own:{each}",))]) for each in range(20)]

    outcomes = await asyncio.gather(*rivals, *neighbours, return_exceptions=True)

    assert [type(each) for each in outcomes] == [int] + [ClaimedError] * 19 + [int] * 20
    assert await log.claimant("source:1") == "ticket-0"


async def test_two_logs_on_one_database_never_give_a_claim_twice(open_log: Callable[[], EventLog], fact: Fact) -> None:
    logs = open_log(), open_log()
    rivals = [
        log.append([marked(fact(f"ticket-{number}-{each}", 1), claims=(f"reference:{each}",))])
        for each in range(40)
        for number, log in enumerate(logs)
    ]

    outcomes = await asyncio.gather(*rivals, return_exceptions=True)

    pairs = list(zip(outcomes[::2], outcomes[1::2], strict=True))
    assert all(sorted(type(each).__name__ for each in pair) == ["ClaimedError", "int"] for pair in pairs)
    assert [await logs[0].claimant(f"reference:{each}") for each in range(40)] == [
        await logs[1].claimant(f"reference:{each}") for each in range(40)
    ]


async def test_labels_find_the_streams_and_their_last_versions(open_log: Callable[[], EventLog], fact: Fact) -> None:
    log, other = open_log(), open_log()
    await log.append([marked(fact("contract-2", 1), labels=("contracts:7", "contracts:8"))])
    await log.append([marked(fact("contract-1", 1), labels=("contracts:7",)), fact("contract-1", 2)])
    await log.append([marked(fact("contract-1", 3), labels=("contracts:7",))])

    assert await other.labelled("contracts:7") == [("contract-1", 3), ("contract-2", 1)]
    assert await other.labelled("contracts:8") == [("contract-2", 1)]
    assert await other.labelled("contracts:9") == []


async def test_the_streams_of_a_label_are_read_in_pages(log: EventLog, fact: Fact) -> None:
    names = [f"ticket-{number}" for number in range(5)]
    for each in reversed(names):
        await log.append([marked(fact(each, 1), labels=("open:7",)), fact(each, 2)])
    await log.append([marked(fact("ticket-22", 1), labels=("open:8",))])

    found, last = [], ""
    while page := await log.labelled_page("open:7", last, 2):
        assert len(page) <= 2
        found += page
        last, _ = page[-1]
    assert found == [(each, 2) for each in names] == await log.labelled("open:7")
    assert await log.labelled_page("open:7", "ticket-22", 9) == [("ticket-3", 2), ("ticket-4", 2)]


async def test_a_dropped_label_finds_the_stream_no_more(log: EventLog, fact: Fact) -> None:
    await log.append([marked(fact("ticket-1", 1), labels=("open:7",)), marked(fact("ticket-2", 1), labels=("open:7",))])
    await log.append([marked(fact("ticket-1", 2), dropped_labels=("open:7", "open:8"))])

    assert await log.labelled("open:7") == [("ticket-2", 1)]


async def test_of_labels_that_are_dropped_and_added_together_the_last_counts(log: EventLog, fact: Fact) -> None:
    """The appends of one group are one transaction, and each of them may change the same label."""
    given, dropped = {"labels": ("open:7",)}, {"dropped_labels": ("open:7",)}
    await asyncio.gather(
        log.append([marked(fact("ticket-1", 1), **given)]),
        log.append([marked(fact("ticket-2", 1), **given)]),
        log.append([marked(fact("ticket-2", 2), **dropped)]),
        log.append([marked(fact("ticket-1", 2), **dropped)]),
        log.append([marked(fact("ticket-1", 3), **given)]),
    )

    assert await log.labelled("open:7") == [("ticket-1", 3)]


async def test_what_is_refused_leaves_no_trace_in_the_index(log: EventLog, fact: Fact) -> None:
    await log.append([fact("ticket-1", 1)])
    names: dict[str, Any] = {"claims": ("source:1",), "labels": ("open:7",)}

    with pytest.raises(VersionConflictError):
        await log.append([marked(fact("ticket-1", 1), **names)])

    assert await log.claimant("source:1") is None
    assert await log.labelled("open:7") == []


async def test_a_log_without_index_is_filled_once_and_goes_on_where_it_was_broken_off(
    open_log: Callable[[], GroupCommitLog], fact: Fact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.event_log.index_upkeep.AT_ONCE", 10)
    log = open_log()
    names = [f"ticket-{number:02}" for number in range(35)]
    for name in names:
        await log.append([fact(name, 1), fact(name, 2)])
    asked: list[str] = []

    async def entries(streams: Sequence[str]) -> tuple[list[Entry], list[Entry]]:
        asked.extend(streams)
        if len(asked) == 20:
            raise ConnectionError("the process ends")
        return [(f"reference:{each}", each) for each in streams], [("open:7", each) for each in streams]

    with pytest.raises(ConnectionError):
        await IndexUpkeep(log, RULES, entries, stream_of).complete()
    assert len(await log.labelled("open:7")) == 10
    again = open_log()
    await IndexUpkeep(again, RULES, entries, stream_of).complete()
    await IndexUpkeep(again, RULES, entries, stream_of).complete()

    assert asked == names[:20] + names[10:]
    assert await again.labelled("open:7") == [(each, 2) for each in names]
    assert await again.claimant("reference:ticket-34") == "ticket-34"


async def test_filling_leaves_what_events_have_claimed_meanwhile(
    open_log: Callable[[], GroupCommitLog], fact: Fact
) -> None:
    log = open_log()
    await log.append([marked(fact("ticket-1", 1), claims=("reference:1",), labels=("open:7",))])

    async def entries(streams: Sequence[str]) -> tuple[list[Entry], list[Entry]]:
        return [("reference:1", "ticket-9")] if streams else [], [("open:7", each) for each in streams]

    await IndexUpkeep(log, RULES, entries, stream_of).complete()

    assert await log.claimant("reference:1") == "ticket-1"
    assert await log.labelled("open:7") == [("ticket-1", 1)]


async def test_what_an_older_program_appended_meanwhile_is_indexed_at_the_next_start(
    open_log: Callable[[], GroupCommitLog], fact: Fact
) -> None:
    log = open_log()
    await log.append([marked(fact("ticket-1", 1), labels=("open:7",))])
    asked: list[str] = []

    async def entries(streams: Sequence[str]) -> tuple[list[Entry], list[Entry]]:
        asked.extend(streams)
        return [], [("open:7", each) for each in streams]

    await IndexUpkeep(log, RULES, entries, stream_of).complete()
    await log.append([fact("ticket-2", 1), fact("ticket-2", 2)])  # as a program does that knows no names
    await IndexUpkeep(open_log(), RULES, entries, stream_of).complete()
    await IndexUpkeep(open_log(), RULES, entries, stream_of).complete()

    assert await log.labelled("open:7") == [("ticket-1", 1), ("ticket-2", 2)]
    assert asked == ["ticket-1", "ticket-2"]
