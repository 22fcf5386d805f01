"""KeptAppointment an appointment: one of the proposals, or what was agreed instead; never two at a time for one agent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from fristwerk_language.events.terms import CalendarPublished
from fristwerk_language.events.tickets import AppointmentBooked, OnBehalf
from ticket_service.domain.agent.state import Absence
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAllowed, NotInThisState
from ticket_service.domain.terms.opening import is_open, open_spans
from ticket_service.domain.ticket.commands import BookAppointment
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.dedicated import DEDICATED_AGENT, dedicated_agent
from ticket_service.domain.ticket.state import Appointment, KeptAppointment, Ticket
from ticket_service.domain.validation import Violations, personal


def agent_of(ticket: Ticket, command: BookAppointment) -> str | None:
    """Who keeps the appointment: the agent that is named, else whoever has the ticket."""
    if command.agent is not None:
        return command.agent
    return None if ticket.unassigned else ticket.assignee


def kept_appointments(ticket: Ticket) -> Iterator[KeptAppointment]:
    """The booked appointments that somebody keeps; of one booked without an agent, whoever has the ticket."""
    for each in ticket.appointments:
        agent = each.agent or ticket.assignee
        if each.state == "booked" and each.start is not None and agent is not None:
            yield KeptAppointment(
                ticket=ticket.id,
                reference=ticket.reference,
                number=each.number,
                agent=agent,
                start=each.start,
                minutes=each.minutes,
            )


def free_times(
    calendar: CalendarPublished,
    kept: Iterable[KeptAppointment],
    start: datetime,
    end: datetime,
    minutes: int,
    absences: Iterable[Absence] = (),
) -> Iterator[tuple[datetime, datetime]]:
    """When the calendar is open, between ``start`` and ``end``, the agent is there and keeps nothing, for so many
    minutes at least.
    """
    away = [(each.from_at, each.until_at) for each in absences]
    taken = sorted([*away, *((each.start, each.end) for each in kept)])
    for opens, closes in open_spans(calendar, start, end):
        free = opens
        for begins, ends in (*taken, (closes, closes)):
            if min(begins, closes) - free >= timedelta(minutes=minutes):
                yield free, min(begins, closes)
            free = max(free, min(ends, closes))


def book(ticket: Ticket, appointment: Appointment, command: BookAppointment, context: Context) -> list[DecidedEvent]:
    """Staff book one of the proposals, or any other time to come with the record of who agreed to it; a customer books any
    time of its dedicated agent that is free.

    Raises NotAllowed for a customer without one, NotInThisState where the agent has another appointment then or is absent, or
    the calendar is closed to a named agent.
    """
    if context.actor.role == "customer":
        command = _in_person(ticket, command, context)
    violations = Violations()
    violations.require(command.start > context.occurred_at, "/start", "does not lie in the future of the booking")
    violations.require(command.minutes is None or command.minutes > 0, "/minutes", "must be at least one minute")
    if command.agent is not None:
        violations.texts(agent=command.agent)
    if command.agreed is not None:
        violations.agreed("/agreed", command.agreed, context.occurred_at)
    elif context.actor.role != "customer" and not _proposed(appointment, command, context):
        violations.add("/agreed", "is required for a time that was not proposed: the contact, channel and instant")
    agent = agent_of(ticket, command)
    _check_kind(appointment, agent, context, violations)
    violations.raise_if_any(f"The appointment {appointment.number} of ticket {ticket.reference} is not booked.")
    _check_free(ticket, command, agent, context)
    agreed = command.agreed
    event = AppointmentBooked(
        appointment=appointment.number,
        start=command.start,
        minutes=command.minutes,
        agent=agent,
        agreed=OnBehalf(channel=agreed.channel, at=agreed.at) if agreed is not None else None,
    )
    return [DecidedEvent(event, personal(contact=agreed.contact if agreed is not None else None))]


def _proposed(appointment: Appointment, command: BookAppointment, context: Context) -> bool:
    """Whether the time was proposed; one that has passed is refused for that alone."""
    return command.start <= context.occurred_at or command.start in appointment.proposals


def _in_person(ticket: Ticket, command: BookAppointment, context: Context) -> BookAppointment:
    """A customer's booking with its dedicated agent. Raises NotAllowed, and NotAcceptable for one of unknown length."""
    agreement = context.agreement
    own = dedicated_agent(ticket.addons, agreement, context.contacts)
    if agreement.dedicated_agent is None or own is None or command.agent not in {None, own}:
        raise NotAllowed("booking-not-allowed", "A customer books times of its own dedicated agent, and nobody else's.")
    violations = Violations()
    violations.require(command.minutes is not None, "/minutes", "is required when a customer books")
    violations.require(command.agreed is None, "/agreed", "is staff's record; a customer books in person")
    violations.raise_if_any(f"The appointment {command.number} of ticket {ticket.reference} is not booked.")
    return msgspec.structs.replace(command, agent=own)


def _check_kind(appointment: Appointment, agent: str | None, context: Context, violations: Violations) -> None:
    """With the customer's dedicated agent only the kinds that the agreement names are booked, where it names any."""
    terms = context.agreement.dedicated_agent
    if terms is None or not terms.bookable or agent is None or agent != context.contacts.get(DEDICATED_AGENT):
        return
    if appointment.kind not in terms.bookable:
        named = ", ".join(terms.bookable)
        violations.add("/agent", f"the dedicated agent is booked for {named}, not for {appointment.kind}")


def _check_free(ticket: Ticket, command: BookAppointment, agent: str | None, context: Context) -> None:
    if agent is None:
        return
    wanted = KeptAppointment(
        ticket=ticket.id,
        reference=ticket.reference,
        number=command.number,
        agent=agent,
        start=command.start,
        minutes=command.minutes,
    )
    for each in context.bookings:
        if each.agent == agent and each.start < wanted.end and wanted.start < each.end:
            raise NotInThisState(
                "agent-already-booked",
                f"{agent} keeps the appointment {each.number} of ticket {each.reference} from {each.start.isoformat()} "
                f"to {each.end.isoformat()}.",
            )
    for absence in context.absences:
        if absence.overlaps(wanted.start, wanted.end):
            raise NotInThisState(
                "agent-absent",
                f"{agent} is away from {absence.from_at.isoformat()} to {absence.until_at.isoformat()}.",
            )
    if command.agent is not None and context.calendar is not None:
        _check_open(wanted, context.calendar)


def _check_open(wanted: KeptAppointment, calendar: CalendarPublished) -> None:
    if not is_open(calendar, wanted.start, wanted.end):
        raise NotInThisState(
            "calendar-closed",
            f"The calendar {calendar.name} is not open from {wanted.start.isoformat()} to {wanted.end.isoformat()}; "
            f"{wanted.agent} keeps no appointment then.",
        )
