"""What the operations answer, as types that describe it for OpenAPI; no answer passes through them.

Where a domain's struct is answered as it is, it stands here itself. A field with a default may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fristwerk_language.events import AGENTS, CATALOGUE, CUSTOMERS, KEPT_CALLS, TICKETS
from fristwerk_language.events.customers import (
    BookedAddon,
    CustomerKind,
    DeviceRegistered,
    PostalAddress,
)
from fristwerk_language.events.described import described_events
from fristwerk_language.examples import fed_line
from fristwerk_platform.http.feed_routes import FeedLines
from ticket_service.application.logged_calls import CallRead
from ticket_service.application.ticket_lists import Total
from ticket_service.domain.agent.state import Absence, Agent
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.contract.visibility import CONTRACT_SHOWS
from ticket_service.domain.customer.state import Customer, PortalUser, Suggestion, Survey
from ticket_service.domain.ticket import state
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.ticket.visibility import CUSTOMER_SEES, PARTS_SHOW, TICKET_SHOWS

if TYPE_CHECKING:
    Event = Any  # a type that is made when the service starts
else:
    Event = described_events(
        [each for family in (CATALOGUE, CUSTOMERS, AGENTS, TICKETS, KEPT_CALLS) for each in family.values()]
    )
    """One event of this service's log."""
LINES: Final = FeedLines(fed_line("Responded"), Event)


class CommandAnswer(msgspec.Struct, kw_only=True):
    """What every command answers: the events that it caused, as they are stored."""

    events: list[Event]


class TicketChanged(CommandAnswer):
    """The ticket after the command. ``already_known``: the message had been taken before, and this is what it led to."""

    ticket: Ticket
    already_known: bool = False


class CallKept(msgspec.Struct):
    """A call without a ticket; ``customer`` is whose number called or was called, ``dedicated`` whether the number called
    is the own one of a contract, behind which nobody queues.
    """

    id: str
    started_at: datetime
    minutes: int | None
    to: str | None
    dedicated: bool
    for_agent: str | None
    customer: str | None


class CallChanged(CommandAnswer):
    """The call after the command."""

    call: CallKept


class CallPage(msgspec.Struct):
    """Calls in the order in which they began."""

    items: list[CallRead]


class CallAnswer(msgspec.Struct):
    """One call, and the ids of the other voicemails from its number that wait."""

    call: CallRead
    voicemails: list[str]


class CallTaken(CommandAnswer):
    """The call that was kept, or the ticket that it was about or that its voicemail became. ``already_known``: it had been
    taken before, and this is what it led to.
    """

    call: CallKept | msgspec.UnsetType = msgspec.UNSET
    ticket: Ticket | msgspec.UnsetType = msgspec.UNSET
    already_known: bool = False


class RequestTexts(msgspec.Struct):
    """What is sealed in the log: empty where nothing was, or once the person was forgotten. ``cost_approvals`` are the texts
    with which the customer was asked, by number.
    """

    subject: str = ""
    description: str = ""
    fields: dict[str, str] = {}
    source_id: str = ""
    cost_approvals: dict[str, str] = {}


class TicketRead(msgspec.Struct):
    """A ticket, with the request that it began with."""

    ticket: Ticket
    personal: RequestTexts


class SeverityMeaning(msgspec.Struct):
    """A severity; ``against`` are those of its ``criteria`` that the request's circumstances do not meet."""

    id: str
    name: str
    definition: str | None
    criteria: dict[str, bool]
    against: list[str]


class SeverityScale(msgspec.Struct):
    """A scale, most severe first, and what the request says of its criteria."""

    severities: list[SeverityMeaning]
    circumstances: dict[str, bool]


class TicketPage(msgspec.Struct):
    """Tickets; ``total`` where it was asked for."""

    items: list[Ticket]
    total: Total | msgspec.UnsetType = msgspec.UNSET


class EventPage(msgspec.Struct):
    """Events, their personal parts opened."""

    items: list[Event]


class ContactPerson(msgspec.Struct):
    """Who is asked for at the customer; what was not given is missing or null."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


class CustomerRead(msgspec.Struct):
    """A customer with what is sealed in the log, ``contact`` among it, until the person is forgotten."""

    id: str
    version: int
    kind: CustomerKind
    language: str | None
    country: str | None
    vat_id: str | None
    name: str | None
    address: PostalAddress | None
    devices: list[DeviceRegistered]
    contacts: dict[str, str]
    surveys: list[Survey]
    suggestions: list[Suggestion]
    portal_users: dict[str, PortalUser]
    forgotten: bool
    times_forgotten: int
    contact: ContactPerson | None = None


class CustomerAnswer(msgspec.Struct):
    """One customer."""

    customer: CustomerRead


class CustomerPage(msgspec.Struct):
    """Customers."""

    items: list[CustomerRead]


class CustomerOverview(CustomerAnswer):
    """A customer with its open tickets and contracts; ``contacts`` are the members of staff by their roles for it."""

    open_tickets: list[Ticket]
    contracts: list[Contract]
    contacts: dict[str, str]


class CustomerChanged(CommandAnswer):
    """The customer after the command."""

    customer: Customer


class Device(DeviceRegistered, frozen=True, kw_only=True):
    """A device, under its id."""

    id: str


class DeviceAdded(CommandAnswer):
    """The device that was registered."""

    device: Device


class StaffContact(msgspec.Struct):
    """A member of staff in a role for the customer; the role is the id."""

    id: str
    role: str
    agent: str


class ContactAdded(CommandAnswer):
    """The contact that was assigned."""

    contact: StaffContact


class ContractAnswer(msgspec.Struct):
    """One contract."""

    contract: Contract


class ContractChanged(CommandAnswer):
    """The contract after the command."""

    contract: Contract


class Package(msgspec.Struct):
    """A package that was bought."""

    id: str
    hours: int
    from_on: date = msgspec.field(name="from")


class PackageBought(ContractChanged):
    """The contract and its newest package."""

    package: Package


class AddonOfContract(BookedAddon, frozen=True, kw_only=True):
    """An add-on, under its name."""

    id: str


class AddonChanged(ContractChanged):
    """The contract and the add-on."""

    addon: AddonOfContract


class SealedTextAnswer(msgspec.Struct):
    """A text as it may be stored elsewhere."""

    sealed: str


class OpenedTexts(msgspec.Struct):
    """Texts in the order in which they were asked for."""

    texts: list[str | None]


def _all_of(struct: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(struct.__struct_encode_fields__)


def _given_of(event: type[Any]) -> frozenset[str]:
    """The fields of an event's data that a customer sees as well, of those that every such event has."""
    given = {each.encode_name for each in msgspec.structs.fields(event) if each.required}
    return frozenset(given - CUSTOMER_SEES[event].hidden_data)


REQUIRED: Final[Mapping[type, frozenset[str]]] = {
    Ticket: TICKET_SHOWS,
    Contract: CONTRACT_SHOWS - {"dedicated_number"},
    **{each: _all_of(each) for each in (Customer, Survey, Suggestion, PortalUser)},
    Agent: _all_of(Agent),
    Absence: _all_of(Absence),
    **{each: _all_of(each) for each in (state.Acknowledgement, state.CostApproval, state.Delivery, state.Escalation)},
    **PARTS_SHOW,
    **{event: _given_of(event) for event in CUSTOMER_SEES},
}
"""The fields that every answer has, to whomever: a customer is not shown the others."""
