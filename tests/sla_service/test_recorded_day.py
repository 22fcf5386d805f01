"""The recorded day of five providers: for every ticket told there, the timers it must have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fristwerk_language.events.tickets import (
    Accepted,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRequested,
    CallbackAttempted,
    CallbackCompleted,
    CallbackRequested,
    CallReceived,
    CallTransferAttempted,
    CostApprovalRequested,
    CostApproved,
    Delivered,
    ReleasedToProduction,
    Resolved,
    Responded,
    WorkStarted,
)
from sla_service.domain.timers.timer import Timer, missed_at, state_at

Story = Callable[..., Any]
NOW = datetime.fromisoformat("2026-07-31T00:00:00Z")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00+00:00")


def shown(timer: Timer) -> tuple[str, datetime | None]:
    return state_at(timer, NOW), timer.due_at


def test_lohnlauf_is_answered_on_friday_within_the_strictest_target(story: Story) -> None:
    ticket = story("infoniqa", "2026-06-03 16:30").severity("2026-06-03 16:40", "kritisch")
    ticket.answer("2026-06-05 09:00").work("2026-06-05 09:00", 50).work("2026-06-05 10:15", 20)
    ticket.at("2026-06-05 10:40", Resolved())
    timer = ticket.timer("first_response")
    assert shown(timer) == ("met", utc("2026-06-05T07:30"))
    assert timer.met_at == utc("2026-06-05T07:00")
    assert ticket.measured().absent != ()


def test_import_is_answered_the_next_morning_and_missed_the_afternoon_before(story: Story) -> None:
    ticket = story("infoniqa", "2026-06-08 11:00", channel="phone").severity("2026-06-08 11:05", "mittel")
    ticket.at("2026-06-09 08:30", Responded(channel="phone")).work("2026-06-09 08:30", 130)
    timer = ticket.timer("first_response")
    assert shown(timer) == ("missed", utc("2026-06-08T14:00"))
    assert timer.missed_at == utc("2026-06-08T14:00")
    assert timer.met_at is None
    assert timer.ended_at == utc("2026-06-09T06:30")


def test_jahresabschluss_is_answered_within_the_hour(story: Story) -> None:
    ticket = story("infoniqa", "2026-06-10 09:00", channel="portal", type="year_end_closing")
    proposals = [ticket.instant(f"2026-06-{day} 09:00") for day in (25, 26, 29)]
    ticket.severity("2026-06-10 09:05", "niedrig")
    ticket.at(
        "2026-06-10 09:10",
        AppointmentRequested(appointment=1, kind="year_end_closing", proposals=proposals),
        role="customer",
    )
    ticket.answer("2026-06-10 10:00").at("2026-06-10 10:05", AppointmentBooked(appointment=1, start=proposals[0]))
    ticket.work("2026-06-22 14:00", 90, "preparation")
    ticket.at("2026-06-24 10:00", AppointmentCancelled(appointment=1, by="customer"), role="customer")
    timer = ticket.timer("first_response")
    assert shown(timer) == ("met", utc("2026-06-11T07:00"))
    assert timer.met_at == utc("2026-06-10T08:00")


def test_rueckfrage_has_eight_business_hours_to_the_next_morning(story: Story) -> None:
    ticket = story("infoniqa", "2026-06-30 10:00").severity("2026-06-30 10:05", "niedrig").answer("2026-06-30 10:20")
    timer = ticket.timer("first_response")
    assert shown(timer) == ("met", utc("2026-07-01T08:00"))
    assert timer.met_at == utc("2026-06-30T08:20")


def test_druck_is_answered_exactly_at_the_due_instant_which_is_in_time(story: Story) -> None:
    ticket = story("infoniqa", "2026-06-16 14:00").severity("2026-06-16 14:05", "niedrig").answer("2026-06-17 14:00")
    timer = ticket.timer("first_response")
    assert shown(timer) == ("met", utc("2026-06-17T12:00"))
    assert timer.met_at == utc("2026-06-17T12:00")


def test_frage_of_a_prospect_has_no_timers_at_all(story: Story) -> None:
    ticket = story(
        "fluxpunkt",
        "2026-06-19 09:00",
        contract=None,
        group="no_contract",
        entitled=False,
        entitled_by=None,
        entitled_why="There is no contract.",
    ).severity("2026-06-19 09:10", "kritisch")
    measured = ticket.measured()
    assert (measured.timers, measured.entitled, measured.reason) == ((), False, "There is no contract.")
    assert ticket.absent() == {"first_response": "not_entitled", "resolution": "not_entitled"}


def test_absturz_of_a_contract_customer_is_answered_on_monday_in_time(story: Story) -> None:
    ticket = story("fluxpunkt", "2026-06-19 16:30", channel="phone", group="contract")
    ticket.severity("2026-06-19 16:35", "hoch").at("2026-06-22 10:00", Responded(channel="phone"))
    ticket.work("2026-06-22 10:00", 40)
    timer = ticket.timer("first_response")
    assert shown(timer) == ("met", utc("2026-06-22T08:30"))
    assert timer.met_at == utc("2026-06-22T08:00")


def malfunction(story: Story, received_at: str, site: str, **created: object) -> Any:
    return story("hamburg", received_at, channel="phone", type="malfunction", site=site, calendar=site, **created)


def failed_transfer(ticket: Any, moment: str, started_at: str) -> Any:
    ticket.at(moment, CallReceived(call="c-1", started_at=ticket.instant(started_at)))
    ticket.at(moment, CallTransferAttempted(call="c-1", to="specialist", result="failed"))
    return ticket.at(moment, CallbackRequested(callback=1, purpose="failed_transfer"))


def test_hh_stoerung_is_called_back_after_ascension_and_the_bridge_day(story: Story) -> None:
    ticket = failed_transfer(malfunction(story, "2026-05-13 15:50", "hamburg"), "2026-05-13 16:00", "2026-05-13 15:50")
    ticket.at("2026-05-18 09:10", CallbackCompleted(callback=1), role="specialist")
    timer = ticket.timer("callback")
    assert shown(timer) == ("met", utc("2026-05-18T07:30"))
    assert (timer.started_at, timer.met_at) == (utc("2026-05-13T14:00"), utc("2026-05-18T07:10"))
    assert timer.note is None
    assert [warning.at for warning in timer.warnings] == [utc("2026-05-13T15:00"), utc("2026-05-18T07:00")]


def test_woking_fault_is_tried_in_time_and_reaches_nobody(story: Story) -> None:
    ticket = malfunction(story, "2026-05-13T14:50:00+01:00", "woking")
    failed_transfer(ticket, "2026-05-13T15:00:00+01:00", "2026-05-13T14:50:00+01:00")
    ticket.at("2026-05-13T16:50:00+01:00", CallbackAttempted(callback=1, reached=False), role="specialist")
    timer = ticket.timer("callback")
    assert shown(timer) == ("met", utc("2026-05-13T16:00"))
    assert (timer.met_at, timer.note) == (utc("2026-05-13T15:50"), "not_reached")


def test_letzter_tag_is_entitled_by_warranty_and_still_waits_for_a_call(story: Story) -> None:
    ticket = malfunction(story, "2026-05-13 09:00", "hamburg", contract=None, entitled_by="warranty")
    measured = ticket.measured()
    assert measured.entitled
    assert [timer.metric for timer in measured.timers] == ["resolution"]
    assert "callback" not in ticket.absent()


def test_tag_danach_has_no_timers(story: Story) -> None:
    ticket = malfunction(story, "2026-05-18 09:00", "hamburg", contract=None, entitled=False, entitled_by=None)
    assert ticket.measured().timers == ()


def test_offline_is_begun_on_monday_and_asks_for_approval_before_the_hour_is_used_up(story: Story) -> None:
    ticket = story("digidesk", "2026-06-26 16:00", type="quick_high").severity("2026-06-26 16:05", "urgent_fault")
    ticket.at("2026-06-29 09:30", WorkStarted(agent="agent-2")).work("2026-06-29 09:30", 45)
    ticket.at("2026-06-29 10:16", CostApprovalRequested(approval=1, estimate_minutes=120))
    ticket.at("2026-06-29 10:20", CostApproved(approval=1, extra_minutes=60), role="customer")
    ticket.work("2026-06-29 10:30", 30).at("2026-06-29 11:05", Delivered(system="test"))
    ticket.at("2026-06-29 13:00", Accepted(), role="customer").at("2026-06-29 13:10", ReleasedToProduction())
    ticket.at("2026-06-29 13:15", Resolved())
    started, notice = ticket.timer("processing_started"), ticket.timer("effort_notice")
    assert shown(started) == ("met", utc("2026-06-29T08:00"))
    assert started.met_at == utc("2026-06-29T07:30")
    assert shown(notice) == ("met", None)
    assert notice.met_at == utc("2026-06-29T08:16")
    resolution = ticket.timer("resolution")
    assert (state_at(resolution, NOW), resolution.target) == ("met", None)
    assert resolution.paused_seconds == (4 + 115) * 60


def test_modul_is_free_work_and_needs_no_effort_notice(story: Story) -> None:
    ticket = story("digidesk", "2026-06-22 10:00", channel="portal").work("2026-06-22 10:30", 30, "module_enquiry")
    ticket.at("2026-06-22 11:05", Resolved())
    assert [timer.metric for timer in ticket.measured().timers] == ["resolution"]
    assert "effort_notice" not in ticket.absent()


def test_umbau_goes_on_beyond_an_hour_of_work_without_a_notice(story: Story) -> None:
    ticket = story("digidesk", "2026-06-23 10:00", channel="portal")
    ticket.work("2026-06-23 10:30", 40, "technical_change").work("2026-06-24 10:30", 40, "technical_change")
    ticket.at("2026-06-24 11:15", Resolved())
    timer = ticket.timer("effort_notice")
    assert shown(timer) == ("missed", utc("2026-06-24T08:50"))
    assert timer.missed_at == utc("2026-06-24T08:50")
    assert [(warning.rule, warning.at) for warning in timer.warnings] == [("75%", utc("2026-06-24T08:35"))]


def dedicated(story: Story, received_at: str, channel: str, severity: str) -> Any:
    return story(
        "liveagent",
        received_at,
        plan="all_inclusive",
        addons=["dedicated_support"],
        calendar="liveagent-office",
        channel=channel,
        severity=severity,
    )


def test_ausfall_is_kept_up_to_date_until_it_is_resolved(story: Story) -> None:
    ticket = dedicated(story, "2026-06-20 03:00", "dedicated_chat", "critical")
    ticket.answer("2026-06-20 03:40").answer("2026-06-20 06:00").at("2026-06-20 09:00", Resolved())
    first = ticket.timer("first_response")
    assert shown(first) == ("met", utc("2026-06-20T02:00"))
    assert first.met_at == utc("2026-06-20T01:40")
    assert [(shown(timer), timer.met_at) for timer in ticket.timers("follow_up")] == [
        (("met", utc("2026-06-20T05:40")), utc("2026-06-20T04:00")),
        (("cancelled", utc("2026-06-20T08:00")), None),
    ]


def test_mails_are_answered_half_an_hour_late(story: Story) -> None:
    ticket = dedicated(story, "2026-07-03 16:00", "dedicated_email", "standard")
    ticket.answer("2026-07-06 10:30").at("2026-07-06 10:31", Resolved())
    timer = ticket.timer("first_response")
    assert shown(timer) == ("missed", utc("2026-07-06T08:00"))
    assert timer.missed_at == utc("2026-07-06T08:00")


def test_regel_was_never_answered_and_is_missed_because_its_deadline_passed(story: Story) -> None:
    ticket = dedicated(story, "2026-07-03 15:00", "dedicated_chat", "bugfix")
    timer = ticket.timer("first_response")
    assert shown(timer) == ("missed", utc("2026-07-06T13:00"))
    assert (timer.missed_at, missed_at(timer, NOW)) == (None, utc("2026-07-06T13:00"))
    assert timer.soft_due_at == utc("2026-07-04T13:00")
