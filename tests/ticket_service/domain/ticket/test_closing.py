"""The end of a ticket, its return, and the move to other terms."""

from __future__ import annotations

from typing import Any

import pytest

from fristwerk_language.events.tickets import (
    Closed,
    InformationRequested,
    Reopened,
    Resolved,
    TermsMigrated,
    TicketNumberCommunicated,
)
from tests.ticket_service.domain.conftest import GivenTicket
from ticket_service.domain.errors import NotAcceptable, NotInThisState
from ticket_service.domain.ticket.commands import Close, MigrateTerms, Reopen, Resolve

KNOWN: dict[str, Any] = {"newest_agreement_version": 3, "newest_calendar_version": 2}


@pytest.mark.parametrize("before", [(), (InformationRequested(),)])
def test_a_ticket_is_resolved_by_saying_how(given: GivenTicket, before: Any) -> None:
    outcome = given("infoniqa", *before).when(Resolve(text="Stammdaten korrigiert"))
    outcome.then(Resolved()).sealing({"text": "Stammdaten korrigiert"})
    assert outcome.ticket.state == "resolved"
    assert outcome.ticket.resolved_at is not None


def test_a_resolution_says_how(given: GivenTicket) -> None:
    given("infoniqa").when(Resolve(text="")).refused(NotAcceptable, "not-acceptable", "/text")


def test_a_resolved_ticket_is_not_resolved_again(given: GivenTicket) -> None:
    given("infoniqa", Resolved()).when(Resolve(text="x")).refused(NotInThisState, "ticket-already-resolved")


@pytest.mark.parametrize("before", [(Resolved(),), (Resolved(), Closed())], ids=["resolved", "closed"])
def test_what_is_resolved_or_closed_is_reopened_for_a_reason(given: GivenTicket, before: Any) -> None:
    outcome = given("infoniqa", *before).when(Reopen(reason="Fehler wieder da"))
    outcome.then(Reopened()).sealing({"reason": "Fehler wieder da"})
    assert (outcome.ticket.state, outcome.ticket.resolved_at, outcome.ticket.closed_at) == ("open", None, None)


def test_what_is_open_is_not_reopened(given: GivenTicket) -> None:
    given("infoniqa").when(Reopen(reason="x")).refused(NotInThisState, "ticket-not-resolved")


def test_a_reopening_has_a_reason(given: GivenTicket) -> None:
    given("infoniqa", Resolved()).when(Reopen(reason=" ")).refused(NotAcceptable, "not-acceptable", "/reason")


def test_a_resolved_ticket_is_closed(given: GivenTicket) -> None:
    outcome = given("infoniqa", Resolved()).when(Close()).then(Closed())
    assert outcome.ticket.state == "closed"


def test_an_unresolved_ticket_is_not_closed(given: GivenTicket) -> None:
    given("infoniqa").when(Close()).refused(NotInThisState, "ticket-not-resolved")


def test_a_closed_ticket_is_not_closed_again(given: GivenTicket) -> None:
    given("infoniqa", Resolved(), Closed()).when(Close()).refused(NotInThisState, "ticket-already-closed")


def test_closing_waits_for_number_and_classification_where_the_agreement_says_so(given: GivenTicket) -> None:
    given("hamburg", Resolved()).when(Close()).refused(NotInThisState, "classification-not-communicated")
    told = TicketNumberCommunicated(classification="hardware", channel="phone")
    given("hamburg", Resolved(), told).when(Close()).then(Closed())


def test_terms_move_to_a_newer_version_and_the_other_stays(given: GivenTicket) -> None:
    outcome = given("infoniqa").when(MigrateTerms(agreement_version=3, reason="Neue Bedingungen"), **KNOWN)
    outcome.then(TermsMigrated(agreement_version=3, calendar_version=1, reason="Neue Bedingungen")).sealing(None)
    assert (outcome.ticket.agreement_version, outcome.ticket.calendar_version) == (3, 1)


def test_a_calendar_may_move_alone(given: GivenTicket) -> None:
    given("infoniqa").when(MigrateTerms(calendar_version=2, reason="Korrektur"), **KNOWN).then(
        TermsMigrated(agreement_version=1, calendar_version=2, reason="Korrektur")
    )


@pytest.mark.parametrize(
    ("command", "pointer"),
    [
        (MigrateTerms(agreement_version=4, reason="x"), "/agreement_version"),
        (MigrateTerms(calendar_version=3, reason="x"), "/calendar_version"),
        (MigrateTerms(agreement_version=1, reason="x"), "/agreement_version"),
        (MigrateTerms(reason="x"), "/agreement_version"),
        (MigrateTerms(agreement_version=2, reason=""), "/reason"),
    ],
    ids=["unpublished agreement", "unpublished calendar", "the same", "none", "no reason"],
)
def test_terms_move_only_to_another_published_version_and_for_a_reason(
    given: GivenTicket, command: Any, pointer: str
) -> None:
    given("infoniqa").when(command, **KNOWN).refused(NotAcceptable, "not-acceptable", pointer)
