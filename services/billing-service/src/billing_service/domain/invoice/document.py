"""The frozen document of an invoice or credit note: everything it says, so that nothing is looked
up again.

The number is not part of it: the log gives it when the document is issued. Field order is the order
in which documents are stored, and the digest is taken over what is stored: new fields go to the
end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Literal

import msgspec

from billing_service.domain.statement.charge_line import ChargeLine
from billing_service.domain.statement.statement import Statement, Totals
from fristwerk_language.terms import digest

DocumentType = Literal["invoice", "credit_note"]
BuyerAddress = str | dict[str, str | None]
"""Lines of text, or the parts of an address by their names, which differ by country."""
StoredDocument = dict[str, Any]
"""A document as the log stores it: plain JSON data."""


class Seller(msgspec.Struct, frozen=True, kw_only=True):
    """The provider, by the title of its agreement."""

    provider: str
    name: str


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a document is addressed to, as known on the day of issue.

    A private person's name, address and VAT id are None; ``sealed_in`` is the event that has them,
    sealed.
    """

    customer: str
    kind: str
    country: str | None
    language: str | None
    name: str | None
    address: BuyerAddress | None
    vat_id: str | None
    sealed_in: str | msgspec.UnsetType = msgspec.UNSET


class Parties(msgspec.Struct, frozen=True, kw_only=True):
    seller: Seller
    buyer: Buyer


class AgreementReference(msgspec.Struct, frozen=True, kw_only=True):
    """The version of an agreement that lines rest on, and the digest it was published with."""

    agreement: str
    version: int
    digest: str


class DocumentLine(ChargeLine, frozen=True, gc=False, kw_only=True):
    """A charge line of one of the document's accounts; ``reference`` is how people know its ticket."""

    account: str
    reference: str | None


class InvoiceDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What an invoice or credit note says. ``refers_to`` are the numbers of earlier documents that
    its lines change.

    ``account`` is the contract or customer it is for, ``contract`` None if it is the customer.
    ``corrects`` is the invoice that a credit note takes back, with its ``reason``.
    """

    account: str
    until: date
    currency: str
    parties: Parties
    terms: tuple[AgreementReference, ...]
    corrects: int | None
    lines: tuple[DocumentLine, ...]
    totals: Totals
    contract: str | None
    issued_on: date
    timezone: str
    language: str
    reason: str | None
    refers_to: tuple[int, ...]


class DocumentHead(msgspec.Struct, frozen=True, kw_only=True):
    """A document without its lines and terms: what a list shows."""

    until: date
    currency: str
    parties: Parties
    corrects: int | None
    totals: Totals
    contract: str | None
    issued_on: date
    timezone: str
    reason: str | None
    refers_to: tuple[int, ...]


class NumberedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document under its number in the provider's ``series``."""

    series: str
    number: int
    type: DocumentType
    document: InvoiceDocument


def stored_form(document: InvoiceDocument) -> StoredDocument:
    """The document as the log stores it and as its digest is taken."""
    stored: StoredDocument = msgspec.json.decode(msgspec.json.encode(document))
    return stored


def read_document(stored: StoredDocument) -> InvoiceDocument:
    """A stored document, typed again."""
    return msgspec.convert(stored, type=InvoiceDocument)


def read_head(stored: StoredDocument) -> DocumentHead:
    """The head of a stored document; its lines are not looked at."""
    return msgspec.convert(stored, type=DocumentHead)


def document_digest(stored: Mapping[str, Any]) -> str:
    """SHA-256 of a stored document, as ``sha256:<hex>``."""
    return digest(stored)


def document_line(line: ChargeLine, account: str, reference: str | None) -> DocumentLine:
    """A line of a statement as a document has it."""
    shared = {
        name: getattr(line, name) for name in ChargeLine.__struct_fields__
    }  # of a billed line, all but whose it was
    return DocumentLine(**shared, account=account, reference=reference)


def terms_used(statement: Statement, lines: Iterable[ChargeLine]) -> list[tuple[str, int]]:
    """Every agreement version that the account or one of the lines rests on, in order."""
    own = (statement.agreement, statement.agreement_version)
    return sorted({own, *((line.agreement, line.agreement_version) for line in lines)})


def credit_note(
    original: InvoiceDocument,
    number: int,
    lines: tuple[DocumentLine, ...],
    totals: Totals,
    *,
    reason: str,
    issued_on: date,
) -> InvoiceDocument:
    """The credit note with these lines that names invoice ``number``."""
    return msgspec.structs.replace(
        original,
        corrects=number,
        refers_to=(number,),
        reason=reason,
        issued_on=issued_on,
        lines=lines,
        totals=totals,
    )
