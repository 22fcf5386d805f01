"""How long invoices are kept: by country, from the end of the year, as the clause says."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from fristwerk_language.terms.billing import VatTerms
from fristwerk_language.terms.retention import RETENTION, longest_term


@pytest.mark.parametrize(
    ("country", "issued_on", "last_day"),
    [
        ("DE", date(2026, 1, 1), date(2034, 12, 31)),
        ("DE", date(2026, 12, 31), date(2034, 12, 31)),
        ("CH", date(2026, 6, 17), date(2036, 12, 31)),
        ("GB", date(2026, 6, 17), date(2032, 12, 31)),
    ],
)
def test_a_term_ends_with_a_calendar_year(country: str, issued_on: date, last_day: date) -> None:
    assert RETENTION[country].ends_on(issued_on) == last_day


def test_every_country_whose_tax_an_invoice_can_state_has_a_term_and_its_clause() -> None:
    countries = get_args(VatTerms.model_fields["country"].annotation)
    assert set(RETENTION) == set(countries)
    assert all(each.country == country and each.source for country, each in RETENTION.items())


@pytest.mark.parametrize(
    ("countries", "years"), [({"DE"}, 8), ({"DE", "GB"}, 8), ({"GB"}, 6), ({"DE", "CH"}, 10), ((), 10), ({"FR"}, 10)]
)
def test_of_several_countries_the_longest_term_counts_and_without_one_the_longest_of_all(
    countries: set[str], years: int
) -> None:
    assert longest_term(countries).years == years


def test_the_template_of_the_procedure_documentation_says_these_terms() -> None:
    template = (Path(__file__).parents[3] / "docs" / "procedure.md").read_text("utf-8")
    for each in RETENTION.values():
        assert f"| {each.country} | {each.years} years | {each.source} |" in template
