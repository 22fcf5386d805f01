"""Keys of the billing section that other tests leave at their defaults: each changes what is billed."""

from __future__ import annotations

from typing import Any

import pytest

from fristwerk_language.events import tickets
from tests.billing_service.conftest import Lines, Story

HOURLY = {"hourly": {"rate": "120.00", "increment_minutes": 15}}
REDUCED = {"country": "DE", "rate": "reduced"}


def test_the_rate_of_the_tax_is_the_agreements_or_the_sites() -> None:
    whole = Story({"billing": HOURLY | {"vat": REDUCED}})
    of_site = Story(
        {"sites": [{"id": "n", "calendar": "c", "vat": REDUCED}], "billing": HOURLY | {"vat": {"country": "DE"}}},
        site="n",
    )
    for account, site in ((whole, None), (of_site, "n")):
        account.ticket("T", site=site)
        account.log("T", "2026-06-10 10:00", 60)
        assert [line.vat_percent for line in account.rate().lines] == [7]


def test_overage_is_rounded_up_to_its_own_increment(lines: Lines) -> None:
    package = {"increment_minutes": 15, "overage_rate": "120.00", "overage_increment_minutes": 30}
    account = Story(
        {"billing": HOURLY | {"plans": {"m": {"package_hours": [1]}}, "package": package}}, plan="m", package_hours=1
    )
    account.log("T", "2026-06-10 10:00", 65)
    assert lines(account.rate()) == [("allowance", "T", 60, "0.00"), ("overage", "T", 30, "60.00")]


def test_a_coverage_rule_may_be_for_a_group(lines: Lines) -> None:
    groups = [{"id": "gold"}, {"id": "others"}]
    account = Story({"groups": groups, "billing": HOURLY | {"coverage": [{"group": "gold", "billable": False}]}})
    for group in ("gold", "others"):
        account.ticket(group, group=group)
        account.log(group, "2026-06-10 10:00", 60)
    assert [(kind, ticket) for kind, ticket, *_ in lines(account.rate()) if kind == "hourly"] == [("hourly", "others")]


@pytest.mark.parametrize(("measure", "late"), [("wall", False), ("elapsed", True)])
def test_notice_is_counted_by_the_clock_or_as_it_passes(measure: str, *, late: bool) -> None:
    """In the night before the appointment the clocks went forward: 24 hours by the clock are 23."""
    terms: dict[str, Any] = {
        "appointments": {"cancellation": {"notice_hours": 24, "measure": measure}},
        "billing": HOURLY | {"cancellation_fee": {}},
    }
    account = Story(terms)
    account.ticket("T")
    start = account.instant("2026-03-29 12:00")
    account.tell("T", tickets.AppointmentBooked(appointment=1, start=start), "2026-03-20 09:00")
    account.log("T", "2026-03-25 10:00", 30, activity="preparation", appointment=1)
    account.tell("T", tickets.AppointmentCancelled(appointment=1, by="customer"), "2026-03-28 12:00")
    assert ([line.kind for line in account.rate().lines] == ["cancellation"]) == late
