"""The commands to a customer: one frozen struct each, named in the imperative."""

from __future__ import annotations

from datetime import date

import msgspec

from fristwerk_language.events.customers import CustomerKind, PostalAddress


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
    address: PostalAddress | None = None
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
