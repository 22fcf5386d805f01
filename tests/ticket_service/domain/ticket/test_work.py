"""When work may start, time that was worked, and the notice that it will take longer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fristwerk_language.events.tickets import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentHeld,
    AppointmentMissed,
    AppointmentRequested,
    Assigned,
    Closed,
    CostApprovalRequested,
    CostApproved,
    CostRejected,
    Delivered,
    EffortNoticeSent,
    InformationRequested,
    Resolved,
    SeveritySet,
    TimeLogCorrected,
    TimeLogged,
    WorkStarted,
)
from tests.ticket_service.domain.conftest import Agreements, GivenTicket
from ticket_service.domain.errors import NotAcceptable, NotFound, NotInThisState
from ticket_service.domain.ticket.commands import CorrectTime, LogTime, SendEffortNotice, StartWork

AT = datetime(2026, 6, 10, 7, 0, tzinfo=UTC)
START = datetime(2026, 6, 9, 8, 0, tzinfo=UTC)
MINE = Assigned(agent="agent-3")
WORK = StartWork(agent="agent-3")
TRAINING = {"type": "training"}
REQUESTED = AppointmentRequested(appointment=1, kind="training", proposals=[AT])
BOOKED = AppointmentBooked(appointment=1, start=AT)
CLASSIFIED = SeveritySet(severity="niedrig")


def logged(minutes: int, activity: str = "help", entry: str = "e-1", appointment: int | None = None) -> TimeLogged:
    return TimeLogged(
        entry=entry, start=START, minutes=minutes, activity=activity, agent="agent-3", appointment=appointment
    )


def test_work_starts(given: GivenTicket) -> None:
    outcome = given("digidesk", MINE).when(WORK).then(WorkStarted(agent="agent-3"))
    assert (outcome.ticket.state, outcome.ticket.work_started_at) == ("in_progress", AT)


def test_who_starts_work_on_a_ticket_that_nobody_has_takes_it(given: GivenTicket) -> None:
    outcome = given("digidesk", Assigned(agent="queue")).when(WORK)
    outcome.then(Assigned(agent="agent-3"), WorkStarted(agent="agent-3"))
    assert outcome.ticket.assignee == "agent-3"


def test_work_is_done_by_somebody(given: GivenTicket) -> None:
    given("digidesk").when(StartWork(agent="")).refused(NotAcceptable, "not-acceptable", "/agent")


def test_an_unclassified_ticket_waits_for_a_severity_where_the_agreement_is_strict(given: GivenTicket) -> None:
    given("infoniqa").when(WORK).refused(NotInThisState, "severity-required")
    assert given("infoniqa", CLASSIFIED, MINE).when(WORK).refusal is None
    assert given("digidesk", MINE).when(WORK).refusal is None


@pytest.mark.parametrize(
    "appointments",
    [
        (),
        (REQUESTED,),
        (REQUESTED, BOOKED, AppointmentCancelled(appointment=1, by="customer")),
        (REQUESTED, BOOKED, AppointmentMissed(appointment=1)),
    ],
    ids=["none", "only requested", "cancelled", "missed"],
)
def test_a_type_that_needs_an_appointment_is_not_worked_on_without_one(given: GivenTicket, appointments: Any) -> None:
    ticket = given("infoniqa", CLASSIFIED, *appointments, created=TRAINING)
    ticket.when(WORK).refused(NotInThisState, "appointment-required")


@pytest.mark.parametrize("appointments", [(BOOKED,), (BOOKED, AppointmentHeld(appointment=1))], ids=["booked", "held"])
def test_a_type_that_needs_an_appointment_is_worked_on_with_one(given: GivenTicket, appointments: Any) -> None:
    ticket = given("infoniqa", CLASSIFIED, MINE, REQUESTED, *appointments, created=TRAINING)
    ticket.when(WORK).then(WorkStarted(agent="agent-3"))


def test_the_sixtieth_minute_used_up_closes_the_cost_gate(given: GivenTicket) -> None:
    assert given("digidesk", logged(59)).when(WORK).refusal is None
    refusal = given("digidesk", logged(60)).when(WORK).refused(NotInThisState, "cost-approval-required")
    assert "60 of 60 billable minutes" in refusal.detail


def test_free_work_does_not_count_at_the_cost_gate(given: GivenTicket) -> None:
    free = (logged(50), logged(30, "module_enquiry", "e-2"))
    assert given("digidesk", *free).when(WORK).refusal is None
    given("digidesk", *free, logged(10, "help", "e-3")).when(WORK).refused(NotInThisState, "cost-approval-required")


def test_preparation_of_an_appointment_counts_only_where_no_cancellation_fee_rests_on_it(
    given: GivenTicket, terms: Agreements
) -> None:
    gate = {"cost_approval": {"after_minutes": 60}}
    prepared = (CLASSIFIED, MINE, REQUESTED, BOOKED, logged(90, "preparation", appointment=1))
    assert given(terms("infoniqa", **gate), *prepared).when(WORK).refusal is None
    for agreement in (
        terms("infoniqa", **gate, appointments={"lead_time_days": 14}),
        terms("infoniqa", **gate, billing={}),
    ):
        given(agreement, *prepared).when(WORK).refused(NotInThisState, "cost-approval-required")
    for_none = (CLASSIFIED, MINE, logged(90, "preparation"))
    given(terms("infoniqa", **gate), *for_none).when(WORK).refused(NotInThisState, "cost-approval-required")


def test_free_under_one_plan_only_counts_under_another(given: GivenTicket) -> None:
    entries = (logged(70, "maintenance"),)
    assert given("digidesk", *entries, created={"plan": "maintenance"}).when(WORK).refusal is None
    given("digidesk", *entries, created={"plan": "standard"}).when(WORK).refused(
        NotInThisState, "cost-approval-required"
    )


def test_a_corrected_entry_counts_as_corrected(given: GivenTicket) -> None:
    corrected = (logged(80), TimeLogCorrected(entry="e-1", minutes=8))
    assert given("digidesk", *corrected).when(WORK).refusal is None


def test_an_approval_opens_the_gate_by_so_many_minutes(given: GivenTicket) -> None:
    approved = (CostApprovalRequested(approval=1, estimate_minutes=90), CostApproved(approval=1, extra_minutes=30))
    assert given("digidesk", logged(89), *approved).when(WORK).refusal is None
    refusal = given("digidesk", logged(90), *approved).when(WORK).refused(NotInThisState, "cost-approval-required")
    assert "90 of 90" in refusal.detail


def test_an_open_ended_approval_opens_the_gate_for_good(given: GivenTicket) -> None:
    approved = (CostApprovalRequested(approval=1, estimate_minutes=90), CostApproved(approval=1))
    assert given("digidesk", logged(900), *approved).when(WORK).refusal is None


def test_a_rejection_leaves_the_gate_closed_but_not_the_agreed_minutes(given: GivenTicket) -> None:
    rejected = (CostApprovalRequested(approval=1, estimate_minutes=90), CostRejected(approval=1))
    given("digidesk", logged(60), *rejected).when(WORK).refused(NotInThisState, "cost-approval-rejected")
    assert given("digidesk", logged(20), *rejected).when(WORK).refusal is None


@pytest.mark.parametrize(
    ("before", "code"),
    [
        ((CostApprovalRequested(approval=1, estimate_minutes=90),), "cost-approval-pending"),
        ((Delivered(system="test"),), "acceptance-pending"),
        ((Resolved(),), "ticket-already-resolved"),
        ((Resolved(), Closed()), "ticket-already-closed"),
    ],
)
def test_work_waits_for_a_decision_that_is_awaited(given: GivenTicket, before: Any, code: str) -> None:
    given("digidesk", *before).when(WORK).refused(NotInThisState, code)


def test_work_may_go_on_while_information_is_awaited(given: GivenTicket) -> None:
    outcome = given("digidesk", MINE, InformationRequested()).when(WORK)
    assert outcome.ticket.state == "in_progress"


def test_time_is_logged_and_its_note_sealed(given: GivenTicket) -> None:
    command = LogTime(
        entry="e-1", start=START, minutes=45, activity="help", agent="agent-2", note="Herr Shop am Telefon"
    )
    outcome = given("digidesk").when(command)
    event = TimeLogged(entry="e-1", start=START, minutes=45, activity="help", agent="agent-2")
    outcome.then(event).sealing({"note": "Herr Shop am Telefon"})
    assert outcome.ticket.state == "in_progress"
    assert outcome.ticket.time_entries["e-1"].minutes == 45
    assert outcome.ticket.work_started_at == START


def test_an_entry_says_by_whom_it_was_done(given: GivenTicket) -> None:
    command = LogTime(entry="e-1", start=START, minutes=45, activity="help", agent="agent-2", performer="partner")
    outcome = given("digidesk").when(command)
    outcome.then(
        TimeLogged(entry="e-1", start=START, minutes=45, activity="help", agent="agent-2", performer="partner")
    )
    assert outcome.ticket.time_entries["e-1"].performer == "partner"


def test_time_beyond_the_cost_gate_is_a_fact_all_the_same(given: GivenTicket) -> None:
    command = LogTime(entry="e-2", start=START, minutes=600, activity="help", agent="agent-2")
    assert given("digidesk", logged(60)).when(command).refusal is None


@pytest.mark.parametrize(
    ("before", "state"),
    [
        ((InformationRequested(),), "waiting_customer"),
        ((CostApprovalRequested(approval=1, estimate_minutes=90),), "waiting_approval"),
        ((Delivered(system="test"),), "awaiting_acceptance"),
        ((Resolved(), Closed()), "closed"),
    ],
)
def test_late_time_entries_change_no_state_that_waits_or_is_over(given: GivenTicket, before: Any, state: str) -> None:
    command = LogTime(entry="e-1", start=START, minutes=5, activity="help", agent="agent-2")
    assert given("digidesk", *before).when(command).ticket.state == state


def test_time_needs_a_minute_a_past_start_an_activity_and_an_appointment_that_is_there(given: GivenTicket) -> None:
    command = LogTime(
        entry="e-1", start=datetime(2026, 6, 11, tzinfo=UTC), minutes=0, activity="", agent=" ", appointment=2
    )
    given("infoniqa", REQUESTED).when(command).refused(
        NotAcceptable, "not-acceptable", "/minutes", "/start", "/activity", "/agent", "/appointment"
    )


def test_a_misspelt_activity_is_refused_where_the_agreement_lists_its_words(given: GivenTicket) -> None:
    command = LogTime(entry="e-1", start=START, minutes=30, activity="maintenence", agent="agent-2")
    refusal = given("digidesk").when(command).refused(NotAcceptable, "not-acceptable", "/activity")
    assert isinstance(refusal, NotAcceptable)
    [(_, sentence)] = refusal.errors
    assert "it has help, defect," in sentence
    assert "maintenance" in sentence


@pytest.mark.parametrize("activity", ["maintenance", "preparation", "call"])
def test_the_words_of_the_agreement_and_of_the_product_are_taken(given: GivenTicket, activity: str) -> None:
    command = LogTime(entry="e-1", start=START, minutes=30, activity=activity, agent="agent-2")
    given("digidesk").when(command).then(
        TimeLogged(entry="e-1", start=START, minutes=30, activity=activity, agent="agent-2")
    )


def test_preparation_names_its_appointment(given: GivenTicket) -> None:
    command = LogTime(entry="e-1", start=START, minutes=90, activity="preparation", agent="agent-5", appointment=1)
    given("infoniqa", REQUESTED).when(command).then(
        TimeLogged(entry="e-1", start=START, minutes=90, activity="preparation", agent="agent-5", appointment=1)
    )


def test_an_entry_is_corrected_for_a_reason(given: GivenTicket) -> None:
    outcome = given("digidesk", logged(45)).when(CorrectTime(entry="e-1", minutes=0, reason="falsches Ticket"))
    outcome.then(TimeLogCorrected(entry="e-1", minutes=0)).sealing({"reason": "falsches Ticket"})
    assert (outcome.ticket.time_entries["e-1"].minutes, outcome.ticket.time_entries["e-1"].corrected) == (0, True)


def test_only_an_entry_of_this_ticket_is_corrected(given: GivenTicket) -> None:
    given("digidesk", logged(45)).when(CorrectTime(entry="e-7", minutes=5, reason="x")).refused(
        NotFound, "time-entry-not-found"
    )


def test_a_correction_has_minutes_and_a_reason(given: GivenTicket) -> None:
    given("digidesk", logged(45)).when(CorrectTime(entry="e-1", minutes=-5, reason="")).refused(
        NotAcceptable, "not-acceptable", "/minutes", "/reason"
    )


def test_an_effort_notice_tells_the_customer(given: GivenTicket) -> None:
    outcome = given("digidesk", MINE).when(SendEffortNotice(text="Es wird länger dauern."))
    outcome.then(EffortNoticeSent()).sealing({"text": "Es wird länger dauern."})
    assert outcome.ticket.effort_notice_at == AT


def test_an_empty_effort_notice_tells_nothing(given: GivenTicket) -> None:
    given("digidesk").when(SendEffortNotice(text="")).refused(NotAcceptable, "not-acceptable", "/text")
