"""The rows of the data carrier, from issued documents as the log has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from billing_service.domain.facts.published import PublishedAgreement
from billing_service.domain.invoice.document import BuyerAddress, InvoiceDocument
from billing_service.domain.invoice.issued import IssuedDocument
from billing_service.domain.tax_audit.tables import (
    DOCUMENTS,
    LINES,
    PRICES,
    RECIPIENTS,
    REFERENCES,
    TAXES,
    CarrierRow,
)
from fristwerk_language.events.billing import InvoicePaid
from fristwerk_language.terms.billing import BillingTerms

AgreementKey = tuple[str, int]


class AuditedDocument(msgspec.Struct, frozen=True):
    """A document, and what it says with its reason and its recipient opened."""

    issued: IssuedDocument
    document: InvoiceDocument


def carrier_rows(
    documents: Iterable[AuditedDocument], published: Mapping[AgreementKey, PublishedAgreement]
) -> dict[str, list[CarrierRow]]:
    """The rows of each table by its name, in the order of their keys."""
    rows: dict[str, list[CarrierRow]] = {
        each.name: [] for each in (DOCUMENTS, LINES, TAXES, REFERENCES, RECIPIENTS, PRICES)
    }
    used: set[AgreementKey] = set()
    for each in documents:
        rows[DOCUMENTS.name].append(_head(each))
        rows[LINES.name] += _lines(each)
        rows[TAXES.name] += _taxes(each)
        rows[REFERENCES.name] += _references(each)
        rows[RECIPIENTS.name].append(_recipient(each))
        used |= {(terms.agreement, terms.version) for terms in each.document.terms}
    for key in sorted(used):
        rows[PRICES.name] += _prices(key, published[key])
    return rows


def _head(each: AuditedDocument) -> CarrierRow:
    issued, document = each.issued, each.document
    envelope, totals = issued.issued.envelope, document.totals
    paid = next((step.event.paid_on for step in issued.steps if isinstance(step.event, InvoicePaid)), None)
    return (
        issued.number,
        issued.type,
        document.issued_on,
        _instant(envelope.recorded_at),
        envelope.actor.id,
        document.account,
        document.until,
        document.currency,
        totals.net.amount,
        totals.vat.amount,
        totals.gross.amount,
        totals.payable.amount,
        document.reason,
        paid,
        issued.event.digest,
    )


def _lines(each: AuditedDocument) -> Iterator[CarrierRow]:
    for place, line in enumerate(each.document.lines, start=1):
        yield (
            each.issued.number,
            place,
            line.account,
            line.kind,
            line.change,
            line.on,
            line.reference,
            line.minutes,
            line.unit_price.amount,
            line.amount.amount,
            line.amount.currency,
            line.vat_percent,
            line.vat_category,
            line.agreement,
            line.agreement_version,
            " ".join(line.clauses),
        )


def _taxes(each: AuditedDocument) -> Iterator[CarrierRow]:
    for tax in each.document.totals.taxes:
        yield each.issued.number, tax.percent, tax.category, tax.net.amount, tax.vat.amount, each.document.currency


def _references(each: AuditedDocument) -> Iterator[CarrierRow]:
    for earlier in each.document.refers_to:
        yield each.issued.number, earlier, "ja" if earlier == each.document.corrects else "nein"


def _recipient(each: AuditedDocument) -> CarrierRow:
    buyer = each.document.parties.buyer
    return (
        each.issued.number,
        buyer.customer,
        buyer.kind,
        buyer.name,
        _address(buyer.address),
        buyer.country,
        buyer.vat_id,
    )


def _address(address: BuyerAddress | None) -> str | None:
    if address is None or isinstance(address, str):
        return address
    return ", ".join(part for _, part in sorted(address.items()) if part)


def _prices(key: AgreementKey, agreement: PublishedAgreement) -> Iterator[CarrierRow]:
    document, publication = agreement.document, agreement.publication
    for clause, amount in _priced(document.billing):
        yield (
            *key,
            f"/billing{clause}",
            amount,
            document.currency,
            publication.valid_from,
            _instant(publication.published_at),
            agreement.digest,
        )


def _priced(billing: BillingTerms) -> Iterator[tuple[str, Decimal]]:
    """Every clause that states a price, in the order of the clauses' names."""
    for name, addon in sorted(billing.addons.items()):
        yield f"/addons/{name}/monthly_price", addon.monthly_price
    if billing.hourly is not None:
        yield "/hourly/rate", billing.hourly.rate
        for number, each in enumerate(billing.hourly.rates):
            yield f"/hourly/rates/{number}/rate", each.rate
    if billing.minimum_charge is not None:
        yield "/minimum_charge/amount", billing.minimum_charge.amount
    if billing.package is not None:
        yield "/package/overage_rate", billing.package.overage_rate


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()
