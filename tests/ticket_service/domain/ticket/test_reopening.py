"""What brings a resolved ticket back to the vendor, for how long, and what leaves it alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from fristwerk_language.events.tickets import (
    CallbackRequested,
    CallReceived,
    Closed,
    CustomerMessageReceived,
    InformationReceived,
    InformationRequested,
    Reopened,
    Resolved,
    Responded,
    VoicemailLeft,
)
from tests.ticket_service.domain.conftest import GivenTicket
from ticket_service.domain.errors import NotAcceptable, NotInThisState
from ticket_service.domain.ticket.commands import (
    AttachCall,
    CallTransfer,
    ReceiveInformation,
    ReceiveMessage,
    Reopen,
    RequestCallback,
    Resolve,
    Respond,
)
from ticket_service.domain.ticket.reopening import TooLateToReopenError

RESOLVED = Resolved()
MESSAGE = ReceiveMessage(channel="email", text="Es geht immer noch nicht.")


@pytest.fixture
def resolved(given: GivenTicket, terms: Any) -> Any:
    """A ticket that was resolved at an instant, under terms that let it be reopened for two days."""
    agreement = terms("digidesk", after_resolution={"reopen_within": "2 days"})

    def at(instant: datetime) -> Any:
        return given(agreement).having(RESOLVED, at=instant)

    return at


@pytest.fixture
def instant(given: GivenTicket) -> Any:
    return given("digidesk").ticket.received_at + timedelta(hours=1)


@pytest.mark.parametrize("by", ["customer", "agent"])
def test_a_message_within_the_time_reopens(resolved: Any, instant: datetime, by: Any) -> None:
    outcome = resolved(instant).when(MESSAGE, by=by, at=instant + timedelta(days=2))
    outcome.then(CustomerMessageReceived(channel="email"), Reopened())
    assert (outcome.ticket.state, outcome.ticket.resolved_at) == ("open", None)


def test_information_within_the_time_reopens(resolved: Any, instant: datetime) -> None:
    outcome = resolved(instant).when(ReceiveInformation(text="Version 12"), by="customer", at=instant)
    outcome.then(InformationReceived(), Reopened())


def test_without_terms_of_its_own_an_agreement_gives_a_fortnight(given: GivenTicket, instant: datetime) -> None:
    ticket = given("digidesk").having(RESOLVED, at=instant)
    ticket.when(MESSAGE, at=instant + timedelta(days=14)).then(CustomerMessageReceived(channel="email"), Reopened())
    ticket.when(MESSAGE, at=instant + timedelta(days=14, seconds=1)).refused(TooLateToReopenError, "too-late-to-reopen")


@pytest.mark.parametrize("command", [MESSAGE, ReceiveInformation(text="Version 12"), Reopen(reason="Wieder da")])
def test_after_the_time_the_customer_reopens_nothing(resolved: Any, instant: datetime, command: Any) -> None:
    late = resolved(instant).when(command, by="customer", at=instant + timedelta(days=2, seconds=1))
    late.refused(TooLateToReopenError, "too-late-to-reopen")


def test_the_customer_reopens_within_the_time_and_staff_at_any(resolved: Any, instant: datetime) -> None:
    command = Reopen(reason="Wieder da")
    resolved(instant).when(command, by="customer", at=instant + timedelta(days=2)).then(Reopened())
    resolved(instant).when(command, at=instant + timedelta(days=40)).then(Reopened())


def test_what_is_closed_is_reopened_by_staff_only(resolved: Any, instant: datetime) -> None:
    closed = resolved(instant).having(Closed(), at=instant)
    refusal = closed.when(Reopen(reason="Wieder da"), by="customer", at=instant)
    refusal.refused(NotInThisState, "ticket-already-closed")
    closed.when(Reopen(reason="Wieder da"), at=instant).then(Reopened())


def test_a_message_from_before_the_resolution_is_answered_by_it(resolved: Any, instant: datetime) -> None:
    late = resolved(instant).when(MESSAGE, at=instant - timedelta(minutes=1))
    late.then(CustomerMessageReceived(channel="email"))


def test_a_resolution_before_the_last_message_is_refused(given: GivenTicket, instant: datetime) -> None:
    ticket = given("digidesk").having(CustomerMessageReceived(channel="email"), at=instant)
    too_early = ticket.when(Resolve(text="Erledigt"), at=instant - timedelta(minutes=1))
    too_early.refused(NotAcceptable, "not-acceptable", "/occurred_at")
    ticket.when(Resolve(text="Erledigt"), at=instant).then(RESOLVED)


@pytest.mark.parametrize("mark", [{"automatic": True}, {"needs_answer": False}])
@pytest.mark.parametrize("before", [(), (InformationRequested(),), (RESOLVED,), (RESOLVED, Closed())])
def test_a_machines_message_and_a_word_of_thanks_start_end_and_reopen_nothing(
    given: GivenTicket, mark: Any, before: Any
) -> None:
    ticket = given("digidesk", *before)
    outcome = ticket.when(ReceiveMessage(channel="email", text="Danke", **mark))
    outcome.then(CustomerMessageReceived(channel="email", **mark))
    assert outcome.ticket.state == ticket.ticket.state
    assert outcome.ticket.last_customer_message_at is None


def test_a_customer_does_not_decide_that_its_message_needs_no_answer(given: GivenTicket) -> None:
    thanks = given("digidesk").when(ReceiveMessage(channel="email", text="Danke", needs_answer=False), by="customer")
    thanks.refused(NotAcceptable, "not-acceptable", "/needs_answer")


def test_what_a_machine_answers_is_no_response(given: GivenTicket) -> None:
    outcome = given("digidesk").when(Respond(channel="email", text="Wir sind im Urlaub", automatic=True))
    outcome.then(Responded(channel="email", automatic=True))
    assert (outcome.ticket.state, outcome.ticket.last_response_at) == ("new", None)


def call(instant: datetime, **more: Any) -> Any:
    return AttachCall(call="call-1", entry="e-1", from_number="+49 40 000001", started_at=instant, **more)


def test_a_callback_promised_after_the_resolution_reopens_however_late(resolved: Any, instant: datetime) -> None:
    late = instant + timedelta(days=30)
    outcome = resolved(instant).when(RequestCallback(purpose="Rückruf"), at=late)
    outcome.then(CallbackRequested(callback=1, purpose="requested"), Reopened())


def test_a_voicemail_on_a_resolved_ticket_reopens_and_a_machine_on_the_line_does_not(
    resolved: Any, instant: datetime
) -> None:
    said = resolved(instant).when(call(instant, voicemail="Bitte um Rückruf"), at=instant)
    assert [type(fact.event) for fact in said.facts][-1] is Reopened
    machine = resolved(instant).when(call(instant, voicemail="Piep", minutes=2, automatic=True), at=instant)
    machine.then(
        CallReceived(call="call-1", started_at=instant, minutes=2, automatic=True), VoicemailLeft(call="call-1")
    )


def test_a_machine_is_not_put_through(given: GivenTicket, instant: datetime) -> None:
    transfer = CallTransfer(to="specialist", result="failed")
    outcome = given("digidesk").when(call(instant, transfer=transfer, automatic=True), at=instant)
    outcome.refused(NotAcceptable, "not-acceptable", "/transfer")
