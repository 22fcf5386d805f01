"""Documents add up to the result, in net, VAT and payable, whatever was corrected, credited and waived in between."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from billing_service.domain.invoice.credit import left_of, taken_back, waived_for_good
from billing_service.domain.invoice.document import document_line
from billing_service.domain.invoice.invoice import difference
from billing_service.domain.invoice.totals import BilledDocument, document_totals, documented_of
from billing_service.domain.statement.ledger import Invoiced
from fristwerk_language.events import billing, tickets

FIRST_DAY = date(2026, 6, 1)
SUMS = ("net", "vat", "gross", "payable")
SWISS = {
    "currency": "CHF",
    "timezone": "Europe/Zurich",
    "billing": {
        "hourly": {"rate": "68.33", "increment_minutes": 5},
        "vat": {"country": "CH"},
        "cash_rounding": "0.05",
        "minimum_charge": {"amount": "30.00"},
    },
}


class Clerk:
    """Issues the documents of one account and keeps the ledger."""

    def __init__(self, account) -> None:
        self.account = account
        self.documents: list[BilledDocument] = []
        self.credited: set[int] = set()

    @property
    def ledger(self) -> Invoiced:
        return Invoiced(tuple(line for each in self.documents for line in each.lines), len(self.documents))

    def statement(self, until: date):
        return self.account.rate(until.isoformat(), invoiced=self.ledger)

    def issue(self, until: date):
        return self._add(difference(self.statement(until).lines, self.ledger.lines), until)

    def credit(self, number: int, then: str, until: date):
        """What is left of a document; None where nothing is."""
        if number in self.credited:
            return None
        lines = [document_line(line, self.account.id, None) for line in self.documents[number - 1].lines]
        left = left_of(lines, {self.account.id: self.ledger.lines})
        if not sum(each.amount for each in left):
            return None
        self.credited.add(number)
        if then == "reissue":
            return self._add(taken_back(left), until)
        waived = []
        for each in left:
            if each.amount:
                event = self._waive(each, until)
                waived += waived_for_good(each, reason="sorry", actor="clerk-1", decision=event)
        return self._add(waived, until)

    def sums(self) -> list[Decimal]:
        return [sum((getattr(d.totals, name).amount for d in self.documents), Decimal(0)) for name in SUMS]

    def _waive(self, left, until: date) -> str:
        earlier = [
            each.event.at_most
            for each in self.account.events
            if isinstance(each.event, billing.ChargeDecided) and each.event.charge == left.charge
        ]
        event = billing.ChargeDecided(
            charge=left.charge,
            contract=self.account.id,
            ticket=None,
            decision="waive",
            reason="sorry",
            at_most=left.amount + sum(earlier[-1:]),
        )
        return self.account.add(f"charge-{left.charge}", event, f"{until} 12:00")

    def _add(self, lines, until: date):
        statement = self.statement(until)
        frame = statement.currency, statement.cash_rounding
        documented = documented_of(self.account.id, self.documents, *frame)
        totals = document_totals(list(lines), self.ledger.lines, documented, *frame)
        number = len(self.documents) + 1
        document = BilledDocument(number=number, contract=self.account.id, totals=totals, lines=tuple(lines))
        self.documents.append(document)
        return document


def result(statement) -> list[Decimal]:
    return [getattr(statement.totals, name).amount for name in SUMS]


steps = st.one_of(
    st.tuples(st.just("log"), st.integers(0, 3), st.integers(1, 130)),
    st.tuples(st.just("correct"), st.integers(0, 20), st.integers(0, 130)),
    st.tuples(st.sampled_from(["issue", "quick"]), st.just(0), st.just(0)),
    st.tuples(st.sampled_from(["reissue", "waive"]), st.integers(0, 10), st.just(0)),
)


@settings(max_examples=150, deadline=None)
@given(drawn=st.lists(steps, min_size=3, max_size=25))
def test_runs_corrections_and_credits_in_any_order_add_up_to_the_result(drawn, story):
    account = story(SWISS)
    clerk = Clerk(account)
    for number, (what, first, second) in enumerate(drawn):
        today = FIRST_DAY + timedelta(days=number)
        entries = [each for each in account.events if isinstance(each.event, tickets.TimeLogged)]
        if what == "log":
            account.log(f"T{first}", f"{today} 10:00", second, entry=f"e{number}")
        elif what == "correct" and entries:
            chosen = entries[first % len(entries)]
            corrected = tickets.TimeLogCorrected(entry=chosen.event.entry, minutes=second)
            account.add(chosen.envelope.stream, corrected, f"{today} 11:00")
        elif what == "quick" and entries:
            account.tell(
                entries[-1].envelope.stream.removeprefix("ticket-"),
                tickets.TypeChanged(type="quick_high"),
                f"{today} 09:00",
            )
        elif what in {"reissue", "waive"} and clerk.documents:
            chosen = clerk.documents[first % len(clerk.documents)]
            if chosen.totals.net.amount > 0:
                credited = clerk.credit(chosen.number, what, today)
                assert credited is None or credited.totals.net.amount < 0
        elif what == "issue":
            clerk.issue(today)
    last_day = FIRST_DAY + timedelta(days=40)
    clerk.issue(last_day)
    assert clerk.sums() == result(clerk.statement(last_day))
    assert all(sum(line.amount.amount for line in each.lines) == each.totals.net.amount for each in clerk.documents)


def three_hours(story):
    account = story(SWISS | {"billing": {**SWISS["billing"], "minimum_charge": None}})
    for day in (1, 2, 3):
        account.log("T", f"2026-06-0{day} 10:00", 60, entry=f"e{day}")
    return account


def test_lines_that_are_corrected_away_one_by_one_leave_no_cent(story):
    account = three_hours(story)
    clerk = Clerk(account)
    clerk.issue(date(2026, 6, 30))
    for day in (1, 2, 3):
        account.tell("T", tickets.TimeLogCorrected(entry=f"e{day}", minutes=0), f"2026-07-0{day} 10:00")
        clerk.issue(date(2026, 7, day))
    assert clerk.sums() == [Decimal(0)] * 4


def test_a_credit_note_takes_back_what_a_difference_has_left(story):
    account = three_hours(story)
    clerk = Clerk(account)
    clerk.issue(date(2026, 6, 30))
    account.tell("T", tickets.TimeLogCorrected(entry="e1", minutes=0), "2026-07-01 10:00")
    clerk.issue(date(2026, 7, 1))
    credited = clerk.credit(1, "reissue", date(2026, 7, 1))
    again = clerk.issue(date(2026, 7, 2))
    assert [str(line.amount.amount) for line in credited.lines] == ["-68.33", "-68.33"]
    assert [(line.on.day, str(line.amount.amount)) for line in again.lines] == [(2, "68.33"), (3, "68.33")]


def test_what_a_credit_note_waives_is_never_billed_again_and_later_work_is(story):
    account = three_hours(story)
    clerk = Clerk(account)
    clerk.issue(date(2026, 6, 30))
    credited = clerk.credit(1, "waive", date(2026, 7, 1))
    assert {line.kind for line in credited.lines} == {"waiver"}
    assert difference(clerk.statement(date(2026, 7, 1)).lines, clerk.ledger.lines) == ()
    account.log("T", "2026-06-03 15:00", 60)
    later = clerk.issue(date(2026, 7, 2))
    assert [(line.kind, str(line.amount.amount)) for line in later.lines] == [("hourly", "68.33")]
    third = clerk.credit(3, "waive", date(2026, 7, 3))
    assert [str(line.amount.amount) for line in third.lines] == ["-68.33"]


def test_a_charge_that_was_waived_since_is_not_credited_again(story):
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
    assert [(line.ticket, str(line.amount.amount)) for line in credited.lines] == [("U", "-60.00")]
