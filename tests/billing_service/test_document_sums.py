"""Documents add up to the result, in net, VAT and payable, whatever was corrected, credited and waived in between."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from billing_service.domain.invoice.invoice import difference
from billing_service.domain.invoice.totals import BilledDocument, documented_of
from billing_service.domain.statement.statement import Statement, Totals
from fristwerk_language.events import tickets
from tests.billing_service.clerk import SUMS, Clerk
from tests.billing_service.conftest import Story

Drawn = list[tuple[str, int, int]]
FIRST_DAY = date(2026, 6, 1)
SWISS_BILLING = {
    "hourly": {"rate": "68.33", "increment_minutes": 5},
    "vat": {"country": "CH"},
    "cash_rounding": "0.05",
    "minimum_charge": {"amount": "30.00"},
}
SWISS = {"currency": "CHF", "timezone": "Europe/Zurich", "billing": SWISS_BILLING}


def result(statement: Statement) -> list[Decimal]:
    return [getattr(statement.totals, name).amount for name in SUMS]


steps = st.one_of(
    st.tuples(st.just("log"), st.integers(0, 3), st.integers(1, 130)),
    st.tuples(st.just("correct"), st.integers(0, 20), st.integers(0, 130)),
    st.tuples(st.sampled_from(["issue", "quick"]), st.just(0), st.just(0)),
    st.tuples(st.sampled_from(["reissue", "waive"]), st.integers(0, 10), st.just(0)),
)


def play(clerk: Clerk, number: int, what: str, first: int, second: int) -> None:
    """One drawn step, on a day of its own."""
    account, today = clerk.account, FIRST_DAY + timedelta(days=number)
    logged = [(each.envelope.stream, each.event) for each in account.events]
    entries = [(stream, event) for stream, event in logged if isinstance(event, tickets.TimeLogged)]
    match what:
        case "log":
            account.log(f"T{first}", f"{today} 10:00", second, entry=f"e{number}")
        case "correct" if entries:
            stream, entry = entries[first % len(entries)]
            account.add(stream, tickets.TimeLogCorrected(entry=entry.entry, minutes=second), f"{today} 11:00")
        case "quick" if entries:
            account.add(entries[-1][0], tickets.TypeChanged(type="quick_high"), f"{today} 09:00")
        case "reissue" | "waive" if clerk.documents:
            chosen = clerk.documents[first % len(clerk.documents)]
            if chosen.totals.net.amount > 0 and (credited := clerk.credit(chosen.number, what, today)):
                assert credited.totals.net.amount < 0
        case "issue":
            clerk.issue(today)
        case _:
            pass


@settings(max_examples=150, deadline=None)
@given(drawn=st.lists(steps, min_size=3, max_size=25))
def test_runs_corrections_and_credits_in_any_order_add_up_to_the_result(drawn: Drawn, story: type[Story]) -> None:
    clerk = Clerk(story(SWISS))
    for number, step in enumerate(drawn):
        play(clerk, number, *step)
    last_day = FIRST_DAY + timedelta(days=40)
    clerk.issue(last_day)
    assert clerk.sums() == result(clerk.statement(last_day))
    assert all(sum(line.amount.amount for line in each.lines) == each.totals.net.amount for each in clerk.documents)


def three_hours(story: type[Story]) -> Story:
    account = story(
        SWISS | {"billing": {key: value for key, value in SWISS_BILLING.items() if key != "minimum_charge"}}
    )
    for day in (1, 2, 3):
        account.log("T", f"2026-06-0{day} 10:00", 60, entry=f"e{day}")
    return account


def test_lines_that_are_corrected_away_one_by_one_leave_no_cent(story: type[Story]) -> None:
    account = three_hours(story)
    clerk = Clerk(account)
    clerk.issue(date(2026, 6, 30))
    for day in (1, 2, 3):
        account.tell("T", tickets.TimeLogCorrected(entry=f"e{day}", minutes=0), f"2026-07-0{day} 10:00")
        clerk.issue(date(2026, 7, day))
    assert clerk.sums() == [Decimal(0)] * 4


def test_a_credit_note_takes_back_what_a_difference_has_left(story: type[Story]) -> None:
    account = three_hours(story)
    clerk = Clerk(account)
    clerk.issue(date(2026, 6, 30))
    account.tell("T", tickets.TimeLogCorrected(entry="e1", minutes=0), "2026-07-01 10:00")
    clerk.issue(date(2026, 7, 1))
    credited = clerk.credit(1, "reissue", date(2026, 7, 1))
    assert credited is not None
    again = clerk.issue(date(2026, 7, 2))
    assert [str(line.amount.amount) for line in credited.lines] == ["-68.33", "-68.33"]
    assert [(line.on.day, str(line.amount.amount)) for line in again.lines] == [(2, "68.33"), (3, "68.33")]


def test_what_a_credit_note_waives_is_never_billed_again_and_later_work_is(story: type[Story]) -> None:
    account = three_hours(story)
    clerk = Clerk(account)
    clerk.issue(date(2026, 6, 30))
    credited = clerk.credit(1, "waive", date(2026, 7, 1))
    assert credited is not None
    assert {line.kind for line in credited.lines} == {"waiver"}
    assert difference(clerk.statement(date(2026, 7, 1)).lines, clerk.ledger.lines) == ()
    account.log("T", "2026-06-03 15:00", 60)
    later = clerk.issue(date(2026, 7, 2))
    assert [(line.kind, str(line.amount.amount)) for line in later.lines] == [("hourly", "68.33")]
    third = clerk.credit(3, "waive", date(2026, 7, 3))
    assert third is not None
    assert [str(line.amount.amount) for line in third.lines] == ["-68.33"]


def test_a_charge_that_was_waived_since_is_not_credited_again(story: type[Story]) -> None:
    fee = {
        "appointments": {"cancellation": {"notice_hours": 24, "written": True}},
        "billing": {"hourly": {"rate": "60.00", "increment_minutes": 15}, "cancellation_fee": {}},
    }
    account = story(fee)
    account.late_cancellation("T", 60)
    account.log("U", "2026-05-13 10:00", 60)
    clerk = Clerk(account)
    first = clerk.issue(date(2026, 5, 31))
    (charge,) = {line.charge for line in first.lines if line.kind == "cancellation"}
    account.decide(charge, "waive", "2026-06-02 10:00")
    clerk.issue(date(2026, 6, 3))
    credited = clerk.credit(1, "reissue", date(2026, 6, 4))
    assert credited is not None
    assert [(line.ticket, str(line.amount.amount)) for line in credited.lines] == [("U", "-60.00")]


def test_of_a_charge_that_was_reduced_a_credit_note_takes_back_the_rest_alone(story: type[Story]) -> None:
    account = three_hours(story)
    account.log("T", "2026-06-01 15:00", 60, entry="more")
    clerk = Clerk(account)
    clerk.issue(date(2026, 6, 1))
    account.tell("T", tickets.TimeLogCorrected(entry="more", minutes=0), "2026-06-01 18:00")
    assert clerk.issue(date(2026, 6, 1)).totals.net.amount == Decimal("-68.33")
    credited = clerk.credit(1, "reissue", date(2026, 6, 1))
    assert credited is not None
    assert [(line.minutes, str(line.amount.amount)) for line in credited.lines] == [(-60, "-68.33")]


def test_of_a_document_over_several_accounts_the_accounts_own_lines_count(story: type[Story]) -> None:
    account = story(SWISS)
    account.log("T1", "2026-06-01 10:00", 30)
    first = account.rate("2026-06-01")
    account.log("T2", "2026-06-02 10:00", 45)
    whole = account.rate("2026-06-02")
    later = tuple(line for line in whole.lines if line not in first.lines)
    both = Totals(
        net=whole.totals.net, taxes=(), vat=whole.totals.vat, gross=whole.totals.gross, payable=whole.totals.payable
    )
    documents = [
        BilledDocument(number=1, contract="c-1", totals=first.totals, lines=first.lines),
        BilledDocument(number=2, contract=None, totals=both, lines=later),
    ]

    said = documented_of("c-1", documents, "CHF", Decimal("0.05"))

    assert [sum(each.net.amount for each in said), sum(each.payable.amount for each in said)] == [
        whole.totals.net.amount,
        whole.totals.payable.amount,
    ]
    assert said[0] == first.totals
