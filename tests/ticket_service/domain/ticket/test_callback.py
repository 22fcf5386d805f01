"""Promised calls, and the inbound calls that lead to one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fristwerk_language.events.tickets import (
    CallbackAttempted,
    CallbackCompleted,
    CallbackRequested,
    CallReceived,
    CallTransferAttempted,
    Resolved,
    TimeLogged,
    VoicemailLeft,
)
from tests.ticket_service.domain.conftest import GivenTicket
from ticket_service.domain.errors import NotAcceptable, NotFound, NotInThisState
from ticket_service.domain.ticket.commands import (
    AttachCall,
    AttemptCallback,
    CallTransfer,
    CompleteCallback,
    RequestCallback,
)

AT = datetime(2026, 6, 9, 8, 0, tzinfo=UTC)
PROMISED = CallbackRequested(callback=1, purpose="requested")
PHONE = "+49 40 000001"
RECEIVED = CallReceived(call="call-1", started_at=AT)


def call(**changes: Any) -> Any:
    given: dict[str, Any] = {"call": "call-1", "entry": "e-1", "from_number": PHONE, "started_at": AT}
    return AttachCall(**(given | changes))


def test_a_callback_is_requested_for_a_purpose_in_the_callers_words(given: GivenTicket) -> None:
    outcome = given("infoniqa").when(RequestCallback(purpose="Lohnlauf besprechen"))
    outcome.then(PROMISED).sealing({"purpose": "Lohnlauf besprechen"})
    assert outcome.ticket.callbacks[0].completed_at is None


def test_callbacks_count_from_one_within_the_ticket(given: GivenTicket) -> None:
    given("hamburg", PROMISED).when(RequestCallback()).then(CallbackRequested(callback=2, purpose="requested"))


@pytest.mark.parametrize("purpose", [None, " "])
def test_a_purpose_is_given_where_the_agreement_requires_one(given: GivenTicket, purpose: str | None) -> None:
    given("infoniqa").when(RequestCallback(purpose=purpose)).refused(NotAcceptable, "not-acceptable", "/purpose")


def test_attempts_are_counted_until_one_gets_through(given: GivenTicket) -> None:
    tried = given("hamburg", PROMISED, CallbackAttempted(callback=1, reached=False))
    outcome = tried.when(AttemptCallback(number=1, reached=True)).then(CallbackAttempted(callback=1, reached=True))
    assert (outcome.ticket.callbacks[0].attempts, outcome.ticket.callbacks[0].reached) == (2, True)


@pytest.mark.parametrize("role", ["agent", "specialist", "manager"])
def test_any_staff_may_complete_a_callback_that_no_role_was_promised_for(given: GivenTicket, role: str) -> None:
    outcome = given("digidesk", PROMISED).when(CompleteCallback(number=1, text="Sensor gereinigt"), by=role)
    outcome.then(CallbackCompleted(callback=1)).sealing({"text": "Sensor gereinigt"})


@pytest.mark.parametrize("role", ["agent", "manager"])
def test_a_promise_to_a_role_is_kept_by_that_role_and_another_has_only_tried(given: GivenTicket, role: str) -> None:
    command = CompleteCallback(number=1, text="Sensor gereinigt")
    tried = given("hamburg", PROMISED).when(command, by=role)
    tried.then(CallbackAttempted(callback=1, reached=True)).sealing({"text": "Sensor gereinigt"})
    assert tried.ticket.callbacks[0].completed_at is None
    kept = given("hamburg", PROMISED, CallbackAttempted(callback=1, reached=True)).when(command, by="specialist")
    kept.then(CallbackCompleted(callback=1))


@pytest.mark.parametrize("command", [AttemptCallback(number=1, reached=True), CompleteCallback(number=1, text="x")])
def test_a_completed_callback_is_over(given: GivenTicket, command: Any) -> None:
    given("hamburg", PROMISED, CallbackCompleted(callback=1)).when(command).refused(
        NotInThisState, "callback-already-completed"
    )


@pytest.mark.parametrize("command", [AttemptCallback(number=2, reached=True), CompleteCallback(number=2, text="x")])
def test_a_callback_that_was_never_promised_is_not_there(given: GivenTicket, command: Any) -> None:
    given("hamburg", PROMISED).when(command).refused(NotFound, "callback-not-found")


def test_a_completed_callback_says_how_it_went(given: GivenTicket) -> None:
    given("hamburg", PROMISED).when(CompleteCallback(number=1, text="")).refused(
        NotAcceptable, "not-acceptable", "/text"
    )


def test_a_call_is_recorded_with_its_number_sealed(given: GivenTicket) -> None:
    given("hamburg").when(call(to="+49 40 100")).then(
        CallReceived(call="call-1", started_at=AT, to="+49 40 100")
    ).sealing({"from": PHONE})


def test_a_failed_transfer_to_a_specialist_promises_a_callback(given: GivenTicket) -> None:
    outcome = given("hamburg").when(call(transfer=CallTransfer(to="specialist", result="failed")))
    outcome.then(
        RECEIVED,
        CallTransferAttempted(call="call-1", to="specialist", result="failed"),
        CallbackRequested(callback=1, purpose="failed_transfer"),
    )


@pytest.mark.parametrize(("to", "result"), [("specialist", "connected"), ("manager", "failed")])
def test_another_transfer_promises_nothing(given: GivenTicket, to: str, result: Any) -> None:
    given("hamburg").when(call(transfer=CallTransfer(to=to, result=result))).then(
        RECEIVED, CallTransferAttempted(call="call-1", to=to, result=result)
    )


def test_a_failed_transfer_promises_nothing_where_the_agreement_names_no_role(given: GivenTicket) -> None:
    outcome = given("digidesk").when(call(transfer=CallTransfer(to="specialist", result="failed")))
    assert outcome.ticket.callbacks == ()


def test_a_voicemail_promises_a_callback_where_the_agreement_says_so(given: GivenTicket) -> None:
    outcome = given("liveagent").when(call(voicemail="Bitte um Rückruf, Gross"))
    outcome.then(RECEIVED, VoicemailLeft(call="call-1"), CallbackRequested(callback=1, purpose="voicemail"))
    outcome.sealing({"from": PHONE}, {"text": "Bitte um Rückruf, Gross", "from": PHONE}, None)
    given("fluxpunkt").when(call(voicemail="Bitte um Rückruf")).then(RECEIVED, VoicemailLeft(call="call-1"))


def test_nothing_follows_from_what_a_machine_called(given: GivenTicket) -> None:
    """No callback is promised, no time is logged, and what is resolved stays so."""
    automatic = call(automatic=True, voicemail="Ansage", minutes=7)
    received = CallReceived(call="call-1", started_at=AT, minutes=7, automatic=True)
    outcome = given("liveagent", Resolved()).when(automatic).then(received, VoicemailLeft(call="call-1"))
    assert outcome.ticket.state == "resolved"


def test_the_minutes_of_a_call_become_time_of_who_took_it(given: GivenTicket) -> None:
    outcome = given("digidesk").when(call(minutes=7, performer="partner"))
    logged = TimeLogged(
        entry="e-1", start=AT, minutes=7, activity="call", agent="agent-3", source="call", performer="partner"
    )
    outcome.then(CallReceived(call="call-1", started_at=AT, minutes=7), logged).sealing({"from": PHONE}, None)


def test_a_call_of_no_minutes_is_no_time(given: GivenTicket) -> None:
    given("digidesk").when(call(minutes=0)).then(CallReceived(call="call-1", started_at=AT, minutes=0))


def test_a_call_has_a_caller_a_past_start_and_no_negative_minutes(given: GivenTicket) -> None:
    command = call(from_number="", started_at=datetime(2026, 6, 11, tzinfo=UTC), minutes=-1)
    given("digidesk").when(command).refused(NotAcceptable, "not-acceptable", "/from", "/started_at", "/minutes")
