"""The clocks of duplicates and split matters: they end with the reason, and time counts where it went."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from fristwerk_language.events.relations import (
    CarriedEntry,
    DuplicateMerged,
    MergedInto,
    SplitFrom,
    SplitOff,
    TicketLinked,
    TicketUnlinked,
)
from fristwerk_language.events.tickets import CallbackRequested, EffortNoticeSent, Resolved, TimeLogCorrected
from sla_service.domain.explanation.explanation import explain, sentences
from sla_service.domain.timers.derivation import derive_timers
from sla_service.domain.timers.timeline_reader import read_timeline
from sla_service.domain.timers.timer import Timer, state_at

Agreed = Callable[..., Any]
NOW = datetime.fromisoformat("2026-06-30T00:00Z")
RESPONSE = {"metric": "first_response", "target": "2 business hours"}
CALLBACK = {"metric": "callback", "target": "1 business hours"}
STARTED = {"metric": "processing_started", "target": "2 business hours"}
RESOLUTION = {"metric": "resolution", "target": "8 business hours"}
EFFORT = {"metric": "effort_notice", "target": "60 worked minutes"}
ALL = (RESPONSE, CALLBACK, STARTED, RESOLUTION)
INTO = MergedInto(ticket="t-0", reference="TST-0000-0000")


def told(timer: Timer) -> tuple[str, str | None]:
    end = timer.cancelled_at or timer.ended_at
    return state_at(timer, NOW), None if end is None else f"{end:%d %H:%M}"


def carried(story: Any, start: str, minutes: int, entry: str = "w-other") -> CarriedEntry:
    return CarriedEntry(entry=entry, start=story.instant(start), minutes=minutes, activity="help", agent="agent-1")


def test_a_merge_ends_every_clock_of_the_duplicate(agreed: Agreed) -> None:
    ticket = agreed(*ALL)("2026-06-08 10:00").at("2026-06-08 10:10", CallbackRequested(callback=1, purpose="requested"))
    ticket.at("2026-06-08 10:30", INTO)
    found = {timer.metric: told(timer) for timer in ticket.measured().timers}
    ended = ("cancelled", "08 08:30")
    assert found == dict.fromkeys(("first_response", "callback", "processing_started", "resolution"), ended)


def test_what_was_met_or_missed_before_the_merge_stays(agreed: Agreed) -> None:
    ticket = agreed(RESPONSE, STARTED, RESOLUTION)("2026-06-08 10:00").answer("2026-06-08 10:15")
    ticket.at("2026-06-08 14:00", Resolved()).at("2026-06-09 09:00", INTO)
    assert told(ticket.timer("first_response")) == ("met", "08 08:15")
    assert state_at(ticket.timer("processing_started"), NOW) == "missed"
    assert told(ticket.timer("resolution")) == ("met", "08 12:00")


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("de", "Aufgehoben: 8. Juni 2026, 10:30 Uhr; das Ticket ging als Duplikat in TST-0000-0000 auf."),
        ("en", "Cancelled: 8 June 2026, 10:30; the ticket was merged, as a duplicate, into TST-0000-0000."),
    ],
)
def test_the_explanation_names_the_ticket_that_took_its_place(agreed: Agreed, lang: Any, said: str) -> None:
    ticket = agreed(RESOLUTION)("2026-06-08 10:00").at("2026-06-08 10:30", INTO)
    timeline = read_timeline(ticket.recorded)
    steps = explain(ticket.timer("resolution"), timeline, ticket.terms, NOW)
    assert steps[-1].rule == "merged"
    assert _date_words(sentences(steps, lang, ticket.zone)[-1]) == _date_words(said)


def _date_words(sentence: str) -> str:
    """Without the words of the date, which the labels' own tests know."""
    return sentence.partition(";")[2]


def test_the_time_of_the_duplicate_counts_with_the_first_ticket(agreed: Agreed) -> None:
    ticket = agreed(EFFORT, STARTED)("2026-06-08 10:00").work("2026-06-08 10:30", 40)
    before = ticket.timer("effort_notice")
    brought = DuplicateMerged(ticket="t-2", reference="TST-2", entries=[carried(ticket, "2026-06-08 10:20", 30)])
    ticket.at("2026-06-08 12:00", brought)
    after = ticket.timer("effort_notice")
    assert (before.worked_seconds, state_at(before, NOW)) == (2400, "running")
    assert (after.worked_seconds, state_at(after, NOW)) == (4200, "missed")
    assert told(ticket.timer("processing_started")) == ("met", "08 08:20")


def test_a_correction_after_the_merge_holds_for_the_brought_time(agreed: Agreed) -> None:
    ticket = agreed(EFFORT)("2026-06-08 10:00")
    ticket.at(
        "2026-06-08 12:00",
        DuplicateMerged(ticket="t-2", reference="T", entries=[carried(ticket, "2026-06-08 11:00", 30)]),
    )
    ticket.at("2026-06-08 13:00", TimeLogCorrected(entry="w-other", minutes=10))
    assert ticket.timer("effort_notice").worked_seconds == 600


def test_time_that_went_to_another_ticket_counts_no_more(agreed: Agreed) -> None:
    ticket = agreed(EFFORT)("2026-06-08 10:00").work("2026-06-08 10:30", 50).work("2026-06-08 11:30", 20)
    split = ticket.recorded[1].event.entry
    ticket.at("2026-06-08 13:00", SplitOff(ticket="t-3", reference="T", entries=[split]))
    assert ticket.timer("effort_notice").worked_seconds == 1200
    ticket.at(
        "2026-06-08 14:00",
        SplitFrom(ticket="t-4", reference="T", entries=[carried(ticket, "2026-06-08 09:00", 5, split)]),
    )
    assert ticket.timer("effort_notice").worked_seconds == 1500
    ticket.at("2026-06-08 15:00", INTO)
    assert ticket.timers("effort_notice") == []


def test_a_merge_that_is_dated_back_takes_what_was_logged_before_it_was_entered(agreed: Agreed) -> None:
    ticket = agreed(EFFORT)("2026-06-08 10:00").work("2026-06-08 11:00", 50, logged_at="2026-06-08 12:00")
    ticket.at("2026-06-08 10:30", INTO)
    assert ticket.timers("effort_notice") == []


def test_links_move_no_clock(agreed: Agreed) -> None:
    plain = agreed(*ALL, EFFORT)("2026-06-08 10:00").work("2026-06-08 10:30", 50)
    before = plain.measured()
    plain.at("2026-06-08 12:00", TicketLinked(ticket="t-3", reference="T", kind="related"))
    plain.at("2026-06-08 12:30", TicketUnlinked(ticket="t-3", reference="T", kind="related"))
    assert plain.measured() == before


def test_in_whatever_order_the_events_arrive_the_timers_are_the_same(agreed: Agreed) -> None:
    ticket = (
        agreed(*ALL, EFFORT)("2026-06-08 10:00").work("2026-06-08 10:30", 50).at("2026-06-08 10:50", EffortNoticeSent())
    )
    ticket.at(
        "2026-06-08 11:00",
        DuplicateMerged(ticket="t-2", reference="T", entries=[carried(ticket, "2026-06-08 10:05", 30)]),
    )
    ticket.at("2026-06-08 11:30", TimeLogCorrected(entry="w-other", minutes=20))
    ticket.at("2026-06-08 12:00", INTO)
    expected = ticket.measured()
    order = random.Random(7)  # noqa: S311 - an order, nothing secret
    for _ in range(20):
        shuffled = ticket.recorded * 2
        order.shuffle(shuffled)
        assert derive_timers(read_timeline(shuffled), ticket.terms) == expected
