"""The ledger: what an account's issued invoices and credit notes billed so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final, TypeVar

import msgspec

from billing_service.domain.statement.charge_line import (
    BilledMinutes,
    ChargeKind,
    ChargeLine,
    Draw,
    merged_draws,
    plain,
)

AnyLine = TypeVar("AnyLine", bound=ChargeLine)
Identity = tuple[str, ChargeKind, Decimal, Decimal]
"""What makes two lines the same charge at the same price: charge, kind, unit price, VAT percent."""


class Invoiced(msgspec.Struct, frozen=True):
    """The lines of every issued document, a credit note's with their signs; ``invoices`` is how
    many there were.
    """

    lines: tuple[ChargeLine, ...] = ()
    invoices: int = 0

    def and_also(self, lines: Sequence[ChargeLine]) -> Invoiced:
        """The ledger after one more document."""
        return Invoiced((*self.lines, *lines), self.invoices + 1)


NOTHING: Final = Invoiced()


def identity(line: ChargeLine) -> Identity:
    """By what a line is found again on later statements."""
    return line.charge, line.kind, line.unit_price.amount, line.vat_percent


def combined(lines: Iterable[ChargeLine]) -> dict[Identity, ChargeLine]:
    """One line for each identity: minutes, days, amounts and draws added up, the rest as the last
    one has it.
    """
    found: dict[Identity, ChargeLine] = {}
    for line in lines:
        key = identity(line)
        found[key] = added(found[key], line) if key in found else line
    return found


def added(first: ChargeLine, second: ChargeLine) -> ChargeLine:
    """Both lines in one; what is not a sum is the second's."""
    return msgspec.structs.replace(
        second,
        days=None if second.days is None else (first.days or 0) + second.days,
        minutes=_sum(first.minutes, second.minutes),
        amount=first.amount + second.amount,
        raw_minutes=first.raw_minutes + second.raw_minutes,
        draws=merged_draws((*first.draws, *second.draws)),
    )


def reversed_line(line: AnyLine) -> AnyLine:
    """The line with its sign turned: what a credit note takes back."""
    return msgspec.structs.replace(
        line,
        change="withdrawn",
        days=None if line.days is None else -line.days,
        minutes=-line.minutes,
        amount=-line.amount,
        raw_minutes=-line.raw_minutes,
        draws=tuple(Draw(each.package, -each.minutes) for each in line.draws),
    )


def waived_charges(lines: Sequence[ChargeLine]) -> set[str]:
    """The charges that are waived and of which nothing is left to pay, nor drawn from packages."""
    charges = {line.charge for line in lines if line.kind == "waiver"}
    left: dict[str, Decimal] = {}
    draws: dict[str, list[Draw]] = {}
    for line in lines:
        if line.charge not in charges:
            continue
        left[line.charge] = left.get(line.charge, Decimal(0)) + line.amount.amount
        draws.setdefault(line.charge, []).extend(line.draws)
    return {charge for charge in charges if not left[charge] and not merged_draws(draws[charge])}


def _sum(first: BilledMinutes, second: BilledMinutes) -> BilledMinutes:
    if isinstance(first, int) and isinstance(second, int):
        return first + second
    return plain(Fraction(first) + Fraction(second))
