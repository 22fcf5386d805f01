"""Issued documents as the contract shows them: one, a list, their lines, and the lines that rest on an event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from billing_service.application.recipients import Recipients
from billing_service.application.statements import Statements, foreign
from billing_service.application.views import public_charge, shown
from billing_service.domain.errors import NotFound
from billing_service.domain.explanation.trace import resting_on
from billing_service.queries.accounts import ReadModel
from billing_service.queries.documents import DocumentFilter, Documents, IssuedDocument, IssuedLine, LineFilter
from fristwerk_language.events import Envelope, Recorded
from fristwerk_language.events.billing import CreditNoteIssued, InvoiceIssued, InvoicePaid, InvoiceSent
from fristwerk_platform.auth import Principal
from fristwerk_platform.http.problems import Problem

DocumentState = Literal["issued", "sent", "paid", "credited"]
_SUMS: Final = ("net", "vat", "gross", "payable")


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A document with its event and what became of it."""

    envelope: Envelope
    event: InvoiceIssued | CreditNoteIssued
    steps: tuple[Recorded, ...] = ()
    credited_by: int | None = None
    version: int = 1


def as_issued(document: IssuedDocument) -> Issued:
    """A document of the read model."""
    return Issued(
        envelope=document.issued.envelope,
        event=document.event,
        steps=document.steps,
        credited_by=document.credited_by,
        version=document.version,
    )


def summary(issued: Issued) -> dict[str, Any]:
    """A document without its lines, parties and terms."""
    event, envelope = issued.event, issued.envelope
    document = event.document
    sent = [step for step in issued.steps if isinstance(step.event, InvoiceSent)]
    paid = [step.event for step in issued.steps if isinstance(step.event, InvoicePaid)]
    return {
        "number": event.number,
        "series": event.series,
        "type": "invoice" if isinstance(event, InvoiceIssued) else "credit_note",
        "state": _state(issued, sent=bool(sent), paid=bool(paid)),
        "account": event.account,
        "contract": document["contract"],
        "customer": document["parties"]["buyer"]["customer"],
        "until": document["until"],
        "issued_on": document["issued_on"],
        "issued_at": envelope.occurred_at,
        "recorded_at": envelope.recorded_at,
        "issued_by": envelope.actor.id,
        "currency": document["currency"],
        **{name: document["totals"][name] for name in _SUMS},
        "corrects": document["corrects"],
        "refers_to": document["refers_to"],
        "reason": document["reason"],
        "credited_by": issued.credited_by,
        "sent": [
            {"channel": step.event.channel, "at": step.envelope.occurred_at}
            for step in sent
            if isinstance(step.event, InvoiceSent)
        ],
        "paid_on": paid[0].paid_on if paid else None,
        "digest": event.digest,
        "version": issued.version,
    }


def described(issued: Issued) -> dict[str, Any]:
    """The whole document; ``n`` counts its lines from 1."""
    document = issued.event.document
    lines = [
        {
            "n": number,
            **line,
            "charge": public_charge(line["account"], line["charge"]),
            "rule": ", ".join(line["rules"]),
        }
        for number, line in enumerate(document["lines"], start=1)
    ]
    return summary(issued) | {
        "event": issued.envelope.id,
        "parties": document["parties"],
        "terms": document["terms"],
        "language": document["language"],
        "timezone": document["timezone"],
        "taxes": document["totals"]["taxes"],
        "lines": lines,
    }


class Invoices:
    """Reads documents. A customer sees the own company's, staff the provider's; everything else is not found."""

    def __init__(
        self, read_model: ReadModel, documents: Documents, statements: Statements, recipients: Recipients
    ) -> None:
        self._read_model = read_model
        self._documents = documents
        self._statements = statements
        self._recipients = recipients

    async def document(self, principal: Principal, number: int) -> IssuedDocument:
        """A document. Raises NotFound."""
        found = await self._documents.document(principal.provider, number)
        if found is None or foreign(principal, found.customer):
            raise NotFound("invoice-not-found", f"There is no invoice {number}.")
        return found

    async def read(self, principal: Principal, number: int) -> dict[str, Any]:
        """The whole document, with a private person's name if it can be read. Raises NotFound."""
        document = await self.document(principal, number)
        body = described(as_issued(document))
        buyer = body["parties"]["buyer"]
        if "sealed_in" not in buyer:
            return body
        try:
            named = await self._recipients.named(principal.provider, buyer["customer"])
        except Problem:
            return body  # the document is what it is, whoever can be asked
        opened = {} if named is None else msgspec.structs.asdict(named)
        return body | {"parties": body["parties"] | {"buyer": buyer | opened}}

    async def listed(self, principal: Principal, wanted: DocumentFilter) -> list[dict[str, Any]]:
        """A page of documents, without their lines."""
        found = await self._documents.listed(_own(principal, wanted))
        return [summary(as_issued(each)) for each in found]

    async def series(self, provider: str) -> int:
        """The last number of the provider's series."""
        return await self._documents.last_number(provider)

    async def lines(self, principal: Principal, wanted: LineFilter) -> list[dict[str, Any]]:
        """A page of issued lines."""
        own = msgspec.structs.replace(wanted, documents=_own(principal, wanted.documents))
        return [_line(each) for each in await self._documents.lines(own)]

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
        lines: Sequence[Any] = resting_on((*rated.to_invoice, *rated.statement.proposed), event)
        references = await self._read_model.references([row.account])
        return [
            _place(None, None, row.account, references.get(line.ticket)) | shown(row.account, line) for line in lines
        ]


def _state(issued: Issued, *, sent: bool, paid: bool) -> DocumentState:
    if issued.credited_by is not None:
        return "credited"
    if paid:
        return "paid"
    return "sent" if sent else "issued"


def _own(principal: Principal, wanted: DocumentFilter) -> DocumentFilter:
    """A customer's list is the own company's, whatever was asked for."""
    if principal.role != "customer":
        return wanted
    assert principal.customer is not None, "a customer's token names the customer"
    other = wanted.customer not in (None, principal.customer)
    return msgspec.structs.replace(wanted, customer=principal.customer, limit=0 if other else wanted.limit)


def _line(each: IssuedLine) -> dict[str, Any]:
    return _place(each.number, each.place, each.account, each.reference) | shown(each.account, each.line)


def _place(number: int | None, place: int | None, account: str, reference: str | None) -> dict[str, Any]:
    return {"invoice": number, "n": place, "account": account, "reference": reference}
