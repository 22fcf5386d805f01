"""What kind of matter a ticket is: severity, type and priority; and who has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from fristwerk_language.events.tickets import (
    Assigned,
    EscalationRaised,
    PriorityChanged,
    SeveritySet,
    Transferred,
    TypeChanged,
)
from fristwerk_language.terms import AgreementDocument
from fristwerk_language.terms.agreement import NORMAL_TYPE
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.ticket.commands import (
    Assign,
    ChangePriority,
    ChangeType,
    ClassifyingCommand,
    HandingOverCommand,
    SetSeverity,
    Transfer,
)
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.state import Escalation, Ticket
from ticket_service.domain.validation import Violations, is_given, personal

PRIORITIES: Final = range(1, 6)


def classify(ticket: Ticket, command: ClassifyingCommand, context: Context) -> list[DecidedEvent]:
    """Severity, type or priority become another."""
    match command:
        case SetSeverity():
            setting = severity_set(ticket.reference, command, ticket.circumstances, context.agreement)
            return [setting, *brought_in(command.severity, ticket.escalations, context)]
        case ChangeType():
            return _change_type(ticket, command, context.agreement)
        case ChangePriority():
            return _change_priority(ticket, command, context)


def hand_over(ticket: Ticket, command: HandingOverCommand) -> list[DecidedEvent]:
    """To a member of staff, or to another department or level; a level alone is one of the same department.

    Timers and entitlement stay as they are.
    """
    violations = Violations()
    match command:
        case Assign():
            violations.texts(agent=command.agent)
            violations.raise_if_any(f"The ticket {ticket.reference} is assigned to somebody, or to queue.")
            return [DecidedEvent(Assigned(agent=command.agent))]
        case Transfer():
            if not is_given(command.department) and not is_given(command.level):
                violations.add("/department", "a transfer names a department or a level")
            violations.texts(reason=command.reason)
            violations.raise_if_any(f"The ticket {ticket.reference} cannot be transferred like this.")
            department = command.department if is_given(command.department) else ticket.department
            transferred = Transferred(department=department, level=command.level)
            return [DecidedEvent(transferred, personal(reason=command.reason))]


def check_severity(pointer: str, severity: str, agreement: AgreementDocument, violations: Violations) -> None:
    """The severity is on the agreement's scale."""
    violations.known(pointer, "severity", severity, [each.id for each in agreement.severities])


def check_type(type_id: str, agreement: AgreementDocument, violations: Violations) -> None:
    """The ticket type is one of the agreement's; ``normal`` always is."""
    if agreement.ticket_type(type_id) is None:
        known = dict.fromkeys((NORMAL_TYPE, *(each.id for each in agreement.ticket_types)))
        violations.known("/type", "ticket type", type_id, known)


def severity_set(
    reference: str,
    command: SetSeverity,
    circumstances: Mapping[str, bool],
    agreement: AgreementDocument,
    pointer: str = "/reason",
) -> DecidedEvent:
    """The severity; against what the request says of its criteria only with a reason, which stands at ``pointer``.

    Raises NotAcceptable.
    """
    violations = Violations()
    check_severity("/severity", command.severity, agreement, violations)
    severity = agreement.severity(command.severity)
    against = severity.contradictions(circumstances) if severity is not None else []
    if severity is not None and against and not is_given(command.reason):
        said = " and ".join(f"{name} {_yes_or_no(circumstances[name])}" for name in against)
        wanted = " and ".join(f"{name} {_yes_or_no(severity.criteria[name])}" for name in against)
        violations.add(pointer, f"is required: the request says {said}, and {severity.id} means {wanted}")
    violations.raise_if_any(f"The severity of ticket {reference} stays as it is.")
    return DecidedEvent(SeveritySet(severity=command.severity, against=against), personal(reason=command.reason))


def brought_in(severity: str, escalations: Sequence[Escalation], context: Context) -> list[DecidedEvent]:
    """The escalation to the role that a severity ``involves``; none where an open one has gone to it already.

    Whoever holds the role for the customer is asked, else whoever has it: it is open until somebody closes it.
    """
    found = context.agreement.severity(severity)
    to = None if found is None else found.involves
    if to is None or any(each.to == to and each.closed_at is None for each in escalations):
        return []
    raised = EscalationRaised(escalation=len(escalations) + 1, to=to, agent=context.contacts.get(to))
    return [DecidedEvent(raised, personal(text=f"severities.{severity}.involves: {to}"))]


def _yes_or_no(answer: bool) -> str:  # noqa: FBT001 - the answer itself
    return "yes" if answer else "no"


def _change_type(ticket: Ticket, command: ChangeType, agreement: AgreementDocument) -> list[DecidedEvent]:
    """Fields that the new type requires were asked for at intake only, so they are not asked for here."""
    violations = Violations()
    check_type(command.type, agreement, violations)
    violations.raise_if_any(f"The type of ticket {ticket.reference} stays {ticket.type}.")
    return [DecidedEvent(TypeChanged(type=command.type))]


def _change_priority(ticket: Ticket, command: ChangePriority, context: Context) -> list[DecidedEvent]:
    """A person's change needs what the agreement's ``priority_change.requires`` says, by default both."""
    required = context.agreement.priority_change.requires
    violations = Violations()
    violations.require(command.priority in PRIORITIES, "/priority", "is a number from 1 (first) to 5")
    if "reason" in required:
        violations.texts(reason=command.reason)
    if command.agreement is not None:
        violations.agreed("/agreement", command.agreement, context.occurred_at)
    elif "agreement" in required:
        violations.add("/agreement", "is required: the contact, channel and instant of what was agreed")
    violations.raise_if_any(f"The priority of ticket {ticket.reference} stays {ticket.priority}.")
    agreed = command.agreement
    event = PriorityChanged(
        priority=command.priority,
        agreement_channel=agreed.channel if agreed is not None else None,
        agreement_at=agreed.at if agreed is not None else None,
    )
    contact = {"contact": agreed.contact} if agreed is not None else None
    return [DecidedEvent(event, personal(reason=command.reason, agreement=contact))]
