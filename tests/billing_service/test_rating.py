"""Rating: whose account work belongs to, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from billing_service.domain.facts.account import Account
from billing_service.domain.money import CurrencyMixedError
from billing_service.domain.rating.rating import EmptyAccountError, rate
from billing_service.domain.statement.statement import Statement
from fristwerk_language.events import customers, tickets
from fristwerk_language.terms import agreement_document
from tests.billing_service.conftest import Lines, Story

PACKAGE = {"increment_minutes": 15, "overage_rate": "195.00"}
HOURLY = {"rate": "120.00", "increment_minutes": 15}
PREPAID = {"plans": {"m": {"package_hours": [1, 2]}}, "package": PACKAGE, "hourly": HOURLY}


def codes(statement: Statement) -> Any:
    return [violation.code for violation in statement.violations]


def test_work_without_a_contract_belongs_to_the_customers_account(story: type[Story], lines: Lines) -> None:
    account = story({"billing": PREPAID}, contract=False)
    account.log("T", "2026-05-04 10:00", 20)
    statement = account.rate()
    assert statement.account == "k-1"
    assert lines(statement) == [("hourly", "T", 30, "60.00")]


def test_work_without_a_rate_is_a_violation_and_not_rated(story: type[Story]) -> None:
    account = story({"billing": {}})
    account.log("T", "2026-05-04 10:00", 20)
    statement = account.rate()
    assert codes(statement) == ["no_rate"]
    assert [(each.minutes, each.reason) for each in statement.not_rated] == [(20, "no_rate")]


def test_two_currencies_in_one_account_are_refused(story: type[Story], bare: dict[str, Any]) -> None:
    account = story({})
    account.versions[2] = agreement_document(bare | {"currency": "CHF"})
    account.ticket("T", agreement_version=2)
    with pytest.raises(CurrencyMixedError, match="ticket T is rated in CHF"):
        account.rate()


def test_an_account_of_nothing_has_no_terms() -> None:
    with pytest.raises(EmptyAccountError):
        rate(Account(id="k"), cast("Any", lambda *_: None), date(2026, 6, 30))


def test_another_accounts_events_are_left_aside(story: type[Story], lines: Lines) -> None:
    account = story({})
    account.log("T", "2026-05-04 10:00", 15)
    created = tickets.TicketCreated(
        reference="X",
        customer="k-2",
        contract="c-2",
        agreement="bare",
        agreement_version=1,
        calendar="c",
        calendar_version=1,
        type="normal",
        channel="email",
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        entitled=True,
        entitled_why="",
    )
    account.add("ticket-X", created, "2026-01-01 08:00")
    account.log("X", "2026-05-04 10:00", 15)
    assert lines(account.rate()) == [("hourly", "T", 15, "30.00")]


def test_a_statement_up_to_the_end_of_time_and_before_its_beginning(story: type[Story]) -> None:
    billing = PREPAID | {"addons": {"dedicated": {"monthly_price": "1.00"}}}
    account = story({"billing": billing}, plan="m", package_hours=1, from_on=date(9990, 5, 1))
    booked = customers.AddonBooked(contract="c-1", addon="dedicated", from_on=date(9998, 12, 1))
    account.add("contract-c-1", booked, "2026-03-20 08:00")
    account.log("T", "2026-05-04 10:00", 15)
    assert account.rate(date.max.isoformat()).net.amount == Decimal("43.00")
    assert account.rate(date.min.isoformat()).lines == ()
