"""The states of a ticket, and which event leads from one to another (contract, section 4).

The ticket service holds the same table (decision 0009); a test keeps the two equal.
"""

from __future__ import annotations

from typing import Final, Literal

from fristwerk_language.events import TicketEvent, relations, tickets
from fristwerk_language.events.waits import NOTHING, WAITING, OpenWaits, waits_after

TicketState = Literal[
    "new",
    "open",
    "in_progress",
    "waiting_customer",
    "waiting_approval",
    "awaiting_acceptance",
    "accepted",
    "resolved",
    "closed",
]
DONE: Final[frozenset[TicketState]] = frozenset({"resolved", "closed"})
LeadsNowhere = (
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
    | tickets.Reopened
    | tickets.TermsMigrated
    | relations.DuplicateMerged
    | relations.SplitOff
    | relations.SplitFrom
    | relations.TicketLinked
    | relations.TicketUnlinked
    | tickets.NoAnswerNeeded
    | relations.TicketMoved
)
"""The events that change no state of a ticket that is not done. mypy refuses a type that is neither
here nor in the table.
"""


def state_after(state: TicketState, event: TicketEvent) -> TicketState:
    """The state in which an event leaves a ticket; an event that leads nowhere from ``state``
    changes nothing.
    """
    match event:
        case tickets.CustomerMessageReceived(asks=False) | tickets.Responded(automatic=True):
            return state  # a machine's message or answer, and a word of thanks, lead nowhere
        case _:
            return _after_done(state, event) if state in DONE else _after_active(state, event)


def standing_after(state: TicketState, waits: OpenWaits, event: TicketEvent) -> tuple[TicketState, OpenWaits]:
    """State and open waits after an event: while anything is awaited, the state is the word for it."""
    following = state_after(state, event)
    if following in DONE or not (waits or following in WAITING):
        return following, NOTHING
    remaining = waits_after(waits, event)
    return remaining[0] if remaining else following, remaining


def _after_done(state: TicketState, event: TicketEvent) -> TicketState:
    match event:
        case tickets.Reopened():
            return "open"
        case tickets.Closed() | relations.MergedInto():
            return "closed"
        case _:  # a ticket that is done stays so, whatever else happens to it
            return state


def _after_active(state: TicketState, event: TicketEvent) -> TicketState:  # noqa: C901, PLR0911 - a row of the table each
    match event:
        case tickets.Assigned() | tickets.Responded():
            return "open" if state == "new" else state
        case tickets.TimeLogged():
            return "in_progress" if state in {"new", "open"} else state
        case tickets.WorkStarted() | tickets.AcceptanceRefused():
            return "in_progress"
        case tickets.InformationRequested():
            return "waiting_customer"
        case tickets.InformationReceived() | tickets.CustomerMessageReceived():
            return "open" if state == "waiting_customer" else state
        case tickets.CostApprovalRequested():
            return "waiting_approval"
        case tickets.CostApproved() | tickets.CostRejected():
            return "in_progress" if state == "waiting_approval" else state
        case tickets.Delivered():
            return "awaiting_acceptance"
        case tickets.Accepted():
            return "accepted"
        case tickets.Resolved():
            return "resolved"
        case tickets.Closed() | relations.MergedInto():
            return "closed"
        case _:
            return _unchanged(state, event)


def _unchanged(state: TicketState, _event: LeadsNowhere) -> TicketState:
    return state
