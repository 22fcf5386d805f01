"""Rounding: minutes up to the increment (R1), amounts half-up to a unit (R14)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction


def round_up(minutes: int | Fraction, increment_minutes: int) -> int:
    """The smallest multiple of the increment that holds the minutes; an exact multiple stays."""
    return -(-minutes // increment_minutes) * increment_minutes


def half_up(exact: Fraction, unit: Decimal) -> Decimal:
    """The nearest multiple of ``unit``; exactly between two, the one farther from zero. Written
    with the unit's places.
    """
    numerator, denominator = unit.as_integer_ratio()
    units = abs(exact) * Fraction(denominator, numerator)
    whole = (2 * units.numerator + units.denominator) // (2 * units.denominator)
    return (whole if exact >= 0 else -whole) * unit
