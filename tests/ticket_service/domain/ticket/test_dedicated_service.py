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
from fristwerk_language.terms import calendar_document
from tests.ticket_service.domain.conftest import GivenTicket
from ticket_service.domain.errors import NotAcceptable, NotAllowed, NotInThisState
from ticket_service.domain.ticket.booking import free_times
from ticket_service.domain.ticket.commands import AttachCall, BookAppointment, Command, ReceiveMessage, Respond
from ticket_service.domain.ticket.state import KeptAppointment
from ticket_service.holidays import materialise

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


def test_a_customer_books_its_dedicated_agent_where_that_is_free(given: GivenTicket) -> None:
    office = materialise(
        calendar_document(
            {"calendar": "office", "timezone": "UTC", "hours": {"mon-fri": ["07:00-15:00"]}, "years": "2026"}
        ),
        1,
    )
    asked = AppointmentRequested(appointment=1, kind="review", proposals=[START])
    ticket = given("liveagent", asked, created=VIP)
    around: dict[str, Any] = {"by": "customer", "at": ON_10_JUNE, "contacts": EVA, "calendar": office}
    another_time = START + timedelta(days=1)

    booked = ticket.when(BookAppointment(number=1, start=another_time, minutes=30), **around)
    booked.then(AppointmentBooked(appointment=1, start=another_time, minutes=30, agent="eva"))
    kept = KeptAppointment(ticket="t-2", reference="LVA-2", number=1, agent="eva", start=START, minutes=60)
    taken = BookAppointment(number=1, start=START, minutes=30, agent="eva")
    ticket.when(taken, **around, bookings=[kept]).refused(NotInThisState, "agent-already-booked")
    night = BookAppointment(number=1, start=START - timedelta(hours=3), minutes=30)
    ticket.when(night, **around).refused(NotInThisState, "calendar-closed")
    ticket.when(BookAppointment(number=1, start=START), **around).refused(NotAcceptable, "not-acceptable", "/minutes")
    tom = BookAppointment(number=1, start=START, minutes=30, agent="tom")
    ticket.when(tom, **around).refused(NotAllowed, "booking-not-allowed")
    without = given("liveagent", asked, created={"channel": "email"})
    without.when(taken, **around).refused(NotAllowed, "booking-not-allowed")
    elsewhere = given("infoniqa", asked)
    elsewhere.when(taken, **around).refused(NotAllowed, "role-not-allowed")


def test_times_are_free_while_the_calendar_is_open_and_nothing_is_kept() -> None:
    document = {"calendar": "office", "timezone": "UTC", "hours": {"mon-fri": ["08:00-12:00", "12:00-17:00"]}}
    office = materialise(calendar_document(document | {"years": "2026"}), 1)

    def at(day: int, hour: int, minute: int = 0) -> datetime:
        return datetime(2026, 6, day, hour, minute, tzinfo=UTC)

    def kept(start: datetime, minutes: int | None) -> KeptAppointment:
        return KeptAppointment(ticket="t", reference="R", number=1, agent="eva", start=start, minutes=minutes)

    friday_to_monday = at(26, 10), at(29, 9)
    assert [*free_times(office, [], *friday_to_monday, 30)] == [(at(26, 10), at(26, 17)), (at(29, 8), at(29, 9))]
    booked = [kept(at(26, 16, 40), 30), kept(at(26, 10, 20), 60), kept(at(26, 10, 30), 20), kept(at(26, 12), None)]
    assert [*free_times(office, booked, *friday_to_monday, 30)] == [
        (at(26, 11, 20), at(26, 12)),
        (at(26, 12, 1), at(26, 16, 40)),
        (at(29, 8), at(29, 9)),
    ]
    assert [*free_times(office, booked, *friday_to_monday, 61)] == [(at(26, 12, 1), at(26, 16, 40))]


@pytest.mark.parametrize(
    "said", [ReceiveMessage(channel="dedicated_chat", text="Hallo"), Respond(channel="dedicated_chat", text="Hallo")]
)
def test_a_dedicated_channel_belongs_to_customers_with_the_addon(given: GivenTicket, said: Command) -> None:
    assert given("liveagent", created=VIP).when(said).refusal is None
    given("liveagent", created={"channel": "email"}).when(said).refused(NotAcceptable, "not-acceptable", "/channel")


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
