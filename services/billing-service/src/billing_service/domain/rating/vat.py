"""Value-added tax: dated rates, who owes it, and the totals of lines: VAT per rate on the sum
(R14).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

import msgspec

from billing_service.domain import rounding
from billing_service.domain.facts.account import BilledCustomer
from billing_service.domain.money import Money, at_least_cents, total
from billing_service.domain.statement.charge_line import ChargeLine
from billing_service.domain.statement.statement import Tax, Totals
from fristwerk_language.terms.billing import VatTerms

Category = Literal["standard", "reduced", "zero", "reverse_charge", "none"]
Rates = Mapping[tuple[str, str], tuple[tuple[date, Decimal], ...]]

RATES: Final[Rates] = {
    ("CH", "standard"): (
        (date(1995, 1, 1), Decimal("6.5")),
        (date(1999, 1, 1), Decimal("7.5")),
        (date(2001, 1, 1), Decimal("7.6")),
        (date(2011, 1, 1), Decimal("8.0")),
        (date(2018, 1, 1), Decimal("7.7")),
        (date(2024, 1, 1), Decimal("8.1")),
    ),
    ("CH", "reduced"): (
        (date(1995, 1, 1), Decimal("2.0")),
        (date(1999, 1, 1), Decimal("2.3")),
        (date(2001, 1, 1), Decimal("2.4")),
        (date(2011, 1, 1), Decimal("2.5")),
        (date(2024, 1, 1), Decimal("2.6")),
    ),
    ("DE", "standard"): (
        (date(1998, 4, 1), Decimal(16)),
        (date(2007, 1, 1), Decimal(19)),
        (date(2020, 7, 1), Decimal(16)),
        (date(2021, 1, 1), Decimal(19)),
    ),
    ("DE", "reduced"): (
        (date(1983, 7, 1), Decimal(7)),
        (date(2020, 7, 1), Decimal(5)),
        (date(2021, 1, 1), Decimal(7)),
    ),
    ("GB", "standard"): (
        (date(1991, 4, 1), Decimal("17.5")),
        (date(2008, 12, 1), Decimal(15)),
        (date(2010, 1, 1), Decimal("17.5")),
        (date(2011, 1, 4), Decimal(20)),
    ),
    ("GB", "reduced"): ((date(1997, 9, 1), Decimal(5)),),
}
"""Percent from a day on, by country and rate. A new rate is a new row; what was billed keeps its
own."""


class NoVatRateError(LookupError):
    """Raised for a day before the first rate known of a country."""


class VatRate(msgspec.Struct, frozen=True):
    percent: Decimal
    category: Category


def category_for(terms: VatTerms | None, customer: BilledCustomer | None) -> Category:
    """Which rate applies: the agreement's; reverse charge for a business with a VAT id in another
    country.
    """
    if terms is None:
        return "none"
    abroad = customer is not None and customer.country not in (None, terms.country)
    if abroad and customer is not None and customer.vat_id and customer.kind != "person":
        return "reverse_charge"
    return terms.rate


def rate_on(terms: VatTerms | None, customer: BilledCustomer | None, on: date, rates: Rates = RATES) -> VatRate:
    """The rate of a supply on a local day. Raises NoVatRateError."""
    category = category_for(terms, customer)
    if terms is None or category in ("none", "zero", "reverse_charge"):
        return VatRate(Decimal(0), category)
    known = [percent for since, percent in rates[terms.country, category] if since <= on]
    if not known:
        raise NoVatRateError(f"no {category} VAT rate of {terms.country} is known for {on}")
    return VatRate(known[-1], category)


class TaxableAt(msgspec.Struct, frozen=True):
    """Where lines are taxed: ``at_site`` by the id of the event that logged the work they begin with,
    else as the account is (``of_account``).
    """

    of_account: VatTerms | None
    at_site: Mapping[str, VatTerms | None] = {}

    def terms_of(self, line: ChargeLine) -> VatTerms | None:
        """The VAT terms of one line."""
        return self.at_site.get(line.sources[0], self.of_account) if line.sources else self.of_account


def taxed(
    lines: Iterable[ChargeLine], places: TaxableAt, customer: BilledCustomer | None, rates: Rates = RATES
) -> list[ChargeLine]:
    """The lines with the rate of their day and place."""
    known: dict[tuple[date, VatTerms | None], VatRate] = {}
    found: list[ChargeLine] = []
    for line in lines:
        terms = places.terms_of(line)
        if (line.on, terms) not in known:
            known[line.on, terms] = rate_on(terms, customer, line.on, rates)
        rate = known[line.on, terms]
        found.append(msgspec.structs.replace(line, vat_percent=rate.percent, vat_category=rate.category))
    return found


def totals(lines: Iterable[ChargeLine], currency: str, cash_rounding: Decimal | None) -> Totals:
    """Net, VAT on the net sum of each rate, gross, and what is payable in the smallest payable
    unit.

    Raises CurrencyMixedError if a line is of another currency.
    """
    sums: dict[tuple[Decimal, str], list[Money]] = {}
    for line in lines:
        sums.setdefault((line.vat_percent, line.vat_category), []).append(line.amount)
    taxes = tuple(
        _tax(percent, category, total(sums[percent, category], currency)) for percent, category in sorted(sums)
    )
    net = total((tax.net for tax in taxes), currency)
    vat = total((tax.vat for tax in taxes), currency)
    gross = net + vat
    payable = gross if cash_rounding is None else Money(payable_amount(gross, cash_rounding), currency)
    return Totals(net=net, taxes=taxes, vat=vat, gross=gross, payable=payable)


def payable_amount(gross: Money, unit: Decimal) -> Decimal:
    """The gross amount in whole units of cash, half-up, written in cents at least."""
    return at_least_cents(rounding.half_up(gross.exact, unit))


def _tax(percent: Decimal, category: str, net: Money) -> Tax:
    vat = Money.rounded(net.exact * Fraction(percent) * Fraction(1, 100), net.currency)
    return Tax(percent=percent, category=category, net=net, vat=vat)
