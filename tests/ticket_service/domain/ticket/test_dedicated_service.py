"""What an agreement promises beyond targets: a dedicated agent, a second level, a voicemail after some minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fristwerk_language.events.tickets import (
    AppointmentBooked,
    AppointmentRequested,
    Responded,
    Transferred,
)
from tests.ticket_service.domain.conftest import GivenTicket
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.ticket.commands import AttachCall, BookAppointment, Respond

VIP = {"addons": ["dedicated_support"], "channel": "dedicated_chat"}
EVA = {"dedicated_agent": "eva"}
START = datetime(2026, 6, 25, 7, tzinfo=UTC)
ON_10_JUNE = datetime(2026, 6, 10, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "agent", "booked"), [("review", "eva", True), ("lunch", "eva", False), ("lunch", "tom", True)]
)
def test_the_dedicated_agent_is_booked_for_what_the_agreement_names(
    given: GivenTicket, kind: str, agent: str, *, booked: bool
) -> None:
    asked = AppointmentRequested(appointment=1, kind=kind, proposals=[START])
    command = BookAppointment(number=1, start=START, agent=agent)
    outcome = given("liveagent", asked, created=VIP).when(command, at=ON_10_JUNE, contacts=EVA)
    if booked:
        outcome.then(AppointmentBooked(appointment=1, start=START, agent=agent))
    else:
        outcome.refused(NotAcceptable, "not-acceptable", "/agent")


ANSWER: dict[str, Any] = {"channel": "dedicated_chat", "text": "Das gebe ich weiter"}


def test_an_agents_flag_hands_the_ticket_to_the_second_level_with_its_department(given: GivenTicket) -> None:
    moved = Transferred(department="support", level="1")
    outcome = given("liveagent", moved, created=VIP).when(Respond(**ANSWER, needs_second_level=True))
    outcome.then(Responded(channel="dedicated_chat"), Transferred(department="support", level="2"))
    assert (outcome.ticket.level, outcome.ticket.priority) == ("2", 3)
    given("liveagent", created=VIP).when(Respond(**ANSWER)).then(Responded(channel="dedicated_chat"))


@pytest.mark.parametrize(("agreement", "created"), [("liveagent", {}), ("infoniqa", {"channel": "email"})])
def test_nothing_is_handed_over_where_it_was_not_bought(given: GivenTicket, agreement: str, created: Any) -> None:
    answer = Respond(channel="email", text="x", needs_second_level=True)
    given(agreement, created=created).when(answer).refused(NotAcceptable, "not-acceptable", "/needs_second_level")


@pytest.mark.parametrize(
    ("group", "waited", "taken"),
    [
        ("no_contract", 179, False),
        ("no_contract", 0, False),
        ("no_contract", 180, True),
        ("no_contract", None, True),
        ("contract", 0, True),
    ],
)
def test_the_voicemail_is_offered_after_the_minutes_of_the_group(
    given: GivenTicket, group: str, waited: int | None, *, taken: bool
) -> None:
    call = AttachCall(
        call="call-1",
        entry="e-1",
        from_number="+49 40 000001",
        started_at=ON_10_JUNE - timedelta(hours=1),
        voicemail="Bitte um Rückruf",
        waited_seconds=waited,
    )
    outcome = given("fluxpunkt", created={"group": group}).when(call, at=ON_10_JUNE)
    if taken:
        assert outcome.refusal is None
        received = outcome.facts[0].event
        assert received.waited_seconds == waited  # type: ignore[union-attr]
    else:
        outcome.refused(NotAcceptable, "not-acceptable", "/waited_seconds")
