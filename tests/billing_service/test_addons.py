"""Add-ons: what is given back, billed once or refused (R12)."""

from __future__ import annotations

from datetime import date
from typing import Any

from billing_service.domain.statement.statement import Statement
from fristwerk_language.events import customers
from tests.billing_service.conftest import Story


def codes(statement: Statement) -> Any:
    return [violation.code for violation in statement.violations]


def test_an_addon_ended_in_mid_month_after_it_was_billed_is_given_back(story: type[Story]) -> None:
    addons = {"dedicated": {"monthly_price": "1000.00"}}
    account = story({"billing": {"addons": addons}})
    booked = customers.AddonBooked(contract="c-1", addon="dedicated", from_on=date(2026, 4, 1))
    account.add("contract-c-1", booked, "2026-03-20 08:00")
    april = account.rate("2026-04-01")
    assert [(line.days, str(line.amount.amount)) for line in april.lines] == [(30, "1000.00")]
    ended = customers.AddonEnded(contract="c-1", addon="dedicated", until_on=date(2026, 4, 15))
    account.add("contract-c-1", ended, "2026-04-10 08:00")
    later = account.rate("2026-05-31")
    assert [(line.charge, line.days, str(line.amount.amount)) for line in later.lines] == [
        (april.lines[0].charge, 15, "500.00")
    ]


def test_a_day_under_two_bookings_is_billed_once(story: type[Story]) -> None:
    account = story({"billing": {"addons": {"dedicated": {"monthly_price": "3000.00"}}}})
    for first in (date(2026, 4, 1), date(2026, 4, 21)):
        booked = customers.AddonBooked(contract="c-1", addon="dedicated", from_on=first)
        account.add("contract-c-1", booked, "2026-03-20 08:00")
    ended = customers.AddonEnded(contract="c-1", addon="dedicated", until_on=date(2026, 4, 10))
    account.add("contract-c-1", ended, "2026-04-01 08:00")
    assert [(line.on.day, line.days) for line in account.rate("2026-04-30").lines] == [(1, 10), (21, 10)]


def test_addons_that_the_terms_refuse_are_violations(story: type[Story]) -> None:
    addons = {"dedicated": {"monthly_price": "1000.00", "requires_plan": "m"}}
    account = story({"billing": {"plans": {"m": {}, "s": {}}, "addons": addons}}, plan="s")
    for addon in ("dedicated", "unknown"):
        booked = customers.AddonBooked(contract="c-1", addon=addon, from_on=date(2026, 4, 1))
        account.add("contract-c-1", booked, "2026-03-20 08:00")
    statement = account.rate()
    assert statement.lines == ()
    assert codes(statement) == ["addon_requires_plan", "unknown_addon"]
    assert "needs the plan m, the contract's is s" in statement.violations[0].detail


def test_an_end_of_another_addon_ends_nothing_and_an_end_before_every_beginning_takes_the_first_back(
    story: type[Story],
) -> None:
    addons = {"dedicated": {"monthly_price": "3000.00"}, "portal": {"monthly_price": "30.00"}}
    account = story({"billing": {"addons": addons}})
    for addon, first in (
        ("dedicated", date(2026, 4, 1)),
        ("dedicated", date(2026, 4, 21)),
        ("portal", date(2026, 4, 1)),
    ):
        booked = customers.AddonBooked(contract="c-1", addon=addon, from_on=first)
        account.add("contract-c-1", booked, "2026-03-20 08:00")
    for addon, last in (("portal", date(2026, 4, 10)), ("dedicated", date(2026, 3, 25))):
        ended = customers.AddonEnded(contract="c-1", addon=addon, until_on=last)
        account.add("contract-c-1", ended, "2026-03-21 08:00")

    lines = [(str(line.unit_price.amount), line.on.day, line.days) for line in account.rate("2026-04-30").lines]

    assert sorted(lines) == [("30.00", 1, 10), ("3000.00", 21, 10)]
