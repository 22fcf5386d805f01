"""The statement: the result of rating an account, its lines with sums, balances and what is not on a line."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import msgspec

from billing_service.domain.money import Money
from billing_service.domain.statement.charge_line import BilledMinutes, ChargeLine, plain

NotRatedReason = Literal["awaits_resolution", "preparation", "undecided", "no_rate", "package_expired"]


FreeReason = Literal["appointment_held", "cancelled_in_time", "cancelled_by_vendor", "internal_work"]
"""Why preparation is never charged (R7), or that work is for the vendor's own sake (R11)."""


class Violation(msgspec.Struct, frozen=True, order=True):
    """Something that a rule refuses: a stable ``code`` and a sentence that names the thing."""

    code: str
    detail: str


class Remark(msgspec.Struct, frozen=True, order=True):
    """What a clerk should look at although it is billed: a stable ``code`` and a sentence about work on a ticket."""

    code: str
    detail: str
    ticket: str


class NotRated(msgspec.Struct, frozen=True):
    """Logged minutes of an entry that are on no line, and why."""

    ticket: str
    entry: str
    event: str
    minutes: int
    reason: NotRatedReason


class NeverCharged(msgspec.Struct, frozen=True):
    """Logged minutes of an entry that are free without being on a line, and why: no later fact gives them a price."""

    ticket: str
    entry: str
    event: str
    minutes: int
    reason: FreeReason


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
    cannot be issued. ``waived`` are ids of charges; minutes are by ticket. ``remarks`` are what a
    clerk should look at although it is billed.
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
    never_charged: tuple[NeverCharged, ...]
    violations: tuple[Violation, ...]
    remarks: tuple[Remark, ...]
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


def minutes_by_ticket(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The sums by ticket, in the order of tickets, without zeros."""
    sums: dict[str, int] = {}
    for ticket, minutes in pairs:
        sums[ticket] = sums.get(ticket, 0) + minutes
    return {ticket: minutes for ticket, minutes in sorted(sums.items()) if minutes}
