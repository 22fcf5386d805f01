"""The names by which streams are found in the index that is kept with the log.

Whatever a command is decided on in other streams is found by these names, in every append so far by
any process: nothing here waits for a read model. A stream's labels follow from its state, but for
telephone numbers: these are sealed, so their keyed digests are given where the number is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec

from ticket_service.domain.agent.state import Agent
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.ticket.booking import kept_appointments
from ticket_service.domain.ticket.commands import MessageSource
from ticket_service.domain.ticket.dedicated import DEDICATED_AGENT
from ticket_service.domain.ticket.lifecycle import DONE
from ticket_service.domain.ticket.state import Ticket

RULES: Final = "1"
"""Change this whenever stored streams are to be found by other names than before."""
LabelSet = frozenset[str]
_NONE: Final[LabelSet] = frozenset()


def reference_claim(provider: str, reference: str) -> str:
    """What a ticket claims: within a provider a reference belongs to one ticket for ever."""
    return f"reference:{provider}:{reference}"


def source_claim(provider: str, digest: str) -> str:
    """What a ticket claims with a message: within a provider it is taken once."""
    return f"source:{provider}:{digest}"


def claims_of_source(provider: str, source: MessageSource | None) -> tuple[str, ...]:
    """What is claimed with the event that records a message or a call; nothing where nobody named its source."""
    return () if source is None else (source_claim(provider, source.digest),)


def of_customer(customer: str) -> str:
    """The customer's own stream and those of its contracts."""
    return f"customer:{customer}"


def open_tickets_of(customer: str) -> str:
    """The customer's tickets that are neither resolved nor closed."""
    return f"open-tickets:{customer}"


def terms_of(provider: str) -> str:
    """The provider's calendars and agreements."""
    return f"terms:{provider}"


def agents_of(provider: str) -> str:
    """The provider's people."""
    return f"agents:{provider}"


def with_phone(phone_index: str) -> str:
    """The customers whose contact has the number with that keyed digest."""
    return f"phone:{phone_index}"


def dedicated_to(provider: str, agent: str) -> str:
    """The customers whom an agent serves as dedicated agent."""
    return f"dedicated:{provider}:{agent}"


def absences_of(provider: str, agent: str) -> str:
    """When an agent is away: a matter about which absences and bookings take turns, and no label."""
    return f"absences:{provider}:{agent}"


def bookings_on(provider: str, day: date) -> str:
    """The tickets with an appointment that somebody keeps on a day of UTC."""
    return f"bookings:{provider}:{day.isoformat()}"


def days_of(start: datetime, end: datetime) -> Iterator[date]:
    """The days of UTC on which an appointment takes of its agent's time."""
    day, last = start.astimezone(UTC).date(), end.astimezone(UTC).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def of_terms(provider: str, _: object) -> LabelSet:
    """The labels of a calendar or an agreement."""
    return frozenset((terms_of(provider),))


def of_agent(provider: str, _: Agent) -> LabelSet:
    """The labels of a member of staff."""
    return frozenset((agents_of(provider),))


def follow_ups_of(ticket: str) -> str:
    """The tickets that late messages on a ticket have opened."""
    return f"follow-ups:{ticket}"


def callers_like(provider: str, phone_index: str) -> str:
    """The callers whose numbers share the first byte of their keyed digests: too many for it to
    tell of anybody.
    """
    return f"callers:{provider}:{phone_index[:2]}"


def own_number(provider: str, number: str) -> str:
    """The contracts that have that number of the vendor's, normalised, for their own."""
    return f"own-number:{provider}:{number}"


def of_contract(provider: str, contract: Contract) -> LabelSet:
    """The labels of a contract."""
    own = of_customer(contract.customer)
    if contract.dedicated_number is msgspec.UNSET:
        return frozenset((own,))
    return frozenset((own, own_number(provider, contract.dedicated_number)))


def of_registered(provider: str, customer: Customer) -> LabelSet:
    """The labels of a customer that follow from its state."""
    found = {of_customer(customer.id)}
    if customer.surveys or customer.suggestions:
        found.add(with_opinions(provider))
    agent = customer.contacts.get(DEDICATED_AGENT)
    if agent is not None and not (customer.forgotten and customer.kind != "company"):
        found.add(dedicated_to(provider, agent))
    return frozenset(found)


def with_opinions(provider: str) -> str:
    """The customers who were to be asked, or have suggested something."""
    return f"opinions:{provider}"


def of_ticket(provider: str, ticket: Ticket) -> LabelSet:
    """The labels of a ticket."""
    if ticket.state == "closed":
        return _NONE
    own = _NONE if ticket.state in DONE else frozenset((open_tickets_of(ticket.customer),))
    if not ticket.appointments:
        return own
    return own.union(
        bookings_on(provider, day) for each in kept_appointments(ticket) for day in days_of(each.start, each.end)
    )


def of_call(_: str, __: object) -> LabelSet:
    """A call is found by its own id only."""
    return _NONE
