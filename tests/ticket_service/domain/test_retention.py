"""Whose recipient is kept when a person is forgotten, and until when."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from fristwerk_language.terms import agreement_document, read_yaml
from fristwerk_language.terms.retention import RETENTION
from tests.ticket_service.domain.conftest import TERMS
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.retention import Retention, retention_of, vat_countries

PERSON = Customer(id="c-1", kind="person")
CONTRACT = Contract(
    id="k-1",
    customer="c-1",
    agreement="a",
    agreement_version=1,
    plan=None,
    package_hours=None,
    site=None,
    group=None,
    from_on=date(2020, 1, 1),
)
TODAY = date(2026, 6, 17)


def kept(customer: Customer = PERSON, contracts: Any = (), invoiced_until: date | None = None) -> Any:
    found = retention_of(customer, [], list(contracts), RETENTION["DE"], today=TODAY, invoiced_until=invoiced_until)
    assert found is None or isinstance(found, Retention)
    return found and found.until


def test_who_never_had_a_contract_or_work_leaves_nothing() -> None:
    assert kept() is None


def test_what_may_still_be_invoiced_counts_as_invoiced_today() -> None:
    assert kept(contracts=[CONTRACT]) == date(2034, 12, 31)


@pytest.mark.parametrize("until", [date(2030, 12, 31), date(2040, 12, 31)])
def test_what_was_invoiced_is_kept_as_long_as_it_must(until: date) -> None:
    assert kept(invoiced_until=until) == until
    assert kept(contracts=[CONTRACT], invoiced_until=until) == max(until, date(2034, 12, 31))


def test_a_companys_name_is_data_and_needs_no_keeping() -> None:
    assert kept(Customer(id="c-2", kind="company", name="Muster AG"), [CONTRACT]) is None


def test_the_countries_are_those_whose_tax_the_agreements_and_their_sites_state() -> None:
    content = read_yaml((TERMS / "infoniqa.yaml").read_bytes())
    swiss = agreement_document(content)
    assert vat_countries([swiss]) == {"CH"}
    site = {"id": "berlin", "calendar": "hamburg", "vat": {"country": "DE"}}
    assert vat_countries([swiss, agreement_document(content | {"sites": [site]})]) == {"CH", "DE"}
    without = content | {"billing": {key: each for key, each in content["billing"].items() if key != "vat"}}
    assert vat_countries([agreement_document(without)]) == set()
