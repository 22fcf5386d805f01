"""Facts: the immutable things that one account's bill rests on.

An account is a contract with all its tickets, or a customer's tickets without a contract.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Protocol, TypeVar

import msgspec


class FactStamp(msgspec.Struct, frozen=True, gc=False):
    """When a fact happened and when the log took it, and which event it was (``version`` inside its
    stream).
    """

    event: str
    occurred_at: datetime
    recorded_at: datetime
    version: int

    @property
    def order(self) -> tuple[datetime, int, str]:
        return self.occurred_at, self.version, self.event


class LoggedWork(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An entry of ``minutes`` from ``start`` on; it belongs to the local day of its start.
    ``performer`` is who did it; None: whom the ticket names.
    """

    stamp: FactStamp
    entry: str
    start: datetime
    minutes: int
    activity: str
    appointment: int | None
    performer: str | None = None


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    stamp: FactStamp
    entry: str
    minutes: int


class TypeChange(msgspec.Struct, frozen=True, kw_only=True):
    stamp: FactStamp
    type: str


class TermsChange(msgspec.Struct, frozen=True, kw_only=True):
    stamp: FactStamp
    version: int


class CostDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The customer's answer to cost approval ``number``; ``extra_minutes`` None is open-ended."""

    stamp: FactStamp
    number: int
    approved: bool
    extra_minutes: int | None = None


class AppointmentFact(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to appointment ``number``; ``start`` for booked, ``by`` and ``written`` for
    cancelled.
    """

    stamp: FactStamp
    number: int
    what: Literal["booked", "cancelled", "held", "missed"]
    start: datetime | None = None
    by: Literal["customer", "vendor"] = "customer"
    written: bool = True


class HandedOver(msgspec.Struct, frozen=True, kw_only=True):
    """Time that counts with another ticket from now on: these ``entries``, or (None) all that
    prepares no appointment.
    """

    stamp: FactStamp
    entries: frozenset[str] | None

    def has(self, work: LoggedWork) -> bool:
        """Whether the entry went, as far as it was logged by then."""
        if work.stamp.version > self.stamp.version:
            return False
        return work.appointment is None if self.entries is None else work.entry in self.entries


class TicketDone(msgspec.Struct, frozen=True, kw_only=True):
    """The ticket was resolved or closed, or its reopening was taken back."""

    stamp: FactStamp


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """Since when a ticket belongs to an account, and what it is billed by there. A ticket is opened in
    one, and each move takes it whole to another.
    """

    stamp: FactStamp
    account: str
    plan: str | None
    group: str | None
    entitled_by: Literal["contract", "warranty"] | None
    agreement: str
    agreement_version: int
    type: str
    site: str | None


class BilledTicket(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A ticket's facts, each kind in the order in which it happened; work in the order of its
    start. ``prices`` says whose prices its work is billed at: the ticket's own version's, or those
    of the version in force when it was done. ``performer`` is who does its work where an entry names nobody.
    ``stays`` are none where it was never moved.
    """

    id: str
    stamp: FactStamp
    plan: str | None
    group: str | None
    entitled_by: Literal["contract", "warranty"] | None
    agreement: str
    agreement_version: int
    type: str
    site: str | None = None
    performer: str | None = None
    prices: Literal["when_opened", "when_done"] = "when_opened"
    work: tuple[LoggedWork, ...] = ()
    corrections: tuple[Correction, ...] = ()
    type_changes: tuple[TypeChange, ...] = ()
    terms_changes: tuple[TermsChange, ...] = ()
    cost_decisions: tuple[CostDecision, ...] = ()
    appointments: tuple[AppointmentFact, ...] = ()
    done: tuple[TicketDone, ...] = ()
    handed_over: tuple[HandedOver, ...] = ()
    stays: tuple[Stay, ...] = ()


class Purchase(msgspec.Struct, frozen=True, kw_only=True):
    """A package bought beside the plan's own."""

    stamp: FactStamp
    package: str
    hours: int
    from_on: date


class PrepaidPackage(msgspec.Struct, frozen=True, kw_only=True):
    """Prepaid ``minutes`` that work between local dates, inclusive, draws from; ``until_on`` None
    does not expire.

    ``overage_rate`` is the price of an hour beyond it, billed in whole overage increments (R2).
    """

    id: str
    minutes: int
    from_on: date
    until_on: date | None
    increment_minutes: int
    overage_rate: Decimal
    overage_increment_minutes: int


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """An add-on booked between local dates, inclusive."""

    stamp: FactStamp
    addon: str
    from_on: date
    until_on: date | None = None


class BookingEnd(msgspec.Struct, frozen=True, kw_only=True):
    stamp: FactStamp
    addon: str
    until_on: date


class Termination(msgspec.Struct, frozen=True, kw_only=True):
    stamp: FactStamp
    until_on: date


class BilledContract(msgspec.Struct, frozen=True, kw_only=True):
    """A contract as signed, with later changes. ``packages`` are prepaid minutes agreed with
    dates of their own.
    """

    id: str
    stamp: FactStamp
    agreement: str
    agreement_version: int
    plan: str | None = None
    package_hours: int | None = None
    site: str | None = None
    from_on: date
    until_on: date | None = None
    terminations: tuple[Termination, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    bookings: tuple[Booking, ...] = ()
    booking_ends: tuple[BookingEnd, ...] = ()
    packages: tuple[PrepaidPackage, ...] = ()

    @property
    def last_day(self) -> date | None:
        """The last day in force, inclusive: the signed one or the last termination's, whichever is
        earlier.
        """
        ends = [end for end in (self.until_on, *(each.until_on for each in self.terminations[-1:])) if end is not None]
        return min(ends, default=None)


class BilledCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """What taxation needs to know of the customer."""

    stamp: FactStamp
    kind: str
    country: str | None = None
    vat_id: str | None = None


class ChargeDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor's decision on a charge, by ``actor``; ``at_most`` is how much of it is waived, and
    ``at_most_minutes`` how many packages get back,
    None all of it, whatever it comes to.
    """

    stamp: FactStamp
    charge: str
    decision: Literal["charge", "waive"]
    reason: str
    actor: str
    at_most: Decimal | None = None
    at_most_minutes: Decimal | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one contract's (or customer's) bill rests on. ``id`` is the contract's or the
    customer's.
    """

    id: str
    contract: BilledContract | None = None
    customer: BilledCustomer | None = None
    tickets: tuple[BilledTicket, ...] = ()
    decisions: tuple[ChargeDecision, ...] = ()


class Stamped(Protocol):
    @property
    def stamp(self) -> FactStamp: ...


Fact = TypeVar("Fact", bound=Stamped)
