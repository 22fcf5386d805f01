"""A document computed again, by the functions that issued it, from the facts that were known when it was issued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NoReturn

import msgspec

from billing_service.domain.audit.circumstances import circumstances
from billing_service.domain.audit.divergence import Divergence, first_divergence
from billing_service.domain.audit.records import AccountRecord, IssuedRecord, PublishedVersions
from billing_service.domain.errors import Refusal
from billing_service.domain.facts.from_events import account as read_account
from billing_service.domain.invoice.account_ledger import BilledLine, Ledger, ledger_of
from billing_service.domain.invoice.credit import left_of, taken_back, waived_for_good
from billing_service.domain.invoice.document import Buyer, InvoiceDocument, document_digest, stored_form
from billing_service.domain.invoice.document_sums import next_totals
from billing_service.domain.invoice.drafts import credit_draft, difference_draft
from billing_service.domain.invoice.rated import Cutoff, lookup, rate_account
from billing_service.domain.invoice.totals import BilledDocument
from billing_service.domain.rating.rating import EmptyAccountError, account_terms
from fristwerk_language.events import Recorded, streams
from fristwerk_language.events.billing import ChargeDecided, CreditNoteIssued
from fristwerk_language.events.customers import CustomerRegistered
from fristwerk_language.events.tickets import TicketCreated


def divergence(
    issued: IssuedRecord,
    accounts: Sequence[AccountRecord],
    published: PublishedVersions,
    earlier: Mapping[int, IssuedRecord],
) -> Divergence | None:
    """Where a document is not what was recorded when it was issued comes to; None where it is exactly that.

    ``accounts`` are its customer's, in the order of their names; ``earlier`` the documents of its
    series by number.
    """
    event = issued.event
    if document_digest(event.document) != event.digest:
        computed = document_digest(event.document)
        return Divergence(number=event.number, field="digest", issued=event.digest, computed=computed)
    first: Divergence | None = None
    for billed, cut, known in circumstances(issued, accounts, published):
        found = _compared(issued, [_up_to(each, cut, issued) for each in billed], known, earlier)
        if found is None:
            return None
        first = first or found
    if first is None:
        assert event.basis is not None, "without one there is at least one cut"
        computed = "nothing (no such fact is recorded)"
        return Divergence(number=event.number, field="basis", issued=event.basis.last_fact, computed=computed)
    return first


def _compared(
    issued: IssuedRecord,
    accounts: Sequence[AccountRecord],
    published: PublishedVersions,
    earlier: Mapping[int, IssuedRecord],
) -> Divergence | None:
    number = issued.event.number
    make = _difference if issued.corrects is None else _credit
    try:
        computed = make(issued, accounts, published, earlier)
    except (Refusal, KeyError, EmptyAccountError) as error:
        return Divergence(number=number, field="document", issued=issued.event.digest, computed=f"nothing ({error})")
    return first_divergence(number, issued.event.document, stored_form(computed))


def _difference(
    issued: IssuedRecord,
    accounts: Sequence[AccountRecord],
    published: PublishedVersions,
    earlier: Mapping[int, IssuedRecord],
) -> InvoiceDocument:
    """What the statements add to what was billed before. Raises Refusal."""
    document = issued.document
    moment = Cutoff(until=document.until)
    found = [
        rate_account(
            each.row,
            [*each.facts, *each.decisions],
            published,
            moment,
            ledger_before(issued.event.number, each.row.account, earlier),
            now=_no_clock,
        )
        for each in accounts
    ]
    rated = [each for each in found if each is not None]
    if not rated:
        raise EmptyAccountError(f"nothing was recorded of {document.account}")
    facts = [each for account in accounts for each in account.facts]
    draft = difference_draft(
        document.account,
        document.contract,
        rated,
        until=document.until,
        occurred_at=issued.recorded.envelope.occurred_at,
        buyer=_buyer(facts, document.parties.buyer.customer),
        published=published,
        references=_references(facts),
    )
    return draft.document


def _credit(
    issued: IssuedRecord,
    accounts: Sequence[AccountRecord],
    published: PublishedVersions,
    earlier: Mapping[int, IssuedRecord],
) -> InvoiceDocument:
    """What was left of an invoice, taken back. Raises KeyError where there is no such invoice."""
    document, event, envelope = issued.document, issued.event, issued.recorded.envelope
    assert document.corrects is not None, "it names an invoice"
    assert isinstance(event, CreditNoteIssued), "only credit notes do"
    original = earlier[document.corrects].document
    ledgers = {each.row.account: ledger_before(event.number, each.row.account, earlier) for each in accounts}
    left = left_of(original.lines, {account: ledger.invoiced.lines for account, ledger in ledgers.items()})
    lines = taken_back(left)
    if event.then == "waive":
        waived = _decided_with(issued, accounts)
        lines = tuple(
            line
            for each in left
            if each.amount or each.draws
            for line in waived_for_good(
                each, reason=document.reason or "", actor=envelope.actor.id, decision=waived[each.charge]
            )
        )
    totals = next_totals(document.contract, lines, ledgers, original.currency, _cash_rounding(accounts, published))
    return credit_draft(
        original,
        document.corrects,
        lines,
        totals,
        reason=document.reason or "",
        occurred_at=envelope.occurred_at,
    )


def ledger_before(number: int, account: str, earlier: Mapping[int, IssuedRecord]) -> Ledger:
    """What the documents before a number billed of an account."""
    billed: list[BilledLine] = []
    documents: list[BilledDocument] = []
    for each in sorted(one for one in earlier if one < number):
        document = earlier[each].document
        own = tuple(line for line in document.lines if line.account == account)
        if own:
            billed += [BilledLine(number=each, until=document.until, line=line) for line in own]
            documents.append(BilledDocument(number=each, contract=document.contract, totals=document.totals, lines=own))
    return ledger_of(billed, tuple(documents))


def _decided_with(issued: IssuedRecord, accounts: Sequence[AccountRecord]) -> dict[str, str]:
    """The events by which a credit note's charges were waived along with it: each charge's first decision after it."""
    found: dict[str, str] = {}
    for account in accounts:
        for each in account.decisions:
            if isinstance(each.event, ChargeDecided) and each.position > issued.recorded.position:
                found.setdefault(each.event.charge, each.id)
    return found


def _up_to(account: AccountRecord, cut: int, issued: IssuedRecord) -> AccountRecord:
    """What was known of an account: its facts up to a position, and the decisions before the document."""
    decisions = account.decisions
    if issued.corrects is None:
        decisions = [each for each in decisions if each.position < issued.recorded.position]
    facts = [each for each in account.facts if each.position <= cut]
    return msgspec.structs.replace(account, facts=facts, decisions=decisions)


def _cash_rounding(accounts: Sequence[AccountRecord], published: PublishedVersions) -> Decimal | None:
    """The smallest payable unit, where the accounts' agreements are of one mind."""
    units = set()
    for each in accounts:
        try:
            _, own = account_terms(read_account(each.row.account, each.facts), lookup(published))
        except EmptyAccountError:
            continue
        units.add(own.billing.cash_rounding)
    return units.pop() if len(units) == 1 else None


def _buyer(facts: Sequence[Recorded], customer: str) -> Buyer:
    """The buyer as a document keeps it: a private person's name stays sealed in the event. Raises KeyError."""
    for each in facts:
        event = each.event
        if isinstance(event, CustomerRegistered) and event.customer == customer:
            whole = Buyer(
                customer=customer,
                kind=event.kind,
                country=event.country,
                language=event.language,
                name=event.name,
                address=event.address,
                vat_id=event.vat_id,
            )
            if event.name is not None:
                return whole
            return msgspec.structs.replace(whole, name=None, address=None, vat_id=None, sealed_in=each.id)
    raise KeyError(f"the customer {customer} was never registered")


def _references(facts: Sequence[Recorded]) -> dict[str, str]:
    return {
        streams.TICKET.subject(each.stream): each.event.reference
        for each in facts
        if isinstance(each.event, TicketCreated)
    }


def _no_clock() -> NoReturn:
    raise AssertionError("a document names its last day")
