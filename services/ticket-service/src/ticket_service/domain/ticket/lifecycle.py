"""The states of a ticket, and which event leads where (contract, section 4).

An event that cannot lead anywhere from the present state leaves it alone: time logged later does not end a wait for the
customer, an answer does not stop work, and nothing but ``Reopened`` brings back what is resolved or closed.
"""

from __future__ import annotations

from typing import Final, get_args

from fristwerk_language.events import (
    AgentEvent,
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
from ticket_service.domain.ticket.state import TicketState

UNTOUCHED: Final[frozenset[TicketState]] = frozenset({"new", "open"})
DONE: Final[frozenset[TicketState]] = frozenset({"resolved", "closed"})
ALL: Final[frozenset[TicketState]] = frozenset(get_args(TicketState))
NOT_CLOSED: Final[frozenset[TicketState]] = ALL - {"closed"}
ACTIVE: Final[frozenset[TicketState]] = ALL - DONE
WORKABLE: Final[frozenset[TicketState]] = frozenset({"new", "open", "in_progress", "accepted"})
"""The vendor's turn: nothing is awaited from the customer, and the matter is not done."""
NO_DECISION_AWAITED: Final[frozenset[TicketState]] = WORKABLE | {"waiting_customer"}

_NEW: Final[frozenset[TicketState]] = frozenset({"new"})
_WAITING_FOR_CUSTOMER: Final[frozenset[TicketState]] = frozenset({"waiting_customer"})
_WAITING_FOR_APPROVAL: Final[frozenset[TicketState]] = frozenset({"waiting_approval"})
Transition = tuple[frozenset[TicketState], TicketState]
"""The states from which an event leads on, and the state it leads to."""
NotOfATicket = (
    CatalogueEvent
    | CustomerEvent
    | ContractEvent
    | AgentEvent
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
