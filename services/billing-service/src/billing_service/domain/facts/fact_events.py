"""Which events a bill is made of. Every event type is either a fact of a bill or named here as
none.

A new event type fails type checking in the projector until it is added to one of these unions.
"""

from __future__ import annotations

from typing import Final, get_args

from fristwerk_language.events import TYPE_NAMES, BillingEvent, ContractEvent, NoticeEvent, UnreadableEvent
from fristwerk_language.events.agents import AgentEvent
from fristwerk_language.events.calls import KeptCallEvent
from fristwerk_language.events.customers import (
    ContactAssigned,
    CustomerRegistered,
    DeviceRegistered,
    OpinionEvent,
    PersonForgotten,
    PortalEvent,
)
from fristwerk_language.events.relations import (
    MergedInto,
    SplitOff,
    TakingOver,
    TicketLinked,
    TicketMoved,
    TicketUnlinked,
)
from fristwerk_language.events.terms import CalendarPublished
from fristwerk_language.events.tickets import (
    AcceptanceEvent,
    AcknowledgementSent,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentHeld,
    AppointmentMissed,
    AppointmentRequested,
    AssignmentEvent,
    CallbackEvent,
    CallEvent,
    Closed,
    ConversationEvent,
    CostApprovalRequested,
    CostApproved,
    CostRejected,
    EffortNoticeSent,
    EscalationEvent,
    NoAnswerNeeded,
    PriorityChanged,
    PriorityDerived,
    RemoteSessionEvent,
    Reopened,
    Resolved,
    SeveritySet,
    SeveritySuggested,
    TermsMigrated,
    TicketCreated,
    TimeLogCorrected,
    TimeLogged,
    TypeChanged,
    WorkStarted,
)

AppointmentFactEvent = AppointmentBooked | AppointmentCancelled | AppointmentHeld | AppointmentMissed
HandingOver = MergedInto | SplitOff
"""The events with which time of a ticket counts with another one."""
TicketChangeEvent = (
    TimeLogged
    | TimeLogCorrected
    | TypeChanged
    | TermsMigrated
    | CostApproved
    | CostRejected
    | AppointmentFactEvent
    | Resolved
    | Closed
    | HandingOver
    | TakingOver
    | NoAnswerNeeded
)
"""What happens to a ticket after its creation and may change what it costs."""
TicketFactEvent = TicketCreated | TicketChangeEvent | TicketMoved
EventWithoutPrice = (
    CalendarPublished
    | DeviceRegistered
    | ContactAssigned
    | OpinionEvent
    | PortalEvent
    | AgentEvent
    | PersonForgotten
    | AcknowledgementSent
    | SeveritySuggested
    | SeveritySet
    | PriorityDerived
    | PriorityChanged
    | AssignmentEvent
    | ConversationEvent
    | WorkStarted
    | EffortNoticeSent
    | CallEvent
    | KeptCallEvent
    | CallbackEvent
    | AppointmentRequested
    | CostApprovalRequested
    | AcceptanceEvent
    | EscalationEvent
    | RemoteSessionEvent
    | Reopened
    | TicketLinked
    | TicketUnlinked
    | NoticeEvent
    | BillingEvent
)
"""What no bill depends on; billing's own events come from its own log, not from the ticket
service's feed."""


_FACT_TYPES: Final = frozenset(
    TYPE_NAMES[event_type] for event_type in (CustomerRegistered, *get_args(ContractEvent), *get_args(TicketFactEvent))
)


def is_unreadable_fact(event: object) -> bool:
    """Whether this version cannot read a fact: the account must not be rated as if it did not
    exist.
    """
    return isinstance(event, UnreadableEvent) and event.type in _FACT_TYPES
