"""Issued documents as the log has them, with what became of them."""

from __future__ import annotations

import msgspec

from billing_service.domain.invoice.document import (
    DocumentHead,
    DocumentLine,
    DocumentType,
    InvoiceDocument,
    read_document,
    read_head,
)
from fristwerk_language.events import Recorded
from fristwerk_language.events.billing import CreditNoteIssued, InvoiceIssued


class IssuedLine(msgspec.Struct, frozen=True, kw_only=True):
    """Line ``place`` of document ``number``; places count from 1."""

    number: int
    place: int
    line: DocumentLine


class IssuedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice or credit note with what became of it: ``steps`` are the events after it,
    ``credited_by`` a number.
    """

    issued: Recorded
    steps: tuple[Recorded, ...] = ()
    credited_by: int | None = None

    @property
    def event(self) -> InvoiceIssued | CreditNoteIssued:
        """The event that issued it, with the document as stored."""
        event = self.issued.event
        assert isinstance(event, InvoiceIssued | CreditNoteIssued), "only documents are stored here"
        return event

    @property
    def number(self) -> int:
        return self.event.number

    @property
    def type(self) -> DocumentType:
        return "invoice" if isinstance(self.event, InvoiceIssued) else "credit_note"

    @property
    def customer(self) -> str:
        """Whom it is addressed to."""
        return self.head.parties.buyer.customer

    @property
    def head(self) -> DocumentHead:
        """The document without its lines, read anew each time."""
        return read_head(self.event.document)

    @property
    def document(self) -> InvoiceDocument:
        """The whole document, read anew each time."""
        return read_document(self.event.document)

    @property
    def version(self) -> int:
        """Grows with everything that becomes of the document."""
        return 1 + len(self.steps) + (self.credited_by is not None)
