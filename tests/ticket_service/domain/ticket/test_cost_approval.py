"""Asking a customer for more costs, and the decision."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from fristwerk_language.events import tickets
from fristwerk_language.events.tickets import CostApprovalRequested, CostApproved, CostRejected, Resolved, WorkStarted
from tests.ticket_service.domain.conftest import Agreements, GivenTicket
from ticket_service.domain.errors import NotAcceptable, NotFound, NotInThisState
from ticket_service.domain.ticket.commands import DecideCost, DecisionRecord, RequestCostApproval, StartWork

AT = datetime(2026, 6, 9, 8, 0, tzinfo=UTC)
ASKED = CostApprovalRequested(approval=1, estimate_minutes=120)
PHONED = DecisionRecord(contact="Sina Shop", channel="phone", at=AT)


def logged(minutes: int, entry: str = "e-1") -> tickets.TimeLogged:
    return tickets.TimeLogged(entry=entry, start=AT, minutes=minutes, activity="help", agent="agent-2")


def test_an_approval_is_requested_and_awaited(given: GivenTicket) -> None:
    outcome = given("digidesk").when(RequestCostApproval(estimate_minutes=120, text="Datenbank"))
    outcome.then(ASKED).sealing({"text": "Datenbank"})
    assert outcome.ticket.state == "waiting_approval"


def test_a_second_request_counts_on(given: GivenTicket) -> None:
    ticket = given("digidesk", ASKED, CostApproved(approval=1, extra_minutes=60))
    ticket.when(RequestCostApproval(estimate_minutes=30, text="Noch mehr")).then(
        CostApprovalRequested(approval=2, estimate_minutes=30)
    )


def test_a_request_has_minutes_and_says_what_for(given: GivenTicket) -> None:
    given("digidesk").when(RequestCostApproval(estimate_minutes=0, text="")).refused(
        NotAcceptable, "not-acceptable", "/estimate_minutes", "/text"
    )


def test_without_a_gate_in_the_terms_there_is_nothing_to_approve(given: GivenTicket) -> None:
    given("hamburg").when(RequestCostApproval(estimate_minutes=30, text="x")).refused(
        NotAcceptable, "no-cost-approval-terms", "/estimate_minutes"
    )


def test_nothing_more_is_asked_while_a_request_is_open(given: GivenTicket) -> None:
    again = RequestCostApproval(estimate_minutes=30, text="x")
    given("digidesk", ASKED).when(again).refused(NotInThisState, "cost-approval-pending")
    reopened = given("digidesk", ASKED, Resolved(), tickets.Reopened())
    reopened.when(again).refused(NotInThisState, "cost-approval-pending")


@pytest.mark.parametrize(("said", "granted"), [({"extra_minutes": 60}, 60), ({}, 120), ({"open_ended": True}, None)])
def test_an_approval_covers_the_minutes_that_it_names_or_the_estimate_and_has_no_end_only_where_it_says_so(
    given: GivenTicket, said: dict[str, Any], granted: int | None
) -> None:
    outcome = given("digidesk", ASKED).when(DecideCost(number=1, approved=True, **said), by="customer")
    outcome.then(CostApproved(approval=1, extra_minutes=granted)).sealing(None)
    assert outcome.ticket.state == "in_progress"


def test_an_approved_estimate_is_the_bound_of_further_work(given: GivenTicket) -> None:
    asked = given("digidesk", logged(60), ASKED)
    approved = [each.event for each in asked.when(DecideCost(number=1, approved=True), by="customer").facts]
    work = StartWork(agent="agent-2")
    assert given("digidesk", logged(60), ASKED, *approved, logged(119, "e-2")).when(work).refusal is None
    held = given("digidesk", logged(60), ASKED, *approved, logged(120, "e-2")).when(work)
    held.refused(NotInThisState, "cost-approval-required")


@pytest.mark.parametrize("said", [{"approved": False}, {"approved": True, "extra_minutes": 60}])
def test_what_is_open_ended_has_no_other_bound(given: GivenTicket, said: dict[str, Any]) -> None:
    command = DecideCost(number=1, open_ended=True, **said)
    given("digidesk", ASKED).when(command, by="customer").refused(NotAcceptable, "not-acceptable", "/open_ended")


def test_a_customer_rejects(given: GivenTicket) -> None:
    outcome = given("digidesk", ASKED).when(DecideCost(number=1, approved=False), by="customer")
    outcome.then(CostRejected(approval=1))
    assert outcome.ticket.cost_approvals[0].state == "rejected"


def test_staff_enter_a_decision_with_the_record_of_who_gave_it(given: GivenTicket) -> None:
    outcome = given("digidesk", ASKED).when(DecideCost(number=1, approved=True, on_behalf=PHONED))
    outcome.then(CostApproved(approval=1, extra_minutes=120, on_behalf=tickets.OnBehalf(channel="phone", at=AT)))
    outcome.sealing({"contact": "Sina Shop"})


def test_staff_do_not_decide_themselves(given: GivenTicket) -> None:
    given("digidesk", ASKED).when(DecideCost(number=1, approved=True)).refused(
        NotAcceptable, "not-acceptable", "/on_behalf"
    )


def test_a_record_of_a_decision_is_whole_and_of_the_past(given: GivenTicket) -> None:
    vague = DecisionRecord(contact="", channel=" ", at=datetime(2026, 6, 11, tzinfo=UTC))
    given("digidesk", ASKED).when(DecideCost(number=1, approved=False, on_behalf=vague)).refused(
        NotAcceptable, "not-acceptable", "/on_behalf/contact", "/on_behalf/channel", "/on_behalf/at"
    )


def test_a_customer_decides_in_person(given: GivenTicket) -> None:
    given("digidesk", ASKED).when(DecideCost(number=1, approved=True, on_behalf=PHONED), by="customer").refused(
        NotAcceptable, "not-acceptable", "/on_behalf"
    )


def test_a_decision_is_made_once(given: GivenTicket) -> None:
    decided = given("digidesk", ASKED, CostApproved(approval=1))
    decided.when(DecideCost(number=1, approved=False), by="customer").refused(
        NotInThisState, "cost-approval-already-decided"
    )


def test_only_what_was_asked_is_decided(given: GivenTicket) -> None:
    given("digidesk", ASKED).when(DecideCost(number=2, approved=True), by="customer").refused(
        NotFound, "cost-approval-not-found"
    )


@pytest.mark.parametrize(("approved", "minutes"), [(False, 30), (True, 0), (True, -5)])
def test_extra_minutes_belong_to_an_approval_and_are_some(given: GivenTicket, approved: bool, minutes: int) -> None:
    command = DecideCost(number=1, approved=approved, extra_minutes=minutes)
    given("digidesk", ASKED).when(command, by="customer").refused(NotAcceptable, "not-acceptable", "/extra_minutes")


def test_a_decision_after_the_resolution_is_recorded_and_changes_no_state(given: GivenTicket) -> None:
    outcome = given("digidesk", WorkStarted(agent="agent-2"), ASKED, Resolved()).when(
        DecideCost(number=1, approved=True, extra_minutes=20), by="customer"
    )
    assert (outcome.refusal, outcome.ticket.state) == (None, "resolved")


def test_a_partners_free_work_does_not_count_at_the_cost_gate(given: GivenTicket, terms: Agreements) -> None:
    rules = {"coverage": [{"performer": "partner", "billable": False}]}
    document = terms("digidesk", billing=terms("digidesk").billing.model_dump(mode="json", exclude_unset=True) | rules)
    by_partner = msgspec.structs.replace(logged(100), performer="partner")
    given(document, by_partner, created={"fields": {"performer": "employee"}}).when(StartWork(agent="a")).then(
        tickets.Assigned(agent="a"), WorkStarted(agent="a")
    )
    given(document, logged(100), created={"fields": {"performer": "employee"}}).when(StartWork(agent="a")).refused(
        NotInThisState, "cost-approval-required"
    )
