"""Views of issued documents and their lines, as the HTTP contract shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec.structs import asdict

from billing_service.domain.invoice.document import DocumentLine, InvoiceDocument
from billing_service.domain.invoice.issued import IssuedDocument, IssuedLine
from billing_service.domain.invoice.views import public_charge, shown
from billing_service.domain.statement.charge_line import ChargeLine
from fristwerk_language.events.billing import InvoicePaid, InvoiceSent

DocumentState = Literal["issued", "sent", "paid", "credited"]


def summary(issued: IssuedDocument) -> dict[str, Any]:
    """A document without its lines, parties and terms."""
    event, envelope, head = issued.event, issued.issued.envelope, issued.head
    sent = [(step.event, step.envelope) for step in issued.steps if isinstance(step.event, InvoiceSent)]
    paid = [step.event for step in issued.steps if isinstance(step.event, InvoicePaid)]
    return {
        "number": event.number,
        "series": event.series,
        "type": issued.type,
        "state": _state(issued, sent=bool(sent), paid=bool(paid)),
        "account": event.account,
        "contract": head.contract,
        "customer": head.parties.buyer.customer,
        "until": head.until,
        "issued_on": head.issued_on,
        "issued_at": envelope.occurred_at,
        "recorded_at": envelope.recorded_at,
        "issued_by": envelope.actor.id,
        "currency": head.currency,
        "net": head.totals.net,
        "vat": head.totals.vat,
        "gross": head.totals.gross,
        "payable": head.totals.payable,
        "corrects": head.corrects,
        "refers_to": head.refers_to,
        "reason": head.reason,
        "credited_by": issued.credited_by,
        "sent": [{"channel": event.channel, "at": envelope.occurred_at} for event, envelope in sent],
        "paid_on": paid[0].paid_on if paid else None,
        "digest": event.digest,
        "version": issued.version,
    }


def described(issued: IssuedDocument, document: InvoiceDocument) -> dict[str, Any]:
    """The whole document; ``n`` counts its lines from 1. ``document`` may name a buyer that the
    stored one does not.
    """
    return summary(issued) | {
        "event": issued.issued.envelope.id,
        "parties": document.parties,
        "terms": document.terms,
        "language": document.language,
        "timezone": document.timezone,
        "taxes": document.totals.taxes,
        "remarks": issued.event.remarks,
        "lines": [{"n": number} | _line(line) for number, line in enumerate(document.lines, start=1)],
    }


def issued_line(issued: IssuedLine) -> dict[str, Any]:
    """A line with its invoice and its place on it."""
    line = issued.line
    place = {"invoice": issued.number, "n": issued.place, "account": line.account, "reference": line.reference}
    return place | shown(line.account, line)


def line_not_invoiced(account: str, line: ChargeLine, references: Mapping[str, str]) -> dict[str, Any]:
    """A line that the next invoice would have."""
    reference = None if line.ticket is None else references.get(line.ticket)
    return {"invoice": None, "n": None, "account": account, "reference": reference} | shown(account, line)


def _line(line: DocumentLine) -> dict[str, Any]:
    return asdict(line) | {"charge": public_charge(line.account, line.charge), "rule": ", ".join(line.rules)}


def _state(issued: IssuedDocument, *, sent: bool, paid: bool) -> DocumentState:
    if issued.credited_by is not None:
        return "credited"
    if paid:
        return "paid"
    return "sent" if sent else "issued"
