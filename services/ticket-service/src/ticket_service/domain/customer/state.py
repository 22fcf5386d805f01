"""A customer as its events describe it, and whose key seals its personal data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

import msgspec

from fristwerk_language.events.customers import CustomerKind, DeviceRegistered, PostalAddress
from ticket_service.domain.errors import NotInThisState


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """``held_at`` is when the customer was asked, ``called_off_at`` when it was settled that it is not."""

    number: int
    channel: str
    planned_for: date | None = None
    agent: str | None = None
    held_at: datetime | None = None
    called_off_at: datetime | None = None
    score: int | None = None
    agreement: str | None = None

    @property
    def open(self) -> bool:
        """Whether it is still to come."""
        return self.held_at is None and self.called_off_at is None


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """``outcome`` is what became of it; None: nobody has said yet."""

    number: int
    made_at: datetime
    ticket: str | None = None
    outcome: Literal["taken_up", "declined"] | None = None
    decided_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether nobody has said yet what becomes of it."""
        return self.outcome is None


class PortalUser(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody at the customer who has, or had, access to the portal; ``user`` is the subject of that person's tokens.

    The instants are those of the last invitation and of what followed it.
    """

    user: str
    state: Literal["invited", "active", "ended"]
    administrator: bool
    invited_at: datetime
    activated_at: datetime | None = None
    ended_at: datetime | None = None


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as its events tell it; ``contacts`` maps a role to the agent who holds it now,
    ``portal_users`` the subject of tokens to whose they are.

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
    surveys: tuple[Survey, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    portal_users: Mapping[str, PortalUser] = {}
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

    def has_ended(self, user: str) -> bool:
        """Whether the portal user's access is over; of who never was invited nothing is known, and nothing refused."""
        known = self.portal_users.get(user)
        return known is not None and known.state == "ended"

    def is_administered_by(self, user: str) -> bool:
        """Whether that portal user invites and ends the customer's others."""
        known = self.portal_users.get(user)
        return known is not None and known.state == "active" and known.administrator


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
