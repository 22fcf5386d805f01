"""To whom a matter goes that does not run as it should, and how that ends."""

from __future__ import annotations

from typing import Any

import pytest

from fristwerk_language.events.tickets import (
    Closed,
    EscalationAssigned,
    EscalationClosed,
    EscalationRaised,
    EscalationTaskAdded,
    EscalationTaskDone,
    Resolved,
)
from tests.ticket_service.domain.conftest import GivenTicket
from ticket_service.domain.errors import NotAcceptable, NotAllowed, NotFound, NotInThisState
from ticket_service.domain.ticket.commands import (
    AddEscalationTask,
    AssignEscalation,
    CloseEscalation,
    CompleteEscalationTask,
    Escalate,
)

CONTACT = "customer_success_manager"
RAISED = EscalationRaised(escalation=1, to=CONTACT, agent="csm-7")


def test_an_escalation_goes_to_the_customers_contact(given: GivenTicket) -> None:
    outcome = given("infoniqa").when(Escalate(to=CONTACT, text="Zu langsam"), contacts={CONTACT: "csm-7"})
    outcome.then(RAISED).sealing({"text": "Zu langsam"})


def test_a_role_that_nobody_holds_falls_to_the_fallback_and_the_fact_says_so(given: GivenTicket) -> None:
    held = {"support_manager": "sm-1"}
    outcome = given("infoniqa").when(Escalate(to=CONTACT, text="Zu langsam"), contacts=held)
    outcome.then(EscalationRaised(escalation=1, to="support_manager", agent="sm-1", asked_for=CONTACT))
    [raised] = outcome.ticket.escalations
    assert (raised.to, raised.agent, raised.asked_for) == ("support_manager", "sm-1", CONTACT)


@pytest.mark.parametrize(("agreement", "role"), [("infoniqa", CONTACT), ("hamburg", "technical_support_manager")])
def test_an_escalation_that_would_reach_nobody_is_refused(given: GivenTicket, agreement: str, role: str) -> None:
    given(agreement).when(Escalate(to=role, text="x")).refused(NotAcceptable, "nobody-holds-role", "/to")


def test_a_role_that_the_agreement_and_the_customer_do_not_know_is_refused(given: GivenTicket) -> None:
    given("infoniqa").when(Escalate(to="chef", text="x")).refused(NotAcceptable, "not-acceptable", "/to")
    given("infoniqa").when(Escalate(to="chef", text="x"), contacts={"chef": "c-1"}).then(
        EscalationRaised(escalation=1, to="chef", agent="c-1")
    )


def test_an_agreement_without_terms_for_it_takes_any_role(given: GivenTicket) -> None:
    given("digidesk").when(Escalate(to="manager", text="x")).then(EscalationRaised(escalation=1, to="manager"))


def test_an_escalation_says_to_whom_and_why(given: GivenTicket) -> None:
    given("digidesk").when(Escalate(to="", text=" ")).refused(NotAcceptable, "not-acceptable", "/to", "/text")


def test_an_escalation_is_closed_with_its_outcome_and_contact_sealed(given: GivenTicket) -> None:
    outcome = given("infoniqa", RAISED).when(CloseEscalation(number=1, outcome="Plan vereinbart", contact="Anna"))
    outcome.then(EscalationClosed(escalation=1)).sealing({"outcome": "Plan vereinbart", "contact": "Anna"})
    assert outcome.ticket.escalations[0].closed_at is not None


def test_an_escalation_is_not_closed_without_what_the_agreement_asks(given: GivenTicket) -> None:
    given("infoniqa", RAISED).when(CloseEscalation(number=1, contact=" ")).refused(
        NotAcceptable, "not-acceptable", "/outcome", "/contact"
    )
    given("digidesk", RAISED).when(CloseEscalation(number=1)).then(EscalationClosed(escalation=1)).sealing(None)


def test_an_escalation_is_closed_once_and_only_if_raised(given: GivenTicket) -> None:
    close = CloseEscalation(number=1, outcome="x", contact="y")
    given("infoniqa", RAISED, EscalationClosed(escalation=1)).when(close).refused(
        NotInThisState, "escalation-already-closed"
    )
    given("infoniqa").when(close).refused(NotFound, "escalation-not-found")


HAMBURG = "technical_support_manager"


@pytest.mark.parametrize("by", ["agent", "customer"])
@pytest.mark.parametrize("ended", [(), (Resolved(),), (Resolved(), Closed())])
def test_a_ticket_may_be_escalated_once_it_is_done_by_its_customer_too(given: GivenTicket, ended: Any, by: str) -> None:
    outcome = given("hamburg", *ended).when(Escalate(to=HAMBURG, text="Nicht gut"), by=by, contacts={HAMBURG: "t-1"})
    outcome.then(EscalationRaised(escalation=1, to=HAMBURG, agent="t-1"))


def test_a_customer_escalates_to_the_contact_of_the_agreement_only(given: GivenTicket) -> None:
    given("digidesk").when(Escalate(to="manager", text="x"), by="customer").refused(NotAllowed, "role-not-allowed")
    elsewhere = given("hamburg").when(Escalate(to="agent", text="x"), by="customer", contacts={HAMBURG: "t-1"})
    elsewhere.refused(NotAcceptable, "not-acceptable", "/to")


def test_an_escalation_outlives_the_ticket_and_is_closed_after_it(given: GivenTicket) -> None:
    ticket = given("infoniqa", RAISED, Resolved(), Closed())
    assert ticket.ticket.escalations[0].closed_at is None
    ticket.when(CloseEscalation(number=1, outcome="x", contact="y")).then(EscalationClosed(escalation=1))


def test_an_escalation_has_an_owner_also_once_the_ticket_is_closed(given: GivenTicket) -> None:
    owned = EscalationAssigned(escalation=1, agent="m-2")
    outcome = given("infoniqa", RAISED, Resolved(), Closed()).when(AssignEscalation(number=1, agent="m-2"))
    assert outcome.then(owned).ticket.escalations[0].owner == "m-2"
    given("infoniqa", RAISED, owned).when(AssignEscalation(number=1, agent="m-2")).then()
    given("infoniqa", RAISED).when(AssignEscalation(number=1, agent=" ")).refused(
        NotAcceptable, "not-acceptable", "/agent"
    )
    given("infoniqa").when(AssignEscalation(number=1, agent="m-2")).refused(NotFound, "escalation-not-found")


def test_what_has_to_be_cleared_is_cleared_before_the_escalation_is_closed(given: GivenTicket) -> None:
    added = EscalationTaskAdded(task=1, escalation=1, agent="agent-3")
    outcome = given("infoniqa", RAISED).when(AddEscalationTask(number=1, text="Ursache klären", agent="agent-3"))
    outcome.then(added).sealing({"text": "Ursache klären"})
    assert outcome.ticket.escalation_tasks[0].done_at is None
    close = CloseEscalation(number=1, outcome="x", contact="y")
    given("infoniqa", RAISED, added).when(close).refused(NotInThisState, "escalation-tasks-open")
    done = given("infoniqa", RAISED, added).when(CompleteEscalationTask(number=1, text="Geklärt"))
    done.then(EscalationTaskDone(task=1)).sealing({"text": "Geklärt"})
    given("infoniqa", RAISED, added, EscalationTaskDone(task=1)).when(close).then(EscalationClosed(escalation=1))


def test_a_task_says_what_and_is_done_once(given: GivenTicket) -> None:
    added = EscalationTaskAdded(task=1, escalation=1)
    given("infoniqa", RAISED).when(AddEscalationTask(number=1, text=" ")).refused(
        NotAcceptable, "not-acceptable", "/text"
    )
    given("infoniqa", RAISED).when(CompleteEscalationTask(number=1)).refused(NotFound, "escalation-task-not-found")
    over = given("infoniqa", RAISED, added, EscalationTaskDone(task=1))
    over.when(CompleteEscalationTask(number=1)).refused(NotInThisState, "escalation-task-already-done")
    ended = given("infoniqa", RAISED, EscalationClosed(escalation=1))
    ended.when(AddEscalationTask(number=1, text="x")).refused(NotInThisState, "escalation-already-closed")
