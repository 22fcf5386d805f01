"""Pricing: the lines of rounding groups: free, drawn from packages, beyond them, and hourly (R1–R3,
R9, R11).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

import msgspec

from billing_service.domain import rounding
from billing_service.domain.money import Money, at_least_cents, zero
from billing_service.domain.rating.grouping import RoundingGroup
from billing_service.domain.statement.charge_line import (
    Basis,
    ChargeKind,
    ChargeLine,
    Covered,
    Draw,
    Worked,
    exact,
    plain,
)
from fristwerk_language.terms.billing import HourlyTerms

_PER_MINUTE: Final = Fraction(1, 60)
_NOTHING: Final = Decimal(0)


@lru_cache(maxsize=4096)
def per_hour(minutes: int | Fraction, price: Money) -> Money:
    """So many minutes at a price per hour, rounded as a line is (R14)."""
    return Money.rounded(exactly(minutes, price), price.currency)


def exactly(minutes: int | Fraction, price: Money) -> Fraction:
    """So many minutes at a price per hour, before the line is rounded."""
    return minutes * price.exact * _PER_MINUTE


@lru_cache(maxsize=1024)
def _price(rate: Decimal, currency: str) -> Money:
    """A rate of the terms as lines show it."""
    return Money(at_least_cents(rate), currency)


def free_line(group: RoundingGroup, clauses: tuple[str, ...]) -> ChargeLine:
    """Raw minutes at 0.00 under coverage rules (R11)."""
    return _line(
        group,
        "free",
        minutes=group.raw_minutes,
        price=zero(group.first.agreement.currency),
        raw_minutes=group.raw_minutes,
        rules=("R11",),
        clauses=clauses,
        basis=Covered(parts=group.parts),
    )


def hourly_line(group: RoundingGroup, rounded: int, hourly: HourlyTerms) -> ChargeLine:
    """Rounded minutes at the hourly rate times the rate factor (R9), both as in force when the work
    was done.
    """
    return _line(
        group,
        "hourly",
        minutes=rounded,
        price=Money(hourly.rate_of(group.first.performer), group.first.prices.currency).times(group.first.factor),
        raw_minutes=group.raw_minutes,
        rules=("R1",) if group.first.factor == 1 else ("R1", "R9"),
        clauses=(_rate_clause(hourly, group.first.performer), *_factor_clause(group)),
        basis=_worked(group, hourly.increment_minutes, rounded, rounded),
    )


def package_lines(
    group: RoundingGroup, rounded: int, weighted: int | Fraction, draws: Sequence[Draw]
) -> list[ChargeLine]:
    """What packages gave, at 0.00 on one line, and what is left over, at the plain overage rate
    (R2, R3).

    Both rest on the same entries. The logged minutes are told apart as the rounded ones are:
    packages cover as many as they gave minutes for.
    """
    first, raw_minutes = group.first, group.raw_minutes
    drawn = exact(draws[0].minutes) if len(draws) == 1 else sum(exact(each.minutes) for each in draws)
    over = weighted - drawn
    covered = min(raw_minutes, int(drawn * rounded // weighted)) if over else raw_minutes
    currency = first.agreement.currency
    basis = _worked(group, group.regime.packages[0].increment_minutes, rounded, weighted, drawn)
    rules = ("R1", "R3", "R5") if first.factor == 1 else ("R1", "R3", "R5", "R9")
    clauses = ("/billing/package", *_factor_clause(group))
    lines: list[ChargeLine] = []
    if drawn:
        allowance = _line(
            group,
            "allowance",
            minutes=drawn,
            price=_price(_NOTHING, currency),
            raw_minutes=covered,
            rules=rules,
            clauses=clauses,
            basis=basis,
            draws=tuple(draws),
        )
        lines.append(allowance)
    if over:
        last = group.regime.packages[-1]
        increment = last.overage_increment_minutes
        overage = _line(
            group,
            "overage",
            minutes=rounding.round_up(over, increment),
            price=_price(last.overage_rate, currency),
            raw_minutes=raw_minutes - covered,
            rules=(*rules, "R2"),
            clauses=clauses,
            basis=msgspec.structs.replace(basis, overage_increment_minutes=increment),
        )
        lines.append(overage)
    return lines


def _worked(
    group: RoundingGroup, increment_minutes: int, rounded: int, weighted: int | Fraction, drawn: int | Fraction = 0
) -> Worked:
    return Worked(
        parts=group.parts,
        scope=group.scope,
        increment_minutes=increment_minutes,
        rounded_minutes=rounded,
        factor=group.first.factor,
        weighted_minutes=plain(weighted),
        drawn_minutes=plain(drawn),
    )


def _line(
    group: RoundingGroup,
    kind: ChargeKind,
    *,
    minutes: int | Fraction,
    price: Money,
    raw_minutes: int,
    rules: tuple[str, ...],
    clauses: tuple[str, ...],
    basis: Basis,
    draws: tuple[Draw, ...] = (),
) -> ChargeLine:
    first = group.first
    return ChargeLine(
        charge=group.charge(kind),
        kind=kind,
        ticket=group.ticket,
        on=first.on,
        minutes=plain(minutes),
        unit_price=price,
        amount=per_hour(minutes, price),
        raw_minutes=raw_minutes,
        factor=first.factor,
        draws=draws,
        sources=group.sources,
        rules=rules,
        clauses=clauses,
        agreement=first.agreement.agreement,
        agreement_version=first.version if kind == "free" else first.price_version,
        basis=basis,
    )


def _rate_clause(hourly: HourlyTerms, performer: str | None) -> str:
    """The pointer of the rate: a performer's own, or the common one."""
    performers = [each.performer for each in hourly.rates]
    return f"/billing/hourly/rates/{performers.index(performer)}" if performer in performers else "/billing/hourly"


def _factor_clause(group: RoundingGroup) -> tuple[str, ...]:
    """The pointer of the ticket type whose rate factor weighs, if one does."""
    if group.first.factor == 1:
        return ()
    types = [each.id for each in group.first.prices.ticket_types]
    return (f"/ticket_types/{types.index(group.first.type)}/rate_factor",)
