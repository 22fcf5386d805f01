"""The statement: the result of rating an account, as immutable lines with what each rests on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
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
NotRatedReason = Literal["awaits_resolution", "preparation", "undecided", "no_rate", "package_expired"]


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
    (R8).
    """

    waives: ChargeKind
    amount: Money
    reason: str
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


class Violation(msgspec.Struct, frozen=True, order=True):
    """Something that a rule refuses: a stable ``code`` and a sentence that names the thing."""

    code: str
    detail: str


class NotRated(msgspec.Struct, frozen=True):
    """Logged minutes of an entry that are on no line, and why."""

    ticket: str
    entry: str
    event: str
    minutes: int
    reason: NotRatedReason


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """A package at the cutoff; ``left`` of an expired one is what lapsed. ``expires_on`` is its
    last day.
    """

    package: str
    granted: int
    drawn: BilledMinutes
    left: BilledMinutes
    from_on: date
    expires_on: date | None
    expired: bool


class Tax(msgspec.Struct, frozen=True, kw_only=True):
    percent: Decimal
    category: str
    net: Money
    vat: Money


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """``payable`` is ``gross`` in the agreement's smallest payable unit."""

    net: Money
    taxes: tuple[Tax, ...]
    vat: Money
    gross: Money
    payable: Money


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """Where the logged minutes went; the others add up to ``logged``, always. ``hourly`` is all
    that has a price.
    """

    logged: int
    package: int
    hourly: int
    free: int
    held: int
    written_off: int
    waived: int
    not_rated: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """An account's charges up to and including the local day ``until``, as far as known.

    ``proposed`` are charges that wait for a decision (``open_decisions`` are their ids): an invoice
    cannot be issued. ``waived`` are ids of charges; minutes are by ticket.
    """

    account: str
    agreement: str
    agreement_version: int
    currency: str
    cash_rounding: Decimal | None
    until: date
    lines: tuple[ChargeLine, ...]
    proposed: tuple[ChargeLine, ...]
    totals: Totals
    packages: tuple[Balance, ...]
    held_minutes: dict[str, int]
    written_off_minutes: dict[str, int]
    not_rated: tuple[NotRated, ...]
    violations: tuple[Violation, ...]
    waived: tuple[str, ...]
    shares: Shares

    @property
    def net(self) -> Money:
        return self.totals.net

    @property
    def vat(self) -> Money:
        return self.totals.vat

    @property
    def gross(self) -> Money:
        return self.totals.gross

    @property
    def payable(self) -> Money:
        return self.totals.payable

    @property
    def open_decisions(self) -> tuple[str, ...]:
        return tuple(line.charge for line in self.proposed)

    @property
    def package_left_minutes(self) -> BilledMinutes:
        """What can still be drawn on the day of the cutoff."""
        return plain(sum((Fraction(each.left) for each in self.packages if not each.expired), Fraction(0)))


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


def minutes_by_ticket(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The sums by ticket, in the order of tickets, without zeros."""
    sums: dict[str, int] = {}
    for ticket, minutes in pairs:
        sums[ticket] = sums.get(ticket, 0) + minutes
    return {ticket: minutes for ticket, minutes in sorted(sums.items()) if minutes}
