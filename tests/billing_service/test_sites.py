"""Sites: what is done at one counts by its own local day and bears its own tax (R14, HAM-22)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from fristwerk_language.events import customers, tickets
from fristwerk_language.terms import AgreementDocument, agreement_document
from fristwerk_language.terms.values import PlacedError
from tests.billing_service.conftest import BARE, Story

TWO_COUNTRIES: dict[str, Any] = {
    "sites": [
        {"id": "hamburg", "calendar": "c"},
        {"id": "woking", "calendar": "c", "timezone": "Europe/London", "vat": {"country": "GB"}},
    ],
    "billing": {
        "plans": {"m": {}},
        "hourly": {"rate": "120.00", "increment_minutes": 15},
        "addons": {"spare": {"monthly_price": "10.00"}},
        "vat": {"country": "DE"},
    },
}
LATE = "2026-06-11 00:30"  # in Berlin; in London it is half past eleven of the day before


def of_tickets(statement: Any) -> list[tuple[str | None, date, str]]:
    return [(line.ticket, line.on, f"{line.vat_percent:f}") for line in statement.lines]


def test_work_counts_by_its_sites_day_and_bears_its_tax() -> None:
    account = Story(TWO_COUNTRIES, site="woking")
    for name, site in (("W", "woking"), ("H", "hamburg")):
        account.ticket(name, site=site)
        account.log(name, LATE, 60)
    assert of_tickets(account.rate()) == [("W", date(2026, 6, 10), "20"), ("H", date(2026, 6, 11), "19")]
    assert [f"{tax.percent} {tax.vat.amount}" for tax in account.rate().totals.taxes] == ["19 22.80", "20 24.00"]
    assert [ticket for ticket, *_ in of_tickets(account.rate("2026-06-10"))] == ["W"]


def test_add_ons_bear_the_tax_of_the_contracts_site() -> None:
    for site, percent in (("woking", 20), ("hamburg", 19)):
        account = Story(TWO_COUNTRIES, site=site)
        booked = customers.AddonBooked(contract="c-1", addon="spare", from_on=date(2026, 6, 1))
        account.add("contract-c-1", booked, "2026-06-01 08:00")
        assert [line.vat_percent for line in account.rate("2026-06-30").lines] == [percent]


def test_work_of_two_sites_is_never_rounded_on_one_line_of_a_period() -> None:
    billing = TWO_COUNTRIES["billing"] | {"rounding": {"scope": "period"}}
    account = Story(TWO_COUNTRIES | {"billing": billing}, site="woking")
    for name, site in (("W", "woking"), ("W2", "woking"), ("H", "hamburg")):
        account.ticket(name, site=site)
        account.log(name, "2026-06-10 10:00", 10)
    assert [(line.minutes, line.vat_percent) for line in account.rate().lines] == [(30, Decimal(20)), (15, Decimal(19))]


def test_a_minimum_and_a_waiver_bear_the_tax_of_what_they_go_with() -> None:
    billing = TWO_COUNTRIES["billing"] | {"minimum_charge": {"amount": "100.00"}}
    account = Story(TWO_COUNTRIES | {"billing": billing}, site="hamburg")
    account.ticket("W", site="woking")
    account.log("W", "2026-06-10 10:00", 15)
    before = account.rate()
    assert [line.kind for line in before.lines] == ["hourly", "minimum_top_up"]
    assert {line.vat_percent for line in before.lines} == {20}
    account.decide(before.lines[0].charge, "waive", "2026-06-11 10:00")
    assert {line.vat_percent for line in account.rate().lines} == {20}


@pytest.mark.parametrize(("cancelled", "late"), [("2026-03-28 11:00", False), ("2026-03-28 11:30", True)])
def test_notice_by_the_clock_is_that_of_the_sites_clock(cancelled: str, late: Any) -> None:
    """The clocks went forward on 29 March in Europe and on 8 March in New York."""
    terms: dict[str, Any] = {
        "appointments": {"cancellation": {"notice_hours": 24, "measure": "wall"}},
        "sites": [{"id": "york", "calendar": "c", "timezone": "America/New_York"}],
        "billing": {"hourly": {"rate": "120.00", "increment_minutes": 15}, "cancellation_fee": {}},
    }
    account = Story(terms)
    account.ticket("T", site="york")
    start = account.instant("2026-03-29 12:00")
    account.tell("T", tickets.AppointmentBooked(appointment=1, start=start), "2026-03-20 09:00")
    account.log("T", "2026-03-25 10:00", 30, activity="preparation", appointment=1)
    account.tell("T", tickets.AppointmentCancelled(appointment=1, by="customer"), cancelled)
    assert [line.kind for line in account.rate().lines] == (["cancellation"] if late else [])


def test_a_late_cancellation_falls_on_the_sites_day() -> None:
    billing = TWO_COUNTRIES["billing"] | {"cancellation_fee": {}}
    terms = TWO_COUNTRIES | {"billing": billing, "appointments": {"cancellation": {"notice_hours": 24}}}
    account = Story(terms, site="woking")
    account.ticket("W", site="woking")
    start = account.instant("2026-06-11 09:00")
    account.tell("W", tickets.AppointmentBooked(appointment=1, start=start), "2026-06-01 09:00")
    account.log("W", "2026-06-08 10:00", 30, activity="preparation", appointment=1)
    account.tell("W", tickets.AppointmentCancelled(appointment=1, by="customer"), LATE)
    assert of_tickets(account.rate()) == [("W", date(2026, 6, 10), "20")]


def test_a_ticket_of_an_older_version_keeps_the_day_and_the_tax_of_that(shipped: dict[str, AgreementDocument]) -> None:
    """Terms that give a site a zone and a tax change nothing for tickets that were opened before them."""
    plain = TWO_COUNTRIES | {"sites": [{"id": "hamburg", "calendar": "c"}, {"id": "woking", "calendar": "c"}]}
    account = Story(plain, site="woking")
    account.versions[2] = agreement_document(BARE | TWO_COUNTRIES)
    account.ticket("old", site="woking")
    account.ticket("new", site="woking", agreement_version=2)
    for name in ("old", "new"):
        account.log(name, LATE, 60)
    assert of_tickets(account.rate()) == [("new", date(2026, 6, 10), "20"), ("old", date(2026, 6, 11), "19")]
    assert shipped["hamburg"].timezone_at("woking") == "Europe/London"
    assert shipped["hamburg"].timezone_at("hamburg") == shipped["hamburg"].timezone_at(None) == "Europe/Berlin"


def test_a_site_names_a_zone_and_a_country_that_there_are() -> None:
    for site, pointer in (({"timezone": "Europe/Woking"}, "timezone"), ({"vat": {"country": "FR"}}, "country")):
        with pytest.raises(ValueError, match=pointer) as refused:
            agreement_document(BARE | {"sites": [{"id": "woking", "calendar": "c"} | site]})
        assert not isinstance(refused.value, PlacedError)
