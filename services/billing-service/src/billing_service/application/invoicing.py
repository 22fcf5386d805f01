"""Invoicing: issue the difference, credit an invoice, note that one was sent or paid, each number
once and without gaps.

The number of a document is the version of the series' stream, so the append that issues it gives
it: a crash anywhere leaves no gap, and of two clerks at once one decides anew on what the other
left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from billing_service.application.consistent_reads import ConsistentReads
from billing_service.application.crediting import Crediting, Numbered
from billing_service.application.reasons import Reasons
from billing_service.application.recipients import Recipients
from billing_service.application.statements import Statements
from billing_service.domain.errors import NotAcceptable, NotFound, NotInThisState
from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.invoice.account_ledger import Ledger
from billing_service.domain.invoice.credit import Afterwards
from billing_service.domain.invoice.document import InvoiceDocument, StoredDocument, document_digest, stored_form
from billing_service.domain.invoice.document_views import described, summary
from billing_service.domain.invoice.drafts import difference_draft, local_day
from billing_service.domain.invoice.invoice import remarks
from billing_service.domain.invoice.issued import IssuedDocument
from billing_service.domain.invoice.rated import Cutoff, Rated
from billing_service.queries.accounts import AccountQueries
from billing_service.queries.documents import DocumentQueries
from fristwerk_language.events import Event, decode, encode_event, streams
from fristwerk_language.events.billing import CreditNoteIssued, InvoiceIssued, InvoicePaid, InvoiceRemark, InvoiceSent
from fristwerk_language.terms import zone
from fristwerk_platform.commands import (
    CommandMetadata,
    CommandResult,
    ContentionError,
    NewFact,
    StreamChange,
    check_version,
    command_result,
    new_events,
    record,
)
from fristwerk_platform.event_log import EventLog, VersionConflictError

AHEAD: Final = timedelta(days=366)
"""How far in advance may be invoiced: add-ons are billed in advance."""
TRIES: Final = 20
"""How often a command is decided anew when others were first."""


class Invoicing:
    """One method a command. Documents of one provider are issued one after the other: their numbers
    are.
    """

    def __init__(
        self,
        *,
        log: EventLog,
        current: ConsistentReads,
        read_model: AccountQueries,
        documents: DocumentQueries,
        statements: Statements,
        recipients: Recipients,
        reasons: Reasons,
        new_id: Callable[[], str],
    ) -> None:
        self._crediting = Crediting(read_model, documents, statements, new_id)
        self._log = log
        self._current = current
        self._read_model = read_model
        self._documents = documents
        self._statements = statements
        self._recipients = recipients
        self._reasons = reasons
        self._new_id = new_id
        self._series: dict[str, asyncio.Lock] = {}

    async def issue_contract(self, meta: CommandMetadata, contract: str, until: date) -> CommandResult:
        """Issue what a contract owes up to a day; see :meth:`issue`. Raises NotFound as well."""
        row = await self._statements.contract(meta.principal, contract)
        return await self.issue(meta, contract, [row], until)

    async def issue_customer(self, meta: CommandMetadata, customer: str, until: date) -> CommandResult:
        """Issue what a customer owes, all contracts and work without one, on one document. Raises
        NotFound as well.
        """
        rows = await self._statements.accounts_of(meta.principal, customer)
        return await self.issue(meta, customer, rows, until)

    async def issue(
        self, meta: CommandMetadata, account: str, rows: Sequence[AccountRow], until: date
    ) -> CommandResult:
        """Issue what the accounts' statements add to what was invoiced, on one document for
        ``account``.

        Raises NotInThisState where there is nothing to invoice, a charge is undecided or a later
        day was invoiced, and NotAcceptable where currencies meet or the day lies too far ahead.
        """
        check_until(meta, until)

        async def decide() -> Numbered:
            last, ledgers = await self._documents.standing(meta.principal.provider, [row.account for row in rows])
            check_version(meta, last)
            up_to = await self._read_model.followed()
            rated = [await self._rated(row, until, ledgers[row.account], up_to) for row in rows]
            known = [each for each in rated if each is not None]
            numbered = await self._difference(meta, account, known, until, last + 1, up_to)
            based = msgspec.structs.replace(numbered.event, basis=await self._read_model.basis(rows, up_to))
            return msgspec.structs.replace(numbered, event=based)

        return await self._issue(meta, decide)

    async def credit(self, meta: CommandMetadata, number: int, reason: str, then: Afterwards) -> CommandResult:
        """Take back what is left of an invoice by a credit note that names it (R8).

        With ``reissue`` the next invoice bills the work again, with ``waive`` it is never billed
        again. Raises NotFound, NotInThisState for a credit note, for an invoice taken back already
        and for one of which nothing is left, and ReasonNotSealedError.
        """

        async def decide() -> Numbered:
            original = await self._document(meta, number)
            check_version(meta, original.version)
            if original.type != "invoice":
                raise NotInThisState(
                    "not-an-invoice", f"Document {number} is a credit note; only invoices are credited."
                )
            if original.credited_by is not None:
                sentence = f"Invoice {number} was taken back by credit note {original.credited_by}."
                raise NotInThisState("invoice-credited", sentence)
            sealed = await self._reasons.sealed(meta.principal.provider, original.customer, reason)
            up_to = await self._read_model.followed()
            numbered = await self._crediting.credit_note(meta, original, sealed, then, up_to)
            if original.head.parties.buyer.sealed_in is not msgspec.UNSET:
                await self._recipients.invoiced(meta.principal.provider, original.customer, numbered.document.issued_on)
            return numbered

        return await self._issue(meta, decide)

    async def sent(self, meta: CommandMetadata, number: int, channel: str) -> CommandResult:
        """Note that a document was sent; it may be sent again. Raises NotFound."""
        return await self._step(meta, number, lambda _: InvoiceSent(number=number, channel=channel))

    async def paid(self, meta: CommandMetadata, number: int, paid_on: date) -> CommandResult:
        """Note that a document was settled. Raises NotFound, NotInThisState where it was,
        NotAcceptable for a day to come.
        """

        def decide(document: IssuedDocument) -> Event:
            if any(isinstance(step.event, InvoicePaid) for step in document.steps):
                raise NotInThisState("invoice-paid", f"Document {number} is settled already.")
            if document.credited_by is not None:
                sentence = f"Invoice {number} was taken back by credit note {document.credited_by}."
                raise NotInThisState("invoice-credited", sentence)
            today = meta.now.astimezone(zone(document.head.timezone)).date()
            if paid_on > today:
                sentence = f"{paid_on} lies in the future"
                raise NotAcceptable("in-the-future", f"It cannot be paid yet: {sentence}.", [("/paid_on", sentence)])
            return InvoicePaid(number=number, paid_on=paid_on)

        return await self._step(meta, number, decide)

    async def _rated(self, row: AccountRow, until: date, ledger: Ledger, up_to: int) -> Rated | None:
        rated = await self._statements.rated(row, Cutoff(until=until), ledger=ledger, up_to=up_to)
        if rated is not None and ledger.until is not None and until < ledger.until:
            sentence = (
                f"The account {row.account} is invoiced up to {ledger.until}: an earlier day would take that back."
            )
            raise NotInThisState("invoiced-beyond", sentence)
        return rated

    async def _difference(
        self, meta: CommandMetadata, account: str, rated: Sequence[Rated], until: date, number: int, up_to: int
    ) -> Numbered:
        undecided = [f"{each.row.account}:{charge}" for each in rated for charge in each.statement.open_decisions]
        if undecided:
            sentence = f"Decide on {', '.join(undecided)} first: an undecided charge cannot be invoiced."
            raise NotInThisState("undecided-charges", sentence)
        if not any(each.to_invoice for each in rated):
            raise _nothing(account, until)
        provider, customer = meta.principal.provider, rated[0].row.customer
        issued_on = local_day(meta.occurred_at, rated[0].agreement.timezone)
        draft = await asyncio.to_thread(
            difference_draft,
            account,
            None if account == customer else account,
            rated,
            until=until,
            occurred_at=meta.occurred_at,
            buyer=await self._recipients.for_document(provider, customer, issued_on),
            published=await self._read_model.agreements(provider, up_to),
            references=await self._read_model.references(each.row.account for each in rated),
        )
        if draft.outcome == "nothing":
            raise _nothing(account, until)
        stored, digest = await asyncio.to_thread(_frozen, draft.document)
        event = (InvoiceIssued if draft.outcome == "invoice" else CreditNoteIssued)(
            series=provider,
            number=number,
            account=account,
            until=until,
            document=stored,
            digest=digest,
            remarks=[
                InvoiceRemark(code=remark.code, detail=remark.detail, ticket=remark.ticket)
                for each in rated
                for remark in remarks(each.statement, each.to_invoice)
            ],
        )
        return Numbered(document=draft.document, event=event)

    async def _issue(self, meta: CommandMetadata, decide: Callable[[], Awaitable[Numbered]]) -> CommandResult:
        """Append the document under the next number; where another was first, decide anew on the
        newest state.
        """
        provider = meta.principal.provider
        async with self._series.setdefault(provider, asyncio.Lock()):
            for _ in range(TRIES):
                await self._current()
                numbered = await decide()
                fact = NewFact[Event](id=self._new_id(), event=numbered.event, occurred_at=meta.occurred_at)
                change = StreamChange(
                    stream=streams.INVOICES.stream(provider), after_version=numbered.event.number - 1, facts=[fact]
                )
                lines = new_events(meta, [change, *numbered.decisions], encode_event)
                issued = IssuedDocument(issued=decode(lines[0].line))
                body: dict[str, Any] = {"invoice": described(issued, numbered.document)}
                if numbered.event.remarks:
                    body["remarks"] = numbered.event.remarks
                try:
                    return await record(self._log, meta, lines, command_result(body, lines, version=1))
                except VersionConflictError:
                    continue
        raise _busy()

    async def _step(
        self, meta: CommandMetadata, number: int, decide: Callable[[IssuedDocument], Event]
    ) -> CommandResult:
        """Append an event about a document (sent, paid) to the document's own stream."""
        for _ in range(TRIES):
            await self._current()
            document = await self._document(meta, number)
            check_version(meta, document.version)
            fact = NewFact(id=self._new_id(), event=decide(document), occurred_at=meta.occurred_at)
            stream = streams.INVOICE.stream(f"{meta.principal.provider}-{number}")
            lines = new_events(
                meta, [StreamChange(stream=stream, after_version=len(document.steps), facts=[fact])], encode_event
            )
            after = msgspec.structs.replace(document, steps=(*document.steps, decode(lines[0].line)))
            body = {"invoice": summary(after)}
            try:
                return await record(self._log, meta, lines, command_result(body, lines, version=after.version))
            except VersionConflictError:
                continue
        raise _busy()

    async def _document(self, meta: CommandMetadata, number: int) -> IssuedDocument:
        found = await self._documents.document(meta.principal.provider, number)
        if found is None:
            raise NotFound("invoice-not-found", f"There is no invoice {number}.")
        return found


def check_until(meta: CommandMetadata, until: date) -> None:
    """Raises NotAcceptable for a day that lies too far ahead."""
    if until > meta.now.date() + AHEAD:
        sentence = f"{until} lies more than a year ahead"
        raise NotAcceptable("until-too-far", f"Nothing is invoiced so early: {sentence}.", [("/until", sentence)])


def _frozen(document: InvoiceDocument) -> tuple[StoredDocument, str]:
    """The document as the log stores it, and its digest: of a long one the work of a second."""
    stored = stored_form(document)
    return stored, document_digest(stored)


def _nothing(account: str, until: date) -> NotInThisState:
    return NotInThisState("nothing-to-invoice", f"Up to {until} there is nothing new to invoice for {account}.")


def _busy() -> ContentionError:
    return ContentionError("Others were issuing all the time; nothing was stored.")
