"""Customers: who they are, their devices, and who of the vendor's staff is there for them.

Decisions return facts or raise a refusal; a decision that changes nothing returns no fact. The name, address and VAT id of a
private person or prospect, and every contact, are personal; the country is data, because the tax of an invoice rests on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final, assert_never

import msgspec

from fristwerk_language.events.customers import (
    ContactAssigned,
    CustomerKind,
    CustomerRegistered,
    DeviceRegistered,
    PersonForgotten,
)
from ticket_service.domain.errors import NotAcceptable, NotInThisState
from ticket_service.domain.fact import Fact
from ticket_service.domain.phone import normalised_phone

MAX_TEXT: Final = 500
_LANGUAGE: Final = re.compile(r"[a-z]{2}(-[A-Z]{2})?")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_ROLE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")

CustomerEvent = CustomerRegistered | DeviceRegistered | ContactAssigned | PersonForgotten


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A person at the customer; at least one of the three is known."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """Make a customer known. ``language`` as ``de`` or ``de-CH``, ``country`` as ISO 3166-1 alpha-2."""

    name: str
    kind: CustomerKind
    language: str | None = None
    country: str | None = None
    vat_id: str | None = None
    address: str | Mapping[str, Any] | None = None
    contact: Contact | None = None


class RegisterDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the customer; ``warranty_until`` is the last local day of its warranty."""

    serial: str
    product: str | None = None
    warranty_until: date | None = None
    site: str | None = None


class AssignContact(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff takes a role for the customer, such as ``customer_success_manager``."""

    role: str
    agent: str


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
    address: Any = None
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


def register(customer_id: str, command: Register) -> list[Fact]:
    """A new customer. Raises NotAcceptable."""
    errors = list(_registration_errors(command))
    if errors:
        raise NotAcceptable("the customer cannot be registered", errors)
    is_company = command.kind == "company"
    own = {"name": command.name, "vat_id": command.vat_id, "address": command.address}
    personal: dict[str, Any] = {} if is_company else {key: value for key, value in own.items() if value is not None}
    if command.contact is not None:
        personal["contact"] = {key: value for key, value in msgspec.structs.asdict(command.contact).items() if value}
    event = CustomerRegistered(
        customer=customer_id,
        kind=command.kind,
        language=command.language,
        country=command.country,
        vat_id=command.vat_id if is_company else None,
        name=command.name if is_company else None,
        address=command.address if is_company else None,
    )
    return [Fact(event, personal or None)]


def register_device(customer: Customer, device_id: str, command: RegisterDevice) -> list[Fact]:
    """A device, or the newer data of one whose serial number is known: it keeps its id. Raises a refusal."""
    check_not_forgotten(customer)
    errors = [("/serial", sentence) for sentence in _text_errors(command.serial)]
    if errors:
        raise NotAcceptable("the device cannot be registered", errors)
    known = customer.device(command.serial)
    event = DeviceRegistered(
        customer=customer.id,
        device=known.device if known else device_id,
        serial=command.serial,
        product=command.product,
        warranty_until=command.warranty_until,
        site=command.site,
    )
    return [] if event == known else [Fact(event)]


def assign_contact(customer: Customer, command: AssignContact) -> list[Fact]:
    """One agent a role: a later assignment replaces the earlier. Raises a refusal."""
    check_not_forgotten(customer)
    errors = [("/agent", sentence) for sentence in _text_errors(command.agent)]
    if not _ROLE.fullmatch(command.role):
        errors.append(("/role", f"{command.role!r} is not a role such as 'dedicated_agent'"))
    if errors:
        raise NotAcceptable("the contact cannot be assigned", errors)
    if customer.contacts.get(command.role) == command.agent:
        return []
    return [Fact(ContactAssigned(customer=customer.id, role=command.role, agent=command.agent))]


def forget(customer: Customer, *, sealed_since: bool = False) -> list[Fact]:
    """The customer's personal data shall be readable by nobody any more.

    Once forgotten, it is a fact again only if something personal was ``sealed_since``: a company goes on, and so may the open
    tickets of a person.
    """
    if customer.forgotten and not sealed_since:
        return []
    return [Fact(PersonForgotten(customer=customer.id))]


def evolve(customer: Customer | None, event: CustomerEvent) -> Customer:
    """The customer after the event; the first event of a stream registers it."""
    if isinstance(event, CustomerRegistered):
        return Customer(
            id=event.customer,
            kind=event.kind,
            language=event.language,
            country=event.country,
            vat_id=event.vat_id,
            name=event.name,
            address=event.address,
        )
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


def check_not_forgotten(customer: Customer) -> None:
    """A private person or prospect who was forgotten is no customer any more; a company stays one without its contact.

    Raises NotInThisState.
    """
    if customer.forgotten and customer.kind != "company":
        raise NotInThisState("customer-forgotten", f"customer {customer.id} was forgotten; register the person anew")


def _subject(customer: str, times_forgotten: int) -> str:
    return f"{customer}~{times_forgotten}" if times_forgotten else customer


def _registration_errors(command: Register) -> Iterator[tuple[str, str]]:
    yield from (("/name", sentence) for sentence in _text_errors(command.name))
    if command.language is not None and not _LANGUAGE.fullmatch(command.language):
        yield "/language", f"{command.language!r} is not a language such as 'de' or 'de-CH'"
    if command.country is not None and not _COUNTRY.fullmatch(command.country):
        yield "/country", f"{command.country!r} is not a country code such as 'CH'"
    if command.contact is None:
        return
    contact = command.contact
    if not (contact.name or contact.email or contact.phone):
        yield "/contact", "a contact has a name, an e-mail address or a phone number"
    if contact.email and not _EMAIL.fullmatch(contact.email):
        yield "/contact/email", "is not an e-mail address"
    if contact.phone and not normalised_phone(contact.phone):
        yield "/contact/phone", "is not a phone number"


def _text_errors(text: str) -> Iterator[str]:
    if not text.strip():
        yield "must not be empty"
    elif len(text) > MAX_TEXT:
        yield f"is longer than {MAX_TEXT} characters"
