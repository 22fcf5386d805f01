"""VAT: dated rates, reverse charge, and the sum per rate."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing_service.domain.rating import vat
from fristwerk_language.events import customers
from fristwerk_language.terms.billing import VatTerms
from tests.billing_service.conftest import Story


@pytest.mark.parametrize(
    ("country", "rate", "on", "percent"),
    [
        ("CH", "standard", date(2023, 12, 31), "7.7"),
        ("CH", "standard", date(2024, 1, 1), "8.1"),
        ("CH", "reduced", date(2026, 6, 30), "2.6"),
        ("DE", "standard", date(2020, 6, 30), "19"),
        ("DE", "standard", date(2020, 7, 1), "16"),
        ("DE", "standard", date(2021, 1, 1), "19"),
        ("DE", "reduced", date(2026, 6, 30), "7"),
        ("GB", "standard", date(2011, 1, 3), "17.5"),
        ("GB", "standard", date(2011, 1, 4), "20"),
        ("GB", "reduced", date(2026, 6, 30), "5"),
        ("GB", "zero", date(2026, 6, 30), "0"),
        ("DE", "reverse_charge", date(2026, 6, 30), "0"),
    ],
)
def test_the_rate_of_a_day(country: Any, rate: Any, on: Any, percent: str) -> None:
    assert vat.rate_on(VatTerms(country=country, rate=rate), None, on).percent == Decimal(percent)


def test_a_day_before_the_first_known_rate_is_refused() -> None:
    with pytest.raises(vat.NoVatRateError, match="no standard VAT rate of DE is known for 1990-01-01"):
        vat.rate_on(VatTerms(country="DE"), None, date(1990, 1, 1))


@pytest.mark.parametrize(
    ("kind", "country", "vat_id", "category"),
    [
        ("company", "AT", "ATU1", "reverse_charge"),
        ("company", "AT", None, "standard"),
        ("company", "DE", "DE1", "standard"),
        ("company", None, "ATU1", "standard"),
        ("person", "AT", "ATU1", "standard"),
    ],
)
def test_a_business_in_another_country_owes_the_tax_itself(
    story: type[Story], kind: Any, country: str | None, vat_id: str | None, category: str
) -> None:
    account = story({"billing": {"hourly": {"rate": "100.00", "increment_minutes": 60}, "vat": {"country": "DE"}}})
    registered = customers.CustomerRegistered(customer="k-1", kind=kind, country=country, vat_id=vat_id)
    account.add("customer-k-1", registered, "2026-01-01 00:00")
    account.log("T", "2026-06-01 10:00", 60)
    statement = account.rate()
    assert [line.vat_category for line in statement.lines] == [category]
    assert statement.gross.amount == (Decimal("119.00") if category == "standard" else Decimal("100.00"))


def test_work_of_two_years_is_taxed_by_the_rate_of_its_day(story: type[Story]) -> None:
    account = story(
        {"timezone": "Europe/Zurich", "currency": "CHF"}
        | {"billing": {"hourly": {"rate": "100.00", "increment_minutes": 60}, "vat": {"country": "CH"}}},
    )
    account.log("T", "2023-12-31 23:00", 60)
    account.log("T", "2024-01-01 00:00", 60)
    statement = account.rate()
    assert [(str(tax.percent), str(tax.net.amount), str(tax.vat.amount)) for tax in statement.totals.taxes] == [
        ("7.7", "100.00", "7.70"),
        ("8.1", "100.00", "8.10"),
    ]
    assert str(statement.gross.amount) == "215.80"
