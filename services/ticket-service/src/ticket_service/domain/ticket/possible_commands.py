"""Which commands are possible: who may give which (contract, section 3; where an agreement names roles, exactly those), and
in which of a ticket's states (section 4).
"""

from __future__ import annotations

from typing import Final

from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.errors import NotAllowed, NotFound, NotInThisState
from ticket_service.domain.ticket import commands
from ticket_service.domain.ticket.commands import Command, CreateTicket
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.lifecycle import ACTIVE, ALL, DONE, NO_DECISION_AWAITED, NOT_CLOSED
from ticket_service.domain.ticket.state import Ticket, TicketState
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
POSSIBLE_IN: Final[dict[type[Command], frozenset[TicketState]]] = {
    commands.SetSeverity: NOT_CLOSED,
    commands.ChangeType: NOT_CLOSED,
    commands.ChangePriority: NOT_CLOSED,
    commands.Assign: NOT_CLOSED,
    commands.Transfer: NOT_CLOSED,
    commands.ReceiveMessage: NOT_CLOSED,
    commands.Respond: NOT_CLOSED,
    commands.ReportProgress: NOT_CLOSED,
    commands.RequestInformation: ACTIVE,
    commands.ReceiveInformation: NOT_CLOSED,
    commands.StartWork: NO_DECISION_AWAITED,
    commands.LogTime: ALL,
    commands.CorrectTime: ALL,
    commands.StartRemoteSession: ACTIVE,
    commands.StopRemoteSession: ALL,
    commands.SendEffortNotice: ACTIVE,
    commands.RequestCallback: NOT_CLOSED,
    commands.AttemptCallback: NOT_CLOSED,
    commands.CompleteCallback: NOT_CLOSED,
    commands.RequestAppointment: ACTIVE,
    commands.BookAppointment: ACTIVE,
    commands.CancelAppointment: NOT_CLOSED,
    commands.RecordAppointmentOutcome: NOT_CLOSED,
    commands.RequestCostApproval: ACTIVE,
    commands.DecideCost: NOT_CLOSED,
    commands.Deliver: ACTIVE,
    commands.Accept: frozenset({"awaiting_acceptance"}),
    commands.Release: ACTIVE,
    commands.CommunicateNumber: NOT_CLOSED,
    commands.Escalate: ALL,
    commands.CloseEscalation: ALL,
    commands.AssignEscalation: ALL,
    commands.AddEscalationTask: ALL,
    commands.CompleteEscalationTask: ALL,
    commands.Resolve: ACTIVE,
    commands.Reopen: DONE,
    commands.Close: frozenset({"resolved"}),
    commands.GiveFeedback: ALL,
    commands.MigrateTerms: NOT_CLOSED,
    commands.MarkNoAnswerNeeded: ALL,
    commands.AttachCall: NOT_CLOSED,
    commands.Merge: ALL,
    commands.Link: ALL,
    commands.Unlink: ALL,
    commands.Split: ALL,
    commands.Move: ALL,
}
_WHY_NOT: Final[dict[TicketState, tuple[str, str]]] = {
    "waiting_approval": ("cost-approval-pending", "waits for the customer's decision on costs"),
    "awaiting_acceptance": ("acceptance-pending", "waits for the customer's acceptance"),
    "resolved": ("ticket-already-resolved", "is resolved"),
    "closed": ("ticket-already-closed", "is closed"),
}


class TicketMergedError(NotInThisState):
    """The ticket was a duplicate: whatever is said or done about it belongs to the ticket ``into``."""

    def __init__(self, ticket: Ticket, into: str) -> None:
        self.into = into
        super().__init__(
            "ticket-merged",
            f"The ticket {ticket.reference} was merged into the ticket {into}, which has taken its place.",
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


def check_state(ticket: Ticket, command: Command, context: Context) -> None:
    """Raises NotInThisState, saying what would be possible for this caller, if the command does not fit the state.

    A message that asks for nothing fits any: it leads nowhere. Nothing fits a duplicate: TicketMergedError.
    """
    if ticket.merged_into is not None:
        raise TicketMergedError(ticket, ticket.merged_into)
    if isinstance(command, commands.ReceiveMessage) and (command.automatic or not command.needs_answer):
        return
    if isinstance(command, commands.Accept) and "awaiting_acceptance" in ticket.waits:
        return
    if not _is_possible(type(command), ticket.state, context):
        code, why = _refusal(ticket.state, command)
        possible = ", ".join(possible_words(ticket.state, context))
        raise NotInThisState(
            code, f"The ticket {ticket.reference} {why}; {command.word} is not possible now. Possible are: {possible}."
        )


def possible_words(state: TicketState, context: Context) -> list[str]:
    """The words of the commands that are possible in a state for a caller, in the order of the contract."""
    return [
        kind.word
        for kind in POSSIBLE_IN
        if _is_possible(kind, state, context) and may(context.actor.role, kind, context.agreement)
    ]


def _is_possible(kind: type[Command], state: TicketState, context: Context) -> bool:
    """What is closed is taken up again by staff only."""
    if kind is commands.Reopen and state == "closed" and context.actor.role == "customer":
        return False
    return state in POSSIBLE_IN[kind]


def _refusal(state: TicketState, command: Command) -> tuple[str, str]:
    """The stable code, and what the ticket is or lacks."""
    if state in DONE:
        return _WHY_NOT[state]
    match command:
        case commands.Close() | commands.Reopen():
            return "ticket-not-resolved", f"is in the state {state}, not resolved"
        case commands.Accept():
            return "nothing-delivered", f"is in the state {state}: nothing was delivered for acceptance"
        case _:
            return _WHY_NOT[state]


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
