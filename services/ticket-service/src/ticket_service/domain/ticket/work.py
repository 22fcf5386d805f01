"""Working on a ticket: when work may start, time that was worked, and the notice that it will take longer."""

from __future__ import annotations

from datetime import datetime

from fristwerk_language.events.tickets import Assigned, EffortNoticeSent, TimeLogCorrected, TimeLogged, WorkStarted
from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotFound, NotInThisState
from ticket_service.domain.ticket.commands import (
    CorrectTime,
    LogTime,
    SendEffortNotice,
    StartWork,
    TimeSpent,
    WorkCommand,
)
from ticket_service.domain.ticket.cost_approval import allowance_minutes, billable_minutes, gate_holds
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.validation import Violations, is_given, personal


def work(ticket: Ticket, command: WorkCommand, context: Context) -> list[DecidedEvent]:
    """Work starts, was done, was wrongly noted, or will take longer."""
    match command:
        case StartWork():
            return _start(ticket, command, context.agreement)
        case LogTime():
            return _log(ticket, command, context)
        case CorrectTime():
            return _correct(ticket, command, context)
        case SendEffortNotice():
            violations = Violations()
            violations.texts(text=command.text)
            violations.raise_if_any(f"An effort notice for ticket {ticket.reference} says what will take longer.")
            return [DecidedEvent(EffortNoticeSent(), personal(text=command.text))]


def _start(ticket: Ticket, command: StartWork, agreement: AgreementDocument) -> list[DecidedEvent]:
    """Whoever starts work on a ticket that nobody has takes it."""
    _check_severity(ticket, agreement)
    _check_appointment(ticket, agreement)
    _check_cost_gate(ticket, agreement)
    violations = Violations()
    violations.texts(agent=command.agent)
    violations.raise_if_any(f"Work on ticket {ticket.reference} is done by somebody.")
    started = DecidedEvent(WorkStarted(agent=command.agent))
    return [DecidedEvent(Assigned(agent=command.agent)), started] if ticket.unassigned else [started]


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


def _log(ticket: Ticket, command: LogTime, context: Context) -> list[DecidedEvent]:
    """Work that was done is a fact, in any state and beyond any gate; billing holds what is not approved."""
    violations = Violations()
    violations.require(command.minutes > 0, "/minutes", "must be at least one minute")
    violations.not_later_than("/start", command.start, context.occurred_at)
    violations.span(command.start, command.minutes, context.now, context.agreement.time_entries.longest_minutes)
    if command.appointment is None:
        violations.not_long_before("/start", command.start, ticket.received_at)
    violations.not_before_contract("/start", command.start, context.contract_began)
    violations.texts(activity=command.activity, agent=command.agent)
    check_activity(command.activity, context.agreement, violations)
    if command.appointment is not None:
        known = any(each.number == command.appointment for each in ticket.appointments)
        violations.require(known, "/appointment", f"the ticket has no appointment {command.appointment}")
    violations.raise_if_any(f"This time cannot be logged on ticket {ticket.reference}.")
    event = TimeLogged(
        entry=command.entry,
        start=command.start,
        minutes=command.minutes,
        activity=command.activity,
        agent=command.agent,
        appointment=command.appointment,
        performer=command.performer,
    )
    return [DecidedEvent(event, personal(note=command.note))]


def time_spent(
    ticket: Ticket, spent: TimeSpent | None, start: datetime, context: Context, violations: Violations
) -> list[DecidedEvent]:
    """The time entry of what a message took from ``start`` on; its rules are those of any entry."""
    if spent is None:
        return []
    violations.require(context.actor.role != "customer", "/minutes", "only staff say what a message took")
    violations.span(start, spent.minutes, context.now, context.agreement.time_entries.longest_minutes)
    violations.not_long_before("/minutes", start, ticket.received_at)
    check_activity(spent.activity, context.agreement, violations)
    logged = TimeLogged(
        entry=spent.entry,
        start=start,
        minutes=spent.minutes,
        activity=spent.activity,
        agent=context.actor.id,
        performer=spent.performer,
    )
    return [DecidedEvent(logged)]


def check_activity(activity: str, agreement: AgreementDocument, violations: Violations) -> None:
    """Work is named by one of the agreement's words, where it lists them: another word might be billed."""
    words = agreement.known_activities
    if words and is_given(activity):
        violations.known("/activity", "activity", activity, words)


def _correct(ticket: Ticket, command: CorrectTime, context: Context) -> list[DecidedEvent]:
    """Fewer minutes can always be put right; more of them are checked as an entry's are."""
    if command.entry not in ticket.time_entries:
        raise NotFound("time-entry-not-found", f"The ticket {ticket.reference} has no time entry {command.entry}.")
    violations = Violations()
    violations.require(command.minutes >= 0, "/minutes", "may not be negative; 0 takes the entry back")
    violations.texts(reason=command.reason)
    entry = ticket.time_entries[command.entry]
    if command.minutes > entry.minutes:
        violations.span(entry.start, command.minutes, context.now, context.agreement.time_entries.longest_minutes)
    violations.raise_if_any(f"The time entry {command.entry} of ticket {ticket.reference} stays as it is.")
    return [
        DecidedEvent(TimeLogCorrected(entry=command.entry, minutes=command.minutes), personal(reason=command.reason))
    ]
