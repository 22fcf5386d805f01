"""What the operations on documents, runs and reports answer, as types that describe it for OpenAPI (see ``answers``)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, Literal

import msgspec

from billing_service.api.answers import ChargeItem, Event, InvoicedLine, NumberedLine, Preview, ShownLine
from billing_service.application.visibility import DOCUMENT_SHOWS, PREVIEW_SHOWS
from billing_service.domain.invoice.document import AgreementReference, DocumentType, Parties
from billing_service.domain.invoice.document_views import DocumentState
from billing_service.domain.money import Money
from billing_service.domain.statement.statement import Tax
from fristwerk_language.events.billing import InvoiceRemark


class NoteOfSending(msgspec.Struct):
    """That a document was sent."""

    channel: str
    at: datetime


class DocumentSummary(msgspec.Struct):
    """An invoice or credit note without its lines, parties and terms."""

    number: int
    series: str
    type: DocumentType
    state: DocumentState
    account: str
    contract: str | None
    customer: str
    until: date
    issued_on: date
    issued_at: datetime
    recorded_at: datetime
    issued_by: str
    currency: str
    net: Money
    vat: Money
    gross: Money
    payable: Money
    corrects: int | None
    refers_to: list[int]
    reason: str | None
    credited_by: int | None
    sent: list[NoteOfSending]
    paid_on: date | None
    digest: str
    version: int


class DocumentRead(DocumentSummary):
    """An invoice or credit note, frozen as it was issued."""

    event: str
    parties: Parties
    terms: list[AgreementReference]
    language: str
    timezone: str
    taxes: list[Tax]
    remarks: list[InvoiceRemark]
    lines: list[NumberedLine]


class DocumentAnswer(msgspec.Struct):
    """One document."""

    invoice: DocumentRead


class DocumentIssued(DocumentAnswer):
    """The document that was issued, and the event; what stands out in its work, where something does."""

    events: list[Event]
    remarks: list[InvoiceRemark] | msgspec.UnsetType = msgspec.UNSET


class DocumentNoted(msgspec.Struct):
    """The document after what was noted, and the event."""

    invoice: DocumentSummary
    events: list[Event]


class DocumentPage(msgspec.Struct):
    """Documents."""

    items: list[DocumentSummary]


class IssuedInRun(msgspec.Struct):
    """An account that got a document."""

    account: str
    number: int


class LeftOutOfRun(msgspec.Struct):
    """An account that got none, and why."""

    account: str
    code: str
    detail: str


class RunRead(msgspec.Struct):
    """A run over all accounts, and how far it is."""

    id: str
    until: date
    state: Literal["running", "done"]
    total: int
    done: int
    issued: list[IssuedInRun]
    skipped: list[LeftOutOfRun]
    failed: list[LeftOutOfRun]
    started_at: datetime
    ended_at: datetime | None


class RunAnswer(msgspec.Struct):
    """One run."""

    run: RunRead


class ReconciledAccount(msgspec.Struct, kw_only=True):
    """Where an account's minutes went; of one that cannot be rated only that, and the code of why."""

    account: str
    kind: str
    customer: str
    adds_up: bool
    until: date | msgspec.UnsetType = msgspec.UNSET
    logged: int = 0
    package: int = 0
    hourly: int = 0
    free: int = 0
    held: int = 0
    written_off: int = 0
    waived: int = 0
    not_rated: int = 0
    currency: str | msgspec.UnsetType = msgspec.UNSET
    net: Money | msgspec.UnsetType = msgspec.UNSET
    invoiced: Money | msgspec.UnsetType = msgspec.UNSET
    open: Money | msgspec.UnsetType = msgspec.UNSET
    error: str | msgspec.UnsetType = msgspec.UNSET


class ReconciliationPage(msgspec.Struct):
    """Accounts."""

    items: list[ReconciledAccount]


def _all_of(struct: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(struct.__struct_encode_fields__)


REQUIRED: Final[Mapping[type, frozenset[str]]] = {
    Preview: PREVIEW_SHOWS,
    DocumentSummary: DOCUMENT_SHOWS,
    DocumentRead: DOCUMENT_SHOWS,
    **{each: _all_of(each) for each in (ShownLine, InvoicedLine, NumberedLine, ChargeItem)},
}
"""The fields that every answer has, to whomever: a customer is not shown the others."""
