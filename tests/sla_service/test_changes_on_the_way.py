"""Severity, type and terms that change while a timer runs, entitlement, and why there is no timer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import pytest

from fristwerk_language.events.tickets import (
    CostApprovalRequested,
    CostApproved,
    InformationReceived,
    InformationRequested,
    Resolved,
    SeveritySet,
    TermsMigrated,
    TypeChanged,
)
from sla_service.domain.timers.published_terms import PublishedTerms, UnknownTermsError
from sla_service.domain.timers.timer import Timer, missed_at, state_at

Agreed = Callable[..., Any]
HIGH = {"metric": "first_response", "severity": "high", "target": "1 business hours"}
LOW = {"metric": "first_response", "severity": "low", "target": "4 business hours"}


def clock(instant: datetime | None) -> str | None:
    return None if instant is None else f"{instant:%d %H:%M}"


def told(timer: Timer, now: str = "2026-06-30T00:00Z") -> tuple[str, str | None]:
    return state_at(timer, datetime.fromisoformat(now)), clock(timer.due_at)


def moves(timer: Timer) -> list[tuple[str, str | None, str | None, str]]:
    return [(each.why, clock(each.old_due_at), clock(each.new_due_at), each.event) for each in timer.changes]


def test_a_new_severity_counts_from_the_original_start(agreed: Agreed) -> None:
    ticket = agreed(HIGH, LOW)("2026-06-08 10:00", severity="low").severity("2026-06-08 10:30", "high")
    timer = ticket.timer("first_response")
    assert told(timer, "2026-06-08T08:45Z") == ("running", "08 09:00")
    assert moves(timer) == [("SeveritySet", "08 12:00", "08 09:00", "e-2")]
    assert (timer.severity, timer.line) == ("high", "/service_levels/0")


def test_a_soft_target_is_never_due_after_the_target(agreed: Agreed) -> None:
    line = {"metric": "first_response", "target": "1 business days", "soft": "24 hours"}
    timer = agreed(line)("2026-06-08 00:30").timer("first_response")
    assert (clock(timer.due_at), clock(timer.soft_due_at)) == ("08 15:00", "08 15:00")


QUICK = {"metric": "processing_started", "type": "quick", "target": "2 business hours"}


def test_a_better_service_ordered_later_counts_from_its_order_where_the_terms_say_so(agreed: Agreed) -> None:
    for counts_from, due in (("start", "08 10:00"), ("change", "10 11:00")):
        ticket = agreed(QUICK | {"counts_from": counts_from}, ticket_types=[{"id": "quick"}])("2026-06-08 10:00")
        timer = ticket.at("2026-06-10 11:00", TypeChanged(type="quick")).timer("processing_started")
        assert clock(timer.due_at) == due
    assert told(timer, "2026-06-10T10:00Z") == ("running", "10 11:00")
    assert clock(timer.started_at) == "10 09:00"


def test_a_service_ordered_with_the_ticket_counts_from_its_start_all_the_same(agreed: Agreed) -> None:
    ticket = agreed(QUICK | {"counts_from": "change"}, ticket_types=[{"id": "quick"}])("2026-06-08 10:00", type="quick")
    assert (
        clock(ticket.at("2026-06-08 10:30", SeveritySet(severity="high")).timer("processing_started").due_at)
        == "08 10:00"
    )


def test_a_service_taken_back_and_ordered_again_counts_from_the_last_order(agreed: Agreed) -> None:
    ticket = agreed(QUICK | {"counts_from": "change"}, ticket_types=[{"id": "quick"}])("2026-06-08 10:00", type="quick")
    ticket.at("2026-06-08 10:30", TypeChanged(type="normal"))
    timer = ticket.at("2026-06-08 11:00", TypeChanged(type="quick")).timer("processing_started")
    assert clock(timer.due_at) == "08 11:00"


def test_pauses_are_kept_through_a_change_of_severity(agreed: Agreed) -> None:
    pausing = {"metric": "resolution", "pauses_in": ["waiting_customer"]}
    lines = (pausing | {"severity": "high", "target": "2 business hours"}, pausing | {"target": "6 business hours"})
    ticket = agreed(*lines)("2026-06-08 10:00", severity="low").at("2026-06-08 10:30", InformationRequested())
    ticket.at("2026-06-08 11:00", InformationReceived()).severity("2026-06-08 11:30", "high")
    timer = ticket.timer("resolution")
    assert told(timer, "2026-06-08T10:00Z") == ("running", "08 10:30")
    assert moves(timer) == [
        ("InformationReceived", "08 14:00", "08 14:30", "e-3"),
        ("SeveritySet", "08 14:30", "08 10:30", "e-4"),
    ]


def test_a_miss_that_has_happened_stays_when_the_severity_is_lowered(agreed: Agreed) -> None:
    ticket = agreed(HIGH, LOW)("2026-06-08 10:00", severity="high").severity("2026-06-08 11:30", "low")
    timer = ticket.answer("2026-06-08 12:00").timer("first_response")
    assert (told(timer), clock(timer.missed_at), moves(timer)) == (("missed", "08 09:00"), "08 09:00", [])
    assert (timer.severity, clock(timer.ended_at)) == ("high", "08 10:00")


def test_a_severity_lowered_at_the_deadline_itself_is_in_time(agreed: Agreed) -> None:
    ticket = agreed(HIGH, LOW)("2026-06-08 10:00", severity="high").severity("2026-06-08 11:00", "low")
    assert told(ticket.timer("first_response"), "2026-06-08T11:00Z") == ("running", "08 12:00")


def test_a_new_deadline_that_is_past_already_is_missed_at_that_deadline(agreed: Agreed) -> None:
    ticket = agreed(HIGH, LOW)("2026-06-08 10:00", severity="low").severity("2026-06-08 13:00", "high")
    timer = ticket.timer("first_response")
    assert told(timer, "2026-06-08T11:00:01Z") == ("missed", "08 09:00")
    assert clock(missed_at(timer, datetime.fromisoformat("2026-06-08T11:00:01Z"))) == "08 09:00"
    answered = ticket.answer("2026-06-08 13:30").timer("first_response")
    assert (clock(answered.missed_at), moves(answered)) == (
        "08 09:00",
        [("SeveritySet", "08 12:00", "08 09:00", "e-2")],
    )


def test_an_answer_before_the_change_is_judged_by_what_held_then(agreed: Agreed) -> None:
    ticket = agreed(HIGH, LOW)("2026-06-08 10:00", severity="low").answer("2026-06-08 12:00")
    timer = ticket.severity("2026-06-08 12:30", "high").timer("first_response")
    assert (told(timer), timer.severity) == (("met", "08 12:00"), "low")


def test_until_a_severity_is_set_the_strictest_line_holds_where_the_agreement_says_so(agreed: Agreed) -> None:
    ticket = agreed(LOW, HIGH, unclassified="strictest")("2026-06-08 10:00")
    assert told(ticket.timer("first_response"), "2026-06-08T08:30Z") == ("running", "08 09:00")
    timer = ticket.severity("2026-06-08 10:30", "low").timer("first_response")
    assert told(timer, "2026-06-08T08:30Z") == ("running", "08 12:00")
    assert moves(timer) == [("SeveritySet", "08 09:00", "08 12:00", "e-2")]


def test_elsewhere_there_is_no_timer_until_a_severity_is_set_and_then_it_counts_from_receipt(agreed: Agreed) -> None:
    ticket = agreed(HIGH, LOW)("2026-06-08 10:00")
    assert ticket.absent()["first_response"] == "severity_not_set"
    timer = ticket.severity("2026-06-08 10:30", "low").timer("first_response")
    assert (told(timer, "2026-06-08T09:00Z"), moves(timer)) == (("running", "08 12:00"), [])
    assert "first_response" not in ticket.absent()


def test_a_type_that_promises_nothing_cancels_what_ran(agreed: Agreed) -> None:
    ticket = agreed({"metric": "first_response", "type": "quick", "target": "2 business hours"})(
        "2026-06-08 10:00", type="quick"
    ).at("2026-06-08 11:00", TypeChanged(type="normal"))
    timer = ticket.timer("first_response")
    assert (told(timer), clock(timer.cancelled_at)) == (("cancelled", "08 10:00"), "08 09:00")
    assert moves(timer) == [("TypeChanged", "08 10:00", None, "e-2")]
    back = ticket.at("2026-06-08 11:30", TypeChanged(type="quick")).timer("first_response")
    assert told(back, "2026-06-08T09:45Z") == ("running", "08 10:00")


def test_new_versions_of_terms_never_touch_a_ticket_and_a_migration_does(agreed: Agreed) -> None:
    open_ticket = agreed({"metric": "first_response", "target": "4 business hours"})
    ticket = open_ticket("2026-06-08 10:00")
    agreed({"metric": "first_response", "target": "1 business hours"}, version=2)
    assert told(ticket.timer("first_response"), "2026-06-08T08:30Z") == ("running", "08 12:00")
    migrated = TermsMigrated(agreement_version=2, calendar_version=1, reason="renewed")
    timer = ticket.at("2026-06-08 10:30", migrated).timer("first_response")
    assert (told(timer, "2026-06-08T08:45Z"), timer.terms) == (("running", "08 09:00"), "test@2")
    assert moves(timer) == [("TermsMigrated", "08 12:00", "08 09:00", "e-2")]


def test_a_migration_to_another_calendar_version_moves_the_deadline(
    agreed: Agreed, terms: PublishedTerms, published: dict[str, Any]
) -> None:
    event = published["calendars/digidesk"]
    terms.publish(msgspec.structs.replace(event, version=2, hours={"tue": ["10:00-18:00"]}))
    ticket = agreed({"metric": "first_response", "target": "1 business hours"})("2026-06-08 10:00")
    migrated = TermsMigrated(agreement_version=1, calendar_version=2, reason="new hours")
    timer = ticket.at("2026-06-08 10:30", migrated).timer("first_response")
    assert (clock(timer.due_at), timer.calendar) == ("09 09:00", "digidesk@2")


def test_a_miss_stays_through_a_migration(agreed: Agreed) -> None:
    ticket = agreed({"metric": "first_response", "target": "1 business hours"})("2026-06-08 10:00")
    agreed({"metric": "first_response", "target": "4 business hours"}, version=2)
    ticket.at("2026-06-08 11:30", TermsMigrated(agreement_version=2, calendar_version=1, reason="renewed"))
    timer = ticket.timer("first_response")
    assert (clock(timer.missed_at), timer.terms) == ("08 09:00", "test@1")


def test_terms_never_published_are_named(agreed: Agreed) -> None:
    ticket = agreed(HIGH)("2026-06-08 10:00", agreement_version=3)
    with pytest.raises(UnknownTermsError, match="no version 3 of the agreement test"):
        ticket.measured()


def test_a_ticket_of_a_service_not_covered_has_no_timers(agreed: Agreed) -> None:
    ticket = agreed(LOW | {"severity": None}, services=["repair"])("2026-06-08 10:00", type="consulting")
    assert ticket.measured().timers == ()
    assert ticket.absent()["first_response"] == "service_not_covered"
    assert ticket.absent()["resolution"] == "not_configured"


def test_without_entitlement_every_metric_of_the_agreement_says_so(agreed: Agreed) -> None:
    ticket = agreed(HIGH)("2026-06-08 10:00", entitled=False, entitled_by=None, severity="high")
    assert (ticket.measured().timers, ticket.absent()) == ((), {"first_response": "not_entitled"})


def test_a_deadline_beyond_the_published_years_is_absent_with_that_reason(agreed: Agreed) -> None:
    ticket = agreed(LOW | {"severity": None})("2030-12-31 16:00").answer("2030-12-31 16:30")
    assert ticket.absent()["first_response"] == "calendar_range"
    long_ago = agreed(LOW | {"severity": None})("2019-12-30 16:00")
    assert long_ago.absent()["first_response"] == "calendar_range"


def test_a_metric_that_has_yet_to_start_is_neither_there_nor_absent(agreed: Agreed) -> None:
    ticket = agreed({"metric": "callback", "target": "1 business hours"})("2026-06-08 10:00").at(
        "2026-06-08 11:00", Resolved()
    )
    assert ticket.measured().timers == ()
    assert "callback" not in ticket.absent()


def test_a_first_response_pauses_only_where_its_line_says_so(agreed: Agreed) -> None:
    for more, due in (({}, "08 09:00"), ({"pauses_in": ["waiting_customer"]}, "08 10:00")):
        ticket = agreed({"metric": "first_response", "target": "1 business hours"} | more)("2026-06-08 10:00")
        ticket.at("2026-06-08 10:00", InformationRequested()).at("2026-06-08 11:00", InformationReceived())
        assert clock(ticket.timer("first_response").due_at) == due


def test_an_approval_does_not_end_the_wait_for_an_answer(agreed: Agreed) -> None:
    """The clock stands still for answers only: the approval beside them neither starts nor ends that."""
    ticket = agreed({"metric": "resolution", "target": "8 business hours", "pauses_in": ["waiting_customer"]})(
        "2026-06-08 10:00"
    )
    ticket.at("2026-06-08 11:00", InformationRequested())
    ticket.at("2026-06-08 12:00", CostApprovalRequested(approval=1, estimate_minutes=60, beside=True))
    ticket.at("2026-06-08 13:00", CostApproved(approval=1))
    ticket.at("2026-06-08 14:00", InformationReceived())
    assert ticket.timer("resolution").due_at == ticket.instant("2026-06-09 13:00")
