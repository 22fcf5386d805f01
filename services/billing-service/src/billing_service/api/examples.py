"""What good answers look like, for OpenAPI and its readers."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from fristwerk_language.examples import line


def money(amount: str) -> dict[str, str]:
    """Money as the contract writes it."""
    return {"amount": amount, "currency": "CHF"}


def _event(name: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(line(name))
    return found


ISSUED: Final = _event("InvoiceIssued")
CREDITED: Final = _event("CreditNoteIssued")
SENT: Final = _event("InvoiceSent")
PAID: Final = _event("InvoicePaid")
CONTRACT: Final = "0199c3c4-6b20-7f33-a2e6-7b2a4d3f0c81"
CUSTOMER: Final = "0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70"
TICKET: Final = "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80"
EVENT: Final = "0199c3c4-2a00-7d22-9e3b-4c5d6e7f8091"
CHARGE: Final = f"{CONTRACT}:9f3b6a504c1e5d778a901b2c3d4e5f60"
LINE: Final[dict[str, Any]] = {
    "charge": CHARGE,
    "kind": "overage",
    "ticket": TICKET,
    "on": "2026-06-30",
    "month": None,
    "days": None,
    "minutes": 30,
    "unit_price": money("195.00"),
    "amount": money("97.50"),
    "raw_minutes": 30,
    "factor": "1",
    "vat_percent": "8.1",
    "vat_category": "standard",
    "draws": [],
    "sources": [EVENT],
    "rules": ["R1", "R3", "R5", "R2"],
    "rule": "R1, R3, R5, R2",
    "clauses": ["/billing/package"],
    "agreement": "infoniqa",
    "agreement_version": 1,
    "change": "new",
    "basis": {
        "type": "worked",
        "parts": [{"event": EVENT, "entry": "0199c3c4-2a00-7d22-9e3b-4c5d6e7f8092", "on": "2026-06-30", "minutes": 30}],
        "scope": "ticket_day",
        "increment_minutes": 15,
        "rounded_minutes": 30,
        "factor": "1",
        "weighted_minutes": 30,
        "drawn_minutes": 0,
        "overage_increment_minutes": 15,
    },
}
INVOICED_LINE: Final[dict[str, Any]] = {"invoice": 1, "n": 1, "account": CONTRACT, "reference": "INF-7K3Q-9F2M"} | LINE
_PACKAGE: Final[dict[str, Any]] = {
    "package": "0199c3c4-6b20-7f33-a2e6-7b2a4d3f0c82",
    "granted": 240,
    "drawn": 75,
    "left": 165,
    "from_on": "2026-01-01",
    "expires_on": "2026-12-31",
    "expired": False,
}
SUMS: Final[dict[str, Any]] = {
    "net": money("97.50"),
    "vat": money("7.90"),
    "gross": money("105.40"),
    "payable": money("105.40"),
    "taxes": [{"percent": "8.1", "category": "standard", "net": money("97.50"), "vat": money("7.90")}],
}
PREVIEW: Final[dict[str, Any]] = {
    "lines": [LINE],
    **SUMS,
    "package_left_minutes": 165,
    "packages": [_PACKAGE],
    "held_minutes": {},
    "written_off_minutes": {},
    "not_rated": [],
    "never_charged": [],
    "proposed": [],
    "open_decisions": [],
    "violations": [],
    "remarks": [],
    "to_invoice": {"lines": [LINE], **SUMS},
    "accounts": [
        {
            "account": CONTRACT,
            "kind": "contract",
            "until": "2026-06-30",
            "net": money("97.50"),
            "invoiced_until": None,
        }
    ],
}
BALANCE: Final[dict[str, Any]] = {
    "account": CONTRACT,
    "until": "2026-06-30",
    "packages": [_PACKAGE],
    "package_left_minutes": 165,
    "held_minutes": {},
    "written_off_minutes": {},
    "open_decisions": [],
    "shares": {
        "logged": 105,
        "package": 75,
        "hourly": 30,
        "free": 0,
        "held": 0,
        "written_off": 0,
        "waived": 0,
        "not_rated": 0,
    },
}
CHARGE_ITEM: Final[dict[str, Any]] = {"id": CHARGE, "state": "proposed", "invoices": []} | LINE
OPEN_CHARGE: Final[dict[str, Any]] = CHARGE_ITEM | {
    "account": CONTRACT,
    "contract": CONTRACT,
    "customer": CUSTOMER,
}
CHARGE_DECIDED: Final[dict[str, Any]] = {
    "charge": CHARGE_ITEM | {"state": "charged"},
    "events": [_event("ChargeDecided")],
}
SUMMARY: Final[dict[str, Any]] = {
    "number": 1,
    "series": "infoniqa",
    "type": "invoice",
    "state": "issued",
    "account": CONTRACT,
    "contract": CONTRACT,
    "customer": CUSTOMER,
    "until": "2026-06-30",
    "issued_on": "2026-07-01",
    "issued_at": "2026-07-01T06:00:00Z",
    "recorded_at": "2026-07-01T06:00:00.052000Z",
    "issued_by": "billing-1",
    "currency": "CHF",
    "net": money("97.50"),
    "vat": money("7.90"),
    "gross": money("105.40"),
    "payable": money("105.40"),
    "corrects": None,
    "refers_to": [],
    "reason": None,
    "credited_by": None,
    "sent": [],
    "paid_on": None,
    "digest": "sha256:9f2c4b1a7d3e5f60819203a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8",
    "version": 1,
}
INVOICE: Final[dict[str, Any]] = SUMMARY | {
    "event": EVENT,
    "language": "de-CH",
    "timezone": "Europe/Zurich",
    "taxes": SUMS["taxes"],
    "remarks": [],
    "parties": {
        "seller": {"provider": "infoniqa", "name": "Infoniqa Customer Support"},
        "buyer": {
            "customer": CUSTOMER,
            "kind": "company",
            "country": "CH",
            "language": "de-CH",
            "name": "Muster Treuhand AG",
            "address": {"street": "Musterweg 1", "postcode": "6000", "city": "Luzern"},
            "vat_id": "CHE-000.000.001 MWST",
        },
    },
    "terms": [{"agreement": "infoniqa", "version": 1, "digest": "sha256:9f2c…"}],
    "lines": [{"n": 1, "account": CONTRACT, "reference": "INF-7K3Q-9F2M"} | LINE],
}
CREDIT_NOTE: Final[dict[str, Any]] = INVOICE | {
    "number": 2,
    "type": "credit_note",
    "corrects": 1,
    "net": money("-97.50"),
    "vat": money("-7.90"),
    "gross": money("-105.40"),
    "payable": money("-105.40"),
}
TRACE: Final[dict[str, Any]] = {
    "line": LINE,
    "charge": CHARGE,
    "steps": [{"name": "entries", "rule": "R1", "figures": {"minutes": 50}, "sources": [EVENT]}],
    "sentences": ["Logged work: 30/06/2026 50 min, together 50 minutes."],
    "language": "en",
    "events": [
        {
            "id": EVENT,
            "type": "TimeLogged",
            "stream": f"ticket-{TICKET}",
            "version": 4,
            "occurred_at": "2026-06-30T09:00:00Z",
            "recorded_at": "2026-06-30T09:00:00.052000Z",
        }
    ],
    "clauses": [
        {
            "agreement": "infoniqa",
            "version": 1,
            "digest": "sha256:9f2c4b1a7d3e5f60819203a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8",
            "pointer": "/billing/package",
            "says": {"increment_minutes": 15},
        }
    ],
}
TRACE_AS_TEXT: Final = "Logged work: 30/06/2026 50 min, together 50 minutes."
RUN: Final[dict[str, Any]] = {
    "id": "0199c3c4-7c30-7a44-b3f7-8c3b5e401d92",
    "until": "2026-06-30",
    "state": "running",
    "total": 120,
    "done": 2,
    "issued": [{"account": CONTRACT, "number": 1}],
    "skipped": [{"account": "…", "code": "nothing-to-invoice", "detail": "Up to 2026-06-30 there is nothing new …"}],
    "failed": [],
    "started_at": "2026-07-01T06:00:00Z",
    "ended_at": None,
}
WHAT_IF: Final[dict[str, Any]] = {
    "until": "2026-06-30",
    "now": PREVIEW,
    "then": PREVIEW,
    "difference": {name: money("0.00") for name in ("net", "vat", "gross", "payable")},
    "lines": [],
}
RECONCILIATION: Final[dict[str, Any]] = {
    "account": CONTRACT,
    "kind": "contract",
    "customer": CUSTOMER,
    "until": "2026-06-30",
    "currency": "CHF",
    "logged": 250,
    "package": 240,
    "hourly": 10,
    "free": 0,
    "held": 0,
    "written_off": 0,
    "waived": 0,
    "not_rated": 0,
    "adds_up": True,
    "net": money("97.50"),
    "invoiced": money("0.00"),
    "open": money("97.50"),
}
