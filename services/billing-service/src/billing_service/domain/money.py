"""Money: an exact decimal amount of one currency; two currencies never meet in one sum."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from typing import Final

import msgspec

from billing_service.domain import rounding

CENT: Final = Decimal("0.01")
_EXACT: Final = Context(prec=120, traps=[Inexact])


class CurrencyMixedError(ValueError):
    """Raised when amounts of two currencies meet: a contract and an invoice have one (R14)."""


class Money(msgspec.Struct, frozen=True, gc=False):
    """An amount, exact as it stands. Its JSON form is the contract's: ``{"amount": "195.00",
    "currency": "CHF"}``.
    """

    amount: Decimal
    currency: str

    @classmethod
    def rounded(cls, exact: Fraction, currency: str) -> Money:
        """The amount half-up to 0.01, away from zero at the half (R14)."""
        return cls(rounding.half_up(exact, CENT), currency)

    def __add__(self, other: Money) -> Money:
        self._check(other)
        return Money(_EXACT.add(self.amount, other.amount), self.currency)

    def __sub__(self, other: Money) -> Money:
        self._check(other)
        return Money(_EXACT.subtract(self.amount, other.amount), self.currency)

    def __neg__(self) -> Money:
        return Money(_EXACT.minus(self.amount), self.currency)

    def times(self, factor: Decimal) -> Money:
        """The exact product, with at least two decimal places: a unit price under a rate factor
        (R9).
        """
        return Money(at_least_cents(_EXACT.multiply(self.amount, factor)), self.currency)

    @property
    def exact(self) -> Fraction:
        return Fraction(self.amount)

    def _check(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMixedError(f"{self.amount} {self.currency} and {other.amount} {other.currency} have no sum")


def zero(currency: str) -> Money:
    """0.00 of a currency."""
    return Money(Decimal("0.00"), currency)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of amounts, 0.00 for none. Raises CurrencyMixedError if one is of another currency."""
    return sum(amounts, start=zero(currency))


def at_least_cents(amount: Decimal) -> Decimal:
    """The same amount written with two decimal places, and with more only where they are needed."""
    amount = amount.normalize(_EXACT)
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int), "an amount is a finite number"
    return amount.quantize(CENT, context=_EXACT) if exponent > -2 else amount  # noqa: PLR2004 - cents


def exact_decimal(value: Fraction) -> Decimal:
    """A fraction that ends as a decimal (minutes weighted by a rate factor), without rounding."""
    return _EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))
