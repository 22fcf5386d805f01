"""Examples of decisions and issued documents of the billing service."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from fristwerk_language.events import billing as facts
from fristwerk_language.events import streams
from fristwerk_language.examples.subjects import (
    CHARGE,
    CLERK,
    MUSTER,
    MUSTER_CONTRACT,
    PAYROLL,
    YEAR_END,
    Example,
    instant,
)
from fristwerk_language.terms import digest

_SERIES = "infoniqa-2026"


def _money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CHF"}


_INVOICE: dict[str, Any] = {
    "number": 1,
    "customer": {"name": "Muster Treuhand AG", "country": "CH"},
    "agreement": {"name": "luzern", "version": 1},
    "lines": [
        {"kind": "allowance", "ticket": PAYROLL, "on": "2026-06-05", "minutes": 75, "amount": _money("0.00")},
        {
            "kind": "cancellation",
            "ticket": YEAR_END,
            "on": "2026-06-24",
            "minutes": 90,
            "unit_price": _money("195.00"),
            "amount": _money("292.50"),
        },
    ],
    "net": _money("292.50"),
    "vat": [{"rate": "8.1", "net": _money("292.50"), "amount": _money("23.69")}],
    "gross": _money("316.19"),
    "payable": _money("316.20"),
}
_CREDIT_NOTE: dict[str, Any] = {
    "number": 2,
    "corrects": 1,
    "customer": {"name": "Muster Treuhand AG", "country": "CH"},
    "agreement": {"name": "luzern", "version": 1},
    "lines": [{"kind": "waiver", "ticket": YEAR_END, "on": "2026-07-06", "amount": _money("-292.50")}],
    "net": _money("-292.50"),
    "vat": [{"rate": "8.1", "net": _money("-292.50"), "amount": _money("-23.69")}],
    "gross": _money("-316.19"),
    "payable": _money("-316.20"),
}


def all_examples() -> tuple[Example, ...]:
    """The examples of this family."""
    june = date(2026, 6, 30)
    decided = facts.ChargeDecided(
        charge=CHARGE,
        contract=MUSTER_CONTRACT,
        ticket=YEAR_END,
        decision="charge",
        reason=facts.SealedText(f"fw1.{MUSTER}.Vm9yYmVyZWl0dW5nIHdhciBhYmdlc2NobG9zc2Vu"),
    )
    basis = facts.InvoiceBasis(accounts=[MUSTER_CONTRACT], last_fact="019efb4c-2a1e-7c15-9b3d-57a0c1f0a6de")
    invoice = facts.InvoiceIssued(
        series=_SERIES,
        number=1,
        account=MUSTER_CONTRACT,
        until=june,
        document=_INVOICE,
        digest=digest(_INVOICE),
        basis=basis,
    )
    credit_note = facts.CreditNoteIssued(
        series=_SERIES,
        number=2,
        account=MUSTER_CONTRACT,
        until=june,
        corrects=1,
        document=_CREDIT_NOTE,
        digest=digest(_CREDIT_NOTE),
        basis=basis,
    )
    return (
        _example(streams.CHARGE.stream(CHARGE), 1, decided, instant(6, 24, 9)),
        _example(streams.INVOICES.stream(_SERIES), 1, invoice, instant(7, 1, 6)),
        _example(streams.INVOICES.stream(_SERIES), 2, credit_note, instant(7, 6, 6)),
        _example(f"payments-{_SERIES}", 1, facts.InvoiceSent(number=1, channel="email"), instant(7, 1, 6, 10)),
        _example(f"payments-{_SERIES}", 2, facts.InvoicePaid(number=1, paid_on=date(2026, 7, 20)), instant(7, 21, 6)),
    )


def _example(stream: str, version: int, event: Any, at: datetime) -> Example:
    return Example(event=event, provider="infoniqa", stream=stream, version=version, at=at, actor=CLERK)
