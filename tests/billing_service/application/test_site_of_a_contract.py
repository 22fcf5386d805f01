"""A contract's site says what its today is, and where its work is taxed."""

from __future__ import annotations

import pytest

from tests.billing_service.application.conftest import Vendor

HALF_PAST_ELEVEN_IN_WOKING = "2026-06-10T22:30:00Z"


@pytest.mark.parametrize(
    ("site", "today", "percent"), [("woking", "2026-06-10", "20"), ("hamburg", "2026-06-11", "19")]
)
async def test_a_balance_is_that_of_the_day_at_the_contracts_site_and_a_preview_has_its_tax(
    vendor: Vendor, site: str, today: str, percent: str
) -> None:
    hamburg = vendor.of("hamburg")
    await hamburg.publish("calendars/hamburg", "calendars/woking", "agreements/hamburg")
    customer = await hamburg.customer(country="GB")
    contract = await hamburg.contract(customer, plan="maintenance", site=site)
    ticket = await hamburg.ticket(customer)
    await hamburg.work(ticket, "2026-06-10T22:00:00+02:00", 60)
    balance = await hamburg.read(f"/v1/contracts/{contract}/balance", at=HALF_PAST_ELEVEN_IN_WOKING)
    assert balance["until"] == today
    preview = await hamburg.read(f"/v1/contracts/{contract}/preview", at=HALF_PAST_ELEVEN_IN_WOKING)
    assert [(line["kind"], line["vat_percent"]) for line in preview["lines"]] == [("free", percent)]
