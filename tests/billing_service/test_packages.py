"""Packages: grants, terms, purchases, carry-over and the end of a contract (R3, R5)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from billing_service.domain.rating.packages import Demand, draw, granted, term_of
from fristwerk_language.events import customers
from tests.billing_service.conftest import Lines, Story

PACKAGE = {"increment_minutes": 15, "overage_rate": "195.00"}
HOURLY = {"rate": "120.00", "increment_minutes": 15}
PREPAID = {"plans": {"m": {"package_hours": [1, 2]}}, "package": PACKAGE, "hourly": HOURLY}


def test_a_package_is_granted_anew_each_contract_year(story: type[Story], lines: Lines) -> None:
    account = story({"billing": PREPAID}, plan="m", package_hours=1, from_on=date(2025, 3, 1))
    account.log("old", "2026-02-28 10:00", 75)
    account.log("new", "2026-03-01 10:00", 30)
    statement = account.rate()
    assert lines(statement) == [
        ("allowance", "old", 60, "0.00"),
        ("overage", "old", 15, "48.75"),
        ("allowance", "new", 30, "0.00"),
    ]
    assert [(each.package, each.left, each.expired) for each in statement.packages] == [
        ("c-1/2025-03-01", 0, True),
        ("c-1/2026-03-01", 30, False),
    ]
    assert statement.package_left_minutes == 30


def test_what_is_left_is_carried_over_where_the_terms_say_so(story: type[Story]) -> None:
    carried = PREPAID | {"package": PACKAGE | {"carry_over": True}}
    account = story({"billing": carried}, plan="m", package_hours=1, from_on=date(2025, 3, 1))
    account.log("T", "2026-03-02 10:00", 90)
    statement = account.rate()
    assert statement.package_left_minutes == 30
    assert [(each.left, each.expires_on) for each in statement.packages] == [(0, None), (30, None)]


def test_a_bought_package_lasts_to_the_end_of_the_term_and_draws_after_the_first(story: type[Story]) -> None:
    account = story({"billing": PREPAID}, plan="m", package_hours=1)
    bought = customers.PackagePurchased(contract="c-1", package="more", hours=1, from_on=date(2026, 5, 1))
    account.add("contract-c-1", bought, "2026-05-01 08:00")
    account.log("T", "2026-05-04 10:00", 90)
    statement = account.rate()
    (line,) = statement.lines
    assert [(draw.package, draw.minutes) for draw in line.draws] == [("c-1/2026-01-01", 60), ("more", 30)]
    assert {each.package: each.expires_on for each in statement.packages}["more"] == date(2026, 12, 31)


def test_after_the_contract_ends_work_is_hourly(story: type[Story], lines: Lines) -> None:
    account = story({"billing": PREPAID}, plan="m", package_hours=1)
    ended = customers.ContractTerminated(contract="c-1", until_on=date(2026, 6, 30))
    account.add("contract-c-1", ended, "2026-05-01 08:00")
    account.log("T", "2026-06-30 10:00", 15)
    account.log("T", "2026-07-01 10:00", 15)
    assert lines(account.rate()) == [("allowance", "T", 15, "0.00"), ("hourly", "T", 15, "30.00")]


@pytest.mark.parametrize(
    ("on", "term"),
    [
        (date(2025, 2, 28), (date(2024, 2, 29), date(2025, 2, 28))),
        (date(2025, 3, 1), (date(2025, 3, 1), date(2026, 2, 28))),
        (date(2028, 2, 29), (date(2028, 2, 29), date(2029, 2, 28))),
    ],
)
def test_a_contract_year_that_began_on_a_leap_day(story: type[Story], on: Any, term: Any) -> None:
    account = story({"billing": PREPAID}, plan="m", package_hours=1, from_on=date(2024, 2, 29))
    contract, own = account.account().contract, account.versions[1]
    assert term_of(contract, own, on) == term
    assert term[0] in [package.from_on for package in granted(contract, own, on)]


def test_a_calendar_year_term_ends_with_the_year(story: type[Story]) -> None:
    yearly = PREPAID | {"package": PACKAGE | {"term": "calendar_year"}}
    account = story({"billing": yearly}, plan="m", package_hours=1, from_on=date(2025, 11, 1))
    packages = granted(account.account().contract, account.versions[1], date(2026, 1, 1))
    assert [(each.from_on, each.until_on) for each in packages] == [
        (date(2025, 11, 1), date(2025, 12, 31)),
        (date(2026, 1, 1), date(2026, 12, 31)),
    ]


def test_a_draw_from_a_package_that_is_no_more_gives_nothing() -> None:
    demand = Demand(charge="a", minutes=30, packages=())

    drawn = draw([demand], [], {"a": {"c-1/2024-01-01": 30}})

    assert (list(drawn.draws), drawn.left) == ([()], {})
