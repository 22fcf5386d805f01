"""The states of a ticket: which event leads where, and which command is possible in which (contract, section 4).

An event that cannot lead anywhere from the present state leaves it alone: time logged later does not end a wait for the
customer, an answer does not stop work, and nothing but ``Reopened`` brings back what is resolved or closed.
"""

from __future__ import annotations

from typing import Final, get_args

from fristwerk_language.events import (
    BillingEvent,
    CatalogueEvent,
    ContractEvent,
    CustomerEvent,
    DecodedEvent,
    KeptCallEvent,
    NoticeEvent,
    UnknownEvent,
    UnreadableEvent,
    relations,
    tickets,
)
from fristwerk_language.events.waits import NOTHING, WAITING, OpenWaits, waits_after
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

_NEW: Final[frozenset[TicketState]] = frozenset({"new"})
_WAITING_FOR_CUSTOMER: Final[frozenset[TicketState]] = frozenset({"waiting_customer"})
_WAITING_FOR_APPROVAL: Final[frozenset[TicketState]] = frozenset({"waiting_approval"})
Transition = tuple[frozenset[TicketState], TicketState]
"""The states from which an event leads on, and the state it leads to."""
NotOfATicket = (
    CatalogueEvent
    | CustomerEvent
    | ContractEvent
    | KeptCallEvent
    | NoticeEvent
    | BillingEvent
    | UnknownEvent
    | UnreadableEvent
)
WithoutTransition = (
    tickets.TicketCreated
    | tickets.AcknowledgementSent
    | tickets.SeveritySuggested
    | tickets.SeveritySet
    | tickets.TypeChanged
    | tickets.PriorityDerived
    | tickets.PriorityChanged
    | tickets.Transferred
    | tickets.ProgressReported
    | tickets.TicketNumberCommunicated
    | tickets.FeedbackReceived
    | tickets.TimeLogCorrected
    | tickets.EffortNoticeSent
    | tickets.CallReceived
    | tickets.CallTransferAttempted
    | tickets.VoicemailLeft
    | tickets.CallbackRequested
    | tickets.CallbackAttempted
    | tickets.CallbackCompleted
    | tickets.AppointmentRequested
    | tickets.AppointmentBooked
    | tickets.AppointmentCancelled
    | tickets.AppointmentHeld
    | tickets.AppointmentMissed
    | tickets.ReleasedToProduction
    | tickets.EscalationRaised
    | tickets.EscalationClosed
    | tickets.EscalationAssigned
    | tickets.EscalationTaskAdded
    | tickets.EscalationTaskDone
    | tickets.RemoteSessionStarted
    | tickets.RemoteSessionEnded
    | tickets.TermsMigrated
    | relations.DuplicateMerged
    | relations.SplitOff
    | relations.SplitFrom
    | relations.TicketLinked
    | relations.TicketUnlinked
    | tickets.NoAnswerNeeded
    | relations.TicketMoved
    | NotOfATicket
)
"""The events that change no state; how a ticket stands after ``NoAnswerNeeded``, the event says itself. mypy refuses an event
type that is neither here nor in ``_transition``.
"""

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


def state_after(state: TicketState, event: DecodedEvent) -> TicketState:
    """The state in which an event leaves a ticket; an event that leads nowhere from ``state`` changes nothing."""
    transition = _transition(event)
    if transition is None:
        return state
    sources, target = transition
    return target if state in sources else state


def standing_after(state: TicketState, waits: OpenWaits, event: DecodedEvent) -> tuple[TicketState, OpenWaits]:
    """State and open waits after an event: while anything is awaited, the state is the word for it."""
    following = state_after(state, event)
    if following in DONE or not (waits or following in WAITING):
        return following, NOTHING
    remaining = waits_after(waits, event)
    return remaining[0] if remaining else following, remaining


def _transition(event: DecodedEvent) -> Transition | None:  # noqa: C901, PLR0911, PLR0912 - a row of the table each
    match event:
        case tickets.CustomerMessageReceived(asks=False) | tickets.Responded(automatic=True):
            return None
        case tickets.Assigned() | tickets.Responded():
            return _NEW, "open"
        case tickets.TimeLogged():
            return UNTOUCHED, "in_progress"
        case tickets.WorkStarted() | tickets.AcceptanceRefused():
            return ACTIVE, "in_progress"
        case tickets.InformationRequested():
            return ACTIVE, "waiting_customer"
        case tickets.InformationReceived() | tickets.CustomerMessageReceived():
            return _WAITING_FOR_CUSTOMER, "open"
        case tickets.CostApprovalRequested():
            return ACTIVE, "waiting_approval"
        case tickets.CostApproved() | tickets.CostRejected():
            return _WAITING_FOR_APPROVAL, "in_progress"
        case tickets.Delivered():
            return ACTIVE, "awaiting_acceptance"
        case tickets.Accepted():
            return ACTIVE, "accepted"
        case tickets.Resolved():
            return NOT_CLOSED, "resolved"
        case tickets.Reopened():
            return DONE, "open"
        case tickets.Closed() | relations.MergedInto():
            return ALL, "closed"
        case _:
            return _no_transition(event)


def _no_transition(_event: WithoutTransition) -> Transition | None:
    return None


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
        if _is_possible(kind, state, context) and roles.may(context.actor.role, kind, context.agreement)
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
