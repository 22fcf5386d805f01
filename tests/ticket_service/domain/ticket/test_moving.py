"""A ticket that was filed for the wrong customer goes to the right one, under the terms that hold there."""

from __future__ import annotations

from typing import Any

import pytest

from fristwerk_language.events import Event
from fristwerk_language.events.relations import MergedInto, TicketMoved
from fristwerk_language.events.tickets import (
    Closed,
    PriorityChanged,
    PriorityDerived,
    Resolved,
    SeveritySet,
    TypeChanged,
)
from tests.ticket_service.domain.conftest import Agreements, GivenTicket, elsewhere
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.ticket.commands import Move
from ticket_service.domain.ticket.possible_commands import TicketMergedError
from ticket_service.domain.ticket.state import TicketMove

MOVE = Move(customer="bedarf", reason="falscher Kunde")


def moved(given: GivenTicket, terms: Agreements, *before: Event, to: str = "digidesk", **changes: Any) -> Any:
    return given("hamburg", *before).when(MOVE, destination=elsewhere(terms(to), **changes))


def test_a_moved_ticket_is_under_the_other_contract_s_terms(given: GivenTicket, terms: Agreements) -> None:
    outcome = moved(given, terms)
    event = outcome.facts[0].event
    assert isinstance(event, TicketMoved)
    assert (event.from_customer, event.from_contract, event.reference) == ("muster", "c-1", "HAM-7K3Q-9F2M")
    assert outcome.facts[0].personal == {"reason": "falscher Kunde"}
    ticket = outcome.ticket
    assert (ticket.customer, ticket.contract, ticket.plan, ticket.agreement) == ("bedarf", "c-9", "m", "digidesk")
    assert (ticket.agreement_version, ticket.calendar_version) == (3, 2)
    assert ticket.entitled_why == "contract c-9 is in force on 2026-06-03"
    assert ticket.moves == (
        TicketMove(
            version=ticket.version,
            from_customer="muster",
            from_contract="c-1",
            customer="bedarf",
            sealed_for="bedarf~1",
        ),
    )
    assert ticket.moved_here == ticket.version


def test_to_another_contract_of_the_customer_it_stays_where_it_always_was(
    given: GivenTicket, terms: Agreements
) -> None:
    outcome = moved(given, terms, customer="muster", contract="c-2")
    assert outcome.ticket.contract == "c-2"
    assert outcome.ticket.moved_here == 0
    assert given("hamburg").ticket.moved_here == 0


@pytest.mark.parametrize(("severity", "kept"), [("foreign", None), ("normal", "normal")])
def test_a_severity_that_the_other_agreement_does_not_know_is_none(
    given: GivenTicket, terms: Agreements, severity: str, kept: str | None
) -> None:
    outcome = moved(given, terms, SeveritySet(severity=severity))
    assert outcome.ticket.severity == kept


def test_a_type_that_the_other_agreement_does_not_know_is_normal(given: GivenTicket, terms: Agreements) -> None:
    assert moved(given, terms, TypeChanged(type="foreign")).ticket.type == "normal"
    assert moved(given, terms, TypeChanged(type="quick_high")).ticket.type == "quick_high"


def test_the_place_follows_the_new_group_unless_a_person_set_it(given: GivenTicket, terms: Agreements) -> None:
    group = terms("fluxpunkt").groups[0]
    to = {"to": "fluxpunkt", "group": group.id}
    derived = PriorityDerived(priority=group.priority, rule=f"group:{group.id}")
    assert [each.event for each in moved(given, terms, **to).facts[1:]] == [derived]
    by_hand = moved(given, terms, PriorityChanged(priority=5), **to)
    assert by_hand.facts[1:] == []
    again = moved(given, terms, PriorityDerived(priority=5, rule="group:x"), **to)
    assert [each.event for each in again.facts[1:]] == [derived]


def test_a_move_that_goes_nowhere_or_says_no_reason_is_refused(given: GivenTicket, terms: Agreements) -> None:
    outcome = moved(given, terms, customer="muster", contract="c-1")
    outcome.refused(NotAcceptable, "not-acceptable", "/customer")
    destination = elsewhere(terms("digidesk"))
    silent = Move(customer="bedarf", reason="")
    given("hamburg").when(silent, destination=destination).refused(NotAcceptable, "not-acceptable", "/reason")


@pytest.mark.parametrize("before", [(Resolved(),), (Resolved(), Closed())], ids=["resolved", "closed"])
def test_what_is_done_can_be_moved_too(given: GivenTicket, terms: Agreements, before: Any) -> None:
    state = given("hamburg", *before).ticket.state
    assert moved(given, terms, *before).ticket.state == state


def test_a_duplicate_stays_where_it_was_merged(given: GivenTicket, terms: Agreements) -> None:
    moved(given, terms, MergedInto(ticket="t-0", reference="HAM-0")).refused(TicketMergedError, "ticket-merged")
