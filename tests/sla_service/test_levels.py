"""Targets of levels: 40 hours in all, of which the first level has 10 and the second 30."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from fristwerk_language.events.relations import MergedInto
from fristwerk_language.events.tickets import InformationReceived, InformationRequested, Reopened, Resolved, Transferred
from fristwerk_language.terms import TermsError, agreement_document
from sla_service.domain.explanation.explanation import explain, sentences
from sla_service.domain.timers.derivation import derive_timers
from sla_service.domain.timers.timeline_reader import read_timeline
from sla_service.domain.timers.timer import Timer, state_at, used_seconds

Agreed = Callable[..., Any]
NOW = datetime.fromisoformat("2026-06-30T00:00Z")
WHOLE = {"metric": "resolution", "target": "40 business hours"}
FIRST = {"metric": "resolution", "level": "1", "target": "4 business hours"}
SECOND = {"metric": "resolution", "level": "2", "target": "10 business hours"}
TO_SECOND = Transferred(level="2")
TO_FIRST = Transferred(level="1")


def by_level(ticket: Any) -> dict[str, Timer]:
    return {str(each.level): each for each in ticket.timers("resolution")}


def told(timer: Timer, now: datetime = NOW) -> tuple[str | None, ...]:
    due, end = timer.due_at, timer.ended_at or timer.cancelled_at
    return state_at(timer, now), *(None if each is None else f"{each:%d %H:%M}" for each in (due, end))


def test_each_level_has_its_own_clock_inside_one_promise(agreed: Agreed) -> None:
    ticket = agreed(WHOLE, FIRST, SECOND)("2026-06-08 10:00").at("2026-06-08 12:00", TO_SECOND)
    found = by_level(ticket)
    assert told(found["1"]) == ("met", "08 12:00", "08 10:00")
    assert told(found["2"])[1:] == ("09 12:00", None)
    assert told(found["UNSET"])[1:] == ("15 08:00", None)
    assert {each.id for each in found.values()} == {
        "t-1:resolution",
        "t-1:resolution:level:1",
        "t-1:resolution:level:2",
    }


def test_without_a_transfer_the_first_level_named_has_the_ticket_until_it_is_resolved(agreed: Agreed) -> None:
    ticket = agreed(SECOND, FIRST)("2026-06-08 10:00").at("2026-06-08 11:00", Resolved())
    assert {level: told(each)[0] for level, each in by_level(ticket).items()} == {"2": "met"}


def test_a_return_goes_on_with_what_was_used(agreed: Agreed) -> None:
    ticket = agreed(FIRST, SECOND)("2026-06-08 10:00").at("2026-06-08 12:00", TO_SECOND)
    ticket.at("2026-06-08 15:00", TO_FIRST)
    first = by_level(ticket)["1"]
    assert told(first)[1:] == ("08 15:00", None), "two hours before, two from 15 on"
    assert [(each.state, each.seconds) for each in first.pauses] == [("other_level", 3 * 3600)]
    assert told(by_level(ticket)["2"]) == ("met", "09 12:00", "08 13:00")


def test_what_was_missed_at_a_level_stays_missed(agreed: Agreed) -> None:
    ticket = agreed(FIRST, SECOND)("2026-06-08 10:00").at("2026-06-08 14:01", TO_SECOND)
    assert told(by_level(ticket)["1"]) == ("missed", "08 12:00", "08 12:01")


def test_a_wait_counts_for_the_level_that_had_the_ticket(agreed: Agreed, calendars: Any) -> None:
    ticket = agreed(FIRST, SECOND)("2026-06-08 10:00").at("2026-06-08 11:00", InformationRequested())
    ticket.at("2026-06-08 12:00", TO_SECOND).at("2026-06-08 13:00", InformationReceived())
    found = by_level(ticket)
    assert told(found["1"])[0] == "met"
    assert told(found["2"])[1] == "09 13:00", "an hour of the wait is the second level's"
    assert used_seconds(found["1"], calendars("digidesk"), NOW) == 3600


def test_a_reopened_ticket_goes_on_at_its_level(agreed: Agreed) -> None:
    ticket = agreed(FIRST, SECOND)("2026-06-08 10:00").at("2026-06-08 11:00", TO_SECOND)
    ticket.at("2026-06-08 12:00", Resolved()).at("2026-06-08 14:00", Reopened())
    assert told(by_level(ticket)["2"])[1:] == ("09 13:00", None)
    assert told(by_level(ticket)["1"])[0] == "met"


def test_a_transfer_to_a_department_alone_is_back_at_the_first_level(agreed: Agreed) -> None:
    ticket = agreed(FIRST, SECOND)("2026-06-08 10:00").at("2026-06-08 11:00", Transferred(department="hardware"))
    ticket.at("2026-06-08 11:30", TO_FIRST)
    first = by_level(ticket)["1"]
    assert (told(first)[1], first.pauses) == ("08 12:00", ())


def test_a_merge_ends_the_clocks_of_levels(agreed: Agreed) -> None:
    ticket = agreed(FIRST, SECOND)("2026-06-08 10:00").at("2026-06-08 11:00", TO_SECOND)
    ticket.at("2026-06-08 12:00", MergedInto(ticket="t-0", reference="T"))
    assert told(by_level(ticket)["2"])[0] == "cancelled"
    assert told(by_level(ticket)["1"])[0] == "met"


@pytest.mark.parametrize(
    ("lang", "start", "wait", "level"),
    [
        ("de", "Übergabe an die Stufe", "bei einer anderen Stufe", "bei der Stufe 2 war"),
        ("en", "Handed to the level", "at another level", "at level 2 is counted"),
    ],
)
def test_an_explanation_says_which_level_is_measured(
    agreed: Agreed, lang: Any, start: str, wait: str, level: str
) -> None:
    ticket = agreed(FIRST, SECOND)("2026-06-08 10:00").at("2026-06-08 11:00", TO_SECOND)
    ticket.at("2026-06-08 12:00", TO_FIRST).at("2026-06-08 13:00", TO_SECOND)
    timer = by_level(ticket)["2"]
    said = " ".join(sentences(explain(timer, read_timeline(ticket.recorded), ticket.terms, NOW), lang, ticket.zone))
    assert start in said
    assert wait in said
    assert level in said


def test_a_level_belongs_to_the_resolution() -> None:
    document = {
        "agreement": "a",
        "timezone": "UTC",
        "currency": "EUR",
        "calendar": "c",
        "severities": [{"id": "high", "name": "High"}],
        "channels": ["email"],
        "service_levels": [{"metric": "first_response", "level": "1", "target": "1 hours"}],
    }
    with pytest.raises(TermsError) as refused:
        agreement_document(document)
    assert [pointer for pointer, _ in refused.value.errors] == ["/service_levels/0/level"]


def test_in_whatever_order_the_events_arrive_the_levels_are_the_same(agreed: Agreed) -> None:
    ticket = agreed(WHOLE, FIRST, SECOND)("2026-06-08 10:00").at("2026-06-08 11:00", InformationRequested())
    ticket.at("2026-06-08 12:00", TO_SECOND).at("2026-06-08 13:00", InformationReceived())
    ticket.at("2026-06-08 14:00", TO_FIRST).at("2026-06-08 15:00", Resolved())
    expected = ticket.measured()
    order = random.Random(11)  # noqa: S311 - an order, nothing secret
    for _ in range(20):
        shuffled = ticket.recorded * 2
        order.shuffle(shuffled)
        assert derive_timers(read_timeline(shuffled), ticket.terms) == expected
