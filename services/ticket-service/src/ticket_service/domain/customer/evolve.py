"""How each event changes a customer; a new type of customer event fails type checking until it is handled here."""

from __future__ import annotations

from typing import assert_never

import msgspec

from fristwerk_language.events import CustomerEvent, Recorded
from fristwerk_language.events.customers import (
    ContactAssigned,
    CustomerRegistered,
    DeviceRegistered,
    PersonForgotten,
)
from ticket_service.domain.customer.state import Customer


def evolve(customer: Customer | None, recorded: Recorded) -> Customer | None:
    """The customer after an event of its stream; events of other families and unknown ones change nothing."""
    event = recorded.event
    return apply(customer, event) if isinstance(event, CustomerEvent) else customer


def apply(customer: Customer | None, event: CustomerEvent) -> Customer:
    """The customer after the event; the first event of a stream registers it."""
    if isinstance(event, CustomerRegistered):
        return registered(event)
    assert customer is not None, "a customer's first event registers it"
    match event:
        case DeviceRegistered():
            others = tuple(each for each in customer.devices if each.device != event.device)
            return msgspec.structs.replace(customer, devices=(*others, event))
        case ContactAssigned():
            return msgspec.structs.replace(customer, contacts={**customer.contacts, event.role: event.agent})
        case PersonForgotten():
            times = customer.times_forgotten + 1
            return msgspec.structs.replace(customer, forgotten=True, times_forgotten=times)
        case _:
            assert_never(event)


def registered(event: CustomerRegistered) -> Customer:
    """The customer that a registration begins."""
    return Customer(
        id=event.customer,
        kind=event.kind,
        language=event.language,
        country=event.country,
        vat_id=event.vat_id,
        name=event.name,
        address=event.address,
    )
