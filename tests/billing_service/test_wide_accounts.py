"""Accounts with everything that terms can hold: whatever is issued, corrected, credited and decided adds up to the result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from billing_service.domain.invoice.invoice import difference
from fristwerk_language.events import customers, tickets
from tests.billing_service.clerk import Clerk
from tests.billing_service.conftest import Story
from tests.billing_service.test_document_sums import FIRST_DAY, Drawn, play, result, steps

WIDE: dict[str, st.SearchStrategy[Any]] = {
    "currency": st.sampled_from(["CHF", "EUR", "GBP"]),
    "ticket_types": st.just([{"id": "normal"}, {"id": "quick_high", "rate_factor": "1.5"}]),
    "appointments": st.just({"cancellation": {"notice_hours": 24}}),
    "sites": st.sampled_from(
        [[], [{"id": "w", "calendar": "c", "timezone": "Europe/London", "vat": {"country": "GB"}}]]
    ),
}
WIDE_BILLING: dict[str, st.SearchStrategy[Any]] = {
    "plans": st.just({"m": {"package_hours": [2]}}),
    "package": st.sampled_from(
        [
            {"increment_minutes": 15, "overage_rate": "93.33"},
            {"increment_minutes": 7, "overage_rate": "93.33", "overage_increment_minutes": 60, "rate_factor": "ignore"},
        ]
    ),
    "hourly": st.just({"rate": "68.33", "increment_minutes": 5}),
    "rounding": st.sampled_from([{"scope": scope} for scope in ("ticket_day", "entry", "ticket", "period")]),
    "minimum_charge": st.sampled_from([None, {"amount": "30.00"}, {"amount": "30.00", "scope": "group"}]),
    "cancellation_fee": st.sampled_from(
        [{}, {"decision": "required"}, {"settle_from": "package"}, {"settle_from": "package", "decision": "required"}]
    ),
    "addons": st.just({"spare": {"monthly_price": "10.01"}}),
    "vat": st.sampled_from([{"country": "CH"}, {"country": "DE", "rate": "reduced"}, None]),
    "cash_rounding": st.sampled_from([None, "0.05"]),
}


@st.composite
def wide_accounts(draw: Callable[..., Any]) -> Callable[..., Any]:
    """A function that gives a Story an account with packages, add-ons, minimum charges, fees, taxes and sites."""
    terms = {key: draw(values) for key, values in WIDE.items()}
    terms["billing"] = {key: value for key, values in WIDE_BILLING.items() if (value := draw(values)) is not None}
    hours, booked = draw(st.sampled_from([None, 2])), draw(st.booleans())

    def tell(story: type[Story]) -> Story:
        site = "w" if terms["sites"] else None
        addons = [customers.BookedAddon(addon="spare", from_on=date(2026, 6, 3))] if booked else []
        account = story(terms, plan="m", package_hours=hours, addons=addons, site=site)
        for number in range(4):
            account.ticket(f"T{number}", site=site if number % 2 else None)
        return account

    return tell


wide_steps = st.one_of(
    steps,
    st.tuples(st.just("appoint"), st.integers(0, 3), st.integers(1, 130)),
    st.tuples(st.sampled_from(["charge it", "waive it", "waive it"]), st.integers(0, 30), st.just(0)),
)


def play_widely(clerk: Clerk, number: int, what: str, first: int, second: int) -> None:
    """As ``play``; appointments are prepared and called off too late, and a clerk decides on any charge."""
    account, today = clerk.account, FIRST_DAY + timedelta(days=number)
    match what:
        case "appoint":
            ticket, start = f"T{first}", account.instant(f"{today} 18:00")
            account.tell(ticket, tickets.AppointmentBooked(appointment=number + 1, start=start), f"{today} 08:00")
            account.log(ticket, f"{today} 09:00", second, activity="preparation", appointment=number + 1)
            missed = tickets.AppointmentMissed(appointment=number + 1)
            account.tell(ticket, missed, f"{today} 19:00")
        case "charge it":
            clerk.decide(first, "charge", today)
        case "waive it":
            clerk.decide(first, "waive", today)
        case "issue" if clerk.statement(today).proposed:
            pass
        case _:
            play(clerk, number, what, first, second)


@settings(max_examples=150, deadline=None)
@given(tell=wide_accounts(), drawn=st.lists(wide_steps, min_size=3, max_size=25))
def test_with_packages_fees_add_ons_and_decisions_everything_adds_up_as_well(
    tell: Any, drawn: Drawn, story: type[Story]
) -> None:
    clerk = Clerk(tell(story))
    for number, step in enumerate(drawn):
        play_widely(clerk, number, *step)
    last_day = FIRST_DAY + timedelta(days=40)
    for _ in clerk.statement(last_day).proposed:
        clerk.decide(0, "charge", last_day)
    clerk.issue(last_day)
    statement = clerk.statement(last_day)
    assert clerk.sums() == result(statement)
    assert difference(statement.lines, clerk.ledger.lines) == ()
    assert statement.net.amount >= 0
    for balance in statement.packages:
        said = sum(
            each.minutes for line in clerk.ledger.lines for each in line.draws if each.package == balance.package
        )
        assert (said, balance.left >= 0) == (balance.drawn, True)
    shares = msgspec.structs.asdict(statement.shares)
    assert shares.pop("logged") == sum(shares.values())
