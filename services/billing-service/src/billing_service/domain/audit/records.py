"""What an audit has of accounts and of issued documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.facts.published import PublishedAgreement
from billing_service.domain.invoice.document import InvoiceDocument, read_document
from fristwerk_language.events import Recorded
from fristwerk_language.events.billing import CreditNoteIssued, InvoiceIssued

PublishedVersions = Mapping[tuple[str, int], PublishedAgreement]


class AccountRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Everything recorded of an account: its facts and its customer's registration, and the decisions on its charges.

    Each in the order of its log.
    """

    row: AccountRow
    facts: Sequence[Recorded]
    decisions: Sequence[Recorded]


class IssuedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A document as it was recorded, typed once."""

    recorded: Recorded
    event: InvoiceIssued | CreditNoteIssued
    document: InvoiceDocument

    @property
    def corrects(self) -> int | None:
        """The invoice that it takes back as a credit note."""
        return self.document.corrects


def issued_record(recorded: Recorded) -> IssuedRecord:
    """A recorded document. Raises msgspec.ValidationError for what is none."""
    event = recorded.event
    assert isinstance(event, InvoiceIssued | CreditNoteIssued), "only documents are issued"
    return IssuedRecord(recorded=recorded, event=event, document=read_document(event.document))
