"""The published language: every event type by its stored name, and the envelope that carries it.

A name, once released, never changes its meaning: fields are only added; a changed meaning gets a new ``schema`` number and
an upcaster in ``fristwerk_language.events.envelope``.
"""

from fristwerk_language.events.agents import AgentEvent
from fristwerk_language.events.billing import BillingEvent
from fristwerk_language.events.calls import KeptCallEvent
from fristwerk_language.events.customers import ContractEvent, CustomerEvent
from fristwerk_language.events.decoding import (
    DecodedEvent,
    Recorded,
    UnknownEvent,
    UnreadableEvent,
    decode,
    decode_tolerantly,
    typed,
)
from fristwerk_language.events.encoding import encode_event, encode_in_envelope, encode_line, new_event_id
from fristwerk_language.events.envelope import (
    Actor,
    Envelope,
    columns_of,
    read_line,
)
from fristwerk_language.events.event_types import (
    AGENTS,
    BILLING,
    CATALOGUE,
    CUSTOMERS,
    EVENT_TYPES,
    KEPT_CALLS,
    SLA_NOTICES,
    TICKETS,
    TYPE_NAMES,
    Event,
    type_name,
)
from fristwerk_language.events.notices import NoticeEvent
from fristwerk_language.events.terms import CatalogueEvent
from fristwerk_language.events.tickets import TicketEvent

__all__ = [
    "AGENTS",
    "BILLING",
    "CATALOGUE",
    "CUSTOMERS",
    "EVENT_TYPES",
    "KEPT_CALLS",
    "SLA_NOTICES",
    "TICKETS",
    "TYPE_NAMES",
    "Actor",
    "AgentEvent",
    "BillingEvent",
    "CatalogueEvent",
    "ContractEvent",
    "CustomerEvent",
    "DecodedEvent",
    "Envelope",
    "Event",
    "KeptCallEvent",
    "NoticeEvent",
    "Recorded",
    "TicketEvent",
    "UnknownEvent",
    "UnreadableEvent",
    "columns_of",
    "decode",
    "decode_tolerantly",
    "encode_event",
    "encode_in_envelope",
    "encode_line",
    "new_event_id",
    "read_line",
    "type_name",
    "typed",
]
