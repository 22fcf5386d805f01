"""Processing, resolution and the effort notice: the clocks of work, their pauses, and reopening."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from fristwerk_language.events.tickets import (
    Closed,
    CostApprovalRequested,
    CostApproved,
    Delivered,
    EffortNoticeSent,
    InformationReceived,
    InformationRequested,
    Reopened,
    Resolved,
    TimeLogCorrected,
    TypeChanged,
    WorkStarted,
)
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.timers.timer import Timer, remaining_seconds, state_at, used_seconds

Agreed = Callable[..., Any]
STARTED = {"metric": "processing_started", "target": "2 business hours"}
RESOLUTION = {"metric": "resolution", "target": "4 business hours"}
EFFORT = {"metric": "effort_notice", "target": "60 worked minutes", "warn_at": ["75%", "5 worked minutes"]}
HOUR = 3600


def clock(instant: datetime | None) -> str | None:
    return None if instant is None else f"{instant:%d %H:%M}"


def told(timer: Timer, now: str = "2026-06-30T00:00Z") -> tuple[str, str | None, str | None]:
    return state_at(timer, datetime.fromisoformat(now)), clock(timer.due_at), clock(timer.ended_at)


def test_processing_starts_with_the_start_of_the_first_entry_or_of_work(agreed: Agreed) -> None:
    logged = agreed(STARTED)("2026-06-08 10:00").work("2026-06-08 11:30", 120, logged_at="2026-06-08 16:00")
    started = agreed(STARTED)("2026-06-08 10:00").at("2026-06-08 12:30", WorkStarted(agent="a"))
    assert told(logged.timer("processing_started")) == ("met", "08 10:00", "08 09:30")
    assert told(started.timer("processing_started")) == ("missed", "08 10:00", "08 10:30")


def test_an_entry_corrected_to_nothing_started_nothing(agreed: Agreed) -> None:
    ticket = agreed(STARTED)("2026-06-08 10:00").work("2026-06-08 11:00", 10)
    ticket.at("2026-06-08 12:00", TimeLogCorrected(entry=ticket.recorded[1].event.entry, minutes=0))
    assert told(ticket.timer("processing_started"), "2026-06-08T09:30Z")[0] == "running"


def test_work_for_the_call_that_brought_the_report_counts_from_receipt(agreed: Agreed) -> None:
    ticket = agreed(STARTED)("2026-06-08 10:00").work("2026-06-08 09:50", 30)
    assert told(ticket.timer("processing_started")) == ("met", "08 10:00", "08 08:00")


def test_waiting_for_the_customer_pauses_processing_and_resolution_by_default(agreed: Agreed) -> None:
    ticket = agreed(STARTED, RESOLUTION)("2026-06-08 10:00").at("2026-06-08 10:30", InformationRequested())
    for metric in ("processing_started", "resolution"):
        timer = ticket.timer(metric)
        assert (told(timer)[0], clock(timer.paused_since)) == ("paused", "08 08:30")
    ticket.at("2026-06-08 12:00", InformationReceived())
    assert told(ticket.timer("processing_started"), "2026-06-08T10:00Z") == ("running", "08 11:30", None)
    assert told(ticket.timer("resolution"), "2026-06-08T10:00Z") == ("running", "08 13:30", None)
    assert ticket.timer("resolution").paused_seconds == 90 * 60


def test_what_is_paused_when_it_would_be_due_is_not_missed(agreed: Agreed) -> None:
    ticket = agreed(RESOLUTION)("2026-06-08 10:00").at("2026-06-08 13:59", InformationRequested())
    assert told(ticket.timer("resolution"))[0] == "paused"
    ticket.at("2026-06-10 09:00", InformationReceived())
    assert told(ticket.timer("resolution"), "2026-06-10T07:00Z") == ("running", "10 07:01", None)


def test_a_pause_after_the_deadline_saves_nothing(agreed: Agreed) -> None:
    ticket = agreed(RESOLUTION)("2026-06-08 10:00").at("2026-06-08 14:01", InformationRequested())
    timer = ticket.timer("resolution")
    assert told(timer) == ("missed", "08 12:00", None)
    assert (timer.paused_since, timer.paused_seconds) == (None, 0)


def test_every_wait_names_its_state_its_cost_and_its_events(agreed: Agreed) -> None:
    ticket = agreed(RESOLUTION)("2026-06-08 10:00")
    ticket.at("2026-06-08 11:00", CostApprovalRequested(approval=1, estimate_minutes=60))
    ticket.at("2026-06-08 11:30", CostApproved(approval=1)).at("2026-06-08 14:00", Delivered(system="test"))
    approval, acceptance = ticket.timer("resolution").pauses
    assert (approval.state, approval.seconds, approval.began_by, approval.ended_by) == (
        "waiting_approval",
        1800,
        "e-2",
        "e-3",
    )
    assert (acceptance.state, acceptance.until, acceptance.ended_by) == ("awaiting_acceptance", None, None)


def test_a_resolution_continues_after_a_reopening_and_the_time_between_is_excluded(agreed: Agreed) -> None:
    ticket = agreed(RESOLUTION)("2026-06-08 10:00").at("2026-06-08 12:00", Resolved())
    assert told(ticket.timer("resolution")) == ("met", "08 12:00", "08 10:00")
    ticket.at("2026-06-08 12:30", Closed()).at("2026-06-09 10:00", Reopened())
    timer = ticket.timer("resolution")
    assert told(timer, "2026-06-09T09:00Z") == ("running", "09 10:00", None)
    assert timer.paused_seconds == 6 * HOUR
    assert [(each.why, clock(each.old_due_at), clock(each.new_due_at)) for each in timer.changes] == [
        ("Reopened", "08 12:00", "09 10:00")
    ]
    assert told(ticket.at("2026-06-09 11:00", Resolved()).timer("resolution")) == ("met", "09 10:00", "09 09:00")


def test_a_resolution_missed_before_the_reopening_stays_missed(agreed: Agreed) -> None:
    ticket = agreed(RESOLUTION)("2026-06-08 10:00").at("2026-06-08 15:00", Resolved())
    ticket.at("2026-06-09 10:00", Reopened()).at("2026-06-09 10:30", Resolved())
    timer = ticket.timer("resolution")
    assert (told(timer)[0], clock(timer.missed_at)) == ("missed", "08 12:00")


def test_used_and_remaining_time_leave_pauses_out(agreed: Agreed, calendars: Callable[[str], Calendar]) -> None:
    ticket = agreed(RESOLUTION)("2026-06-08 10:00").at("2026-06-08 11:00", InformationRequested())
    calendar = calendars("digidesk")
    paused = ticket.timer("resolution")
    later = datetime.fromisoformat("2026-06-09T12:00Z")
    assert (used_seconds(paused, calendar, later), remaining_seconds(paused, calendar, later)) == (HOUR, 3 * HOUR)
    ticket.at("2026-06-08 16:00", InformationReceived())
    running = ticket.timer("resolution")
    now = datetime.fromisoformat("2026-06-08T14:30Z")
    assert (used_seconds(running, calendar, now), remaining_seconds(running, calendar, now)) == (90 * 60, 150 * 60)
    assert remaining_seconds(running, calendar, later) == -3 * HOUR
    assert remaining_seconds(running, calendar, datetime.fromisoformat("2031-06-08T14:30Z")) is None
    ended = ticket.at("2026-06-08 17:00", Resolved()).timer("resolution")
    assert (used_seconds(ended, calendar, later), remaining_seconds(ended, calendar, later)) == (2 * HOUR, 2 * HOUR)


def test_an_effort_notice_is_not_missed_at_exactly_its_minutes(agreed: Agreed) -> None:
    ticket = agreed(EFFORT)("2026-06-08 09:00").work("2026-06-08 10:00", 60)
    timer = ticket.timer("effort_notice")
    assert told(timer) == ("running", None, None)
    assert (clock(timer.started_at), timer.worked_seconds, timer.target_seconds) == ("08 08:00", HOUR, HOUR)
    assert [(each.rule, clock(each.at)) for each in timer.warnings] == [
        ("75%", "08 08:45"),
        ("5 worked minutes", "08 08:55"),
    ]


def test_an_effort_notice_is_missed_at_the_instant_its_minutes_were_used_up(agreed: Agreed) -> None:
    ticket = agreed(EFFORT)("2026-06-08 09:00").work("2026-06-08 10:00", 40).work("2026-06-09 10:00", 40)
    timer = ticket.timer("effort_notice")
    assert told(timer) == ("missed", "09 08:20", None)
    late = ticket.at("2026-06-09 11:00", EffortNoticeSent()).timer("effort_notice")
    assert (told(late), late.met_at) == (("missed", "09 08:20", "09 09:00"), None)


def test_minutes_used_up_exactly_are_missed_only_when_work_goes_on(agreed: Agreed) -> None:
    ticket = agreed(EFFORT)("2026-06-08 09:00").work("2026-06-08 10:00", 60).work("2026-06-09 10:00", 5)
    assert told(ticket.timer("effort_notice")) == ("missed", "09 08:00", None)
    ticket.at("2026-06-08 17:00", EffortNoticeSent())
    assert told(ticket.timer("effort_notice")) == ("met", None, "08 15:00")


@pytest.mark.parametrize("notice", [EffortNoticeSent(), CostApprovalRequested(approval=1, estimate_minutes=90)])
def test_a_notice_or_a_request_for_approval_meets_it(agreed: Agreed, notice: Any) -> None:
    ticket = agreed(EFFORT)("2026-06-08 09:00").work("2026-06-08 10:00", 50).at("2026-06-08 11:00", notice)
    timer = ticket.work("2026-06-08 12:00", 50).timer("effort_notice")
    assert told(timer) == ("met", None, "08 09:00")
    assert timer.worked_seconds == 50 * 60


def test_a_notice_at_the_very_instant_is_in_time(agreed: Agreed) -> None:
    ticket = agreed(EFFORT)("2026-06-08 09:00").work("2026-06-08 10:00", 90).at("2026-06-08 11:00", EffortNoticeSent())
    assert told(ticket.timer("effort_notice")) == ("met", None, "08 09:00")


def test_a_notice_before_the_first_work_meets_it_from_its_start(agreed: Agreed) -> None:
    ticket = agreed(EFFORT)("2026-06-08 09:00").at("2026-06-08 09:30", EffortNoticeSent()).work("2026-06-08 10:00", 90)
    assert told(ticket.timer("effort_notice")) == ("met", None, "08 08:00")


def test_a_partners_free_work_on_a_ticket_of_ones_own_staff_asks_for_no_effort_notice(agreed: Agreed) -> None:
    ticket = agreed(EFFORT, billing={"coverage": [{"performer": "partner", "billable": False}]})("2026-06-08 09:00")
    ticket.work("2026-06-08 10:00", 90, performer="partner").work("2026-06-08 12:00", 20)
    assert ticket.timer("effort_notice").worked_seconds == 20 * 60


def test_corrections_and_free_work_count_for_what_they_are(agreed: Agreed) -> None:
    coverage = {"coverage": [{"activity": "enquiry", "billable": False}]}
    ticket = agreed(EFFORT, billing=coverage)("2026-06-08 09:00").work("2026-06-08 10:00", 90, "enquiry")
    assert ticket.timers("effort_notice") == []
    ticket.work("2026-06-08 12:00", 70)
    assert told(ticket.timer("effort_notice"))[:2] == ("missed", "08 11:00")
    ticket.at("2026-06-08 15:00", TimeLogCorrected(entry=ticket.recorded[2].event.entry, minutes=60))
    assert told(ticket.timer("effort_notice"))[0] == "running"


def test_entries_side_by_side_count_side_by_side(agreed: Agreed) -> None:
    ticket = agreed(EFFORT)("2026-06-08 09:00").work("2026-06-08 10:00", 60).work("2026-06-08 10:00", 60)
    assert told(ticket.timer("effort_notice"))[:2] == ("missed", "08 08:30")


def test_a_resolution_cancels_the_notice_and_later_entries_change_nothing(agreed: Agreed) -> None:
    ticket = agreed(EFFORT)("2026-06-08 09:00").work("2026-06-08 10:00", 30).at("2026-06-08 11:00", Resolved())
    assert told(ticket.timer("effort_notice"))[0] == "cancelled"
    ticket.work("2026-06-08 12:00", 60)
    assert told(ticket.timer("effort_notice"))[0] == "cancelled"


def test_work_entered_after_the_resolution_is_missed_where_it_was_done_before(agreed: Agreed) -> None:
    ticket = agreed(EFFORT)("2026-06-08 09:00").at("2026-06-08 12:00", Resolved())
    ticket.work("2026-06-08 10:00", 90, logged_at="2026-06-08 13:00")
    assert told(ticket.timer("effort_notice"))[:2] == ("missed", "08 09:00")


def test_after_a_reopening_work_beyond_the_minutes_asks_for_a_notice_again(agreed: Agreed) -> None:
    ticket = agreed(EFFORT)("2026-06-08 09:00").work("2026-06-08 10:00", 50).at("2026-06-08 11:00", Resolved())
    ticket.at("2026-06-09 09:00", Reopened()).work("2026-06-09 10:00", 30)
    assert told(ticket.timer("effort_notice"))[:2] == ("missed", "09 08:10")


def test_the_minutes_of_the_type_in_force_while_working_count(agreed: Agreed) -> None:
    lines = (EFFORT | {"type": "quick", "target": "30 worked minutes"}, EFFORT | {"type": "normal"})
    ticket = agreed(*lines)("2026-06-08 09:00").work("2026-06-08 10:00", 40)
    assert told(ticket.timer("effort_notice"))[0] == "running"
    ticket.at("2026-06-08 11:00", TypeChanged(type="quick")).work("2026-06-08 12:00", 10)
    assert told(ticket.timer("effort_notice"))[:2] == ("missed", "08 10:00")


def test_an_agreement_without_the_metric_says_so(story: Callable[..., Any]) -> None:
    assert (
        story("infoniqa", "2026-06-08 09:00").work("2026-06-08 10:00", 90).absent()["effort_notice"] == "not_configured"
    )
