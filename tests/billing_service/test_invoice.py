"""Invoices: differences, credit notes, frozen draws and the copy that a document is."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.invoice import invoice
from billing_service.domain.invoice.account_ledger import Ledger
from billing_service.domain.invoice.document import (
    AgreementReference,
    Buyer,
    InvoiceDocument,
    Parties,
    Seller,
    document_digest,
    document_line,
    read_document,
    read_head,
    stored_form,
    terms_used,
)
from billing_service.domain.invoice.rated import Rated
from billing_service.domain.invoice.views import preview, shown, shown_as_json
from billing_service.domain.money import Money, zero
from billing_service.domain.rating.packages import frozen_draws
from billing_service.domain.statement.charge_line import ChargeLine, Waived
from billing_service.domain.statement.ledger import NOTHING, Invoiced, reversed_line
from fristwerk_language.events import customers, tickets
from fristwerk_platform.http import json_answer
from tests.billing_service.conftest import Story

STORED = Path(__file__).parent / "stored_documents.jsonl"
"""Invoices and credit notes with their digests, as earlier versions stored them."""
HOURLY = {"rate": "120.00", "increment_minutes": 15}
PREPAID = {
    "plans": {"m": {"package_hours": [1]}},
    "package": {"increment_minutes": 15, "overage_rate": "180.00"},
    "hourly": HOURLY,
    "vat": {"country": "DE"},
}


def short(lines: Any) -> Any:
    return [(line.kind, line.minutes, str(line.amount.amount), line.change) for line in lines]


def issue(account: Any, until: Any, ledger: Any = NOTHING) -> Any:
    """The document of a run, and the ledger after it."""
    lines = invoice.difference(account.rate(until, invoiced=ledger).lines, ledger.lines)
    return lines, ledger.and_also(lines)


def test_a_first_invoice_bills_everything_and_a_second_nothing(story: type[Story]) -> None:
    account = story({})
    account.log("T", "2026-05-04 10:00", 30)
    first, ledger = issue(account, "2026-05-31")
    second, _ = issue(account, "2026-06-30", ledger)
    assert short(first) == [("hourly", 30, "60.00", "new")]
    assert second == ()


def test_later_work_of_a_billed_group_is_billed_as_a_difference(story: type[Story]) -> None:
    account = story({})
    account.log("T", "2026-05-04 10:00", 10)
    _, ledger = issue(account, "2026-05-31")
    account.log("T", "2026-05-04 11:00", 10)
    second, _ = issue(account, "2026-06-30", ledger)
    assert short(second) == [("hourly", 15, "30.00", "changed")]
    assert second[0].raw_minutes == 10


def test_a_preview_shows_what_the_next_invoice_adds_beside_all_that_was_done(story: type[Story]) -> None:
    account = story({})
    account.log("T", "2026-05-04 10:00", 10)
    _, ledger = issue(account, "2026-05-31")
    account.log("T", "2026-05-04 11:00", 10)
    account.log("U", "2026-05-05 11:00", 30)
    rated = Rated(
        row=AccountRow(account="c-1", provider="p", customer="k", kind="contract"),
        agreement=cast("Any", None),
        timezone="UTC",
        statement=account.rate("2026-06-30", invoiced=ledger),
        ledger=Ledger(invoiced=ledger),
    )
    shown = preview([rated])
    assert [(each["ticket"], each["minutes"], each["change"]) for each in shown["lines"]] == [
        ("T", 30, "new"),
        ("U", 30, "new"),
    ]
    assert [(each["ticket"], each["minutes"], each["change"]) for each in shown["to_invoice"]["lines"]] == [
        ("T", 15, "changed"),
        ("U", 30, "new"),
    ]
    assert shown["to_invoice"]["lines"][1] == shown["lines"][1]


@pytest.mark.parametrize("account_id", ["k-1", 'k"\\ä-1'])
def test_a_line_as_json_is_what_the_line_as_plain_data_is_encoded_to(story: type[Story], account_id: str) -> None:
    account = story({"billing": PREPAID}, plan="m", package_hours=1)
    account.log("T", "2026-05-04 10:00", 50)
    account.log("T", "2026-05-04 11:00", 45)
    account.tell("T", tickets.TypeChanged(type="quick_high"), "2026-05-05 09:00")
    account.log("T", "2026-05-06 11:00", 7)
    lines = account.rate("2026-06-30").lines
    assert {line.kind for line in lines} >= {"allowance", "overage"}
    for line in (*lines, *map(reversed_line, lines)):
        as_json = shown_as_json(account_id, line)
        assert isinstance(as_json, msgspec.Raw)
        assert bytes(as_json) == json_answer(shown(account_id, line)).body


def test_a_waiver_stays_plain_data_of_which_a_customer_does_not_see_all() -> None:
    waived = Waived(waives="hourly", amount=Money(Decimal("1.00"), "CHF"), reason="weil", actor="a-1")
    line = ChargeLine(
        charge="c",
        kind="waiver",
        ticket="T",
        on=date(2026, 5, 4),
        unit_price=zero("CHF"),
        amount=zero("CHF"),
        rules=("R8",),
        clauses=(),
        agreement="test",
        agreement_version=1,
        basis=waived,
    )
    assert shown_as_json("k-1", line) == shown("k-1", line)


def test_a_changed_price_takes_the_old_line_back_and_bills_the_new_one(story: type[Story]) -> None:
    account = story({})
    account.log("T", "2026-05-04 10:00", 30)
    _, ledger = issue(account, "2026-05-31")
    account.tell("T", tickets.TypeChanged(type="quick_high"), "2026-05-04 09:00")
    second, ledger = issue(account, "2026-06-30", ledger)
    assert sorted(short(second)) == [("hourly", -30, "-60.00", "withdrawn"), ("hourly", 30, "120.00", "new")]
    assert issue(account, "2026-07-31", ledger)[0] == ()


def test_the_draw_of_an_issued_invoice_stays_and_late_work_is_overage(story: type[Story]) -> None:
    account = story({"billing": PREPAID}, plan="m", package_hours=1)
    account.log("billed", "2026-05-20 10:00", 60)
    _, ledger = issue(account, "2026-05-31")
    account.log("late", "2026-05-10 10:00", 30)
    second, _ = issue(account, "2026-06-30", ledger)
    assert [(line.ticket, *row[:3]) for line, row in zip(second, short(second), strict=True)] == [
        ("late", "overage", 30, "90.00")
    ]


def test_a_draw_is_frozen_only_as_far_as_it_is_still_needed(story: type[Story]) -> None:
    account = story({"billing": PREPAID}, plan="m", package_hours=1)
    account.log("billed", "2026-05-20 10:00", 60, entry="e")
    _, ledger = issue(account, "2026-05-31")
    account.log("late", "2026-05-10 10:00", 30)
    account.tell("billed", tickets.TimeLogCorrected(entry="e", minutes=30), "2026-06-01 10:00")
    second, _ = issue(account, "2026-06-30", ledger)
    assert sorted(short(second)) == [("allowance", -30, "0.00", "changed"), ("allowance", 30, "0.00", "new")]


def test_a_package_bought_afterwards_gives_overage_back(story: type[Story]) -> None:
    account = story({"billing": PREPAID}, plan="m", package_hours=1)
    account.log("T", "2026-05-20 10:00", 90)
    _, ledger = issue(account, "2026-05-31")
    more = customers.PackagePurchased(contract="c-1", package="more", hours=1, from_on=date(2026, 5, 1))
    account.add("contract-c-1", more, "2026-06-01 08:00")
    second, _ = issue(account, "2026-06-30", ledger)
    assert sorted(short(second)) == [("allowance", 30, "0.00", "changed"), ("overage", -30, "-90.00", "withdrawn")]
    assert [(draw.package, draw.minutes) for draw in second[0].draws] == [("more", 30)]


def test_a_credit_note_of_a_document_gives_everything_back(story: type[Story]) -> None:
    account = story({"billing": PREPAID}, plan="m", package_hours=1)
    account.log("T", "2026-05-20 10:00", 90)
    lines, ledger = issue(account, "2026-05-31")
    reversed_lines = tuple(reversed_line(line) for line in lines)
    ledger = ledger.and_also(reversed_lines)
    assert sum(line.amount.amount for line in ledger.lines) == 0
    assert not any(minutes for each in frozen_draws(ledger.lines).values() for minutes in each.values())
    assert short(issue(account, "2026-05-31", ledger)[0]) == short(lines)


def test_what_is_issued_follows_from_the_total(story: type[Story]) -> None:
    account = story({"billing": PREPAID}, plan="m", package_hours=1)
    account.log("T", "2026-05-20 10:00", 60)
    prepaid, ledger = issue(account, "2026-05-31")
    statement = account.rate()
    assert invoice.outcome(invoice.totals(statement, prepaid)) == "nothing"
    account.log("T", "2026-06-20 10:00", 15, entry="e")
    more, ledger = issue(account, "2026-06-30", ledger)
    totals = invoice.totals(statement, more)
    assert (totals.net.amount, totals.vat.amount, totals.payable.amount) == (
        Decimal("45.00"),
        Decimal("8.55"),
        Decimal("53.55"),
    )
    assert invoice.outcome(totals) == "invoice"
    account.tell("T", tickets.TimeLogCorrected(entry="e", minutes=0), "2026-07-01 10:00")
    less, _ = issue(account, "2026-07-31", ledger)
    assert invoice.outcome(invoice.totals(statement, less)) == "credit_note"


def test_a_document_is_plain_data_that_reads_back_as_it_was(story: type[Story]) -> None:
    quick = {"ticket_types": [{"id": "quick_normal", "rate_factor": "1.5"}], "billing": PREPAID}
    account = story(quick, plan="m", package_hours=1)
    account.ticket("T", type="quick_normal")
    account.log("T", "2026-05-20 10:00", 10)
    account.log("T", "2026-05-21 10:00", 60)
    statement = account.rate("2026-05-31")
    lines = invoice.difference(statement.lines, ())
    buyer = Buyer(
        customer="c-1", kind="company", country=None, language=None, name="Muster AG", address=None, vat_id=None
    )
    issued = InvoiceDocument(
        account=statement.account,
        until=statement.until,
        currency=statement.currency,
        parties=Parties(seller=Seller(provider="vendor", name="Vendor"), buyer=buyer),
        terms=tuple(
            AgreementReference(agreement=name, version=version, digest="sha256:0")
            for name, version in terms_used(statement, lines)
        ),
        corrects=None,
        lines=tuple(document_line(line, statement.account, None) for line in lines),
        totals=invoice.totals(statement, lines),
        contract=statement.account,
        issued_on=statement.until,
        timezone="Europe/Berlin",
        language="de-DE",
        reason=None,
        refers_to=(),
    )
    document = stored_form(issued)
    stored = json.loads(json.dumps(document))
    assert stored == document
    assert read_document(stored) == issued
    assert document_digest(stored) == document_digest(document)
    assert document["terms"] == [{"agreement": "bare", "version": 1, "digest": "sha256:0"}]
    assert document["totals"]["net"] == {"amount": "180.00", "currency": "EUR"}
    assert [line["minutes"] for line in document["lines"]] == ["22.5", "37.5", 60]


@pytest.mark.parametrize("line", STORED.read_text().splitlines())
def test_documents_issued_before_read_back_and_are_written_to_the_byte(line: Any) -> None:
    kept = json.loads(line)
    document = read_document(kept["document"])
    assert stored_form(document) == kept["document"]
    assert msgspec.json.encode(document) == msgspec.json.encode(kept["document"])
    assert document_digest(stored_form(document)) == kept["digest"]
    assert read_head(kept["document"]).totals == document.totals


def test_the_state_of_a_charge(story: type[Story]) -> None:
    fee = {
        "appointments": {"cancellation": {"notice_hours": 24, "written": True}},
        "billing": {"hourly": HOURLY, "cancellation_fee": {"decision": "required"}},
    }
    account = story(fee)
    account.late_cancellation("T", 60)
    account.log("T", "2026-05-13 10:00", 15)

    def states(ledger: Invoiced = NOTHING) -> Any:
        statement = account.rate(invoiced=ledger)
        decided = {each.charge: each.decision for each in account.account().decisions}
        lines = (*statement.proposed, *statement.lines)
        return {line.kind: invoice.state(line, statement, ledger, decided) for line in lines}

    assert states() == {"cancellation": "proposed", "hourly": "rated"}
    account.decide(account.rate().open_decisions[0], "charge", "2026-05-13 09:00")
    assert states() == {"cancellation": "charged", "hourly": "rated"}
    _, ledger = issue(account, "2026-05-31")
    assert states(ledger) == {"cancellation": "invoiced", "hourly": "invoiced"}
    account.decide(account.rate().lines[0].charge, "waive", "2026-06-01 09:00")
    assert states(ledger)["cancellation"] == "waived"
