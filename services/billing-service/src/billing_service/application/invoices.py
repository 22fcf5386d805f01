"""Reading issued documents: one, a list, their lines, and the lines that rest on an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from billing_service.application.reasons import Reasons
from billing_service.application.recipients import Recipients
from billing_service.application.statements import Statements, foreign
from billing_service.application.visibility import document_seen_by, lines_seen_by
from billing_service.domain.errors import NotFound
from billing_service.domain.explanation.trace import resting_on
from billing_service.domain.invoice.document import InvoiceDocument
from billing_service.domain.invoice.document_views import issued_line, line_not_invoiced, summary
from billing_service.domain.invoice.issued import IssuedDocument, IssuedLine
from billing_service.queries.accounts import AccountQueries
from billing_service.queries.documents import DocumentFilter, DocumentQueries, LineFilter
from fristwerk_platform.auth import Principal
from fristwerk_platform.commands import RetryLaterError


class Invoices:
    """Reads documents. A customer sees the own company's, staff the provider's; everything else is
    not found.
    """

    def __init__(
        self,
        read_model: AccountQueries,
        documents: DocumentQueries,
        statements: Statements,
        recipients: Recipients,
        reasons: Reasons,
    ) -> None:
        self._read_model = read_model
        self._documents = documents
        self._statements = statements
        self._recipients = recipients
        self._reasons = reasons

    async def document(self, principal: Principal, number: int) -> IssuedDocument:
        """A document. Raises NotFound."""
        found = await self._documents.document(principal.provider, number)
        if found is None or foreign(principal, found.customer):
            raise NotFound("invoice-not-found", f"There is no invoice {number}.")
        return found

    async def read(self, principal: Principal, number: int) -> tuple[IssuedDocument, InvoiceDocument]:
        """A document and what it says, with its reason and a private person's name if they can be
        read. Raises NotFound.
        """
        issued = await self.document(principal, number)
        document = issued.document
        if document.reason is not None:
            reasons = await self._reasons.opened(principal.provider, [document.reason])
            document = msgspec.structs.replace(document, reason=reasons[document.reason])
        buyer = document.parties.buyer
        if buyer.sealed_in is msgspec.UNSET:
            return issued, document
        try:
            named = await self._recipients.named(principal.provider, buyer.customer)
        except RetryLaterError:
            return issued, document  # the stored document is shown without the name
        return issued, document if named is None else named.on(document)

    async def listed(self, principal: Principal, wanted: DocumentFilter) -> list[Mapping[str, Any]]:
        """A page of documents, without their lines."""
        found = await self._documents.listed(_own(principal, wanted))
        return [document_seen_by(principal, summary(each)) for each in found]

    async def series(self, provider: str) -> int:
        """The last number of the provider's series."""
        return await self._documents.last_number(provider)

    async def lines(self, principal: Principal, wanted: LineFilter) -> list[dict[str, Any]]:
        """A page of issued lines."""
        own = msgspec.structs.replace(wanted, documents=_own(principal, wanted.documents))
        return lines_seen_by(principal, [issued_line(each) for each in await self._documents.lines(own)])

    async def line(self, principal: Principal, number: int, place: int) -> IssuedLine:
        """One line of a document. Raises NotFound."""
        await self.document(principal, number)
        wanted = LineFilter(
            documents=DocumentFilter(provider=principal.provider), number=number, after=(number, place - 1), limit=1
        )
        found = await self._documents.lines(wanted)
        if not found or found[0].place != place:
            raise NotFound("line-not-found", f"Invoice {number} has no line {place}.")
        return found[0]

    async def not_invoiced(self, principal: Principal, event: str) -> list[dict[str, Any]]:
        """The lines that rest on an event and that the next invoice would have."""
        row = await self._read_model.resting_on(principal.provider, event)
        if row is None or foreign(principal, row.customer):
            return []
        rated = await self._statements.rated(row)
        if rated is None:
            return []
        lines = resting_on((*rated.to_invoice, *rated.statement.proposed), event)
        references = await self._read_model.references([row.account])
        return lines_seen_by(principal, [line_not_invoiced(row.account, line, references) for line in lines])


def _own(principal: Principal, wanted: DocumentFilter) -> DocumentFilter:
    """A customer's list is the own company's, also where it asks for nobody's; the interface refuses another's."""
    if principal.role != "customer":
        return wanted
    assert principal.belongs_to is not None, "a customer's token names the customer"
    assert wanted.customer in (None, principal.belongs_to), "checked by the caller"
    return msgspec.structs.replace(wanted, customer=principal.belongs_to)
