"""What a tax auditor takes away of a provider's issued documents, with recipients and reasons
opened where they can be read.
"""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Final

import msgspec

from billing_service.application.reasons import Reasons
from billing_service.application.recipients import Named, Recipients
from billing_service.domain.invoice.document import InvoiceDocument
from billing_service.domain.invoice.issued import IssuedDocument
from billing_service.domain.tax_audit.rows import AuditedDocument, carrier_rows
from billing_service.domain.tax_audit.tables import CarrierRow
from billing_service.queries.accounts import AccountQueries
from billing_service.queries.documents import DocumentFilter, DocumentQueries

PAGE: Final = 200


class AuditedTables(msgspec.Struct, frozen=True):
    """``supplier`` is the vendor as the newest document names it; ``rows`` are by table."""

    supplier: str
    rows: dict[str, list[CarrierRow]]


class TaxAudit:
    """Reads issued documents whole, a page at a time."""

    def __init__(
        self, read_model: AccountQueries, documents: DocumentQueries, recipients: Recipients, reasons: Reasons
    ) -> None:
        self._read_model = read_model
        self._documents = documents
        self._recipients = recipients
        self._reasons = reasons

    async def tables(self, provider: str, from_on: date, until_on: date) -> AuditedTables:
        """The tables of everything that was issued in these days, inclusive.

        Raises RecipientUnavailableError: a carrier without recipients would look like a whole one.
        """
        found: list[AuditedDocument] = []
        named: dict[str, Named | None] = {}
        wanted = DocumentFilter(provider=provider, from_on=from_on, until_on=until_on, limit=PAGE)
        while page := await self._documents.listed(wanted):
            found += await self._opened(provider, page, named)
            wanted = msgspec.structs.replace(wanted, after=page[-1].number)
        supplier = found[-1].document.parties.seller.name if found else provider
        agreements = await self._read_model.agreements(provider)
        return AuditedTables(supplier, await asyncio.to_thread(carrier_rows, found, agreements))

    async def _opened(
        self, provider: str, page: list[IssuedDocument], named: dict[str, Named | None]
    ) -> list[AuditedDocument]:
        documents = [each.document for each in page]
        sealed = [each.reason for each in documents if each.reason is not None]
        reasons = await self._reasons.opened(provider, sealed) if sealed else {}
        for each in documents:
            buyer = each.parties.buyer
            if buyer.sealed_in is not msgspec.UNSET and buyer.customer not in named:
                named[buyer.customer] = await self._recipients.named(provider, buyer.customer)
        return [
            AuditedDocument(issued, _opened(document, named, reasons))
            for issued, document in zip(page, documents, strict=True)
        ]


def _opened(
    document: InvoiceDocument, named: dict[str, Named | None], reasons: dict[str, str | None]
) -> InvoiceDocument:
    if document.reason is not None:
        document = msgspec.structs.replace(document, reason=reasons[document.reason])
    buyer = document.parties.buyer
    known = named.get(buyer.customer) if buyer.sealed_in is not msgspec.UNSET else None
    return document if known is None else known.on(document)
