"""Who may give which command (contract, section 3; where an agreement names roles, exactly those)."""

from __future__ import annotations

from typing import Final

from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.errors import NotAllowed, NotFound
from ticket_service.domain.ticket import commands
from ticket_service.domain.ticket.commands import Command, CreateTicket
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.validation import Violations

STAFF: Final = frozenset({"agent", "specialist", "manager"})
CUSTOMER_MAY: Final[frozenset[type[Command]]] = frozenset(
    {
        commands.ReceiveMessage,
        commands.ReceiveInformation,
        commands.RequestAppointment,
        commands.CancelAppointment,
        commands.Accept,
        commands.DecideCost,
        commands.GiveFeedback,
        commands.Reopen,
    }
)


def may(role: str, command: type[Command], agreement: AgreementDocument) -> bool:
    """Whether a role may give a command at all.

    The agreement's list alone decides who sets a severity. An administrator keeps the terms, so may migrate them. A customer
    may escalate where the agreement names a contact for it, and book where it sells a dedicated agent.
    """
    if command is commands.SetSeverity:
        return role in agreement.set_severity
    if command is commands.MigrateTerms and role == "admin":
        return True
    if command is commands.Escalate and role == "customer":
        return agreement.escalation is not None
    if command is commands.BookAppointment and role == "customer":
        return agreement.dedicated_agent is not None
    return role in STAFF or (role == "customer" and command in CUSTOMER_MAY)


def check_role(role: str, command: type[Command], agreement: AgreementDocument) -> None:
    """Raises NotAllowed for a role that may not give the command, whatever it says."""
    if may(role, command, agreement):
        return
    if command is commands.SetSeverity:
        who = ", ".join(agreement.set_severity)
        raise NotAllowed("severity-not-allowed", f"A severity is set by {who}, not by the role {role}.")
    raise NotAllowed("role-not-allowed", f"The role {role} may not give the command {command.word} to a ticket.")


def check_caller(ticket: Ticket, command: Command, context: Context) -> None:
    """Raises NotFound for another company's ticket, NotAllowed for a command the role may not give."""
    caller = context.actor
    if caller.role == "customer" and caller.customer != ticket.customer:
        raise NotFound("ticket-not-found", f"There is no ticket {ticket.id}.")
    check_role(caller.role, type(command), context.agreement)


def check_intake(command: CreateTicket, context: Context) -> None:
    """Who may open this ticket, and set its severity while doing so. Raises NotFound or NotAllowed."""
    caller = context.actor
    if caller.role == "customer" and caller.customer != command.customer:
        raise NotFound("customer-not-found", f"There is no customer {command.customer}.")
    if caller.role not in STAFF and caller.role != "customer":
        raise NotAllowed("role-not-allowed", f"The role {caller.role} may not create tickets.")
    if command.severity is not None and caller.role not in context.agreement.set_severity:
        who = ", ".join(context.agreement.set_severity)
        raise NotAllowed(
            "severity-not-allowed",
            f"A severity is set by {who}; the role {caller.role} may suggest one as suggested_severity.",
        )


def check_decision_maker(on_behalf: commands.DecisionRecord | None, context: Context, violations: Violations) -> None:
    """A customer decides in person; staff enter a customer's decision only with the record of who gave it."""
    if context.actor.role == "customer":
        violations.require(on_behalf is None, "/on_behalf", "a customer decides in person; only staff act on behalf")
    elif on_behalf is None:
        violations.add("/on_behalf", "is required when staff enter a customer's decision: contact, channel and at")
    else:
        violations.agreed("/on_behalf", on_behalf, context.occurred_at)
