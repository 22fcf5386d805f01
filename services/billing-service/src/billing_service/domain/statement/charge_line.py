"""Charge lines: one charge's share at one price, immutable, with what it rests on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

import msgspec

from billing_service.domain.money import Money, exact_decimal

ChargeKind = Literal["allowance", "overage", "hourly", "minimum_top_up", "free", "cancellation", "waiver", "addon"]


CHARGE_KINDS: Final[tuple[ChargeKind, ...]] = (
    "allowance",
    "overage",
    "hourly",
    "free",
    "cancellation",
    "minimum_top_up",
    "addon",
    "waiver",
)


BilledMinutes = int | Decimal
"""Whole minutes; a Decimal only where a rate factor weights a package's minutes to a part of a
minute (R9)."""


LineChange = Literal["new", "changed", "withdrawn"]


EVERY_TICKET: Final = "*"
"""The ticket of a line that rests on several tickets: rounding scope ``period``, a minimum per
invoice."""


class EntryPart(msgspec.Struct, frozen=True, gc=False):
    """``minutes`` of the entry that event ``event`` logged, worked on local day ``on``."""

    event: str
    entry: str
    on: date
    minutes: int


class Draw(msgspec.Struct, frozen=True, gc=False):
    """Minutes taken out of a package."""

    package: str
    minutes: BilledMinutes


class Worked(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag="worked"):
    """A rounding group: its ``parts`` add up, are rounded up once to ``rounded_minutes`` and
    weighted by ``factor``.

    ``weighted_minutes`` is what packages are asked for, ``drawn_minutes`` what they gave; the rest
    is overage, in increments of its own.
    """

    parts: tuple[EntryPart, ...]
    scope: Literal["ticket_day", "entry", "ticket", "period"]
    increment_minutes: int
    rounded_minutes: int
    factor: Decimal
    weighted_minutes: BilledMinutes
    drawn_minutes: BilledMinutes = 0
    overage_increment_minutes: int | None = None


class Covered(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag="covered"):
    """Work free of charge under a coverage rule (R11)."""

    parts: tuple[EntryPart, ...]


class CalledOff(msgspec.Struct, frozen=True, kw_only=True, tag="called_off"):
    """A late cancellation (``cancelled_at``) or a missed appointment (None): its preparation is
    charged (R6, R7).
    """

    parts: tuple[EntryPart, ...]
    appointment: int
    start: datetime
    cancelled_at: datetime | None
    notice_hours: int
    measure: Literal["elapsed", "wall"]
    increment_minutes: int
    rounded_minutes: int


class ToppedUp(msgspec.Struct, frozen=True, kw_only=True, tag="topped_up"):
    """What is missing from ``charged`` to the ``minimum`` (R4)."""

    scope: Literal["ticket", "group", "invoice"]
    minimum: Money
    charged: Money


class AddonMonth(msgspec.Struct, frozen=True, kw_only=True, tag="addon_month"):
    """A booking's days of one month: ``before_days`` of ``month_days`` were billed by earlier
    bookings of it (R12).
    """

    addon: str
    from_on: date
    until_on: date
    before_days: int
    month_days: int
    proration: Literal["daily", "none", "thirty360"]


class Waived(msgspec.Struct, frozen=True, kw_only=True, tag="waived"):
    """A line of kind ``waives`` and its ``amount`` are not charged, by the decision of ``actor``
    (R8). ``reason`` is sealed; it is None where it was opened and the customer forgotten.
    """

    waives: ChargeKind
    amount: Money
    reason: str | None
    actor: str


Basis = Worked | Covered | CalledOff | ToppedUp | AddonMonth | Waived


class ChargeLine(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One charge's share of one kind at one price, rounded by itself (R14).

    ``charge`` is stable: it does not change when other work arrives. ``sources`` are event ids,
    ``rules`` of R1–R14, ``clauses`` JSON pointers into the agreement's version. ``raw_minutes`` are
    the logged minutes that it accounts for; ``draws`` what it takes out of packages. ``change`` is
    what the line of an invoice does to earlier ones: ``changed`` adds a difference, ``withdrawn``
    takes back what is no longer owed; ``basis`` is always that of the whole.
    """

    charge: str
    kind: ChargeKind
    ticket: str | None
    on: date
    month: str | None = None
    days: int | None = None
    minutes: BilledMinutes = 0
    unit_price: Money
    amount: Money
    raw_minutes: int = 0
    factor: Decimal = Decimal(1)
    vat_percent: Decimal = Decimal(0)
    vat_category: str = "none"
    draws: tuple[Draw, ...] = ()
    sources: tuple[str, ...] = ()
    rules: tuple[str, ...]
    clauses: tuple[str, ...]
    agreement: str
    agreement_version: int
    change: LineChange = "new"
    basis: Basis


def charge_id(account: str, ticket: str | None, kind: str, key: str) -> str:
    """The stable id of a charge: 32 hexadecimal digits of the SHA-256 of what it is for."""
    return hashlib.sha256("\x1f".join((account, ticket or "", kind, key)).encode()).hexdigest()[:32]


def exact(minutes: BilledMinutes) -> int | Fraction:
    """Minutes of a line as they are reckoned with."""
    return minutes if isinstance(minutes, int) else Fraction(minutes)


def plain(minutes: int | Fraction) -> BilledMinutes:
    """Minutes as a line shows them: whole ones as int."""
    if isinstance(minutes, int):
        return minutes
    return minutes.numerator if minutes.denominator == 1 else exact_decimal(minutes)


def merged_draws(draws: Iterable[Draw]) -> tuple[Draw, ...]:
    """One draw for each package, without those that add up to zero."""
    if isinstance(draws, Sequence) and len(draws) == 1 and isinstance(draws[0].minutes, int):
        return tuple(draws) if draws[0].minutes else ()
    sums: dict[str, int | Fraction] = {}
    for each in draws:
        sums[each.package] = sums.get(each.package, 0) + exact(each.minutes)
    return tuple(Draw(package, plain(minutes)) for package, minutes in sums.items() if minutes)


def in_order(lines: Iterable[ChargeLine]) -> tuple[ChargeLine, ...]:
    """Lines as a statement shows them: by day, ticket and kind."""
    place = {kind: number for number, kind in enumerate(CHARGE_KINDS)}
    return tuple(
        sorted(
            lines, key=lambda line: (line.on, line.ticket or "", place[line.kind], line.unit_price.amount, line.charge)
        )
    )
