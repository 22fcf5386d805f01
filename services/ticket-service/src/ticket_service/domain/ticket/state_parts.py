"""How events change the numbered parts of a ticket, and its deliveries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from msgspec.structs import replace

from fristwerk_language.events import Actor, tickets
from ticket_service.domain.ticket.state import (
    Appointment,
    Callback,
    CostApproval,
    Delivery,
    Escalation,
    EscalationTask,
    RemoteSession,
)


class _Numbered(Protocol):
    @property
    def number(self) -> int: ...


Part = TypeVar("Part", bound=_Numbered)


def callbacks_after(
    callbacks: tuple[Callback, ...], event: tickets.CallbackEvent, at: datetime, actor: Actor
) -> tuple[Callback, ...]:
    """A ticket's callbacks after an event."""
    match event:
        case tickets.CallbackRequested(callback=number):
            return _with(callbacks, Callback(number=number, purpose=event.purpose, requested_at=at))
        case tickets.CallbackAttempted(callback=number, reached=reached):
            return _changed(
                callbacks,
                number,
                lambda each: replace(each, attempts=each.attempts + 1, reached=each.reached or reached),
            )
        case tickets.CallbackCompleted(callback=number):
            return _changed(callbacks, number, lambda each: replace(each, completed_at=at, completed_by=actor.role))


def appointments_after(
    appointments: tuple[Appointment, ...], event: tickets.AppointmentEvent, at: datetime
) -> tuple[Appointment, ...]:
    """A ticket's appointments after an event."""
    match event:
        case tickets.AppointmentRequested(appointment=number):
            requested = Appointment(
                number=number, kind=event.kind, proposals=tuple(event.proposals), notices=tuple(event.notices)
            )
            return _with(appointments, requested)
        case tickets.AppointmentBooked(appointment=number, start=start, minutes=minutes, agent=agent):
            return _changed(
                appointments,
                number,
                lambda each: replace(each, state="booked", start=start, minutes=minutes, agent=agent),
            )
        case tickets.AppointmentCancelled(appointment=number, by=by, written=written, missing=missing):
            return _changed(
                appointments,
                number,
                lambda each: replace(
                    each,
                    state="cancelled" if missing is None else "cancellation_not_written",
                    cancelled_by=by,
                    cancelled_at=at,
                    cancelled_in_writing=written,
                    missing=missing,
                ),
            )
        case tickets.AppointmentHeld(appointment=number):
            return _changed(appointments, number, lambda each: replace(each, state="held"))
        case tickets.AppointmentMissed(appointment=number):
            return _changed(appointments, number, lambda each: replace(each, state="missed"))


def cost_approvals_after(
    approvals: tuple[CostApproval, ...], event: tickets.CostApprovalEvent, at: datetime
) -> tuple[CostApproval, ...]:
    """A ticket's cost approvals after an event."""
    match event:
        case tickets.CostApprovalRequested(approval=number):
            asked = CostApproval(number=number, estimate_minutes=event.estimate_minutes, requested_at=at)
            return _with(approvals, asked)
        case tickets.CostApproved(approval=number, extra_minutes=extra):
            return _changed(
                approvals, number, lambda each: replace(each, state="approved", extra_minutes=extra, decided_at=at)
            )
        case tickets.CostRejected(approval=number):
            return _changed(approvals, number, lambda each: replace(each, state="rejected", decided_at=at))


def escalations_after(
    escalations: tuple[Escalation, ...],
    event: tickets.EscalationRaised | tickets.EscalationClosed | tickets.EscalationAssigned,
    at: datetime,
    actor: Actor,
) -> tuple[Escalation, ...]:
    """A ticket's escalations after an event."""
    match event:
        case tickets.EscalationRaised(escalation=number):
            raised = Escalation(
                number=number,
                to=event.to,
                agent=event.agent,
                asked_for=event.asked_for,
                raised_at=at,
                by_customer=actor.role == "customer",
            )
            return _with(escalations, raised)
        case tickets.EscalationClosed(escalation=number):
            return _changed(escalations, number, lambda each: replace(each, closed_at=at))
        case tickets.EscalationAssigned(escalation=number, agent=agent):
            return _changed(escalations, number, lambda each: replace(each, owner=agent))


def escalation_tasks_after(
    tasks: tuple[EscalationTask, ...], event: tickets.EscalationTaskAdded | tickets.EscalationTaskDone, at: datetime
) -> tuple[EscalationTask, ...]:
    """What has to be cleared for a ticket's escalations after an event."""
    match event:
        case tickets.EscalationTaskAdded(task=number):
            added = EscalationTask(
                number=number, escalation=event.escalation, agent=event.agent, due_at=event.due_at, added_at=at
            )
            return _with(tasks, added)
        case tickets.EscalationTaskDone(task=number):
            return _changed(tasks, number, lambda each: replace(each, done_at=at))


def remote_sessions_after(
    sessions: tuple[RemoteSession, ...], event: tickets.RemoteSessionEvent, at: datetime
) -> tuple[RemoteSession, ...]:
    """A ticket's remote sessions after an event."""
    match event:
        case tickets.RemoteSessionStarted(session=number):
            return _with(sessions, RemoteSession(number=number, agent=event.agent, started_at=at))
        case tickets.RemoteSessionEnded(session=number):
            return _changed(sessions, number, lambda each: replace(each, ended_at=at, entry=event.entry))


def deliveries_after(
    deliveries: tuple[Delivery, ...],
    event: tickets.Delivered | tickets.Accepted | tickets.AcceptanceRefused,
    at: datetime,
) -> tuple[Delivery, ...]:
    """A ticket's deliveries after an event; the customer's decision is about the last one."""
    match event:
        case tickets.Delivered():
            return (*deliveries, Delivery(system=event.system, delivered_at=at))
        case tickets.Accepted():
            return _decided(deliveries, accepted=True)
        case tickets.AcceptanceRefused():
            return _decided(deliveries, accepted=False)


def _decided(deliveries: tuple[Delivery, ...], *, accepted: bool) -> tuple[Delivery, ...]:
    return (*deliveries[:-1], replace(deliveries[-1], accepted=accepted)) if deliveries else ()


def _with(parts: tuple[Part, ...], new: Part) -> tuple[Part, ...]:
    """The parts with a new one at the end; a repeated number replaces the earlier part."""
    return (*(each for each in parts if each.number != new.number), new)


def _changed(parts: tuple[Part, ...], number: int, change: Callable[[Part], Part]) -> tuple[Part, ...]:
    """The parts with one of them changed; a number that does not exist changes nothing."""
    return tuple(change(each) if each.number == number else each for each in parts)
