"""Facts of the billing service (its own log and feed): decisions and issued documents."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import msgspec


class ChargeDecided(msgspec.Struct, frozen=True, kw_only=True):
    """A proposed charge was charged or waived. ``reason`` is a statement of the vendor (stream ``charge-…``)."""

    charge: str
    contract: str
    ticket: str
    decision: Literal["charge", "waive"]
    reason: str


class InvoiceIssued(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice; its number is the version of the stream ``invoices-<series>``. ``document`` is the frozen copy."""

    series: str
    number: int
    account: str
    until: date
    document: dict[str, Any]
    digest: str


class CreditNoteIssued(msgspec.Struct, frozen=True, kw_only=True):
    """A credit note in the same series; ``corrects`` is the number it names, or null for a negative difference."""

    series: str
    number: int
    account: str
    until: date
    corrects: int | None = None
    document: dict[str, Any]
    digest: str


class InvoiceSent(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    channel: str


class InvoicePaid(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    paid_on: date


BillingEvent = ChargeDecided | InvoiceIssued | CreditNoteIssued | InvoiceSent | InvoicePaid
