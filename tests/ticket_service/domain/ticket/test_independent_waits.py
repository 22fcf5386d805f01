"""A ticket waits for an answer, an approval and an acceptance independently: giving one does not end another."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fristwerk_language.events import Event
from fristwerk_language.events.tickets import (
    Accepted,
    CostApprovalRequested,
    CostApproved,
    Delivered,
    InformationReceived,
    InformationRequested,
    WorkStarted,
)
from tests.ticket_service.domain.conftest import GivenTicket
from ticket_service.domain.ticket.commands import (
    Accept,
    DecideCost,
    Deliver,
    ReceiveInformation,
    RequestCostApproval,
    RequestInformation,
)

QUESTION = InformationRequested()
ESTIMATE = CostApprovalRequested(approval=1, estimate_minutes=60)
ASK = RequestInformation(question="Welche Version?")
ASK_COST = RequestCostApproval(estimate_minutes=60, text="Datenbank")


def test_an_approval_leaves_the_question_open(given: GivenTicket) -> None:
    asked = given("digidesk", QUESTION).when(ASK_COST)
    asked.then(CostApprovalRequested(approval=1, estimate_minutes=60, beside=True))
    assert (asked.ticket.state, asked.ticket.waits) == ("waiting_approval", ("waiting_approval", "waiting_customer"))
    both = given("digidesk", QUESTION, *(fact.event for fact in asked.facts))
    approved = both.when(DecideCost(number=1, approved=True, extra_minutes=60), by="customer")
    assert (approved.ticket.state, approved.ticket.waits) == ("waiting_customer", ("waiting_customer",))


def test_an_answer_leaves_the_approval_open(given: GivenTicket) -> None:
    asked = given("digidesk", ESTIMATE).when(ASK).then(InformationRequested(beside=True))
    both = given("digidesk", ESTIMATE, *(fact.event for fact in asked.facts))
    answered = both.when(ReceiveInformation(text="Version 12"), by="customer")
    assert (answered.ticket.state, answered.ticket.waits) == ("waiting_approval", ("waiting_approval",))


def test_a_delivery_is_accepted_while_an_approval_is_awaited(given: GivenTicket) -> None:
    delivered = given("digidesk", ESTIMATE).when(Deliver(system="test", text="Bitte prüfen"))
    delivered.then(Delivered(system="test", beside=True))
    both = given("digidesk", ESTIMATE, *(fact.event for fact in delivered.facts))
    assert both.ticket.state == "waiting_approval"
    accepted = both.when(Accept(accepted=True), by="customer").then(Accepted())
    assert (accepted.ticket.state, accepted.ticket.waits) == ("waiting_approval", ("waiting_approval",))


def test_a_single_wait_is_recorded_as_before(given: GivenTicket) -> None:
    assert given("digidesk").when(ASK).then(InformationRequested()).ticket.waits == ("waiting_customer",)
    assert given("digidesk", QUESTION).when(ASK).then(InformationRequested()).ticket.waits == ("waiting_customer",)


@pytest.mark.parametrize(
    ("history", "state"),
    [
        ((QUESTION, ESTIMATE, CostApproved(approval=1)), "in_progress"),
        ((QUESTION, ESTIMATE, InformationReceived()), "waiting_approval"),
        ((QUESTION, WorkStarted(agent="agent-2")), "in_progress"),
        ((ESTIMATE, Accepted()), "accepted"),
        ((QUESTION, Delivered(system="test"), Accepted()), "accepted"),
    ],
)
def test_what_was_recorded_before_keeps_its_meaning(given: GivenTicket, history: Sequence[Event], state: str) -> None:
    assert given("digidesk", *history).ticket.state == state
