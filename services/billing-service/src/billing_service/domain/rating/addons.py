"""Add-ons: a line for each month and booking, in advance, by the calendar day (R12)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

import msgspec

from billing_service.domain.facts.account import BilledContract, Booking
from billing_service.domain.money import Money, at_least_cents
from billing_service.domain.statement.charge_line import AddonMonth, ChargeLine, charge_id
from billing_service.domain.statement.statement import Violation
from fristwerk_language.terms import AgreementDocument
from fristwerk_language.terms.billing import AddonTerms

_ONE_DAY: Final = timedelta(days=1)
_COMMERCIAL_MONTH_DAYS: Final = 30


class Segment(msgspec.Struct, frozen=True):
    """A booking's days, inclusive; ``until_on`` None is open-ended. ``sources`` are the events that
    made it so.
    """

    booking: Booking
    from_on: date
    until_on: date | None
    sources: tuple[str, ...]


def addon_lines(
    contract: BilledContract | None, agreement: AgreementDocument, until: date
) -> tuple[list[ChargeLine], list[Violation]]:
    """The lines of every month that began by ``until``, and the bookings that the terms refuse.

    A month is billed with the first invoice whose cutoff lies in or after it. A day covered by two
    bookings of one add-on is billed once.
    """
    if contract is None:
        return [], []
    lines: list[ChargeLine] = []
    violations: list[Violation] = []
    for name in dict.fromkeys(booking.addon for booking in contract.bookings):
        addon = agreement.billing.addons.get(name)
        refusal = _refusal(name, addon, contract, agreement)
        if addon is None or refusal is not None:
            violations += [] if refusal is None else [refusal]
            continue
        lines += _lines(name, addon, contract, agreement, until)
    return lines, violations


def segments(contract: BilledContract, addon: str) -> list[Segment]:
    """The days of each booking of an add-on, disjoint and in order: as booked, as ended, within the
    contract's.

    An end belongs to the last booking that began by it; one before every beginning takes back the
    first.
    """
    bookings = sorted(
        (each for each in contract.bookings if each.addon == addon), key=lambda each: (each.from_on, each.stamp.order)
    )
    ends: dict[int, tuple[date, str]] = {}
    for end in contract.booking_ends:
        if end.addon == addon:
            number = max((n for n, each in enumerate(bookings) if each.from_on <= end.until_on), default=0)
            ends[number] = end.until_on, end.stamp.event
    found: list[Segment] = []
    free_from = contract.from_on
    for number, booking in enumerate(bookings):
        limits = [booking.until_on, contract.last_day, ends[number][0] if number in ends else None]
        last = min((limit for limit in limits if limit is not None), default=None)
        first = max(booking.from_on, free_from)
        if last is None or first <= last:
            sources = (booking.stamp.event, *((ends[number][1],) if number in ends else ()))
            found.append(Segment(booking, first, last, sources))
            if last is None:
                break
            free_from = last + _ONE_DAY
    return found


def days_of(first: date, last: date, proration: Literal["daily", "none", "thirty360"]) -> int:
    """How many days of a month a span in it has: calendar days, or those of a month of thirty
    (30E/360).
    """
    if proration != "thirty360":
        return (last - first).days + 1
    is_end = last.day == monthrange(last.year, last.month)[1]
    last_day = _COMMERCIAL_MONTH_DAYS if is_end else min(last.day, _COMMERCIAL_MONTH_DAYS)
    return last_day - min(first.day, _COMMERCIAL_MONTH_DAYS) + 1


def month_amount(basis: AddonMonth, days: int, monthly: Money) -> Money:
    """The price of ``days`` of a month: the share up to their end less that before them, so
    parts add up exactly.
    """
    if basis.proration == "none":
        return share(monthly, 1, 1)
    return share(monthly, basis.before_days + days, basis.month_days) - share(
        monthly, basis.before_days, basis.month_days
    )


def share(monthly: Money, days: int, month_days: int) -> Money:
    """The price of the first ``days`` of a month, rounded."""
    return Money.rounded(monthly.exact * Fraction(min(days, month_days), month_days), monthly.currency)


def _refusal(
    name: str, addon: AddonTerms | None, contract: BilledContract, agreement: AgreementDocument
) -> Violation | None:
    if addon is None:
        detail = f"Contract {contract.id}: the agreement {agreement.agreement} has no add-on {name}."
        return Violation("unknown_addon", detail)
    if addon.requires_plan is not None and contract.plan != addon.requires_plan:
        plan = contract.plan or "none"
        detail = (
            f"Contract {contract.id}: the add-on {name} needs the plan {addon.requires_plan}, the contract's is {plan}."
        )
        return Violation("addon_requires_plan", detail)
    return None


def _lines(
    name: str, addon: AddonTerms, contract: BilledContract, agreement: AgreementDocument, until: date
) -> Iterator[ChargeLine]:
    billed: dict[str, int] = {}
    for segment in segments(contract, name):
        for first, last in _months(segment, until):
            month = f"{first:%Y-%m}"
            month_days = (
                _COMMERCIAL_MONTH_DAYS if addon.proration == "thirty360" else monthrange(first.year, first.month)[1]
            )
            before = billed.get(month, 0)
            days = min(days_of(first, last, addon.proration), month_days - before)
            billed[month] = before + days
            basis = AddonMonth(
                addon=name,
                from_on=first,
                until_on=last,
                before_days=before,
                month_days=month_days,
                proration=addon.proration,
            )
            if addon.proration != "none" or not before:
                yield _line(basis, days, addon.monthly_price, contract, agreement, segment)


def _line(
    basis: AddonMonth,
    days: int,
    price: Decimal,
    contract: BilledContract,
    agreement: AgreementDocument,
    segment: Segment,
) -> ChargeLine:
    month = f"{basis.from_on:%Y-%m}"
    monthly = Money(at_least_cents(price), agreement.currency)
    return ChargeLine(
        charge=charge_id(contract.id, None, "addon", f"{basis.addon}|{month}|{segment.booking.from_on}"),
        kind="addon",
        ticket=None,
        on=basis.from_on,
        month=month,
        days=days,
        unit_price=monthly,
        amount=month_amount(basis, days, monthly),
        sources=segment.sources,
        rules=("R12",),
        clauses=(f"/billing/addons/{basis.addon}",),
        agreement=agreement.agreement,
        agreement_version=contract.agreement_version,
        basis=basis,
    )


def _months(segment: Segment, until: date) -> Iterator[tuple[date, date]]:
    """First and last day of a segment in each month that began by ``until``."""
    first = segment.from_on
    while first.replace(day=1) <= until and (segment.until_on is None or first <= segment.until_on):
        month_end = first.replace(day=monthrange(first.year, first.month)[1])
        yield first, month_end if segment.until_on is None else min(month_end, segment.until_on)
        if month_end == date.max:
            break
        first = month_end + _ONE_DAY
