"""A document computed again, by the functions that issued it, from the facts that were known when it was issued.

The read model may have been any number of events behind the log then, so the event names the last
fact that it had. Older events do not: their facts are cut at the instant of issue first, and then
event by event around it, since another machine's clock may have been a little ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NoReturn

import msgspec

from billing_service.domain.audit.divergence import Divergence, first_divergence
from billing_service.domain.errors import Refusal
from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.facts.from_events import account as read_account
from billing_service.domain.facts.published import PublishedAgreement
from billing_service.domain.invoice.account_ledger import BilledLine, Ledger, ledger_of
from billing_service.domain.invoice.credit import left_of, taken_back, waived_for_good
from billing_service.domain.invoice.document import Buyer, InvoiceDocument, document_digest, read_document, stored_form
from billing_service.domain.invoice.document_sums import next_totals
from billing_service.domain.invoice.drafts import credit_draft, difference_draft
from billing_service.domain.invoice.rated import Cutoff, lookup, rate_account
from billing_service.domain.invoice.totals import BilledDocument
from billing_service.domain.rating.rating import EmptyAccountError, account_terms
from fristwerk_language.events import Recorded, streams
from fristwerk_language.events.billing import ChargeDecided, CreditNoteIssued, InvoiceIssued
from fristwerk_language.events.customers import CustomerRegistered
from fristwerk_language.events.tickets import TicketCreated

BEHIND: Final = timedelta(minutes=15)
"""How far the read model may have been behind the log when a document was issued."""
AHEAD: Final = timedelta(minutes=1)
"""How far the clock of the ticket service's machine may be ahead."""
MOST_CUTS: Final = 1_024
"""Cuts tried at most of a document that does not name its last fact."""
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
    for billed, cut, known in _circumstances(issued, accounts, published):
        found = _compared(issued, [_up_to(each, cut, issued) for each in billed], known, earlier)
        if found is None:
            return None
        first = first or found
    if first is None:
        assert event.basis is not None, "without one there is at least one cut"
        computed = "nothing (no such fact is recorded)"
        return Divergence(number=event.number, field="basis", issued=event.basis.last_fact, computed=computed)
    return first


def _circumstances(
    issued: IssuedRecord, accounts: Sequence[AccountRecord], published: PublishedVersions
) -> Iterator[tuple[Sequence[AccountRecord], int, PublishedVersions]]:
    """Under which the document may have been issued, the likeliest first: its accounts, the position of the last fact, and terms.

    Exactly one where the document says what it was computed from; none where that is not recorded.
    """
    basis = issued.event.basis
    if basis is not None:
        billed = [each for each in accounts if each.row.account in basis.accounts]
        facts = (one for each in billed for one in each.facts)
        positions = {each.id: each.position for each in facts} | {
            each.event: each.position for each in published.values()
        }
        if (cut := positions.get(basis.last_fact)) is not None:
            yield billed, cut, {key: each for key, each in published.items() if each.position <= cut}
        return
    contract = issued.document.contract
    own = [each for each in accounts if each.row.account == issued.event.account]
    known = {key: each for key, each in published.items() if each.recorded_at <= issued.recorded.recorded_at + AHEAD}
    # A customer's invoice is over all of its accounts, and that of an invoice run over its own work alone.
    for billed in (accounts, own) if contract is None else (own,):
        for cut in _cuts(issued, billed):
            yield billed, cut, known


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


def _cuts(issued: IssuedRecord, accounts: Sequence[AccountRecord]) -> Iterator[int]:
    """Positions of the ticket service's log up to which the facts may have been known, the likeliest first."""
    at = issued.recorded.recorded_at
    facts = sorted({(each.position, each.recorded_at) for account in accounts for each in account.facts})
    known = sum(1 for _, recorded in facts if recorded <= at)
    order = sorted(range(len(facts) + 1), key=lambda count: (abs(count - known), count))
    for count in order[:MOST_CUTS]:
        between = facts[min(count, known) : max(count, known)]
        if all(_may_differ(recorded, at) for _, recorded in between):
            yield facts[count - 1][0] if count else 0


def _may_differ(recorded: datetime, at: datetime) -> bool:
    return at - BEHIND <= recorded <= at + AHEAD


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
