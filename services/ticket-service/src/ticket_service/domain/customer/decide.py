"""Customers: who they are, their devices, and who of the vendor's staff is there for them.

Decisions return facts or raise a refusal; a decision that changes nothing returns no fact. The name, address and VAT id of a
private person or prospect, and every contact, are personal; the country is data, because the tax of an invoice rests on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from fristwerk_language.events.customers import (
    ContactAssigned,
    CustomerRegistered,
    DeviceRegistered,
    PersonForgotten,
)
from ticket_service.domain.customer.commands import AssignContact, Register, RegisterDevice
from ticket_service.domain.customer.state import Customer, check_not_forgotten
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.phone import normalised_phone
from ticket_service.domain.validation import is_email_address, is_language

MAX_TEXT: Final = 500
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_ROLE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")


def register(customer_id: str, command: Register) -> list[DecidedEvent]:
    """A new customer. Raises NotAcceptable."""
    errors = list(_registration_errors(command))
    if errors:
        raise NotAcceptable("The customer cannot be registered.", errors)
    is_company = command.kind == "company"
    own = {"name": command.name, "vat_id": command.vat_id, "address": command.address}
    personal: dict[str, object] = {} if is_company else {key: value for key, value in own.items() if value is not None}
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
    return [DecidedEvent(event, personal or None)]


def register_device(customer: Customer, device_id: str, command: RegisterDevice) -> list[DecidedEvent]:
    """A device, or the newer data of one whose serial number is known: it keeps its id. Raises a refusal."""
    check_not_forgotten(customer)
    errors = [("/serial", sentence) for sentence in _text_errors(command.serial)]
    if errors:
        raise NotAcceptable("The device cannot be registered.", errors)
    known = customer.device(command.serial)
    event = DeviceRegistered(
        customer=customer.id,
        device=known.device if known else device_id,
        serial=command.serial,
        product=command.product,
        warranty_until=command.warranty_until,
        site=command.site,
    )
    return [] if event == known else [DecidedEvent(event)]


def assign_contact(customer: Customer, command: AssignContact) -> list[DecidedEvent]:
    """One agent a role: a later assignment replaces the earlier. Raises a refusal."""
    check_not_forgotten(customer)
    errors = [("/agent", sentence) for sentence in _text_errors(command.agent)]
    if not _ROLE.fullmatch(command.role):
        errors.append(("/role", f"{command.role!r} is not a role such as 'dedicated_agent'"))
    if errors:
        raise NotAcceptable("The contact cannot be assigned.", errors)
    if customer.contacts.get(command.role) == command.agent:
        return []
    return [DecidedEvent(ContactAssigned(customer=customer.id, role=command.role, agent=command.agent))]


def forget(customer: Customer, *, sealed_since: bool = False) -> list[DecidedEvent]:
    """The customer's personal data shall be readable by nobody any more.

    Once forgotten, it is a fact again only if something personal was ``sealed_since``: a company goes on, and so may the open
    tickets of a person.
    """
    if customer.forgotten and not sealed_since:
        return []
    return [DecidedEvent(PersonForgotten(customer=customer.id))]


def _registration_errors(command: Register) -> Iterator[tuple[str, str]]:
    yield from (("/name", sentence) for sentence in _text_errors(command.name))
    if command.language is not None and not is_language(command.language):
        yield "/language", f"{command.language!r} is not a language such as 'de' or 'de-CH'"
    if command.country is not None and not _COUNTRY.fullmatch(command.country):
        yield "/country", f"{command.country!r} is not a country code such as 'CH'"
    if command.contact is None:
        return
    contact = command.contact
    if not (contact.name or contact.email or contact.phone):
        yield "/contact", "a contact has a name, an e-mail address or a phone number"
    if contact.email and not is_email_address(contact.email):
        yield "/contact/email", "is not an e-mail address"
    if contact.phone and not normalised_phone(contact.phone):
        yield "/contact/phone", "is not a phone number"


def _text_errors(text: str) -> Iterator[str]:
    if not text.strip():
        yield "must not be empty"
    elif len(text) > MAX_TEXT:
        yield f"is longer than {MAX_TEXT} characters"
