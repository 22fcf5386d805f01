"""Work for the vendor's own sake is never billed, and a partner's work has a rule and a price of its own (R11)."""

from __future__ import annotations

from typing import Any

import pytest

from fristwerk_language.events import tickets
from fristwerk_language.terms import AgreementDocument, TermsError, agreement_document
from tests.billing_service.conftest import BARE, Story


@pytest.mark.parametrize("contract", [True, False])
@pytest.mark.parametrize("group", ["contract", "no_contract"])
def test_training_of_ones_own_staff_is_on_no_invoice(
    shipped: dict[str, AgreementDocument], group: str, *, contract: bool
) -> None:
    account = Story(shipped["fluxpunkt"], contract=contract)
    account.ticket("T", group=group)
    account.log("T", "2026-06-10 10:00", 60, activity="internal_training")
    statement = account.rate()
    assert statement.lines == ()
    assert [(each.minutes, each.reason) for each in statement.never_charged] == [(60, "internal_work")]
    assert (statement.shares.logged, statement.shares.free) == (60, 60)


def test_internal_work_wins_over_every_coverage_rule_and_does_not_count_at_the_cost_gate() -> None:
    billing = BARE["billing"] | {"internal": ["review"], "coverage": [{"activity": "review", "billable": True}]}
    account = Story({"billing": billing, "cost_approval": {"after_minutes": 60}})
    account.log("T", "2026-06-10 10:00", 60, activity="review")
    account.log("T", "2026-06-10 12:00", 60)
    statement = account.rate()
    assert [(line.kind, line.minutes) for line in statement.lines] == [("hourly", 60)]
    assert statement.held_minutes == {}
    assert ["review" in each.detail for each in statement.remarks] == [False]


def test_an_internal_activity_is_one_of_those_that_the_agreement_lists() -> None:
    with pytest.raises(TermsError, match="/billing/internal/0"):
        agreement_document(BARE | {"activities": ["help"], "billing": {"internal": ["review"]}})
    with pytest.raises(TermsError, match="/billing/internal/1"):
        agreement_document(BARE | {"billing": {"internal": ["review", "review"]}})


def worked(performer: str | None, billing: dict[str, Any], **terms: Any) -> Any:
    account = Story(terms | {"billing": BARE["billing"] | billing})
    account.ticket("T", fields={} if performer is None else {"performer": performer})
    account.log("T", "2026-06-10 10:00", 60)
    return account.rate()


@pytest.mark.parametrize(("performer", "kind"), [("partner", "free"), ("employee", "hourly"), (None, "hourly")])
def test_a_partners_work_has_a_coverage_rule_of_its_own(performer: str | None, kind: str) -> None:
    statement = worked(performer, {"coverage": [{"performer": "partner", "billable": False}]})
    assert [line.kind for line in statement.lines] == [kind]


@pytest.mark.parametrize(
    ("performer", "amount", "clause"),
    [
        ("partner", "150.00", "/billing/hourly/rates/0"),
        ("employee", "120.00", "/billing/hourly"),
        (None, "120.00", "/billing/hourly"),
    ],
)
def test_a_partners_hour_has_a_price_of_its_own(performer: str | None, amount: str, clause: str) -> None:
    rates = {"rate": "120.00", "increment_minutes": 15, "rates": [{"performer": "partner", "rate": "150.00"}]}
    line = worked(performer, {"hourly": rates}).lines[0]
    assert (str(line.amount.amount), line.clauses) == (amount, (clause,))


def test_work_at_two_prices_is_never_rounded_on_one_line_of_a_period() -> None:
    rates = {"rate": "120.00", "increment_minutes": 60, "rates": [{"performer": "partner", "rate": "150.00"}]}
    account = Story({"billing": {"hourly": rates, "rounding": {"scope": "period"}}})
    for name, performer in (("E", "employee"), ("P", "partner"), ("P2", "partner")):
        account.ticket(name, fields={"performer": performer})
        account.log(name, "2026-06-10 10:00", 20)
    assert [(line.minutes, str(line.unit_price.amount)) for line in account.rate().lines] == [
        (60, "120.00"),
        (60, "150.00"),
    ]


def test_preparation_by_a_partner_is_charged_at_the_partners_rate() -> None:
    rates = {"rate": "120.00", "increment_minutes": 60, "rates": [{"performer": "partner", "rate": "150.00"}]}
    billing = {"hourly": rates, "cancellation_fee": {}}
    account = Story({"billing": billing, "appointments": {"cancellation": {"notice_hours": 24}}})
    account.ticket("T", fields={"performer": "partner"})
    assert account.rate().lines == ()
    booked = account.instant("2026-06-12 09:00")
    account.tell("T", tickets.AppointmentBooked(appointment=1, start=booked), "2026-06-01 09:00")
    account.log("T", "2026-06-08 10:00", 30, activity="preparation", appointment=1)
    account.tell("T", tickets.AppointmentMissed(appointment=1), "2026-06-12 10:00")
    assert [str(line.amount.amount) for line in account.rate().lines] == ["150.00"]


def test_a_performer_has_one_rate() -> None:
    twice = [{"performer": "partner", "rate": "1.00"}, {"performer": "partner", "rate": "2.00"}]
    billing = {"hourly": {"rate": "120.00", "increment_minutes": 15, "rates": twice}}
    with pytest.raises(TermsError, match="/billing/hourly/rates/1/performer"):
        agreement_document(BARE | {"billing": billing})


PARTNER_RATE = {"rate": "120.00", "increment_minutes": 60, "rates": [{"performer": "partner", "rate": "150.00"}]}


def entries_by(performers: list[str | None], ticket: str | None, billing: dict[str, Any], **terms: Any) -> Any:
    """Twenty minutes by each, one after the other, on a ticket that names somebody."""
    account = Story(terms | {"billing": BARE["billing"] | billing})
    account.ticket("T", fields={} if ticket is None else {"performer": ticket})
    for hour, performer in enumerate(performers, 10):
        account.log("T", f"2026-06-10 {hour}:00", 20, performer=performer)
    return account.rate()


@pytest.mark.parametrize(
    ("ticket", "kinds"), [(None, ["hourly", "free"]), ("partner", ["hourly", "free"]), ("employee", ["hourly", "free"])]
)
def test_an_entry_says_who_did_it_whomever_the_ticket_names(ticket: str | None, kinds: list[str]) -> None:
    statement = entries_by(["employee", "partner"], ticket, {"coverage": [{"performer": "partner", "billable": False}]})
    assert sorted((line.kind, line.raw_minutes) for line in statement.lines) == sorted((kind, 20) for kind in kinds)


@pytest.mark.parametrize("scope", ["ticket_day", "ticket", "entry", "period"])
def test_one_tickets_work_at_two_prices_is_rounded_apart(scope: str) -> None:
    billing = {"hourly": PARTNER_RATE, "rounding": {"scope": scope}}
    lines = entries_by(["employee", "partner", None], "employee", billing).lines
    prices = sorted((str(line.unit_price.amount), line.raw_minutes) for line in lines)
    alike = [("120.00", 20), ("120.00", 20)] if scope == "entry" else [("120.00", 40)]
    assert prices == [*alike, ("150.00", 20)]


def test_entries_at_one_price_are_rounded_together_and_keep_the_id_of_their_charge() -> None:
    billing = {"hourly": PARTNER_RATE}
    silent = entries_by([None, None], "partner", billing).lines
    named = entries_by(["partner", None], "partner", billing).lines
    assert [(line.minutes, str(line.amount.amount)) for line in named] == [(60, "150.00")]
    assert [line.charge for line in named] == [line.charge for line in silent]


PREPAID: dict[str, Any] = {
    "plans": {"m": {"package_hours": [10]}},
    "package": {"increment_minutes": 15, "overage_rate": "195.00"},
    "hourly": PARTNER_RATE,
}


def test_a_package_is_drawn_from_once_whoever_worked() -> None:
    account = Story({"billing": PREPAID}, plan="m", package_hours=10)
    for hour, performer in ((10, "employee"), (11, "partner")):
        account.log("T", f"2026-06-10 {hour}:00", 5, performer=performer)
    assert [(line.kind, line.minutes) for line in account.rate().lines] == [("allowance", 15)]


def preparation_by_two(billing: dict[str, Any], **signed: Any) -> list[tuple[str, int, str]]:
    terms = {"billing": billing, "appointments": {"cancellation": {"notice_hours": 24}}}
    account = Story(terms, **signed)
    account.ticket("T", fields={"performer": "employee"}, plan=signed.get("plan"))
    booked = account.instant("2026-06-12 09:00")
    account.tell("T", tickets.AppointmentBooked(appointment=1, start=booked), "2026-06-01 09:00")
    for hour, performer in ((10, None), (11, "partner")):
        account.log("T", f"2026-06-08 {hour}:00", 20, activity="preparation", appointment=1, performer=performer)
    account.tell("T", tickets.AppointmentMissed(appointment=1), "2026-06-12 10:00")
    return sorted((line.kind, int(line.minutes), str(line.amount.amount)) for line in account.rate().lines)


def test_preparation_by_two_performers_is_charged_at_the_rate_of_each() -> None:
    charged = preparation_by_two(BARE["billing"] | {"hourly": PARTNER_RATE, "cancellation_fee": {}})
    assert charged == [("cancellation", 60, "120.00"), ("cancellation", 60, "150.00")]


def test_a_package_settles_the_preparation_of_all_performers_as_one() -> None:
    billing = PREPAID | {"cancellation_fee": {"settle_from": "package"}}
    assert preparation_by_two(billing, plan="m", package_hours=10) == [("allowance", 45, "0.00")]
