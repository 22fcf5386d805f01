"""What the telephone system says of a call, and what becomes of one that has no ticket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from fristwerk_language.events import Actor, Envelope, Recorded, streams
from fristwerk_language.events.calls import CallAttached, CallDismissed
from fristwerk_language.events.tickets import CallReceived, CallTransferAttempted, Closed, VoicemailLeft
from ticket_service.domain.call.decide import attach, dismiss
from ticket_service.domain.call.evolve import evolve
from ticket_service.domain.call.state import LoggedCall, SealedPart, TransferTry
from ticket_service.domain.errors import NotInThisState
from ticket_service.domain.ticket.call_facts import check_queue, left_words, received, waited
from ticket_service.domain.ticket.commands import AttachCall, CallTransfer, MessageSource
from ticket_service.domain.validation import Violations

AT = datetime(2026, 6, 3, 14, 30, tzinfo=UTC)
NOW = AT + timedelta(hours=1)
CALL = "call-id"
OWN, TICKET = streams.CALL.stream(CALL), streams.TICKET.stream("t-1")


def told(**more: Any) -> AttachCall:
    given: dict[str, Any] = {"call": CALL, "entry": "e", "from_number": "+49 40 1", "started_at": AT}
    return AttachCall(**(given | more))


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def pointers(**more: Any) -> set[str]:
    violations = Violations()
    check_queue(told(**more), NOW, violations)
    return {pointer for pointer, _ in violations.errors}


def happened(event: Any, stream: str = OWN, personal: str | None = "fw1.call-call-id.x") -> Recorded:
    envelope = Envelope(
        id=f"event-{type(event).__name__}-{stream}",
        type=type(event).__name__,
        schema=1,
        provider="p",
        stream=stream,
        version=1,
        occurred_at=AT,
        recorded_at=AT,
        actor=Actor(id="agent-3", role="agent"),
        correlation_id=None,
        causation_id=None,
        data=msgspec.Raw(b"{}"),
        personal=personal,
    )
    return Recorded(envelope=envelope, event=event)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, set()),
        ({"queued_at": after(1), "answered_at": after(3), "waited_seconds": 120}, set()),
        ({"queued_at": after(-1)}, {"/queued_at"}),
        ({"answered_at": after(-1)}, {"/answered_at"}),
        ({"answered_at": after(90)}, {"/answered_at"}),
        ({"queued_at": after(3), "answered_at": after(1)}, {"/answered_at"}),
        ({"queued_at": after(1), "answered_at": after(3), "waited_seconds": 10}, {"/waited_seconds"}),
        ({"abandoned": True, "waited_seconds": 10, "minutes": 0}, set()),
        ({"abandoned": True, "minutes": 1}, {"/minutes"}),
        ({"abandoned": True, "answered_at": after(1)}, {"/answered_at"}),
        ({"abandoned": True, "transfer": CallTransfer(to="specialist", result="failed")}, {"/transfer"}),
    ],
)
def test_the_facts_of_a_queue_fit_together(given: dict[str, Any], wrong: set[str]) -> None:
    assert pointers(**given) == wrong


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({}, None),
        ({"queued_at": AT}, None),
        ({"queued_at": AT, "answered_at": after(2)}, 120),
        ({"queued_at": AT, "answered_at": after(2), "waited_seconds": 100}, 100),
    ],
)
def test_the_time_in_the_queue_follows_from_its_instants(given: dict[str, Any], seconds: int | None) -> None:
    assert waited(told(**given)) == seconds


def test_number_source_and_words_are_personal() -> None:
    fact = received(told(source=MessageSource(system="pbx", id="7", digest="d")))
    assert fact.personal == {"from": "+49 40 1", "source_id": "7"}
    assert isinstance(fact.event, CallReceived)
    assert left_words(told(voicemail=" ")) == []
    [words] = left_words(told(voicemail="Hallo"))
    assert words.personal == {"text": "Hallo", "from": "+49 40 1"}


def test_a_call_begins_when_it_is_received() -> None:
    assert evolve(None, happened(VoicemailLeft(call=CALL))) is None
    call = evolve(None, happened(CallReceived(call=CALL, started_at=AT), personal=None))
    assert call is not None
    assert (call.id, call.taken_by, call.ticket, call.said, call.open) == (CALL, "agent-3", None, None, True)
    assert evolve(call, happened(Closed())) is call


def test_a_call_with_a_ticket_is_not_open_and_its_number_is_sealed_anew() -> None:
    call = kept()
    for event in (CallTransferAttempted(call=CALL, to="specialist", result="failed"), VoicemailLeft(call=CALL)):
        call = evolved(call, happened(event))
    assert call.transfers == (TransferTry("specialist", "failed"),)
    assert call.voicemail is not None
    attached = evolved(call, happened(CallAttached(call=CALL, ticket="t-1", reference="R")))
    assert (attached.ticket, attached.open) == ("t-1", False)
    again = evolved(call, happened(CallReceived(call=CALL, started_at=AT), TICKET, "fw1.customer.y"))
    assert (again.ticket, again.said) == ("t-1", SealedPart(f"event-CallReceived-{TICKET}", "fw1.customer.y"))
    repeated = evolved(attached, happened(CallReceived(call=CALL, started_at=AT)))
    assert repeated.ticket == "t-1"


def test_a_dismissed_call_is_not_open_and_may_still_get_a_ticket() -> None:
    [fact] = dismiss(kept(), "Verwählt")
    assert fact.personal == {"reason": "Verwählt"}
    dismissed = evolved(kept(), happened(CallDismissed(call=CALL)))
    assert not dismissed.open
    with pytest.raises(NotInThisState, match="call-already-dismissed"):
        dismiss(dismissed, "R")
    [attached] = attach(dismissed, "t-1", "R")
    assert attached.event == CallAttached(call=CALL, ticket="t-1", reference="R")


def test_a_call_has_one_ticket() -> None:
    attached = evolved(kept(), happened(CallAttached(call=CALL, ticket="t-1", reference="R")))
    with pytest.raises(NotInThisState, match="call-has-ticket"):
        attach(attached, "t-2", "R")
    with pytest.raises(NotInThisState, match="call-has-ticket"):
        dismiss(attached, "R")


def kept() -> LoggedCall:
    return evolved(None, happened(CallReceived(call=CALL, started_at=AT)))


def evolved(call: LoggedCall | None, recorded: Recorded) -> LoggedCall:
    state = evolve(call, recorded)
    assert state is not None
    return state
