"""Facts of the billing service (its own log and feed): decisions and issued documents."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal, NewType

import msgspec

SealedText = NewType("SealedText", str)
"""A text about a customer, sealed by the ticket-service, which holds the keys and opens it until the customer is forgotten."""


class ChargeDecided(msgspec.Struct, frozen=True, kw_only=True):
    """A proposed charge was charged or waived, for a ``reason`` (stream ``charge-…``). Up to 0.2.0 it stood here in clear.

    ``at_most`` is the amount that is waived, in the contract's currency, where a credit note waived what was billed so far:
    later work is charged again. Without it all of the charge is waived, whatever it comes to. ``at_most_minutes`` are then
    those that packages get back; without it none. ``ticket`` is null for an add-on.
    """

    charge: str
    contract: str
    ticket: str | None
    decision: Literal["charge", "waive"]
    reason: SealedText
    at_most: Decimal | None = None
    at_most_minutes: Decimal | None = None


class InvoiceRemark(msgspec.Struct, frozen=True, kw_only=True):
    """What a clerk should look at although it is billed: a stable code and a sentence, about work on a ticket."""

    code: str
    detail: str
    ticket: str


class InvoiceBasis(msgspec.Struct, frozen=True, kw_only=True):
    """What a document was computed from: these accounts, and of what the ticket-service recorded, everything up to an event.

    ``last_fact`` is the id of the newest fact of those accounts, or version of an agreement, that billing had followed.
    An id and no position: it stands in the bytes that are hashed, and a bundle of one provider counts positions anew.
    """

    accounts: list[str]
    last_fact: str


class InvoiceIssued(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice; its number is the version of the stream ``invoices-<series>``. ``document`` is the frozen copy.

    ``remarks`` are the vendor's own and not part of the document. ``basis`` is null where it was issued before it was recorded.
    """

    series: str
    number: int
    account: str
    until: date
    document: dict[str, Any]
    digest: str
    remarks: list[InvoiceRemark] = []
    basis: InvoiceBasis | None = None


class CreditNoteIssued(msgspec.Struct, frozen=True, kw_only=True):
    """A credit note in the same series; ``corrects`` is the number it names, or null for a negative difference.

    The ``reason`` in the document is sealed as that of ``ChargeDecided`` is.

    ``then`` says what becomes of the work that it takes back: ``reissue``, the next invoice bills it again, or ``waive``, never.
    It is null for a difference, and where it was issued before there was a choice (``reissue``). ``basis`` is that of
    ``InvoiceIssued``.
    """

    series: str
    number: int
    account: str
    until: date
    corrects: int | None = None
    document: dict[str, Any]
    digest: str
    then: Literal["reissue", "waive"] | None = None
    remarks: list[InvoiceRemark] = []
    basis: InvoiceBasis | None = None


class InvoiceSent(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    channel: str


class InvoicePaid(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    paid_on: date


BillingEvent = ChargeDecided | InvoiceIssued | CreditNoteIssued | InvoiceSent | InvoicePaid
