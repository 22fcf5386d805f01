"""How far from the present facts may be dated: customers' occur now, receipts and appointments have bounds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fristwerk_language.events.tickets import AppointmentBooked, AppointmentRequested
from tests.ticket_service.domain.conftest import NOW, GivenTicket
from ticket_service.domain.errors import NotAcceptable, NotInThisState
from ticket_service.domain.ticket.commands import (
    BookAppointment,
    CancelAppointment,
    ReceiveMessage,
    RecordAppointmentOutcome,
    RequestAppointment,
)
from ticket_service.domain.ticket.decision_context import DatingRules

NO_STORIES: Any = {"dating": DatingRules()}
SECOND = timedelta(seconds=1)
MESSAGE = ReceiveMessage(channel="email", text="Es geht nicht")
THREE_YEARS = timedelta(days=1096)


@pytest.mark.parametrize(
    "command", [MESSAGE, CancelAppointment(number=1, by="customer")], ids=["message", "cancellation"]
)
def test_what_a_customer_enters_occurs_now(given: GivenTicket, command: Any) -> None:
    ticket = given("digidesk").having(AppointmentRequested(appointment=1, kind="review", proposals=[NOW]))
    for ago in (timedelta(days=3), timedelta(minutes=5, seconds=1)):
        outcome = ticket.when(command, by="customer", at=NOW - ago, **NO_STORIES)
        outcome.refused(NotAcceptable, "not-acceptable", "/occurred_at")
    assert ticket.when(command, by="customer", at=NOW - timedelta(minutes=5), **NO_STORIES).refusal is None


def test_staff_may_date_what_the_customer_said_and_stories_may_date_everything(given: GivenTicket) -> None:
    ticket, earlier = given("digidesk"), NOW - timedelta(days=3)
    assert ticket.when(MESSAGE, by="agent", at=earlier, **NO_STORIES).refusal is None
    assert ticket.when(MESSAGE, by="customer", at=earlier, dating=DatingRules(customers_may_date=True)).refusal is None


def test_an_appointment_is_proposed_and_booked_at_most_three_years_ahead(given: GivenTicket) -> None:
    ticket, last = given("digidesk"), NOW + THREE_YEARS
    request = RequestAppointment(kind="review", proposals=(last, last + SECOND))
    ticket.when(request, at=NOW).refused(NotAcceptable, "not-acceptable", "/proposals/1")
    requested = ticket.having(AppointmentRequested(appointment=1, kind="review", proposals=[last]))
    requested.when(BookAppointment(number=1, start=last + SECOND), at=NOW).refused(
        NotAcceptable, "not-acceptable", "/start"
    )
    assert requested.when(BookAppointment(number=1, start=last), at=NOW).refusal is None
    closer = DatingRules(appointments_ahead=timedelta(days=30))
    requested.when(BookAppointment(number=1, start=last), at=NOW, dating=closer).refused(
        NotAcceptable, "not-acceptable", "/start"
    )


@pytest.mark.parametrize("outcome", ["held", "missed"])
def test_an_appointment_that_lies_ahead_was_neither_held_nor_missed(given: GivenTicket, outcome: Any) -> None:
    ticket = given("digidesk").having(
        AppointmentRequested(appointment=1, kind="review", proposals=[NOW]), AppointmentBooked(appointment=1, start=NOW)
    )
    command = RecordAppointmentOutcome(number=1, outcome=outcome)
    ticket.when(command, at=NOW - SECOND).refused(NotInThisState, "appointment-still-ahead")
    assert ticket.when(command, at=NOW).refusal is None
