"""Escalations: to whom a matter goes that does not run as it should, and how that ends."""

from __future__ import annotations

from collections.abc import Mapping

from fristwerk_language.events.tickets import (
    EscalationAssigned,
    EscalationClosed,
    EscalationRaised,
    EscalationTaskAdded,
    EscalationTaskDone,
)
from fristwerk_language.terms.handling import EscalationTerms
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable, NotFound, NotInThisState
from ticket_service.domain.ticket.commands import (
    AddEscalationTask,
    AssignEscalation,
    CloseEscalation,
    CompleteEscalationTask,
    Escalate,
    EscalationCommand,
)
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.possible_commands import STAFF
from ticket_service.domain.ticket.state import Escalation, Ticket
from ticket_service.domain.validation import Violations, personal


def escalate_or_close(ticket: Ticket, command: EscalationCommand, context: Context) -> list[DecidedEvent]:
    """An escalation is raised, owned, cleared and closed, at any hour and also once the ticket is done."""
    match command:
        case Escalate():
            return _raise(ticket, command, context)
        case CloseEscalation():
            return _close(ticket, command, context.agreement.escalation)
        case AssignEscalation():
            return _assign(ticket, command)
        case AddEscalationTask():
            return _add_task(ticket, command)
        case CompleteEscalationTask():
            return _complete_task(ticket, command)


def _raise(ticket: Ticket, command: Escalate, context: Context) -> list[DecidedEvent]:
    terms = context.agreement.escalation
    violations = Violations()
    violations.texts(to=command.to, text=command.text)
    if terms is not None:
        agreed = (role for role in (terms.contact, terms.fallback) if role is not None)
        known = (terms.contact,) if context.actor.role == "customer" else (*agreed, *context.contacts)
        violations.known("/to", "escalation contact", command.to, dict.fromkeys(known))
    violations.raise_if_any(f"The ticket {ticket.reference} cannot be escalated like this.")
    to, agent = addressee(command.to, terms, context.contacts)
    asked_for = command.to if to != command.to else None
    event = EscalationRaised(escalation=len(ticket.escalations) + 1, to=to, agent=agent, asked_for=asked_for)
    return [DecidedEvent(event, personal(text=command.text))]


def addressee(to: str, terms: EscalationTerms | None, contacts: Mapping[str, str]) -> tuple[str, str | None]:
    """The role that is asked, and who holds it for the customer; a role that nobody holds falls to the fallback.

    The roles of staff are held by whoever has them. Raises NotAcceptable where nobody holds the fallback either.
    """
    fallback = terms.fallback if terms is not None else None
    for role in (to, fallback):
        if role is not None and (role in contacts or role in STAFF):
            return role, contacts.get(role)
    sentence = f"nobody holds the role {to!r} for this customer"
    if fallback is not None:
        sentence += f", nor the fallback {fallback!r}"
    raise NotAcceptable(f"The escalation would reach nobody: {sentence}.", [("/to", sentence)], "nobody-holds-role")


def _assign(ticket: Ticket, command: AssignEscalation) -> list[DecidedEvent]:
    escalation = _open_escalation(ticket, command.number)
    violations = Violations()
    violations.texts(agent=command.agent)
    violations.raise_if_any(f"The escalation {escalation.number} of ticket {ticket.reference} is somebody's.")
    if escalation.owner == command.agent:
        return []
    return [DecidedEvent(EscalationAssigned(escalation=escalation.number, agent=command.agent))]


def _add_task(ticket: Ticket, command: AddEscalationTask) -> list[DecidedEvent]:
    escalation = _open_escalation(ticket, command.number)
    violations = Violations()
    violations.texts(text=command.text)
    violations.raise_if_any(
        f"A task for the escalation {escalation.number} of ticket {ticket.reference} says what to do."
    )
    number = len(ticket.escalation_tasks) + 1
    event = EscalationTaskAdded(task=number, escalation=escalation.number, agent=command.agent, due_at=command.due_at)
    return [DecidedEvent(event, personal(text=command.text))]


def _complete_task(ticket: Ticket, command: CompleteEscalationTask) -> list[DecidedEvent]:
    task = next((each for each in ticket.escalation_tasks if each.number == command.number), None)
    if task is None:
        raise NotFound(
            "escalation-task-not-found", f"The ticket {ticket.reference} has no escalation task {command.number}."
        )
    if task.done_at is not None:
        raise NotInThisState(
            "escalation-task-already-done", f"The escalation task {task.number} of ticket {ticket.reference} is done."
        )
    return [DecidedEvent(EscalationTaskDone(task=task.number), personal(text=command.text))]


def _close(ticket: Ticket, command: CloseEscalation, terms: EscalationTerms | None) -> list[DecidedEvent]:
    """Whatever has to be cleared inside the house is cleared before."""
    escalation = _open_escalation(ticket, command.number)
    open_tasks = [
        str(each.number)
        for each in ticket.escalation_tasks
        if each.escalation == escalation.number and each.done_at is None
    ]
    if open_tasks:
        raise NotInThisState(
            "escalation-tasks-open",
            f"The escalation {escalation.number} of ticket {ticket.reference} has open tasks: {', '.join(open_tasks)}.",
        )
    given = {"outcome": command.outcome, "contact": command.contact}
    violations = Violations()
    violations.texts(**{name: given[name] for name in (terms.closes_with if terms is not None else [])})
    violations.raise_if_any(f"The escalation {escalation.number} of ticket {ticket.reference} stays open.")
    return [DecidedEvent(EscalationClosed(escalation=escalation.number), personal(**given))]


def _open_escalation(ticket: Ticket, number: int) -> Escalation:
    escalation = next((each for each in ticket.escalations if each.number == number), None)
    if escalation is None:
        raise NotFound("escalation-not-found", f"The ticket {ticket.reference} has no escalation {number}.")
    if escalation.closed_at is not None:
        raise NotInThisState(
            "escalation-already-closed",
            f"The escalation {escalation.number} of ticket {ticket.reference} is closed already.",
        )
    return escalation
