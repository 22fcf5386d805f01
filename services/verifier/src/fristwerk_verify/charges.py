"""Every charge as of the bundle's instant, and every issued document as of its own, computed again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec

from billing_service.domain.audit.recomputation import divergence, ledger_before
from billing_service.domain.audit.records import AccountRecord, IssuedRecord, issued_record
from billing_service.domain.errors import Refusal
from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.facts.fact_events import TicketFactEvent
from billing_service.domain.facts.published import PublishedAgreement
from billing_service.domain.invoice.document_views import described
from billing_service.domain.invoice.issued import IssuedDocument
from billing_service.domain.invoice.rated import Cutoff, rate_account
from billing_service.domain.invoice.views import preview
from fristwerk_language.events import ContractEvent, Recorded, streams
from fristwerk_language.events.billing import ChargeDecided, CreditNoteIssued, InvoiceIssued, InvoicePaid, InvoiceSent
from fristwerk_language.events.customers import ContractSigned, CustomerRegistered
from fristwerk_language.events.relations import TicketMoved
from fristwerk_language.events.tickets import TicketCreated
from fristwerk_proof.bundles import CHARGES, INVOICES
from fristwerk_verify.chain import Chain
from fristwerk_verify.comparing import as_shown, first_difference, text
from fristwerk_verify.findings import CheckStep
from fristwerk_verify.lines import LineStore
from fristwerk_verify.reading import Bundle

ALL: Final = 2**62


class CustomerIndex(msgspec.Struct):
    """Where what was recorded of a customer stands: streams of its own, of contracts and tickets by account."""

    streams: list[str] = []
    contracts: list[str] = []
    tickets: dict[str, list[str]] = {}


class ChargeCheck:
    """Compares what the billing service shows and issued with what both logs give."""

    def __init__(
        self,
        bundle: Bundle,
        tickets: LineStore,
        billing: LineStore,
        chain: Chain,
        published: Mapping[tuple[str, int], PublishedAgreement],
        steps: Sequence[CheckStep],
    ) -> None:
        self._bundle = bundle
        self._tickets = tickets
        self._billing = billing
        self._chain = chain
        self._published = published
        self._charges, self._documents, self._shown = steps
        self._provider = bundle.manifest.provider
        self._known_at = datetime.fromisoformat(bundle.manifest.known_at)
        self._last_day = date.fromisoformat(bundle.manifest.last_day)
        self._customers: dict[str, CustomerIndex] = {}
        self._decisions: defaultdict[str, list[int]] = defaultdict(list)
        self._issued: defaultdict[str, list[int]] = defaultdict(list)
        self._steps: defaultdict[int, list[int]] = defaultdict(list)

    def run(self) -> None:
        """Every customer: first the documents, then what is shown of them, then the charges."""
        self._index_tickets()
        self._index_billing()
        claimed = dict(_claims(self._bundle, CHARGES, "customer", self._charges))
        shown = dict(_claims(self._bundle, INVOICES, "invoice", self._shown))
        for name in sorted(self._customers):
            records = list(self._accounts(name, self._customers[name]))
            issued = {each.event.number: each for each in map(issued_record, self._read(self._issued.get(name, ())))}
            self._check_documents(issued, records)
            self._check_shown(issued, shown)
            if self._was_known(name):
                self._check_charges(name, records, issued, claimed)
        for name in claimed:
            self._charges.found("claim-of-nothing", what="customer", name=name, number=0)
        for number in shown:
            self._shown.found("claim-of-nothing", what="invoice", name=number, number=0)

    def _read(self, places: Sequence[int]) -> list[Recorded]:
        return [self._billing.recorded(place) for place in places]

    def _index_tickets(self) -> None:
        contracts: dict[str, str] = {}
        for stream in self._tickets.streams():
            first = self._tickets.first(stream).event if _is_billed(stream) else None
            if isinstance(first, CustomerRegistered):
                self._customer(first.customer).streams.append(stream)
            elif isinstance(first, ContractSigned):
                contracts[first.contract] = first.customer
                self._customer(first.customer).contracts.append(first.contract)
            elif isinstance(first, TicketCreated):
                places: list[TicketCreated | TicketMoved] = [first, *self._moves(stream)]
                for place in places:
                    account = place.contract or place.customer
                    tickets = self._customer(contracts.get(account, place.customer)).tickets
                    if stream not in tickets.setdefault(account, []):
                        tickets[account].append(stream)

    def _moves(self, stream: str) -> Iterator[TicketMoved]:
        """Where a ticket was taken after it was opened."""
        if any(b'"TicketMoved"' in line for line in self._tickets.lines_of(stream)):
            for recorded in self._tickets.history(stream):
                if isinstance(recorded.event, TicketMoved):
                    yield recorded.event

    def _customer(self, name: str) -> CustomerIndex:
        return self._customers.setdefault(name, CustomerIndex())

    def _index_billing(self) -> None:
        for place in range(len(self._billing)):
            event = self._billing.recorded(place).event
            match event:
                case ChargeDecided(contract=account):
                    self._decisions[account].append(place)
                case InvoiceIssued(document=document) | CreditNoteIssued(document=document):
                    self._index_document(place, document)
                case InvoiceSent(number=number) | InvoicePaid(number=number):
                    self._steps[number].append(place)
                case _:
                    pass  # what this version does not know is named by the chain

    def _index_document(self, place: int, document: Mapping[str, Any]) -> None:
        try:
            self._issued[str(document["parties"]["buyer"]["customer"])].append(place)
        except (KeyError, TypeError) as error:
            self._documents.found("line-unreadable", log="billing", number=place + 1, error=str(error))

    def _accounts(self, name: str, customer: CustomerIndex) -> Iterator[AccountRecord]:
        """The customer's accounts in the order of their names, with everything recorded of each."""
        own = [each for stream in customer.streams for each in self._tickets.history(stream)]
        about = [each for each in own if isinstance(each.event, CustomerRegistered)]
        for account in sorted([name, *customer.contracts]):
            is_contract = account != name
            facts = list(about)
            if is_contract:
                facts += self._tickets.history(streams.CONTRACT.stream(account))
            for stream in customer.tickets.get(account, ()):
                facts += self._tickets.history(stream)
            yield AccountRecord(
                row=AccountRow(
                    account=account,
                    provider=self._provider,
                    customer=name,
                    kind="contract" if is_contract else "customer",
                ),
                facts=[
                    each
                    for each in facts
                    if isinstance(each.event, TicketFactEvent | ContractEvent | CustomerRegistered)
                ],
                decisions=self._read(self._decisions.get(account, ())),
            )

    def _was_known(self, name: str) -> bool:
        stream = streams.CUSTOMER.stream(name)
        return self._tickets.newest(stream) > 0 and self._tickets.first(stream).recorded_at <= self._known_at

    def _check_documents(self, issued: Mapping[int, IssuedRecord], records: Sequence[AccountRecord]) -> None:
        for number, each in issued.items():
            self._documents.count("documents")
            self._documents.count("lines", len(each.document.lines))
            if each.recorded.stream != streams.INVOICES.stream(self._provider) or number != each.recorded.version:
                self._documents.found("document-number", number=number, version=each.recorded.version)
            found = divergence(each, records, self._published, issued)
            if found is not None:
                heads = self._chain.between(each.recorded.position - 1)
                self._documents.found(
                    "document-differs" if found.line is None else "document-line-differs",
                    number=number,
                    line=found.line,
                    field=found.field,
                    shown=text(found.issued),
                    computed=text(found.computed),
                    **heads,
                )

    def _check_shown(self, issued: Mapping[int, IssuedRecord], shown: dict[str, Any]) -> None:
        """What the service shows of a document is what was issued; what became of it may have been recorded since."""
        credited = {each.corrects: number for number, each in issued.items() if each.corrects is not None}
        for number, each in issued.items():
            if each.recorded.recorded_at > self._known_at:
                shown.pop(str(number), None)
                continue
            self._shown.count("documents")
            claim = shown.pop(str(number), None)
            if claim is None:
                self._shown.found("claim-missing", what="invoice", name=str(number))
                continue
            whole = IssuedDocument(
                issued=each.recorded,
                steps=tuple(self._read(self._steps.get(number, ()))),
                credited_by=credited.get(number),
            )
            expected = as_shown({"invoice": described(whole, each.document)})
            difference = first_difference(claim.get("shown"), expected)
            if difference is not None:
                self._shown.found(
                    "shown-differs",
                    number=number,
                    field=difference.field,
                    shown=difference.shown,
                    computed=difference.computed,
                )

    def _check_charges(
        self, name: str, records: Sequence[AccountRecord], issued: Mapping[int, IssuedRecord], claimed: dict[str, Any]
    ) -> None:
        claim = claimed.pop(name, None)
        self._charges.count("customers")
        if claim is None:
            self._charges.found("claim-missing", what="customer", name=name)
            return
        try:
            expected = as_shown(self._preview(records, issued))
        except Refusal as refusal:
            if "refused" not in claim:
                self._charges.found("charges-refused", customer=name, error=str(refusal)[:300])
            return
        self._charges.count("lines", len(expected["lines"]))
        difference = first_difference(claim.get("shown"), expected)
        if difference is not None:
            self._charges.found(
                "charge-differs",
                customer=name,
                field=difference.field,
                shown=difference.shown,
                computed=difference.computed,
            )

    def _preview(self, records: Sequence[AccountRecord], issued: Mapping[int, IssuedRecord]) -> dict[str, Any]:
        """The customer's preview as of the bundle's instant. Raises Refusal."""
        known = {number: each for number, each in issued.items() if each.recorded.recorded_at <= self._known_at}
        moment = Cutoff(until=self._last_day, known_at=self._known_at)
        rated = [
            rate_account(
                each.row,
                [*each.facts, *each.decisions],
                self._published,
                moment,
                ledger_before(ALL, each.row.account, known),
                now=lambda: self._known_at,
            )
            for each in records
        ]
        return preview([each for each in rated if each is not None])


def _is_billed(stream: str) -> bool:
    """Whether what a stream says may be on a bill."""
    return any(each.includes(stream) for each in (streams.CUSTOMER, streams.CONTRACT, streams.TICKET))


def _claims(bundle: Bundle, name: str, what: str, step: CheckStep) -> Iterator[tuple[str, Any]]:
    """What a file of claims says, by subject."""
    for number, line in enumerate(bundle.lines(name), start=1):
        try:
            claim = json.loads(line)
            yield str(claim[what]), claim
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            step.found("line-unreadable", log=name, number=number, error=str(error))
