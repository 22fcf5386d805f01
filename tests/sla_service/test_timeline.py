"""What events mean for a ticket's clocks: answers, messages, states, calls, work, and nothing twice."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import Any, get_args

import msgspec
import pytest

from fristwerk_language.events import Event, Recorded, UnknownEvent, tickets
from fristwerk_language.examples import examples
from sla_service.domain.timers.ticket_state import TicketState, state_after
from sla_service.domain.timers.timeline_reader import NoTicketError, read_timeline
from ticket_service.domain.ticket import lifecycle

Story = Callable[..., Any]


@pytest.fixture
def ticket(story: Story) -> Any:
    return story("infoniqa", "2026-06-08 09:00")


def versions(moments: tuple[Any, ...]) -> list[int]:
    return [moment.version for moment in moments]


def test_answers_are_what_a_human_lets_the_customer_see(ticket: Any) -> None:
    ticket.at("2026-06-08 09:01", tickets.AcknowledgementSent(cost_notice=True))
    ticket.at("2026-06-08 09:02", tickets.Responded(channel="email", visible=False))
    ticket.at("2026-06-08 09:03", tickets.InformationRequested())
    ticket.at("2026-06-08 09:04", tickets.CallbackAttempted(callback=1, reached=False))
    ticket.at("2026-06-08 09:05", tickets.Responded(channel="email"))
    ticket.at("2026-06-08 09:06", tickets.ProgressReported(channel="phone"))
    ticket.at("2026-06-08 09:07", tickets.CallbackAttempted(callback=1, reached=True))
    ticket.at("2026-06-08 09:08", tickets.CallbackCompleted(callback=1))
    assert versions(read_timeline(ticket.recorded).answers) == [6, 7, 8, 9]


def call(ticket: Any, name: str, started_at: str, minutes: int | None = None) -> Event:
    return tickets.CallReceived(call=name, started_at=ticket.instant(started_at), minutes=minutes)


def test_an_answered_call_is_an_answer_at_its_start(ticket: Any) -> None:
    ticket.at("2026-06-08 10:10", call(ticket, "talk", "2026-06-08 10:00", 9))
    (answer,) = read_timeline(ticket.recorded).answers
    assert answer.at == int(ticket.instant("2026-06-08 10:00").timestamp())


def test_calls_that_brought_the_report_or_reached_nobody_are_no_answers(ticket: Any) -> None:
    ticket.at("2026-06-08 09:10", call(ticket, "report", "2026-06-08 09:00", 9))
    ticket.at("2026-06-08 10:00", call(ticket, "unknown length", "2026-06-08 10:00"))
    ticket.at("2026-06-08 11:00", call(ticket, "voicemail", "2026-06-08 11:00", 1))
    ticket.at("2026-06-08 11:01", tickets.VoicemailLeft(call="voicemail"))
    ticket.at("2026-06-08 12:00", call(ticket, "failed", "2026-06-08 12:00", 2))
    ticket.at("2026-06-08 12:02", tickets.CallTransferAttempted(call="failed", to="specialist", result="failed"))
    assert read_timeline(ticket.recorded).answers == ()
    ticket.at("2026-06-08 13:00", tickets.CallTransferAttempted(call="report", to="specialist", result="connected"))
    assert len(read_timeline(ticket.recorded).answers) == 1


def test_the_customer_speaks_by_messages_and_by_information(ticket: Any) -> None:
    ticket.at("2026-06-08 09:10", tickets.CustomerMessageReceived(channel="email"))
    ticket.at("2026-06-08 09:20", tickets.InformationReceived())
    assert versions(read_timeline(ticket.recorded).messages) == [2, 3]


STATES = [
    ("new", tickets.Assigned(agent="a"), "open"),
    ("in_progress", tickets.Assigned(agent="a"), "in_progress"),
    ("new", tickets.Responded(channel="email"), "open"),
    ("waiting_customer", tickets.Responded(channel="email"), "waiting_customer"),
    ("waiting_customer", tickets.WorkStarted(agent="a"), "in_progress"),
    ("open", tickets.InformationRequested(), "waiting_customer"),
    ("waiting_customer", tickets.InformationReceived(), "open"),
    ("waiting_customer", tickets.CustomerMessageReceived(channel="email"), "open"),
    ("waiting_approval", tickets.CustomerMessageReceived(channel="email"), "waiting_approval"),
    ("in_progress", tickets.CustomerMessageReceived(channel="email"), "in_progress"),
    ("in_progress", tickets.CostApprovalRequested(approval=1, estimate_minutes=60), "waiting_approval"),
    ("waiting_approval", tickets.CostApproved(approval=1), "in_progress"),
    ("waiting_approval", tickets.CostRejected(approval=1), "in_progress"),
    ("open", tickets.CostRejected(approval=1), "open"),
    ("in_progress", tickets.Delivered(system="test"), "awaiting_acceptance"),
    ("awaiting_acceptance", tickets.Accepted(), "accepted"),
    ("awaiting_acceptance", tickets.AcceptanceRefused(), "in_progress"),
    ("accepted", tickets.Resolved(), "resolved"),
    ("resolved", tickets.CustomerMessageReceived(channel="email"), "resolved"),
    ("resolved", tickets.Closed(), "closed"),
    ("closed", tickets.Resolved(), "closed"),
    ("closed", tickets.Reopened(), "open"),
    ("in_progress", tickets.Reopened(), "in_progress"),
    ("open", UnknownEvent(type="Later"), "open"),
]


@pytest.mark.parametrize(("before", "event", "after"), STATES)
def test_states_follow_the_contract(before: Any, event: Any, after: str) -> None:
    assert state_after(before, event) == after


@pytest.mark.parametrize("before", get_args(TicketState))
def test_the_ticket_service_holds_the_same_table_of_states(before: Any) -> None:
    for name, each in examples().items():
        event: Any = each.event
        assert state_after(before, event) == lifecycle.state_after(before, event), name


def test_time_logged_starts_progress_but_does_not_end_a_wait() -> None:
    logged = tickets.TimeLogged(
        entry="w", start=datetime.fromisoformat("2026-06-08T09:00Z"), minutes=5, activity="a", agent="a"
    )
    assert state_after("open", logged) == "in_progress"
    assert state_after("waiting_customer", logged) == "waiting_customer"


def test_stays_cover_the_tickets_life_without_holes(ticket: Any) -> None:
    ticket.answer("2026-06-08 09:30").at("2026-06-08 10:00", tickets.InformationRequested())
    ticket.at("2026-06-08 11:00", tickets.InformationReceived()).at("2026-06-08 12:00", tickets.Resolved())
    ticket.at("2026-06-08 12:30", tickets.Closed()).at("2026-06-08 13:00", tickets.Reopened())
    told = read_timeline(ticket.recorded)
    assert [stay.state for stay in told.state_periods] == [
        "new",
        "open",
        "waiting_customer",
        "open",
        "resolved",
        "closed",
        "open",
    ]
    assert [stay.until for stay in told.state_periods][:-1] == [stay.since for stay in told.state_periods][1:]
    assert [(stay.since.version, stay.until and stay.until.version) for stay in told.done] == [(5, 7)]


def test_work_is_what_its_last_correction_says_and_nothing_if_that_is_nothing(ticket: Any) -> None:
    ticket.work("2026-06-08 10:00", 30).work("2026-06-08 11:00", 20)
    first, second = (each.event.entry for each in ticket.recorded[1:])
    ticket.at("2026-06-08 12:00", tickets.TimeLogCorrected(entry=first, minutes=50))
    ticket.at("2026-06-08 12:01", tickets.TimeLogCorrected(entry=first, minutes=40))
    ticket.at("2026-06-08 12:02", tickets.TimeLogCorrected(entry=second, minutes=0))
    ticket.at("2026-06-08 12:03", tickets.TimeLogCorrected(entry="never heard of", minutes=5))
    assert [(each.entry, each.seconds) for each in read_timeline(ticket.recorded).work] == [(first, 40 * 60)]


def test_order_of_arrival_and_repetition_do_not_matter(ticket: Any) -> None:
    ticket.severity("2026-06-08 09:10", "mittel").answer("2026-06-08 09:30").work("2026-06-08 10:00", 30)
    ticket.at("2026-06-08 12:00", tickets.Resolved())
    told = read_timeline(ticket.recorded)
    shuffled = ticket.recorded * 3
    random.Random(7).shuffle(shuffled)  # noqa: S311 - an order, not a secret
    assert read_timeline(shuffled) == told


def test_a_backdated_event_takes_the_place_at_which_it_occurred(ticket: Any) -> None:
    ticket.severity("2026-06-08 10:00", "mittel").severity("2026-06-08 09:30", "kritisch")
    assert [context.severity for context in read_timeline(ticket.recorded).contexts] == [None, "kritisch", "mittel"]


def test_nothing_happens_to_a_ticket_before_its_receipt(ticket: Any) -> None:
    ticket.answer("2026-06-08 08:00")
    told = read_timeline(ticket.recorded)
    assert told.answers[0].at == told.received.at
    assert told.answers[0] > told.received


def test_an_event_of_an_unknown_type_is_passed_over(ticket: Any) -> None:
    before = read_timeline(ticket.recorded)
    envelope = msgspec.structs.replace(ticket.recorded[0].envelope, id="e-9", version=9, type="Later")
    assert read_timeline([*ticket.recorded, Recorded(envelope=envelope, event=UnknownEvent(type="Later"))]) == before


def test_a_history_without_its_ticket_is_refused(ticket: Any) -> None:
    with pytest.raises(NoTicketError):
        read_timeline(ticket.recorded[1:])
    with pytest.raises(NoTicketError):
        read_timeline([])
