"""Drafts: what an invoice or credit note will say, put together before it gets its number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec

from billing_service.domain.facts.published import PublishedAgreement
from billing_service.domain.invoice import invoice
from billing_service.domain.invoice.document import (
    AgreementReference,
    Buyer,
    DocumentLine,
    InvoiceDocument,
    Parties,
    Seller,
    credit_note,
    document_line,
    terms_used,
)
from billing_service.domain.invoice.document_sums import common_frame, next_totals
from billing_service.domain.invoice.invoice import DocumentOutcome
from billing_service.domain.invoice.rated import Rated
from billing_service.domain.statement.charge_line import ChargeLine
from billing_service.domain.statement.statement import Totals
from fristwerk_language.terms import zone


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a document would say, and whether it is one at all."""

    outcome: DocumentOutcome
    document: InvoiceDocument


def difference_draft(
    account: str,
    contract: str | None,
    rated: Sequence[Rated],
    *,
    until: date,
    occurred_at: datetime,
    buyer: Buyer,
    published: Mapping[tuple[str, int], PublishedAgreement],
    references: Mapping[str, str],
) -> Draft:
    """What the accounts' statements add to what was invoiced. Raises NotAcceptable if there are two
    currencies.
    """
    added = [(each.row.account, line) for each in rated for line in each.to_invoice]
    lines = [line for _, line in added]
    first = rated[0]
    currency, cash_rounding = common_frame([each.statement for each in rated])
    ledgers = {each.row.account: each.ledger for each in rated}
    totals = next_totals(contract, lines, ledgers, currency, cash_rounding)
    invoiced_in = (each.ledger.numbers.get(line.charge, ()) for each in rated for line in each.to_invoice)
    document = InvoiceDocument(
        account=account,
        until=until,
        currency=currency,
        parties=Parties(
            seller=Seller(provider=first.row.provider, name=first.agreement.title or first.agreement.agreement),
            buyer=buyer,
        ),
        terms=_terms(rated, lines, published),
        corrects=None,
        lines=tuple(
            document_line(line, owner, None if line.ticket is None else references.get(line.ticket))
            for owner, line in added
        ),
        totals=totals,
        contract=contract,
        issued_on=local_day(occurred_at, first.agreement.timezone),
        timezone=first.agreement.timezone,
        language=first.agreement.language,
        reason=None,
        refers_to=tuple(sorted({number for numbers in invoiced_in for number in numbers})),
    )
    return Draft(outcome=invoice.outcome(totals), document=document)


def credit_draft(
    issued: InvoiceDocument,
    number: int,
    lines: tuple[DocumentLine, ...],
    totals: Totals,
    *,
    reason: str,
    occurred_at: datetime,
) -> InvoiceDocument:
    """The credit note with these lines that names invoice ``number``, which was ``issued``."""
    issued_on = local_day(occurred_at, issued.timezone)
    return credit_note(issued, number, lines, totals, reason=reason, issued_on=issued_on)


def _terms(
    rated: Sequence[Rated], lines: Sequence[ChargeLine], published: Mapping[tuple[str, int], PublishedAgreement]
) -> tuple[AgreementReference, ...]:
    """Each version of an agreement that the accounts or the lines rest on."""
    used = {key for each in rated for key in terms_used(each.statement, lines)}
    return tuple(
        AgreementReference(agreement=name, version=version, digest=published[name, version].digest)
        for name, version in sorted(used)
    )


def local_day(instant: datetime, timezone: str) -> date:
    """The local day of an instant."""
    return instant.astimezone(zone(timezone)).date()
