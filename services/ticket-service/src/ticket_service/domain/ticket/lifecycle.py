"""The states of a ticket: which event leads where, and which command is possible in which (contract, section 4).

An event that cannot lead anywhere from the present state leaves it alone: time logged later does not end a wait for the
customer, an answer does not stop work, and nothing but ``Reopened`` brings back what is resolved or closed.
"""

from __future__ import annotations

from typing import Final, get_args

from fristwerk_language.events import DecodedEvent, tickets
from ticket_service.domain.errors import NotInThisState
from ticket_service.domain.ticket import commands, roles
from ticket_service.domain.ticket.commands import Command
from ticket_service.domain.ticket.decision_context import Context
from ticket_service.domain.ticket.state import Ticket, TicketState

UNTOUCHED: Final[frozenset[TicketState]] = frozenset({"new", "open"})
DONE: Final[frozenset[TicketState]] = frozenset({"resolved", "closed"})
ALL: Final[frozenset[TicketState]] = frozenset(get_args(TicketState))
NOT_CLOSED: Final[frozenset[TicketState]] = ALL - {"closed"}
ACTIVE: Final[frozenset[TicketState]] = ALL - DONE
WORKABLE: Final[frozenset[TicketState]] = frozenset({"new", "open", "in_progress", "accepted"})
"""The vendor's turn: nothing is awaited from the customer, and the matter is not done."""
NO_DECISION_AWAITED: Final[frozenset[TicketState]] = WORKABLE | {"waiting_customer"}

POSSIBLE_IN: Final[dict[type[Command], frozenset[TicketState]]] = {
    commands.SetSeverity: NOT_CLOSED,
    commands.ChangeType: NOT_CLOSED,
    commands.ChangePriority: NOT_CLOSED,
    commands.Assign: NOT_CLOSED,
    commands.Transfer: NOT_CLOSED,
    commands.ReceiveMessage: NOT_CLOSED,
    commands.Respond: NOT_CLOSED,
    commands.ReportProgress: NOT_CLOSED,
    commands.RequestInformation: NO_DECISION_AWAITED,
    commands.ReceiveInformation: NOT_CLOSED,
    commands.StartWork: NO_DECISION_AWAITED,
    commands.LogTime: ALL,
    commands.CorrectTime: ALL,
    commands.SendEffortNotice: ACTIVE,
    commands.RequestCallback: NOT_CLOSED,
    commands.AttemptCallback: NOT_CLOSED,
    commands.CompleteCallback: NOT_CLOSED,
    commands.RequestAppointment: ACTIVE,
    commands.BookAppointment: ACTIVE,
    commands.CancelAppointment: NOT_CLOSED,
    commands.RecordAppointmentOutcome: NOT_CLOSED,
    commands.RequestCostApproval: NO_DECISION_AWAITED,
    commands.DecideCost: NOT_CLOSED,
    commands.Deliver: NO_DECISION_AWAITED | {"awaiting_acceptance"},
    commands.Accept: frozenset({"awaiting_acceptance"}),
    commands.Release: ACTIVE,
    commands.CommunicateNumber: NOT_CLOSED,
    commands.Escalate: NOT_CLOSED,
    commands.CloseEscalation: NOT_CLOSED,
    commands.Resolve: ACTIVE,
    commands.Reopen: DONE,
    commands.Close: frozenset({"resolved"}),
    commands.GiveFeedback: ALL,
    commands.MigrateTerms: NOT_CLOSED,
    commands.AttachCall: NOT_CLOSED,
}

_NOWHERE: Final[frozenset[TicketState]] = frozenset()
LEADS: Final[dict[type[DecodedEvent], tuple[frozenset[TicketState], TicketState]]] = {
    tickets.Assigned: (frozenset({"new"}), "open"),
    tickets.Responded: (frozenset({"new"}), "open"),
    tickets.TimeLogged: (UNTOUCHED, "in_progress"),
    tickets.WorkStarted: (ACTIVE, "in_progress"),
    tickets.InformationRequested: (ACTIVE, "waiting_customer"),
    tickets.InformationReceived: (frozenset({"waiting_customer"}), "open"),
    tickets.CustomerMessageReceived: (frozenset({"waiting_customer"}), "open"),
    tickets.CostApprovalRequested: (ACTIVE, "waiting_approval"),
    tickets.CostApproved: (frozenset({"waiting_approval"}), "in_progress"),
    tickets.CostRejected: (frozenset({"waiting_approval"}), "in_progress"),
    tickets.Delivered: (ACTIVE, "awaiting_acceptance"),
    tickets.Accepted: (ACTIVE, "accepted"),
    tickets.AcceptanceRefused: (ACTIVE, "in_progress"),
    tickets.Resolved: (NOT_CLOSED, "resolved"),
    tickets.Reopened: (DONE, "open"),
    tickets.Closed: (ALL, "closed"),
}
"""From which states an event leads on, and where to; in other states, as any other event, it changes nothing."""

_WHY_NOT: Final[dict[TicketState, tuple[str, str]]] = {
    "waiting_approval": ("cost-approval-pending", "waits for the customer's decision on costs"),
    "awaiting_acceptance": ("acceptance-pending", "waits for the customer's acceptance"),
    "resolved": ("ticket-already-resolved", "is resolved"),
    "closed": ("ticket-already-closed", "is closed"),
}


def state_after(state: TicketState, event: DecodedEvent) -> TicketState:
    """The state in which an event leaves a ticket."""
    sources, target = LEADS.get(type(event), (_NOWHERE, state))
    return target if state in sources else state


def check_state(ticket: Ticket, command: Command, context: Context) -> None:
    """Raises NotInThisState, saying what would be possible for this caller, if the command does not fit the state."""
    if ticket.state not in POSSIBLE_IN[type(command)]:
        code, why = _refusal(ticket.state, command)
        possible = ", ".join(possible_words(ticket.state, context))
        raise NotInThisState(
            code, f"The ticket {ticket.reference} {why}; {command.word} is not possible now. Possible are: {possible}."
        )


def possible_words(state: TicketState, context: Context) -> list[str]:
    """The words of the commands that are possible in a state for a caller, in the order of the contract."""
    return [
        kind.word
        for kind, states in POSSIBLE_IN.items()
        if state in states and roles.may(context.actor.role, kind, context.agreement)
    ]


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
