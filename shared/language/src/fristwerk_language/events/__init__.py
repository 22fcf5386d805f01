"""The published language: every event type by its hand-written name, and the envelope that carries it.

A name, once released, never changes its meaning: fields are only added; a changed meaning gets a new ``schema`` number and
an upcaster in ``fristwerk_language.events.envelope``.
"""

from __future__ import annotations

from typing import Final

import msgspec

from fristwerk_language.events import billing, catalogue, customers, notices, tickets
from fristwerk_language.events.envelope import (
    Actor,
    Envelope,
    NewEvent,
    Recorded,
    UnknownEvent,
    UnreadableEvent,
    encode_line,
    new_event_id,
    read_line,
    with_position,
)

Event = msgspec.Struct

CATALOGUE: Final[dict[str, type[Event]]] = {
    "CalendarPublished": catalogue.CalendarPublished,
    "AgreementPublished": catalogue.AgreementPublished,
}
CUSTOMERS: Final[dict[str, type[Event]]] = {
    "CustomerRegistered": customers.CustomerRegistered,
    "ContractSigned": customers.ContractSigned,
    "ContractTerminated": customers.ContractTerminated,
    "PackagePurchased": customers.PackagePurchased,
    "AddonBooked": customers.AddonBooked,
    "AddonEnded": customers.AddonEnded,
    "DeviceRegistered": customers.DeviceRegistered,
    "ContactAssigned": customers.ContactAssigned,
    "PersonForgotten": customers.PersonForgotten,
}
TICKETS: Final[dict[str, type[Event]]] = {
    "TicketCreated": tickets.TicketCreated,
    "AcknowledgementSent": tickets.AcknowledgementSent,
    "SeveritySuggested": tickets.SeveritySuggested,
    "SeveritySet": tickets.SeveritySet,
    "TypeChanged": tickets.TypeChanged,
    "PriorityDerived": tickets.PriorityDerived,
    "PriorityChanged": tickets.PriorityChanged,
    "Assigned": tickets.Assigned,
    "Transferred": tickets.Transferred,
    "CustomerMessageReceived": tickets.CustomerMessageReceived,
    "Responded": tickets.Responded,
    "ProgressReported": tickets.ProgressReported,
    "InformationRequested": tickets.InformationRequested,
    "InformationReceived": tickets.InformationReceived,
    "WorkStarted": tickets.WorkStarted,
    "TimeLogged": tickets.TimeLogged,
    "TimeLogCorrected": tickets.TimeLogCorrected,
    "CallReceived": tickets.CallReceived,
    "CallTransferAttempted": tickets.CallTransferAttempted,
    "CallbackRequested": tickets.CallbackRequested,
    "CallbackAttempted": tickets.CallbackAttempted,
    "CallbackCompleted": tickets.CallbackCompleted,
    "VoicemailLeft": tickets.VoicemailLeft,
    "TicketNumberCommunicated": tickets.TicketNumberCommunicated,
    "AppointmentRequested": tickets.AppointmentRequested,
    "AppointmentBooked": tickets.AppointmentBooked,
    "AppointmentCancelled": tickets.AppointmentCancelled,
    "AppointmentHeld": tickets.AppointmentHeld,
    "AppointmentMissed": tickets.AppointmentMissed,
    "EffortNoticeSent": tickets.EffortNoticeSent,
    "CostApprovalRequested": tickets.CostApprovalRequested,
    "CostApproved": tickets.CostApproved,
    "CostRejected": tickets.CostRejected,
    "Delivered": tickets.Delivered,
    "Accepted": tickets.Accepted,
    "AcceptanceRefused": tickets.AcceptanceRefused,
    "ReleasedToProduction": tickets.ReleasedToProduction,
    "EscalationRaised": tickets.EscalationRaised,
    "EscalationClosed": tickets.EscalationClosed,
    "Resolved": tickets.Resolved,
    "Reopened": tickets.Reopened,
    "Closed": tickets.Closed,
    "FeedbackReceived": tickets.FeedbackReceived,
    "TermsMigrated": tickets.TermsMigrated,
}
SLA_NOTICES: Final[dict[str, type[Event]]] = {
    "TimerStarted": notices.TimerStarted,
    "TimerRescheduled": notices.TimerRescheduled,
    "TimerWarned": notices.TimerWarned,
    "TimerMet": notices.TimerMet,
    "TimerMissed": notices.TimerMissed,
    "TimerMissWithdrawn": notices.TimerMissWithdrawn,
    "TimerCancelled": notices.TimerCancelled,
}
BILLING: Final[dict[str, type[Event]]] = {
    "ChargeDecided": billing.ChargeDecided,
    "InvoiceIssued": billing.InvoiceIssued,
    "CreditNoteIssued": billing.CreditNoteIssued,
    "InvoiceSent": billing.InvoiceSent,
    "InvoicePaid": billing.InvoicePaid,
}
EVENT_TYPES: Final[dict[str, type[Event]]] = CATALOGUE | CUSTOMERS | TICKETS | SLA_NOTICES | BILLING
TYPE_NAMES: Final[dict[type[Event], str]] = {event_type: name for name, event_type in EVENT_TYPES.items()}


def type_name(event: Event) -> str:
    """The stored name of an event's type."""
    return TYPE_NAMES[type(event)]


def typed(envelope: Envelope) -> Event:
    """The event inside an envelope; ``UnknownEvent`` where this version of the product does not know the type."""
    event_type = EVENT_TYPES.get(envelope.type)
    if event_type is None:
        return UnknownEvent(type=envelope.type)
    return msgspec.json.decode(envelope.data, type=event_type)


def decode(line: bytes) -> Recorded:
    """A line of a feed, an export or the store, as envelope and typed event. Raises msgspec.DecodeError."""
    envelope = read_line(line)
    return Recorded(envelope=envelope, event=typed(envelope), line=line)


def decode_tolerantly(line: bytes) -> Recorded:
    """The same for those who go on with the rest: ``UnreadableEvent`` where only the envelope can be read."""
    envelope = read_line(line)
    try:
        event = typed(envelope)
    except msgspec.DecodeError:
        event = UnreadableEvent(type=envelope.type)
    return Recorded(envelope=envelope, event=event, line=line)


__all__ = [
    "BILLING",
    "CATALOGUE",
    "CUSTOMERS",
    "EVENT_TYPES",
    "SLA_NOTICES",
    "TICKETS",
    "TYPE_NAMES",
    "Actor",
    "Envelope",
    "Event",
    "NewEvent",
    "Recorded",
    "UnknownEvent",
    "UnreadableEvent",
    "decode",
    "decode_tolerantly",
    "encode_line",
    "new_event_id",
    "read_line",
    "type_name",
    "typed",
    "with_position",
]
