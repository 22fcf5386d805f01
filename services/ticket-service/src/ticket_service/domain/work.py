"""Working on a ticket: when work may start, time that was worked, and the notice that it will take longer."""

from __future__ import annotations

from fristwerk_language.events.tickets import Assigned, EffortNoticeSent, TimeLogCorrected, TimeLogged, WorkStarted
from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.commands import CorrectTime, LogTime, SendEffortNotice, StartWork, WorkCommand
from ticket_service.domain.context import Context
from ticket_service.domain.cost_approval import allowance_minutes, billable_minutes, gate_holds
from ticket_service.domain.errors import NotFound, NotInThisState
from ticket_service.domain.fact import Fact
from ticket_service.domain.objections import Objections, personal
from ticket_service.domain.state import Ticket


def work(ticket: Ticket, command: WorkCommand, context: Context) -> list[Fact]:
    """Work starts, was done, was wrongly noted, or will take longer."""
    match command:
        case StartWork():
            return _start(ticket, command, context.agreement)
        case LogTime():
            return _log(ticket, command, context)
        case CorrectTime():
            return _correct(ticket, command)
        case SendEffortNotice():
            objections = Objections()
            objections.texts(text=command.text)
            objections.refuse_if_any(f"An effort notice for ticket {ticket.reference} says what will take longer.")
            return [Fact(EffortNoticeSent(), personal(text=command.text))]


def _start(ticket: Ticket, command: StartWork, agreement: AgreementDocument) -> list[Fact]:
    """Whoever starts work on a ticket that nobody has takes it."""
    _check_severity(ticket, agreement)
    _check_appointment(ticket, agreement)
    _check_cost_gate(ticket, agreement)
    objections = Objections()
    objections.texts(agent=command.agent)
    objections.refuse_if_any(f"Work on ticket {ticket.reference} is done by somebody.")
    started = Fact(WorkStarted(agent=command.agent))
    return [Fact(Assigned(agent=command.agent)), started] if ticket.unassigned else [started]


def _check_severity(ticket: Ticket, agreement: AgreementDocument) -> None:
    """``unclassified: strictest``: such an agreement's tickets need a severity before work."""
    if agreement.unclassified is not None and ticket.severity is None:
        raise NotInThisState(
            "severity-required",
            f"The ticket {ticket.reference} has no severity yet; the agreement {agreement.agreement} needs one before work.",
        )


def _check_appointment(ticket: Ticket, agreement: AgreementDocument) -> None:
    """A type with ``appointment: required`` is worked on in an appointment that is booked, or was held."""
    ticket_type = agreement.ticket_type(ticket.type)
    if ticket_type is None or ticket_type.appointment is None:
        return
    if not any(each.state in {"booked", "held"} for each in ticket.appointments):
        raise NotInThisState(
            "appointment-required",
            f"The ticket {ticket.reference} is of the type {ticket.type}: work needs a booked appointment.",
        )


def _check_cost_gate(ticket: Ticket, agreement: AgreementDocument) -> None:
    """Beyond the gate nothing is worked on until the customer has approved it."""
    if not gate_holds(ticket, agreement):
        return
    worked, allowed = billable_minutes(ticket, agreement), allowance_minutes(ticket, agreement)
    used = f"{worked} of {allowed} billable minutes are worked on ticket {ticket.reference}"
    if ticket.cost_approvals and ticket.cost_approvals[-1].state == "rejected":
        raise NotInThisState("cost-approval-rejected", f"{used}, and the customer rejected more.")
    raise NotInThisState("cost-approval-required", f"{used}; more needs the customer's cost approval.")


def _log(ticket: Ticket, command: LogTime, context: Context) -> list[Fact]:
    """Work that was done is a fact, in any state and beyond any gate; billing holds what is not approved."""
    objections = Objections()
    objections.unless(command.minutes > 0, "/minutes", "must be at least one minute")
    objections.not_later_than("/start", command.start, context.occurred_at)
    objections.texts(activity=command.activity, agent=command.agent)
    if command.appointment is not None:
        known = any(each.number == command.appointment for each in ticket.appointments)
        objections.unless(known, "/appointment", f"the ticket has no appointment {command.appointment}")
    objections.refuse_if_any(f"This time cannot be logged on ticket {ticket.reference}.")
    event = TimeLogged(
        entry=command.entry,
        start=command.start,
        minutes=command.minutes,
        activity=command.activity,
        agent=command.agent,
        appointment=command.appointment,
    )
    return [Fact(event, personal(note=command.note))]


def _correct(ticket: Ticket, command: CorrectTime) -> list[Fact]:
    if command.entry not in ticket.time_entries:
        raise NotFound("time-entry-not-found", f"The ticket {ticket.reference} has no time entry {command.entry}.")
    objections = Objections()
    objections.unless(command.minutes >= 0, "/minutes", "may not be negative; 0 takes the entry back")
    objections.texts(reason=command.reason)
    objections.refuse_if_any(f"The time entry {command.entry} of ticket {ticket.reference} stays as it is.")
    return [Fact(TimeLogCorrected(entry=command.entry, minutes=command.minutes), personal(reason=command.reason))]
