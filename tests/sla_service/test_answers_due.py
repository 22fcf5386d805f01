"""First, next and follow-up answers: one timer an exchange, each with its own result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fristwerk_language.events.tickets import (
    AcknowledgementSent,
    CallReceived,
    Closed,
    CustomerMessageReceived,
    InformationRequested,
    NoAnswerNeeded,
    ProgressReported,
    Reopened,
    Resolved,
    Responded,
)
from sla_service.domain.timers.timer import Timer, state_at

Agreed = Callable[..., Any]
FIRST = {"metric": "first_response", "target": "2 business hours"}
NEXT = {"metric": "next_response", "target": "2 business hours"}
FOLLOW_UP = {"metric": "follow_up", "target": "4 business hours"}
MESSAGE = CustomerMessageReceived(channel="email")


def clock(instant: datetime | None) -> str | None:
    return None if instant is None else f"{instant:%d %H:%M}"


def told(timer: Timer, now: str = "2026-06-30T00:00Z") -> tuple[str, str | None, str | None]:
    """State, deadline and end, the instants in UTC."""
    return state_at(timer, datetime.fromisoformat(now)), clock(timer.due_at), clock(timer.ended_at)


def ids(timers: list[Timer]) -> list[str]:
    return [timer.id for timer in timers]


def test_a_first_response_ends_with_the_first_answer_the_customer_sees(agreed: Agreed) -> None:
    ticket = agreed(FIRST)("2026-06-08 10:00").at("2026-06-08 10:01", AcknowledgementSent())
    ticket.at("2026-06-08 10:30", Responded(channel="email", visible=False)).answer("2026-06-08 11:30")
    ticket.answer("2026-06-08 11:45")
    timer = ticket.timer("first_response")
    assert told(timer) == ("met", "08 10:00", "08 09:30")
    assert (timer.id, timer.started_by, timer.ended_by) == ("t-1:first_response", "e-1", "e-4")
    assert (timer.target, timer.calendar, timer.terms, timer.line) == (
        "2 business hours",
        "digidesk@1",
        "test@1",
        "/service_levels/0",
    )


def test_a_first_response_counts_from_receipt_even_if_the_call_was_entered_later(agreed: Agreed) -> None:
    ticket = agreed(FIRST)("2026-06-08 10:00")
    late = ticket.recorded[0]
    assert ticket.timer("first_response").started_at == late.event.received_at


def test_a_deadline_that_nobody_touches_is_missed_after_its_instant_and_not_at_it(agreed: Agreed) -> None:
    timer = agreed(FIRST)("2026-06-08 10:00").timer("first_response")
    assert told(timer, "2026-06-08T10:00Z")[0] == "running"
    assert told(timer, "2026-06-08T10:00:01Z")[0] == "missed"
    assert timer.missed_at is None


def test_an_answer_within_the_due_second_is_in_time(agreed: Agreed) -> None:
    ticket = agreed(FIRST)("2026-06-08 10:00").answer("2026-06-08 12:00:00.900")
    assert told(ticket.timer("first_response"))[0] == "met"


def test_a_resolution_cancels_what_still_runs_and_not_what_was_missed(agreed: Agreed) -> None:
    in_time = agreed(FIRST)("2026-06-08 10:00").at("2026-06-08 11:00", Resolved()).timer("first_response")
    too_late = agreed(FIRST)("2026-06-08 10:00").at("2026-06-08 12:01", Resolved()).timer("first_response")
    assert (told(in_time)[0], clock(in_time.cancelled_at), in_time.ended_by) == ("cancelled", "08 09:00", "e-2")
    assert (told(too_late)[0], clock(too_late.missed_at), too_late.cancelled_at) == ("missed", "08 10:00", None)


def test_a_backdated_answer_proves_a_miss_wrong(agreed: Agreed) -> None:
    ticket = agreed(FIRST)("2026-06-08 10:00").at("2026-06-08 15:00", ProgressReported(channel="email"))
    assert told(ticket.timer("first_response")) == ("missed", "08 10:00", "08 13:00")
    assert told(ticket.answer("2026-06-08 11:00").timer("first_response")) == ("met", "08 10:00", "08 09:00")


def test_next_responses_run_from_the_oldest_unanswered_message_the_ticket_included(agreed: Agreed) -> None:
    ticket = agreed(NEXT)("2026-06-08 10:00").at("2026-06-08 10:30", MESSAGE).answer("2026-06-08 11:00")
    ticket.at("2026-06-08 13:00", MESSAGE).at("2026-06-08 14:00", MESSAGE).answer("2026-06-08 15:30")
    ticket.answer("2026-06-08 15:40").at("2026-06-08 16:00", MESSAGE)
    timers = ticket.timers("next_response")
    assert [told(timer, "2026-06-08T14:30Z") for timer in timers] == [
        ("met", "08 10:00", "08 09:00"),
        ("missed", "08 13:00", "08 13:30"),
        ("running", "09 08:00", None),
    ]
    assert ids(timers) == ["t-1:next_response:1", "t-1:next_response:4", "t-1:next_response:8"]


def test_a_message_entered_late_renames_no_other_exchange(agreed: Agreed) -> None:
    ticket = agreed(NEXT)("2026-06-08 10:00").answer("2026-06-08 11:00").at("2026-06-08 14:00", MESSAGE)
    before = ids(ticket.timers("next_response"))
    ticket.at("2026-06-08 12:00", MESSAGE).answer("2026-06-08 12:30")
    assert ids(ticket.timers("next_response")) == [before[0], "t-1:next_response:4", before[1]]


def test_after_a_resolution_the_next_message_opens_a_new_exchange(agreed: Agreed) -> None:
    ticket = agreed(NEXT)("2026-06-08 10:00").at("2026-06-08 11:00", Resolved()).at("2026-06-08 12:00", Reopened())
    ticket.at("2026-06-08 13:00", MESSAGE)
    assert [told(timer, "2026-06-08T12:00Z")[:2] for timer in ticket.timers("next_response")] == [
        ("cancelled", "08 10:00"),
        ("running", "08 13:00"),
    ]


def test_a_message_on_a_resolved_ticket_waits_for_an_answer_until_it_is_closed(agreed: Agreed) -> None:
    ticket = agreed(NEXT)("2026-06-08 10:00").answer("2026-06-08 10:10").at("2026-06-08 11:00", Resolved())
    ticket.at("2026-06-08 12:00", MESSAGE)
    assert told(ticket.timers("next_response")[1], "2026-06-08T11:00Z") == ("running", "08 12:00", None)
    ticket.at("2026-06-08 13:00", Closed())
    assert told(ticket.timers("next_response")[1], "2026-06-08T11:30Z")[0] == "cancelled"


def test_a_follow_up_after_the_customers_message_waits_for_one(agreed: Agreed) -> None:
    ticket = agreed(FOLLOW_UP)("2026-06-08 10:00").at("2026-06-08 10:30", MESSAGE)
    assert ticket.timers("follow_up") == []
    ticket.answer("2026-06-08 11:00")
    assert ticket.timers("follow_up") == []
    assert "follow_up" not in ticket.absent()
    ticket.at("2026-06-08 12:00", MESSAGE).at("2026-06-08 12:30", MESSAGE).answer("2026-06-08 14:00")
    (timer,) = ticket.timers("follow_up")
    assert told(timer) == ("met", "08 14:00", "08 12:00")
    assert (timer.started_by, timer.id) == ("e-4", "t-1:follow_up:3")


def test_a_follow_up_after_the_agents_answer_runs_from_one_to_the_next(agreed: Agreed) -> None:
    ticket = agreed(FOLLOW_UP | {"after": "agent_response"})("2026-06-08 09:00").answer("2026-06-08 10:00")
    ticket.at("2026-06-08 10:30", MESSAGE).at("2026-06-08 13:00", ProgressReported(channel="phone"))
    assert [told(timer, "2026-06-08T12:00Z") for timer in ticket.timers("follow_up")] == [
        ("met", "08 12:00", "08 11:00"),
        ("running", "08 15:00", None),
    ]


def test_a_follow_up_after_both_is_due_at_the_earlier_deadline(agreed: Agreed) -> None:
    ticket = agreed(FOLLOW_UP | {"after": "both"})("2026-06-08 09:00").answer("2026-06-08 10:00")
    ticket.at("2026-06-08 12:00", MESSAGE)
    assert told(ticket.timers("follow_up")[0], "2026-06-08T11:00Z") == ("running", "08 12:00", None)


def test_after_a_resolution_only_the_customers_message_brings_a_follow_up_back(agreed: Agreed) -> None:
    opened = agreed(FOLLOW_UP | {"after": "both"})("2026-06-08 09:00").answer("2026-06-08 10:00")
    opened.at("2026-06-08 11:00", Resolved()).answer("2026-06-08 11:30")
    assert [told(timer)[0] for timer in opened.timers("follow_up")] == ["cancelled"]
    opened.at("2026-06-08 12:00", MESSAGE)
    timers = opened.timers("follow_up")
    assert told(timers[1], "2026-06-08T11:00Z") == ("running", "08 14:00", None)
    assert timers[1].started_by == "e-5"


def test_soft_targets_and_warnings_stand_beside_the_deadline(agreed: Agreed) -> None:
    line = FIRST | {"soft": "1 business hours", "warn_at": ["50%", "15 business minutes"]}
    timer = agreed(line)("2026-06-08 10:00").timer("first_response")
    assert clock(timer.soft_due_at) == "08 09:00"
    assert [(each.rule, clock(each.at)) for each in timer.warnings] == [
        ("50%", "08 09:00"),
        ("15 business minutes", "08 09:45"),
    ]


def test_warnings_after_the_end_never_come(agreed: Agreed) -> None:
    ticket = agreed(FIRST | {"warn_at": ["50%", "75%"]})("2026-06-08 10:00").answer("2026-06-08 11:15")
    assert [each.rule for each in ticket.timer("first_response").warnings] == ["50%"]


def test_a_line_that_only_measures_has_no_deadline(agreed: Agreed) -> None:
    ticket = agreed({"metric": "first_response", "measure_only": True})("2026-06-08 10:00")
    assert told(ticket.timer("first_response")) == ("running", None, None)
    assert told(ticket.answer("2026-06-20 11:00").timer("first_response")) == ("met", None, "20 09:00")


def test_a_machines_message_and_a_word_of_thanks_start_no_clock(agreed: Agreed) -> None:
    ticket = agreed(NEXT)("2026-06-08 10:00").answer("2026-06-08 10:30")
    ticket.at("2026-06-08 10:31", CustomerMessageReceived(channel="email", automatic=True))
    ticket.at("2026-06-08 10:32", CustomerMessageReceived(channel="email", needs_answer=False))
    assert ids(ticket.timers("next_response")) == ["t-1:next_response:1"]


def test_a_machines_answer_and_a_machines_call_end_no_clock(agreed: Agreed) -> None:
    ticket = agreed(FIRST)("2026-06-08 10:00").at("2026-06-08 10:01", Responded(channel="email", automatic=True))
    started = ticket.instant("2026-06-08 10:05")
    ticket.at("2026-06-08 10:10", CallReceived(call="c-1", started_at=started, minutes=3, automatic=True))
    assert ticket.timer("first_response").ended_at is None


def test_a_machines_message_ends_no_wait_for_the_customer(agreed: Agreed) -> None:
    resolution = {"metric": "resolution", "target": "8 business hours"}
    ticket = agreed(resolution)("2026-06-08 10:00").at("2026-06-08 10:30", InformationRequested())
    ticket.at("2026-06-08 10:31", CustomerMessageReceived(channel="email", automatic=True))
    assert state_at(ticket.timer("resolution"), datetime.fromisoformat("2026-06-08T12:00Z")) == "paused"


RESOLUTION = {"metric": "resolution", "target": "4 business hours"}


def test_thanks_that_staff_marked_afterwards_start_no_clock_and_reopen_nothing(agreed: Agreed) -> None:
    def thanked(*, needs_answer: bool) -> Any:
        ticket = agreed(NEXT, RESOLUTION)("2026-06-08 10:00").at("2026-06-08 10:30", Responded(channel="email"))
        ticket.at("2026-06-08 11:00", Resolved())
        return ticket.at("2026-06-09 09:00", CustomerMessageReceived(channel="portal", needs_answer=needs_answer))

    afterwards = thanked(needs_answer=True).at("2026-06-09 09:00", Reopened())
    opened = afterwards.timers("next_response")
    assert ids(opened) == ["t-1:next_response:1", "t-1:next_response:4"]
    assert told(opened[1], "2026-06-09T12:00Z")[0] == "missed"
    assert told(afterwards.timers("resolution")[0], "2026-06-09T12:00Z")[0] == "missed"
    mark = NoAnswerNeeded(message=4, reopening=5, state="resolved", resolved_at=afterwards.instant("2026-06-08 11:00"))
    afterwards.at("2026-06-09 14:00", mark)
    for metric in ("next_response", "resolution"):
        assert afterwards.timers(metric) == thanked(needs_answer=False).timers(metric)
    assert told(afterwards.timers("resolution")[0], "2026-06-09T12:00Z")[0] == "met"


def test_thanks_end_no_wait_once_they_are_marked(agreed: Agreed) -> None:
    ticket = agreed(RESOLUTION)("2026-06-08 10:00").at("2026-06-08 10:30", InformationRequested())
    ticket.at("2026-06-08 11:00", CustomerMessageReceived(channel="portal"))
    assert ticket.timer("resolution").paused_since is None
    ticket.at("2026-06-08 12:00", NoAnswerNeeded(message=3, state="waiting_customer", waits=["waiting_customer"]))
    assert clock(ticket.timer("resolution").paused_since) == "08 08:30"
