"""Severity, type, priority, assignment and transfer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fristwerk_language.events.tickets import (
    Assigned,
    PriorityChanged,
    PriorityDerived,
    SeveritySet,
    Transferred,
    TypeChanged,
)
from tests.ticket_service.domain.conftest import Agreements, GivenTicket
from ticket_service.domain.errors import NotAcceptable, NotAllowed
from ticket_service.domain.ticket.commands import (
    AgreementRecord,
    Assign,
    ChangePriority,
    ChangeType,
    SetSeverity,
    Transfer,
)

AGREED_AT = datetime(2026, 6, 9, 9, 0, tzinfo=UTC)
AGREED = AgreementRecord(contact="Anna Muster", channel="phone", at=AGREED_AT)


def test_an_agent_sets_a_severity_of_the_agreements_scale(given: GivenTicket) -> None:
    outcome = given("infoniqa").when(SetSeverity(severity="kritisch"))
    outcome.then(SeveritySet(severity="kritisch"))
    assert outcome.ticket.severity == "kritisch"


def test_a_severity_that_the_agreement_does_not_have_is_refused(given: GivenTicket) -> None:
    refusal: Any = (
        given("infoniqa")
        .when(SetSeverity(severity="katastrophal"))
        .refused(NotAcceptable, "not-acceptable", "/severity")
    )
    assert "kritisch, mittel, niedrig" in refusal.errors[0][1]


@pytest.mark.parametrize("role", ["customer", "specialist", "manager", "admin"])
def test_exactly_the_roles_that_the_agreement_names_set_a_severity(given: GivenTicket, role: str) -> None:
    given("infoniqa").when(SetSeverity(severity="kritisch"), by=role).refused(NotAllowed, "severity-not-allowed")


def test_a_specialist_sets_a_severity_where_the_agreement_says_so(given: GivenTicket) -> None:
    given("hamburg").when(SetSeverity(severity="major"), by="specialist").then(SeveritySet(severity="major"))


def test_the_type_becomes_another_of_the_agreements_types(given: GivenTicket) -> None:
    outcome = given("digidesk").when(ChangeType(type="quick_high")).then(TypeChanged(type="quick_high"))
    assert outcome.ticket.type == "quick_high"


def test_every_agreement_has_the_type_normal(given: GivenTicket) -> None:
    given("hamburg", created={"type": "malfunction"}).when(ChangeType(type="normal")).then(TypeChanged(type="normal"))


def test_an_unknown_type_is_refused(given: GivenTicket) -> None:
    given("digidesk").when(ChangeType(type="quick_ultra")).refused(NotAcceptable, "not-acceptable", "/type")


def test_a_priority_is_changed_with_reason_and_agreement_which_are_sealed(given: GivenTicket) -> None:
    outcome = given("infoniqa", PriorityDerived(priority=3, rule="group:x")).when(
        ChangePriority(priority=1, reason="Lohnlauf morgen", agreement=AGREED)
    )
    outcome.then(PriorityChanged(priority=1, agreement_channel="phone", agreement_at=AGREED_AT))
    outcome.sealing({"reason": "Lohnlauf morgen", "agreement": {"contact": "Anna Muster"}})
    assert (outcome.ticket.priority, outcome.ticket.priority_rule) == (1, None)


def test_a_priority_without_reason_and_agreement_is_refused_naming_both(given: GivenTicket) -> None:
    given("infoniqa").when(ChangePriority(priority=1)).refused(NotAcceptable, "not-acceptable", "/reason", "/agreement")


def test_a_blank_reason_is_none_and_an_agreement_names_contact_and_channel_in_the_past(given: GivenTicket) -> None:
    agreed = AgreementRecord(contact=" ", channel="", at=datetime(2026, 6, 11, tzinfo=UTC))
    given("infoniqa").when(ChangePriority(priority=0, reason="  ", agreement=agreed)).refused(
        NotAcceptable,
        "not-acceptable",
        "/priority",
        "/reason",
        "/agreement/contact",
        "/agreement/channel",
        "/agreement/at",
    )


def test_an_agreement_that_requires_only_a_reason_needs_no_record(given: GivenTicket, terms: Agreements) -> None:
    agreement = terms("infoniqa", priority_change={"requires": ["reason"]})
    given(agreement).when(ChangePriority(priority=5, reason="kann warten")).then(PriorityChanged(priority=5))


def test_an_agreement_may_ask_for_the_customers_agreement_alone(given: GivenTicket, terms: Agreements) -> None:
    agreement = terms("infoniqa", priority_change={"requires": ["agreement"]})
    given(agreement).when(ChangePriority(priority=5, agreement=AGREED)).then(
        PriorityChanged(priority=5, agreement_channel="phone", agreement_at=AGREED_AT)
    )


def test_assigning_opens_a_new_ticket(given: GivenTicket) -> None:
    outcome = given("infoniqa").when(Assign(agent="agent-9")).then(Assigned(agent="agent-9"))
    assert (outcome.ticket.state, outcome.ticket.assignee) == ("open", "agent-9")


def test_a_ticket_given_back_to_the_queue_is_nobodys(given: GivenTicket) -> None:
    outcome = given("infoniqa", Assigned(agent="agent-9")).when(Assign(agent="queue")).then(Assigned(agent="queue"))
    assert outcome.ticket.unassigned


def test_an_assignment_names_somebody(given: GivenTicket) -> None:
    given("infoniqa").when(Assign(agent=" ")).refused(NotAcceptable, "not-acceptable", "/agent")


def test_a_transfer_keeps_state_and_entitlement(given: GivenTicket) -> None:
    before = given("hamburg", Assigned(agent="agent-1"))
    outcome = before.when(Transfer(department="hardware", reason="Kopf defekt"))
    outcome.then(Transferred(department="hardware")).sealing({"reason": "Kopf defekt"})
    assert (outcome.ticket.department, outcome.ticket.state) == ("hardware", "open")
    assert outcome.ticket.entitled == before.ticket.entitled


def test_a_transfer_names_where_to_and_why(given: GivenTicket) -> None:
    given("hamburg").when(Transfer(reason="")).refused(NotAcceptable, "not-acceptable", "/department", "/reason")


def test_a_transfer_to_a_level_is_enough(given: GivenTicket) -> None:
    given("liveagent").when(Transfer(level="2", reason="Technik")).then(Transferred(level="2"))


def test_a_transfer_to_a_level_keeps_the_department(given: GivenTicket) -> None:
    outcome = given("liveagent", Transferred(department="hardware")).when(Transfer(level="2", reason="Technik"))
    outcome.then(Transferred(department="hardware", level="2"))
    assert (outcome.ticket.department, outcome.ticket.level) == ("hardware", "2")
