"""A customer as its events describe it, and whose key seals its personal data."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from fristwerk_language.events.customers import CustomerKind, DeviceRegistered, PostalAddress
from ticket_service.domain.errors import NotInThisState


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as its events tell it; ``contacts`` maps a role to the agent who holds it now.

    ``times_forgotten``: what comes afterwards is personal again, so it can happen more than once.
    """

    id: str
    kind: CustomerKind
    language: str | None = None
    country: str | None = None
    vat_id: str | None = None
    name: str | None = None
    address: PostalAddress | None = None
    devices: tuple[DeviceRegistered, ...] = ()
    contacts: Mapping[str, str] = {}
    forgotten: bool = False
    times_forgotten: int = 0

    @property
    def subject(self) -> str:
        """Whose key seals what is personal from now on: another one after each time the customer was forgotten."""
        return _subject(self.id, self.times_forgotten)

    @property
    def forgotten_subjects(self) -> list[str]:
        """Whose keys are to be deleted, if they are not yet."""
        return [_subject(self.id, times) for times in range(self.times_forgotten)]

    def device(self, serial: str) -> DeviceRegistered | None:
        """The device with that serial number."""
        return next((each for each in self.devices if each.serial == serial), None)


def check_not_forgotten(customer: Customer) -> None:
    """A private person or prospect who was forgotten is no customer any more; a company stays one without its contact.

    Raises NotInThisState.
    """
    if customer.forgotten and customer.kind != "company":
        raise NotInThisState("customer-forgotten", f"customer {customer.id} was forgotten; register the person anew")


def customer_of(subject: str) -> str:
    """The id of the customer whose data is sealed for a subject."""
    return subject.partition("~")[0]


def _subject(customer: str, times_forgotten: int) -> str:
    return f"{customer}~{times_forgotten}" if times_forgotten else customer
