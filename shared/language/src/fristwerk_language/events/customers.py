"""Facts about customers and their contracts (streams ``customer-…`` and ``contract-…``).

Names and contact details of persons are never fields here; they travel in the envelope's sealed ``personal`` part.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

CustomerKind = Literal["company", "person", "prospect"]

PostalAddress = str | dict[str, str | None]
"""In one text, or its parts by name: countries name the parts differently."""


class CustomerRegistered(msgspec.Struct, frozen=True, kw_only=True):
    """A customer is known. ``name``, ``address`` and ``vat_id`` stand here for a company only.

    Personal: ``{"name"?, "address"?, "vat_id"?, "contact"?: {"name"?, "email"?, "phone"?}}``.
    """

    customer: str
    kind: CustomerKind
    language: str | None = None
    country: str | None = None
    vat_id: str | None = None
    name: str | None = None
    address: PostalAddress | None = None


class BookedAddon(msgspec.Struct, frozen=True, kw_only=True):
    """An add-on of a contract and the local dates, inclusive, between which it is booked."""

    addon: str
    from_on: date = msgspec.field(name="from")
    until_on: date | None = msgspec.field(name="until", default=None)


class ContractSigned(msgspec.Struct, frozen=True, kw_only=True):
    """A customer bought a plan under an agreement. Dates are local to the agreement and inclusive.

    ``package_hours`` is the prepaid size granted each term, or null. ``agreement_version`` is the version in force when signed.
    ``dedicated_number`` is the vendor's own number that this customer alone calls, where the group has one.
    """

    contract: str
    customer: str
    agreement: str
    agreement_version: int
    plan: str | None = None
    package_hours: int | None = None
    addons: list[BookedAddon] = []
    site: str | None = None
    group: str | None = None
    from_on: date = msgspec.field(name="from")
    until_on: date | None = msgspec.field(name="until", default=None)
    dedicated_number: str | None = None


class ContractTerminated(msgspec.Struct, frozen=True, kw_only=True):
    """The contract ends; ``until`` is its last day, inclusive."""

    contract: str
    until_on: date = msgspec.field(name="until")


class PackagePurchased(msgspec.Struct, frozen=True, kw_only=True):
    """A further package of ``hours`` beside the plan's own, valid from ``from`` to the end of that term."""

    contract: str
    package: str
    hours: int
    from_on: date = msgspec.field(name="from")


class AddonBooked(msgspec.Struct, frozen=True, kw_only=True):
    """An add-on is booked from ``from`` on, inclusive."""

    contract: str
    addon: str
    from_on: date = msgspec.field(name="from")


class AddonEnded(msgspec.Struct, frozen=True, kw_only=True):
    """An add-on's last day is ``until``, inclusive."""

    contract: str
    addon: str
    until_on: date = msgspec.field(name="until")


class DeviceRegistered(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the customer; ``warranty_until`` is the last local day of its warranty."""

    customer: str
    device: str
    serial: str
    product: str | None = None
    warranty_until: date | None = None
    site: str | None = None


class ContactAssigned(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff holds a role for this customer (``customer_success_manager``, ``dedicated_agent`` …)."""

    customer: str
    role: str
    agent: str


class PersonForgotten(msgspec.Struct, frozen=True, kw_only=True):
    """The data subject's key was deleted: what was sealed for it can no longer be read by anyone."""

    customer: str


class SurveyPlanned(msgspec.Struct, frozen=True, kw_only=True):
    """The customer is to be asked how it is served, by telephone or in person. Surveys count from 1 within their customer.

    ``planned_for`` is a local day, ``agent`` who asks; null: not settled.
    """

    customer: str
    survey: int
    channel: str
    planned_for: date | None = None
    agent: str | None = None


class SurveyHeld(msgspec.Struct, frozen=True, kw_only=True):
    """The customer was asked. ``score`` from 1 (poor) to 5, null: it gave none. ``agreement`` is the one that it was served
    under then. Personal: ``{"text"?, "contact"?}``.
    """

    customer: str
    survey: int
    channel: str
    agent: str
    score: int | None = None
    agreement: str | None = None


class SurveyCalledOff(msgspec.Struct, frozen=True, kw_only=True):
    """The customer is not asked. Personal: ``{"reason"}``."""

    customer: str
    survey: int


class SuggestionMade(msgspec.Struct, frozen=True, kw_only=True):
    """The customer suggests something; ``ticket`` is where it said so. They count from 1. Personal: ``{"text"}``."""

    customer: str
    suggestion: int
    ticket: str | None = None


class SuggestionDecided(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a suggestion. Personal: ``{"reason"?}``."""

    customer: str
    suggestion: int
    outcome: Literal["taken_up", "declined"]


class PortalUserInvited(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody at the customer shall have access to its portal. ``user`` is the subject of that person's tokens, and
    ``administrator`` whether the person invites and ends others. Personal: ``{"email", "name"?}``.
    """

    customer: str
    user: str
    administrator: bool = False


class PortalUserActivated(msgspec.Struct, frozen=True, kw_only=True):
    """Who was invited has taken the access up."""

    customer: str
    user: str


class PortalAccessEnded(msgspec.Struct, frozen=True, kw_only=True):
    """The access is over, until the user is invited again. Personal: ``{"reason"?}``."""

    customer: str
    user: str


OpinionEvent = SurveyPlanned | SurveyHeld | SurveyCalledOff | SuggestionMade | SuggestionDecided
PortalEvent = PortalUserInvited | PortalUserActivated | PortalAccessEnded
CustomerEvent = CustomerRegistered | DeviceRegistered | ContactAssigned | PersonForgotten | OpinionEvent | PortalEvent
ContractEvent = ContractSigned | ContractTerminated | PackagePurchased | AddonBooked | AddonEnded
