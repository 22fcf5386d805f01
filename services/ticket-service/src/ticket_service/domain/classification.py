"""What kind of matter a ticket is: severity, type and priority; and who has it."""

from __future__ import annotations

from typing import Final

from fristwerk_language.events.tickets import Assigned, PriorityChanged, SeveritySet, Transferred, TypeChanged
from fristwerk_language.terms import AgreementDocument
from fristwerk_language.terms.agreement import NORMAL_TYPE
from ticket_service.domain.commands import (
    Assign,
    ChangePriority,
    ChangeType,
    ClassifyingCommand,
    HandingOverCommand,
    SetSeverity,
    Transfer,
)
from ticket_service.domain.context import Context
from ticket_service.domain.fact import Fact
from ticket_service.domain.objections import Objections, is_given, personal
from ticket_service.domain.state import Ticket

PRIORITIES: Final = range(1, 6)


def classify(ticket: Ticket, command: ClassifyingCommand, context: Context) -> list[Fact]:
    """Severity, type or priority become another."""
    match command:
        case SetSeverity():
            return _set_severity(ticket, command, context.agreement)
        case ChangeType():
            return _change_type(ticket, command, context.agreement)
        case ChangePriority():
            return _change_priority(ticket, command, context)


def hand_over(ticket: Ticket, command: HandingOverCommand) -> list[Fact]:
    """To a member of staff, or to another department or level. Timers and entitlement stay as they are."""
    objections = Objections()
    match command:
        case Assign():
            objections.texts(agent=command.agent)
            objections.refuse_if_any(f"The ticket {ticket.reference} is assigned to somebody, or to queue.")
            return [Fact(Assigned(agent=command.agent))]
        case Transfer():
            if not is_given(command.department) and not is_given(command.level):
                objections.add("/department", "a transfer names a department or a level")
            objections.texts(reason=command.reason)
            objections.refuse_if_any(f"The ticket {ticket.reference} cannot be transferred like this.")
            transferred = Transferred(department=command.department, level=command.level)
            return [Fact(transferred, personal(reason=command.reason))]


def check_severity(pointer: str, severity: str, agreement: AgreementDocument, objections: Objections) -> None:
    """The severity is on the agreement's scale."""
    objections.known(pointer, "severity", severity, [each.id for each in agreement.severities])


def check_type(type_id: str, agreement: AgreementDocument, objections: Objections) -> None:
    """The ticket type is one of the agreement's; ``normal`` always is."""
    if agreement.ticket_type(type_id) is None:
        known = dict.fromkeys((NORMAL_TYPE, *(each.id for each in agreement.ticket_types)))
        objections.known("/type", "ticket type", type_id, known)


def _set_severity(ticket: Ticket, command: SetSeverity, agreement: AgreementDocument) -> list[Fact]:
    objections = Objections()
    check_severity("/severity", command.severity, agreement, objections)
    objections.refuse_if_any(f"The severity of ticket {ticket.reference} stays as it is.")
    return [Fact(SeveritySet(severity=command.severity))]


def _change_type(ticket: Ticket, command: ChangeType, agreement: AgreementDocument) -> list[Fact]:
    """Fields that the new type requires were asked for at intake only, so they are not asked for here."""
    objections = Objections()
    check_type(command.type, agreement, objections)
    objections.refuse_if_any(f"The type of ticket {ticket.reference} stays {ticket.type}.")
    return [Fact(TypeChanged(type=command.type))]


def _change_priority(ticket: Ticket, command: ChangePriority, context: Context) -> list[Fact]:
    """A person's change needs what the agreement's ``priority_change.requires`` says, by default both."""
    required = context.agreement.priority_change.requires
    objections = Objections()
    objections.unless(command.priority in PRIORITIES, "/priority", "is a number from 1 (first) to 5")
    if "reason" in required:
        objections.texts(reason=command.reason)
    if command.agreement is not None:
        objections.agreed("/agreement", command.agreement, context.occurred_at)
    elif "agreement" in required:
        objections.add("/agreement", "is required: the contact, channel and instant of what was agreed")
    objections.refuse_if_any(f"The priority of ticket {ticket.reference} stays {ticket.priority}.")
    agreed = command.agreement
    event = PriorityChanged(
        priority=command.priority,
        agreement_channel=agreed.channel if agreed is not None else None,
        agreement_at=agreed.at if agreed is not None else None,
    )
    contact = {"contact": agreed.contact} if agreed is not None else None
    return [Fact(event, personal(reason=command.reason, agreement=contact))]
