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
