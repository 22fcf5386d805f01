"""Booking: a proposal or what was agreed instead, one appointment at a time for an agent, in opening hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fristwerk_language.events.tickets import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRequested,
    Assigned,
    OnBehalf,
)
from fristwerk_language.terms import calendar_document
from tests.ticket_service.domain.conftest import GivenTicket
from ticket_service.domain.errors import NotAcceptable, NotInThisState
from ticket_service.domain.terms.opening import is_open
from ticket_service.domain.ticket.commands import (
    AgreementRecord,
    BookAppointment,
)
from ticket_service.domain.ticket.state import KeptAppointment
from ticket_service.holidays import materialise

ZURICH = ZoneInfo("Europe/Zurich")
TRAINING = {"type": "training"}
NOTICE = "Vorlaufzeiten können sich verlängern"


def local(month: int, day: int, hour: int = 9, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZURICH).astimezone(UTC)


ON_10_JUNE = local(6, 10)
START = local(6, 25)
REQUESTED = AppointmentRequested(appointment=1, kind="training", proposals=[START])
BOOKED = AppointmentBooked(appointment=1, start=START)
SPOKEN = AppointmentCancelled(appointment=1, by="customer", written=False)


AGREED = AgreementRecord(contact="Anna Muster", channel="phone", at=ON_10_JUNE)


def test_staff_book_a_proposal_or_another_time_that_was_agreed(given: GivenTicket) -> None:
    proposed = given("infoniqa", REQUESTED).when(BookAppointment(number=1, start=START), at=ON_10_JUNE)
    proposed.then(AppointmentBooked(appointment=1, start=START))
    other = BookAppointment(number=1, start=local(7, 2), agreed=AGREED)
    outcome = given("infoniqa", REQUESTED).when(other, at=ON_10_JUNE)
    agreed = OnBehalf(channel="phone", at=ON_10_JUNE)
    outcome.then(AppointmentBooked(appointment=1, start=local(7, 2), agreed=agreed)).sealing({"contact": "Anna Muster"})
    assert (outcome.ticket.appointments[0].state, outcome.ticket.appointments[0].start) == ("booked", local(7, 2))


def test_a_time_that_was_not_proposed_needs_the_record_of_the_agreement(given: GivenTicket) -> None:
    other = BookAppointment(number=1, start=local(7, 2))
    given("infoniqa", REQUESTED).when(other, at=ON_10_JUNE).refused(NotAcceptable, "not-acceptable", "/agreed")


def kept_by(agent: str, start: datetime, minutes: int | None = None) -> KeptAppointment:
    return KeptAppointment(ticket="t-2", reference="HAM-2", number=1, agent=agent, start=start, minutes=minutes)


@pytest.mark.parametrize(
    ("other", "minutes", "clashes"),
    [
        (kept_by("agent-3", START), None, True),
        (kept_by("agent-3", START - timedelta(minutes=60), 60), 30, False),
        (kept_by("agent-3", START - timedelta(minutes=60), 61), 30, True),
        (kept_by("agent-3", START + timedelta(minutes=29)), 30, True),
        (kept_by("agent-3", START + timedelta(minutes=30)), 30, False),
        (kept_by("agent-4", START, 60), 30, False),
    ],
)
def test_an_agent_keeps_one_appointment_at_a_time(
    given: GivenTicket, other: KeptAppointment, minutes: int | None, clashes: bool
) -> None:
    ticket = given("infoniqa", REQUESTED, Assigned(agent="agent-3"))
    outcome = ticket.when(BookAppointment(number=1, start=START, minutes=minutes), at=ON_10_JUNE, bookings=[other])
    if clashes:
        outcome.refused(NotInThisState, "agent-already-booked")
    else:
        outcome.then(AppointmentBooked(appointment=1, start=START, minutes=minutes, agent="agent-3"))


def test_the_agent_that_is_named_keeps_it_and_a_queue_keeps_none(given: GivenTicket) -> None:
    named = BookAppointment(number=1, start=START, agent="trainer-1", minutes=60)
    for who in ("agent-3", "queue"):
        ticket = given("infoniqa", REQUESTED, Assigned(agent=who))
        outcome = ticket.when(named, at=ON_10_JUNE, bookings=[kept_by(who, START)])
        outcome.then(AppointmentBooked(appointment=1, start=START, agent="trainer-1", minutes=60))
    in_queue = given("infoniqa", REQUESTED, Assigned(agent="queue")).when(BookAppointment(number=1, start=START))
    in_queue.then(AppointmentBooked(appointment=1, start=START))


@pytest.mark.parametrize(
    ("start", "minutes", "taken"),
    [
        (local(6, 25, 8), 540, True),
        (local(6, 25, 8), 541, False),
        (local(6, 25, 7), 30, False),
        (local(6, 27), 60, False),
        (local(8, 3), 60, True),
        (local(6, 26), 60, False),
    ],
    ids=["all day", "past closing", "before opening", "on a Saturday", "on a Monday", "on a day closed by hand"],
)
def test_a_named_agent_keeps_no_appointment_while_the_calendar_is_closed(
    given: GivenTicket, start: datetime, minutes: int, taken: bool
) -> None:
    office = calendar_document(
        {
            "calendar": "office",
            "timezone": "Europe/Zurich",
            "hours": {"mon-fri": ["08:00-12:00", "12:00-17:00"]},
            "closed": [{"date": "2026-06-26", "reason": "Betriebsausflug"}],
            "years": "2026",
        }
    )
    command = BookAppointment(number=1, start=start, minutes=minutes, agent="trainer-1", agreed=AGREED)
    outcome = given("infoniqa", REQUESTED).when(command, at=ON_10_JUNE, calendar=materialise(office, 1))
    if taken:
        assert outcome.refusal is None
    else:
        outcome.refused(NotInThisState, "calendar-closed")


def test_a_shift_past_midnight_is_open_on_both_days_and_cut_by_a_closed_one() -> None:
    document = {"calendar": "night", "timezone": "UTC", "hours": {"mon-sun": ["22:00-06:00"]}, "years": "2026"}
    night = materialise(calendar_document(document), 1)
    start = datetime(2026, 6, 1, 23, tzinfo=UTC)
    assert is_open(night, start, start + timedelta(hours=7))
    assert not is_open(night, start, start + timedelta(hours=8))
    cut = document | {"closed": [{"date": "2026-06-02", "reason": "Ruhe"}]}
    assert not is_open(materialise(calendar_document(cut), 1), start, start + timedelta(hours=2))
