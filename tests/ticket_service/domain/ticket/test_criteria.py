"""Categories, circumstances and the criteria of severities: what a request says helps to classify it."""

from __future__ import annotations

from typing import Any

import pytest

from fristwerk_language.events.tickets import EscalationClosed, EscalationRaised, SeveritySet, TicketCreated
from tests.ticket_service.domain.conftest import NOW, STORIES, Agreements, GivenTicket
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.tasks import open_tasks
from ticket_service.domain.ticket.commands import CreateTicket, SetSeverity
from ticket_service.domain.ticket.decision_context import Caller, Context
from ticket_service.domain.ticket.intake import Versions, open_ticket

SCALE = [
    {
        "id": "critical",
        "name": "Kritisch",
        "criteria": {"service_down": True, "workaround": False},
        "involves": "administrators",
    },
    {"id": "standard", "name": "Standard"},
]
BROUGHT_IN = EscalationRaised(escalation=1, to="administrators")
WITH_A_WAY_ROUND = {"service_down": True, "workaround": True}


def opened(terms: Agreements, agreement: dict[str, Any], **said: Any) -> list[DecidedEvent]:
    """The facts of a ticket under liveagent's agreement with other keys."""
    document = terms("liveagent", severities=SCALE, service_levels=[], **agreement)
    asked: dict[str, Any] = {
        "reference": "LVA-7K3Q-9F2M",
        "customer": "muster",
        "received_at": NOW,
        "channel": "email",
        "type": "normal",
        "subject": "Offline",
        "description": "",
    }
    command = CreateTicket(**(asked | said))
    versions = Versions(agreement=1, calendars=dict.fromkeys((name for _, name in document.calendar_names), 1))
    caller = Caller(id="agent-3", role="agent")
    context = Context(now=NOW, occurred_at=NOW, actor=caller, agreement=document, dating=STORIES)
    return open_ticket(command, Customer(id="muster", kind="company", name="Muster AG"), None, versions, context)


def refused(terms: Agreements, agreement: dict[str, Any], **said: Any) -> list[tuple[str, str]]:
    with pytest.raises(NotAcceptable) as found:
        opened(terms, agreement, **said)
    return list(found.value.errors)


def created(facts: list[DecidedEvent]) -> TicketCreated:
    event = facts[0].event
    assert isinstance(event, TicketCreated)
    return event


def test_a_request_names_a_category_of_the_agreement(terms: Agreements) -> None:
    listed = {"categories": ["consulting", "technical"]}

    assert created(opened(terms, listed, category="consulting")).category == "consulting"
    assert created(opened(terms, listed)).category is None
    ((pointer, sentence),) = refused(terms, listed, category="marketing")
    assert (pointer, sentence) == (
        "/category",
        "the agreement has no category 'marketing'; it has consulting, technical",
    )
    assert refused(terms, {}, category="consulting") == [
        ("/category", "the agreement liveagent has no categories"),
    ]


def test_a_request_without_subject_and_text_is_marked_as_empty(terms: Agreements) -> None:
    assert created(opened(terms, {}, subject=" ", description="")).empty
    assert not created(opened(terms, {}, subject="", description="Fehler 17")).empty


def test_a_request_answers_what_criteria_ask_and_nothing_else(terms: Agreements) -> None:
    assert created(opened(terms, {}, circumstances=WITH_A_WAY_ROUND)).circumstances == WITH_A_WAY_ROUND
    assert refused(terms, {}, circumstances={"weather": True}) == [
        ("/circumstances/weather", "no severity has such a criterion; there are service_down, workaround"),
    ]


def test_a_severity_is_set_against_its_criteria_with_a_reason_only(given: GivenTicket) -> None:
    ticket = given("liveagent", created={"circumstances": WITH_A_WAY_ROUND})

    refusal: Any = ticket.when(SetSeverity(severity="critical")).refused(NotAcceptable, "not-acceptable", "/reason")
    assert refusal.errors[0][1] == "is required: the request says workaround yes, and critical means workaround no"
    ticket.when(SetSeverity(severity="standard")).then(SeveritySet(severity="standard"))
    ticket.when(SetSeverity(severity="critical", reason="Nur für wenige")).then(
        SeveritySet(severity="critical", against=["workaround"]), BROUGHT_IN
    ).sealing({"reason": "Nur für wenige"}, {"text": "severities.critical.involves: administrators"})


def test_what_a_request_does_not_say_speaks_against_nothing(given: GivenTicket) -> None:
    given("liveagent", created={"circumstances": {"service_down": True}}).when(SetSeverity(severity="critical")).then(
        SeveritySet(severity="critical"), BROUGHT_IN
    )


def test_a_severity_set_with_the_ticket_is_held_to_the_same(terms: Agreements) -> None:
    said = {"severity": "critical", "circumstances": WITH_A_WAY_ROUND}

    assert [pointer for pointer, _ in refused(terms, {}, **said)] == ["/severity_reason"]
    facts = opened(terms, {}, **said, severity_reason="Nur für wenige")
    assert DecidedEvent(SeveritySet(severity="critical", against=["workaround"]), {"reason": "Nur für wenige"}) in facts


def test_a_severity_brings_in_the_role_that_it_involves_until_that_escalation_is_closed(
    given: GivenTicket, terms: Agreements
) -> None:
    """Set on the way or with the ticket; while the escalation is open, it is not raised again."""
    raised, setting = BROUGHT_IN, SetSeverity(severity="critical")
    outcome = given("liveagent").when(setting)
    outcome.then(SeveritySet(severity="critical"), raised)
    assert [(each.kind, each.state) for each in open_tasks(outcome.ticket)] == [("escalation", "with administrators")]
    given("liveagent", raised).when(setting).then(SeveritySet(severity="critical"))
    closed = EscalationClosed(escalation=1)
    given("liveagent", raised, closed).when(setting, contacts={"administrators": "ada"}).then(
        SeveritySet(severity="critical"), EscalationRaised(escalation=2, to="administrators", agent="ada")
    )
    given("liveagent").when(SetSeverity(severity="high")).then(SeveritySet(severity="high"))
    assert raised in [each.event for each in opened(terms, {}, severity="critical")]
