"""What is open on a ticket, and in which order it is listed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fristwerk_language.events.tickets import (
    AppointmentBooked,
    AppointmentHeld,
    AppointmentRequested,
    CallbackAttempted,
    CallbackCompleted,
    CallbackRequested,
    Closed,
    CostApprovalRequested,
    CostApproved,
    Delivered,
    EscalationAssigned,
    EscalationClosed,
    EscalationRaised,
    EscalationTaskAdded,
    EscalationTaskDone,
    Resolved,
)
from tests.ticket_service.domain.conftest import GivenTicket
from ticket_service.domain.tasks import is_open_when_closed, open_tasks

AT = datetime(2026, 6, 20, 9, tzinfo=UTC)


def test_each_kind_is_open_until_it_is_settled(given: GivenTicket) -> None:
    asked = AppointmentRequested(appointment=1, kind="review", proposals=[AT + timedelta(days=1), AT])
    ticket = given(
        "hamburg",
        CallbackRequested(callback=1, purpose="requested"),
        CallbackAttempted(callback=1, reached=False),
        asked,
        EscalationRaised(escalation=1, to="manager", agent="m-1"),
        CostApprovalRequested(approval=1, estimate_minutes=60),
        Delivered(system="test", beside=True),
    )
    found = {each.kind: (each.number, each.state, each.agent) for each in open_tasks(ticket.ticket)}
    assert found == {
        "escalation": (1, "with manager", "m-1"),
        "callback": (1, "1 attempts", None),
        "appointment": (1, "requested", None),
        "cost_approval": (1, "requested", None),
        "acceptance": (1, "on test", None),
    }
    assert next(each.at for each in open_tasks(ticket.ticket) if each.kind == "appointment") == AT
    booked = ticket.having(AppointmentBooked(appointment=1, start=AT + timedelta(hours=3), agent="a-1"))
    held = booked.having(AppointmentHeld(appointment=1))
    [appointment] = [each for each in open_tasks(booked.ticket) if each.kind == "appointment"]
    assert (appointment.at, appointment.state, appointment.agent) == (AT + timedelta(hours=3), "booked", "a-1")
    settled = held.having(
        CallbackCompleted(callback=1), CostApproved(approval=1), EscalationClosed(escalation=1), Resolved()
    )
    assert list(open_tasks(settled.ticket)) == []


def test_of_a_closed_ticket_only_an_escalation_is_open(given: GivenTicket) -> None:
    before = (CallbackRequested(callback=1, purpose="requested"), EscalationRaised(escalation=1, to="manager"))
    ticket = given("hamburg", *before, Resolved(), Closed()).ticket
    assert [each.kind for each in open_tasks(ticket)] == ["escalation"]


def test_the_cursor_is_in_the_order_of_time_and_fits_a_query(given: GivenTicket) -> None:
    ticket = given("hamburg", EscalationRaised(escalation=1, to="manager")).ticket
    [early] = open_tasks(ticket)
    late = next(iter(open_tasks(given("hamburg").having(EscalationRaised(escalation=2, to="manager"), at=AT).ticket)))
    assert early.cursor < late.cursor
    assert len(early.cursor) - len(ticket.id) + 36 <= 64


def test_an_escalation_names_its_owner_and_what_has_to_be_cleared(given: GivenTicket) -> None:
    ticket = given(
        "hamburg",
        EscalationRaised(escalation=1, to="manager", agent="m-1"),
        EscalationAssigned(escalation=1, agent="m-2"),
        EscalationTaskAdded(task=1, escalation=1, agent="a-1", due_at=AT),
        EscalationTaskAdded(task=2, escalation=1),
        Resolved(),
        Closed(),
    )
    found = [(each.kind, each.number, each.state, each.agent) for each in open_tasks(ticket.ticket)]
    assert found == [
        ("escalation", 1, "with manager, owned by m-2", "m-2"),
        ("escalation_task", 1, "of escalation 1", "a-1"),
        ("escalation_task", 2, "of escalation 1", None),
    ]
    assert [each.at for each in open_tasks(ticket.ticket)][1] == AT
    assert is_open_when_closed(ticket.ticket)
    settled = ticket.having(EscalationTaskDone(task=1), EscalationTaskDone(task=2), EscalationClosed(escalation=1))
    assert not is_open_when_closed(settled.ticket)
    assert not is_open_when_closed(given("hamburg", EscalationRaised(escalation=1, to="manager")).ticket)
