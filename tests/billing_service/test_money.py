"""Money is exact, of one currency, and nothing in the package is a float."""

from __future__ import annotations

import ast
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import billing_service
from billing_service.domain import rounding
from billing_service.domain.money import CurrencyMixedError, Money, at_least_cents, exact_decimal, total, zero

PACKAGE = Path(billing_service.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))


def chf(amount: str) -> Money:
    return Money(Decimal(amount), "CHF")


def test_two_currencies_have_no_sum() -> None:
    euros = Money(Decimal("1.00"), "EUR")
    with pytest.raises(CurrencyMixedError, match=r"1.00 CHF and 1.00 EUR have no sum"):
        chf("1.00") + euros
    with pytest.raises(CurrencyMixedError):
        chf("1.00") - euros
    with pytest.raises(CurrencyMixedError):
        total([euros], "CHF")


def test_sums_and_differences_are_exact() -> None:
    assert total([chf("0.10")] * 3, "CHF") == chf("0.30")
    assert -(chf("1.00") - chf("1.00")) == zero("CHF")
    assert str((-zero("CHF")).amount) == "0.00"


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [
        (Fraction(1, 200), "0.01"),
        (Fraction(-1, 200), "-0.01"),
        (Fraction(3, 200), "0.02"),
        (Fraction(1, 201), "0.00"),
        (Fraction(-1, 201), "0.00"),
        (Fraction(10**12) + Fraction(1, 3), "1000000000000.33"),
    ],
)
def test_half_a_cent_goes_away_from_zero(exact: Any, rounded: str) -> None:
    assert str(Money.rounded(exact, "CHF").amount) == rounded


@pytest.mark.parametrize(
    ("minutes", "increment", "rounded"),
    [(0, 15, 0), (1, 15, 15), (15, 15, 15), (16, 15, 30), (Fraction(45, 2), 15, 30)],
)
def test_minutes_are_rounded_up_and_exact_multiples_stay(minutes: Any, increment: int, rounded: int) -> None:
    assert rounding.round_up(minutes, increment) == rounded


@pytest.mark.parametrize(("gross", "payable"), [("1159.37", "1159.35"), ("1.075", "1.10"), ("-421.59", "-421.60")])
def test_what_is_payable_in_cash_is_the_nearest_unit(gross: str, payable: str) -> None:
    assert str(rounding.half_up(Fraction(gross), Decimal("0.05"))) == payable


def test_a_unit_price_keeps_every_place_of_the_rate_and_the_factor() -> None:
    assert str(chf("195.00").times(Decimal("1.5")).amount) == "292.50"
    assert str(chf("120").times(Decimal(2)).amount) == "240.00"
    assert [str(at_least_cents(Decimal(each))) for each in ("7", "100", "1.20000", "0.125", "0")] == [
        "7.00",
        "100.00",
        "1.20",
        "0.125",
        "0.00",
    ]
    assert exact_decimal(Fraction(45, 2)) == Decimal("22.5")


def waits(tree: ast.Module) -> set[ast.AST]:
    """What stands in constants such as CATCH_UP_SECONDS: how long to wait for something is no figure of a bill."""
    named = [node for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    values = [node.value for node in named if node.value is not None and ast.unparse(node.target).endswith("_SECONDS")]
    return {part for value in values for part in ast.walk(value)}


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


@pytest.mark.parametrize("source", SOURCES, ids=[str(each.relative_to(PACKAGE)) for each in SOURCES])
def test_no_module_has_a_float(source: Any) -> None:
    """No float literal, no ``float(…)``, no true division but the joining of a path with a text."""
    tree = ast.parse(source.read_bytes())
    allowed = waits(tree)
    for node in ast.walk(tree):
        place = f"{source.name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Constant) and node not in allowed:
            assert not isinstance(node.value, float | complex), place
        assert not (isinstance(node, ast.Name) and node.id == "float"), place
        assert not (isinstance(node, ast.Attribute) and node.attr in ("total_seconds", "timestamp")), place
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            assert is_text(node.right if isinstance(node, ast.BinOp) else node.value), place
