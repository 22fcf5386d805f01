"""Appointments: proposals with their lead time, booking, cancellation, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, Literal

from fristwerk_language.events.tickets import (
    AppointmentCancelled,
    AppointmentHeld,
    AppointmentMissed,
    AppointmentRequested,
)
from fristwerk_language.terms import AgreementDocument
from fristwerk_language.terms.handling import AppointmentTerms, SeasonTerms
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAllowed, NotFound, NotInThisState
from ticket_service.domain.ticket.booking import book
from ticket_service.domain.ticket.commands import (
    AppointmentCommand,
    BookAppointment,
    CancelAppointment,
    RecordAppointmentOutcome,
    RequestAppointment,
)
from ticket_service.domain.ticket.decision_context import Context, local_day
from ticket_service.domain.ticket.state import Appointment, Ticket
from ticket_service.domain.validation import Violations, personal

NO_TERMS: Final = AppointmentTerms()
"""What holds where an agreement says nothing: one proposal, no lead time."""


def arrange(ticket: Ticket, command: AppointmentCommand, context: Context) -> list[DecidedEvent]:
    """An appointment is asked for, booked, called off, or over."""
    match command:
        case RequestAppointment():
            return _request(ticket, command, context)
        case BookAppointment():
            return _book(ticket, command, context)
        case CancelAppointment():
            return _cancel(ticket, command, context)
        case RecordAppointmentOutcome():
            return _record_outcome(ticket, command, context)


def _request(ticket: Ticket, command: RequestAppointment, context: Context) -> list[DecidedEvent]:
    terms = context.agreement.appointments or NO_TERMS
    violations = Violations()
    violations.texts(kind=command.kind)
    _check_number(command.proposals, terms, violations)
    for place, proposal in enumerate(command.proposals):
        sentence = _objection_to(proposal, terms, ticket.site, context)
        if sentence is not None:
            violations.add(f"/proposals/{place}", sentence)
    violations.raise_if_any(f"An appointment for ticket {ticket.reference} cannot be requested like this.")
    event = AppointmentRequested(
        appointment=len(ticket.appointments) + 1,
        kind=command.kind,
        proposals=list(command.proposals),
        notices=_notices([local_day(each, context.agreement, ticket.site) for each in command.proposals], terms),
    )
    return [DecidedEvent(event)]


def _check_number(proposals: Sequence[datetime], terms: AppointmentTerms, violations: Violations) -> None:
    """Enough proposals, all different: two spellings of one instant are one proposal."""
    minimum = terms.proposals.minimum
    violations.require(
        len(proposals) >= minimum, "/proposals", f"at least {minimum} are required, {len(proposals)} were given"
    )
    for place, proposal in enumerate(proposals):
        violations.require(proposal not in proposals[:place], f"/proposals/{place}", "was proposed already")


def _objection_to(proposal: datetime, terms: AppointmentTerms, site: str | None, context: Context) -> str | None:
    """The lead time is the proposal's local date minus that of the request; exactly so many days are enough."""
    if proposal <= context.occurred_at:
        return "does not lie in the future of the request"
    if (sentence := _too_far_ahead(proposal, context)) is not None:
        return sentence
    day, today = (local_day(each, context.agreement, site) for each in (proposal, context.occurred_at))
    ahead, required = (day - today).days, _lead_time_days(day, terms)
    return None if ahead >= required else f"{day} is {ahead} days ahead; at least {required} are required"


def _too_far_ahead(start: datetime, context: Context) -> str | None:
    """Nobody plans for a distant year; a mistyped one is found out here."""
    ahead = context.dating.appointments_ahead
    return f"is more than {ahead.days} days ahead" if start > context.occurred_at + ahead else None


def _lead_time_days(day: date, terms: AppointmentTerms) -> int:
    season = terms.season
    if season is not None and season.lead_time_days is not None and _in_season(day, season):
        return season.lead_time_days
    return terms.lead_time_days


def _notices(proposed: Sequence[date], terms: AppointmentTerms) -> list[str]:
    """The season's remark, once, if any proposed date lies in it."""
    season = terms.season
    if season is None or season.notice is None:
        return []
    return [season.notice] if any(_in_season(each, season) for each in proposed) else []


def _in_season(day: date, season: SeasonTerms) -> bool:
    """Month-days inclusive; a season that ends before it begins runs across New Year."""
    month_day = day.strftime("%m-%d")
    if season.from_ <= season.until:
        return season.from_ <= month_day <= season.until
    return month_day >= season.from_ or month_day <= season.until


def _book(ticket: Ticket, command: BookAppointment, context: Context) -> list[DecidedEvent]:
    appointment = _appointment(ticket, command.number)
    if appointment.state != "requested":
        raise NotInThisState(
            f"appointment-already-{_done(appointment)}",
            f"The appointment {appointment.number} of ticket {ticket.reference} is {_done(appointment)} already; "
            "another time needs another appointment.",
        )
    violations = Violations()
    if (sentence := _too_far_ahead(command.start, context)) is not None:
        violations.add("/start", sentence)
    violations.raise_if_any(f"The appointment {appointment.number} of ticket {ticket.reference} is not booked.")
    return book(ticket, appointment, command, context)


def _cancel(ticket: Ticket, command: CancelAppointment, context: Context) -> list[DecidedEvent]:
    """Billing judges whether it came in time and in writing; a spoken cancellation may be put in writing later."""
    if context.actor.role == "customer" and command.by != "customer":
        raise NotAllowed(
            "cancellation-not-allowed", f"A customer cancels for itself, not for the {command.by}: by is customer."
        )
    appointment = _appointment(ticket, command.number)
    in_writing_now = _only_spoken_of(appointment) and command.written
    if appointment.state not in {"requested", "booked"} and not in_writing_now:
        raise NotInThisState(
            f"appointment-already-{_done(appointment)}",
            f"The appointment {appointment.number} of ticket {ticket.reference} is {_done(appointment)} already.",
        )
    missing: Literal["writing"] | None = None
    if command.by == "customer" and not command.written and _asks_for_writing(context.agreement):
        missing = "writing"
    event = AppointmentCancelled(
        appointment=appointment.number, by=command.by, written=command.written, missing=missing
    )
    return [DecidedEvent(event, personal(reason=command.reason))]


def cancelled_in_writing(ticket: Ticket, written_at: datetime) -> list[DecidedEvent]:
    """What a written message of the customer does to the cancellations before it that lacked the writing: they count."""
    return [
        DecidedEvent(AppointmentCancelled(appointment=each.number, by="customer"))
        for each in ticket.appointments
        if each.state == "cancellation_not_written"
        and each.cancelled_at is not None
        and each.cancelled_at <= written_at
    ]


def _asks_for_writing(agreement: AgreementDocument) -> bool:
    terms = agreement.appointments.cancellation if agreement.appointments is not None else None
    return terms is not None and terms.written


def _done(appointment: Appointment) -> str:
    return "cancelled" if appointment.state == "cancellation_not_written" else appointment.state


def _record_outcome(ticket: Ticket, command: RecordAppointmentOutcome, context: Context) -> list[DecidedEvent]:
    """A booked appointment was held or missed. One called off by word of mouth only counts as not called off."""
    appointment = _appointment(ticket, command.number)
    stands = appointment.state == "booked" or _only_spoken_of(appointment)
    if not stands or appointment.start is None:
        raise NotInThisState(
            "appointment-not-booked",
            f"The appointment {appointment.number} of ticket {ticket.reference} is {appointment.state}, not booked.",
        )
    if appointment.start > context.occurred_at:
        raise NotInThisState(
            "appointment-still-ahead",
            f"The appointment {appointment.number} of ticket {ticket.reference} begins at "
            f"{appointment.start.isoformat()}; it cannot have been {command.outcome} yet.",
        )
    if command.outcome == "held":
        return [DecidedEvent(AppointmentHeld(appointment=appointment.number))]
    return [DecidedEvent(AppointmentMissed(appointment=appointment.number))]


def _only_spoken_of(appointment: Appointment) -> bool:
    """Cancelled by word of mouth: it counts once it is there in writing."""
    spoken = appointment.state == "cancelled" and appointment.cancelled_in_writing is False
    return spoken or appointment.state == "cancellation_not_written"


def _appointment(ticket: Ticket, number: int) -> Appointment:
    appointment = next((each for each in ticket.appointments if each.number == number), None)
    if appointment is None:
        raise NotFound("appointment-not-found", f"The ticket {ticket.reference} has no appointment {number}.")
    return appointment
