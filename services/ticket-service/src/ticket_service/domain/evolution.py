"""How each event changes a ticket. Applying an event never fails, whatever came before it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar, overload

import msgspec

from fristwerk_language.events import Actor, Event, tickets
from ticket_service.domain.lifecycle import state_after
from ticket_service.domain.state import (
    Acknowledgement,
    Appointment,
    Callback,
    CostApproval,
    Delivery,
    Escalation,
    Ticket,
    TimeEntry,
)

Changes = dict[str, Any]


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """What an event's envelope says that the ticket needs: ``version`` counts in the ticket's stream from 1."""

    ticket: str
    version: int
    occurred_at: datetime
    actor: Actor


@overload
def evolve(state: Ticket, event: Event, stamp: Stamp) -> Ticket: ...
@overload
def evolve(state: Ticket | None, event: Event, stamp: Stamp) -> Ticket | None: ...
def evolve(state: Ticket | None, event: Event, stamp: Stamp) -> Ticket | None:
    """The ticket after an event; an event of an unknown type changes nothing but the version.

    A ticket begins with ``TicketCreated``: before it there is none, and whatever else comes first leaves it so.
    """
    if state is None:
        return _created(event, stamp) if isinstance(event, tickets.TicketCreated) else None
    changes = _changes(state, event, stamp)
    return msgspec.structs.replace(
        state,
        version=stamp.version,
        state=state_after(state.state, event),
        last_activity_at=max(state.last_activity_at, stamp.occurred_at),
        **changes,
    )


def _created(event: tickets.TicketCreated, stamp: Stamp) -> Ticket:
    kept = _shared_with(Ticket, event) | {"addons": tuple(event.addons)}
    return Ticket(id=stamp.ticket, version=stamp.version, last_activity_at=stamp.occurred_at, **kept)


def _changes(ticket: Ticket, event: Event, stamp: Stamp) -> Changes:  # noqa: C901, PLR0911 - one answer a type of event
    at = stamp.occurred_at
    match event:
        case tickets.AcknowledgementSent():
            return {"acknowledged": Acknowledgement(cost_notice=event.cost_notice)}
        case tickets.CustomerMessageReceived() | tickets.InformationReceived():
            return {"last_customer_message_at": _later(ticket.last_customer_message_at, at)}
        case tickets.Responded() if event.visible:
            return {"last_response_at": _later(ticket.last_response_at, at)}
        case tickets.ProgressReported():
            return {"last_progress_at": _later(ticket.last_progress_at, at)}
        case tickets.TicketNumberCommunicated():
            return {"classification": event.classification}
        case tickets.FeedbackReceived():
            return {"feedback_score": event.score}
        case tickets.ReleasedToProduction():
            return {"released_at": at}
        case tickets.Resolved():
            return {"resolved_at": at}
        case tickets.Reopened():
            return {"resolved_at": None, "closed_at": None}
        case tickets.Closed():
            return {"closed_at": at}
        case tickets.TermsMigrated():
            return {"agreement_version": event.agreement_version, "calendar_version": event.calendar_version}
        case _:
            return _classified(event) or _worked(ticket, event, at) or _parts(ticket, event, stamp)


def _classified(event: Event) -> Changes:  # noqa: PLR0911 - one answer a type of event
    match event:
        case tickets.SeveritySuggested():
            return {"suggested_severity": event.severity}
        case tickets.SeveritySet():
            return {"severity": event.severity}
        case tickets.TypeChanged():
            return {"type": event.type}
        case tickets.PriorityDerived():
            return {"priority": event.priority, "priority_rule": event.rule}
        case tickets.PriorityChanged():
            return {"priority": event.priority, "priority_rule": None}
        case tickets.Assigned():
            return {"assignee": event.agent}
        case tickets.Transferred():
            return {"department": event.department, "level": event.level}
        case _:
            return {}


def _worked(ticket: Ticket, event: Event, at: datetime) -> Changes:
    match event:
        case tickets.WorkStarted():
            return {"work_started_at": _earlier(ticket.work_started_at, at)}
        case tickets.TimeLogged():
            entry = TimeEntry(**_shared_with(TimeEntry, event))
            return {
                "time_entries": {**ticket.time_entries, event.entry: entry},
                "work_started_at": _earlier(ticket.work_started_at, event.start),
            }
        case tickets.TimeLogCorrected() if event.entry in ticket.time_entries:
            entry = msgspec.structs.replace(ticket.time_entries[event.entry], minutes=event.minutes, corrected=True)
            return {"time_entries": {**ticket.time_entries, event.entry: entry}}
        case tickets.EffortNoticeSent():
            return {"effort_notice_at": at}
        case _:
            return {}


def _parts(ticket: Ticket, event: Event, stamp: Stamp) -> Changes:  # noqa: PLR0911 - one answer a part
    match event:
        case tickets.CallbackRequested() | tickets.CallbackAttempted() | tickets.CallbackCompleted():
            return {"callbacks": _callbacks(ticket.callbacks, event, stamp)}
        case (
            tickets.AppointmentRequested()
            | tickets.AppointmentBooked()
            | tickets.AppointmentCancelled()
            | tickets.AppointmentHeld()
            | tickets.AppointmentMissed()
        ):
            return {"appointments": _appointments(ticket.appointments, event, stamp.occurred_at)}
        case tickets.CostApprovalRequested() | tickets.CostApproved() | tickets.CostRejected():
            return {"cost_approvals": _cost_approvals(ticket.cost_approvals, event, stamp.occurred_at)}
        case tickets.EscalationRaised() | tickets.EscalationClosed():
            return {"escalations": _escalations(ticket.escalations, event, stamp.occurred_at)}
        case tickets.Delivered():
            delivery = Delivery(system=event.system, delivered_at=stamp.occurred_at)
            return {"deliveries": (*ticket.deliveries, delivery)}
        case tickets.Accepted() if ticket.deliveries:
            return {"deliveries": _last_judged(ticket.deliveries, accepted=True)}
        case tickets.AcceptanceRefused() if ticket.deliveries:
            return {"deliveries": _last_judged(ticket.deliveries, accepted=False)}
        case _:
            return {}


def _callbacks(
    callbacks: tuple[Callback, ...],
    event: tickets.CallbackRequested | tickets.CallbackAttempted | tickets.CallbackCompleted,
    stamp: Stamp,
) -> tuple[Callback, ...]:
    match event:
        case tickets.CallbackRequested(callback=number):
            return _with(callbacks, Callback(number=number, purpose=event.purpose, requested_at=stamp.occurred_at))
        case tickets.CallbackAttempted(callback=number):
            return _changed(
                callbacks,
                number,
                lambda each: {"attempts": each.attempts + 1, "reached": each.reached or event.reached},
            )
        case tickets.CallbackCompleted(callback=number):
            done = {"completed_at": stamp.occurred_at, "completed_by": stamp.actor.role}
            return _changed(callbacks, number, lambda _: done)


def _appointments(
    appointments: tuple[Appointment, ...],
    event: tickets.AppointmentRequested
    | tickets.AppointmentBooked
    | tickets.AppointmentCancelled
    | tickets.AppointmentHeld
    | tickets.AppointmentMissed,
    at: datetime,
) -> tuple[Appointment, ...]:
    match event:
        case tickets.AppointmentRequested(appointment=number):
            requested = Appointment(
                number=number, kind=event.kind, proposals=tuple(event.proposals), notices=tuple(event.notices)
            )
            return _with(appointments, requested)
        case tickets.AppointmentBooked(appointment=number, start=start):
            return _changed(appointments, number, lambda _: {"state": "booked", "start": start})
        case tickets.AppointmentCancelled(appointment=number):
            cancelled = {
                "state": "cancelled",
                "cancelled_by": event.by,
                "cancelled_at": at,
                "cancelled_in_writing": event.written,
            }
            return _changed(appointments, number, lambda _: cancelled)
        case tickets.AppointmentHeld(appointment=number):
            return _changed(appointments, number, lambda _: {"state": "held"})
        case tickets.AppointmentMissed(appointment=number):
            return _changed(appointments, number, lambda _: {"state": "missed"})


def _cost_approvals(
    approvals: tuple[CostApproval, ...],
    event: tickets.CostApprovalRequested | tickets.CostApproved | tickets.CostRejected,
    at: datetime,
) -> tuple[CostApproval, ...]:
    match event:
        case tickets.CostApprovalRequested(approval=number):
            return _with(approvals, CostApproval(number=number, estimate_minutes=event.estimate_minutes))
        case tickets.CostApproved(approval=number):
            approved = {"state": "approved", "extra_minutes": event.extra_minutes, "decided_at": at}
            return _changed(approvals, number, lambda _: approved)
        case tickets.CostRejected(approval=number):
            return _changed(approvals, number, lambda _: {"state": "rejected", "decided_at": at})


def _escalations(
    escalations: tuple[Escalation, ...], event: tickets.EscalationRaised | tickets.EscalationClosed, at: datetime
) -> tuple[Escalation, ...]:
    match event:
        case tickets.EscalationRaised(escalation=number):
            return _with(escalations, Escalation(number=number, to=event.to, agent=event.agent, raised_at=at))
        case tickets.EscalationClosed(escalation=number):
            return _changed(escalations, number, lambda _: {"closed_at": at})


def _last_judged(deliveries: tuple[Delivery, ...], *, accepted: bool) -> tuple[Delivery, ...]:
    return (*deliveries[:-1], msgspec.structs.replace(deliveries[-1], accepted=accepted))


class _Numbered(Protocol):
    @property
    def number(self) -> int: ...


Part = TypeVar("Part", bound=_Numbered)


def _with(parts: tuple[Part, ...], new: Part) -> tuple[Part, ...]:
    """The parts with a new one at the end; a repeated number replaces its first telling."""
    return (*(each for each in parts if each.number != new.number), new)


def _changed(parts: tuple[Part, ...], number: int, change: Callable[[Part], Changes]) -> tuple[Part, ...]:
    """The parts with one of them changed; a number that is not there changes nothing."""
    return tuple(
        msgspec.structs.replace(each, **change(each)) if each.number == number else each  # type: ignore[type-var]
        for each in parts
    )


def _shared_with(kind: type[msgspec.Struct], event: Event) -> Changes:
    """The event's fields that a part of the ticket has under the same name."""
    return {name: getattr(event, name) for name in event.__struct_fields__ if name in kind.__struct_fields__}


def _later(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else max(known, at)


def _earlier(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)
