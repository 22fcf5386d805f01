"""The unions of all events, and the stored name of each type.

The unions are the one list of event types: the tables of names are derived from them, and a ``match`` on ``Event`` or on
one of its families is checked for exhaustiveness by mypy. A class's name is the stored name, so it is never changed.
"""

from __future__ import annotations

from types import UnionType
from typing import Final, get_args

from fristwerk_language.events.agents import AgentEvent
from fristwerk_language.events.billing import BillingEvent
from fristwerk_language.events.calls import KeptCallEvent
from fristwerk_language.events.customers import ContractEvent, CustomerEvent
from fristwerk_language.events.notices import NoticeEvent
from fristwerk_language.events.terms import CatalogueEvent
from fristwerk_language.events.tickets import TicketEvent

Event = (
    CatalogueEvent
    | CustomerEvent
    | ContractEvent
    | AgentEvent
    | TicketEvent
    | KeptCallEvent
    | NoticeEvent
    | BillingEvent
)


def event_types(family: UnionType) -> dict[str, type[Event]]:
    """The types of a union of events by their stored names, in the order of the union."""
    return {event_type.__name__: event_type for event_type in get_args(family)}


CATALOGUE: Final = event_types(CatalogueEvent)
CUSTOMERS: Final = event_types(CustomerEvent | ContractEvent)
AGENTS: Final = event_types(AgentEvent)
TICKETS: Final = event_types(TicketEvent)
KEPT_CALLS: Final = event_types(KeptCallEvent)
SLA_NOTICES: Final = event_types(NoticeEvent)
BILLING: Final = event_types(BillingEvent)
EVENT_TYPES: Final = event_types(Event)
TYPE_NAMES: Final[dict[type[Event], str]] = {event_type: name for name, event_type in EVENT_TYPES.items()}


def type_name(event: Event) -> str:
    """The stored name of an event's type."""
    return TYPE_NAMES[type(event)]
