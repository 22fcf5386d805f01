"""Printed invoices and tables: amounts as the country writes them, and nothing of a customer's that a browser would run."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser
from typing import Any

import pytest

from billing_service import documents
from billing_service.domain.invoice.document import NumberedDocument, read_document
from tests.billing_service.application.conftest import Vendor

EVIL = '<script>alert("x")</script> & "Söhne"'


def invoice(language: str = "de-CH", currency: str = "CHF", **changed: object) -> dict[str, Any]:
    def money(amount: str) -> dict[str, Any]:
        return {"amount": amount, "currency": currency}

    line = {
        "n": 1,
        "kind": "hourly",
        "ticket": "t-1",
        "reference": "INF-1",
        "on": "2026-06-05",
        "month": None,
        "days": None,
        "minutes": "1234.5",
        "unit_price": money("180.075"),
        "amount": money("1234567.50"),
        "basis": {},
        "change": "new",
    }
    return {
        "number": 7,
        "series": "infoniqa",
        "type": "invoice",
        "issued_on": "2026-07-01",
        "until": "2026-06-30",
        "language": language,
        "parties": {
            "seller": {"provider": "infoniqa", "name": "Infoniqa"},
            "buyer": {
                "customer": "c-1",
                "kind": "company",
                "name": "Muster AG",
                "address": {"street": "Seeweg 7", "postal_code": "6003", "city": "Luzern"},
                "country": "CH",
                "vat_id": "CHE-123.456.789",
            },
        },
        "terms": [{"agreement": "infoniqa", "version": 2, "digest": "sha256:…"}],
        "lines": [line],
        "net": money("1234567.50"),
        "vat": money("99999.97"),
        "gross": money("1334567.47"),
        "payable": money("1334567.45"),
        "taxes": [{"percent": "8.1", "category": "standard", "net": money("1234567.50"), "vat": money("99999.97")}],
        "corrects": None,
        "refers_to": [],
        "reason": None,
    } | changed


def numbered(body: dict[str, Any]) -> NumberedDocument:
    """The document that the body describes, with the parts that are never printed."""
    worked = {"type": "worked", "parts": [], "scope": "entry", "increment_minutes": 15, "rounded_minutes": 15}
    basis = worked | {"factor": "1", "weighted_minutes": 15}
    unprinted = {
        "account": "k-1",
        "charge": "f" * 32,
        "rules": [],
        "clauses": [],
        "agreement": "a",
        "agreement_version": 1,
    }
    lines = [unprinted | line | {"basis": basis} for line in body["lines"]]
    buyer = {"language": None} | body["parties"]["buyer"]
    stored = body | {
        "account": "k-1",
        "contract": "k-1",
        "currency": body["net"]["currency"],
        "timezone": "Europe/Zurich",
        "parties": {"seller": body["parties"]["seller"], "buyer": buyer},
        "terms": [{"digest": "sha256:…"} | each for each in body["terms"]],
        "lines": lines,
        "totals": {name: body[name] for name in ("net", "taxes", "vat", "gross", "payable")},
    }
    return NumberedDocument(
        series=body["series"], number=body["number"], type=body["type"], document=read_document(stored)
    )


def as_text(body: dict[str, Any]) -> str:
    return documents.as_text(numbered(body))


def as_html(body: dict[str, Any]) -> str:
    return documents.as_html(numbered(body))


@pytest.mark.parametrize(
    ("language", "currency", "expected"),
    [
        ("de-CH", "CHF", ["Rechnung 7", "CHF 1’234’567.50", "CHF 180.075", "05.06.2026", "1’234.5 min", "MwSt. 8.1%"]),
        ("de-DE", "EUR", ["Rechnung 7", "1.234.567,50 €", "180,075 €", "05.06.2026", "1.234,5 min", "MwSt. 8,1 %"]),
        ("en-GB", "GBP", ["Invoice 7", "£1,234,567.50", "£180.075", "5 Jun 2026", "1,234.5 min", "VAT 8.1%"]),
        ("xx-YY", "GBP", ["Invoice 7", "£1,234,567.50"]),
    ],
)
def test_figures_and_words_are_those_of_the_agreements_country(language: str, currency: str, expected: Any) -> None:
    printed = as_text(invoice(language, currency)).replace("\N{NO-BREAK SPACE}", " ")
    page = as_html(invoice(language, currency)).replace("\N{NO-BREAK SPACE}", " ")

    for each in expected:
        assert each in printed
        assert each in page


def test_an_invoice_says_what_is_payable_after_rounding() -> None:
    sums = as_text(invoice()).replace("\N{NO-BREAK SPACE}", " ").splitlines()

    assert [line.split()[-1] for line in sums if "Summe brutto" in line] == ["1’334’567.47"]
    assert [line.split()[-1] for line in sums if "Zahlbar" in line] == ["1’334’567.45"]


@pytest.mark.parametrize(
    ("category", "sentence"),
    [("reverse_charge", "Steuerschuldnerschaft des Leistungsempfängers"), ("none", "Ohne MwSt."), ("zero", "0 %")],
)
def test_tax_that_is_not_charged_is_said(category: str, sentence: str) -> None:
    zero = {"amount": "0.00", "currency": "CHF"}

    printed = as_text(invoice(taxes=[{"percent": "0", "category": category, "net": zero, "vat": zero}]))

    assert sentence in printed


def test_a_credit_note_names_what_it_takes_back_and_why() -> None:
    printed = as_text(invoice(type="credit_note", corrects=3, refers_to=[3, 5], reason="Falscher Empfänger"))

    assert "Gutschrift 7" in printed.splitlines()
    assert "Hebt Rechnung 3 auf." in printed
    assert "Betrifft auch 5." in printed
    assert "Grund: Falscher Empfänger" in printed


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, _attrs: list[Any]) -> None:
        self.seen.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_nothing_that_somebody_wrote_becomes_markup() -> None:
    parties = invoice()["parties"]
    parties["buyer"] |= {"name": EVIL, "address": {"street": EVIL, "city": EVIL}, "vat_id": EVIL, "country": EVIL}
    parties["seller"]["name"] = EVIL
    evil = invoice(parties=parties, reason=EVIL, language='de"><script>', terms=[{"agreement": EVIL, "version": 1}])
    evil["lines"][0]["reference"] = EVIL

    page = Tags()
    page.feed(as_html(evil))

    assert "script" not in page.seen
    assert page.text.count(EVIL) >= 6


def test_nothing_that_somebody_wrote_turns_the_rest_around_or_commands_a_terminal() -> None:
    reason = "gut\u202egnidnats \x1b[31m\a\nzweite Zeile"
    evil = invoice(type="credit_note", corrects=3, refers_to=[3], reason=reason)

    text, page = as_text(evil), as_html(evil)
    assert not {"\u202e", "\x1b", "\a"} & set(text)
    assert "gut\\u202egnidnats \\u001b[31m\\u0007\nzweite Zeile" in text
    assert f"<bdi>Grund: {reason}</bdi>" in page


async def test_an_invoice_is_read_as_data_page_or_text(vendor: Vendor) -> None:
    customer = await vendor.customer(name=EVIL)
    contract = await vendor.contract(customer)
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 20)
    await vendor.issue(contract=contract)
    path, billing = "/v1/invoices/1", vendor.headers("billing")

    for accept, media_type in (
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("text/plain", "text/plain; charset=utf-8"),
    ):
        answer = await vendor.billing.get(path, headers=billing | {"Accept": accept})
        assert answer.headers["content-type"] == media_type
    page = await vendor.get(path, format="html")
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert (await vendor.get(path, format="pdf")).status_code == 422


async def test_tables_hold_everything_and_no_formula(vendor: Vendor) -> None:
    contracts = []
    for _ in range(2):
        customer = await vendor.customer(name="=1+1")
        contracts.append(await vendor.contract(customer))
        await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 20)
        await vendor.issue(contract=contracts[-1])
    await vendor.post("/v1/invoices/1/credit-note", {"reason": "x"})

    invoices = list(csv.DictReader(io.StringIO((await vendor.get("/v1/invoices", format="csv", limit=1)).text)))
    lines = list(csv.DictReader(io.StringIO((await vendor.get("/v1/lines", format="csv", limit=1)).text)))
    own = list(csv.DictReader(io.StringIO((await vendor.get("/v1/invoices/3/lines", format="csv")).text)))

    assert [(row["number"], row["type"], row["net"], row["corrects"]) for row in invoices] == [
        ("1", "invoice", "100.00", ""),
        ("2", "invoice", "100.00", ""),
        ("3", "credit_note", "-100.00", "1"),
    ]
    assert [row["state"] for row in invoices] == ["credited", "issued", "issued"]
    assert [(row["invoice"], row["n"], row["kind"], row["amount"], row["currency"]) for row in lines[:2]] == [
        ("1", "1", "hourly", "97.50", "CHF"),
        ("1", "2", "minimum_top_up", "2.50", "CHF"),
    ]
    assert len(lines) == 6
    assert lines[4:] == own
