"""Credit notes that name an invoice: what is left of it is taken back, to be billed again or never."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from billing_service.application.statements import Statements
from billing_service.domain.errors import NotInThisState
from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.invoice.credit import Afterwards, ChargeLeft, left_of, taken_back, waived_for_good
from billing_service.domain.invoice.document import InvoiceDocument, document_digest, stored_form
from billing_service.domain.invoice.document_sums import next_totals
from billing_service.domain.invoice.drafts import credit_draft
from billing_service.domain.invoice.issued import IssuedDocument
from billing_service.queries.accounts import AccountQueries
from billing_service.queries.documents import DocumentQueries
from fristwerk_language.events import Event, streams
from fristwerk_language.events.billing import ChargeDecided, CreditNoteIssued, InvoiceIssued, SealedText
from fristwerk_platform.commands import CommandMetadata, NewFact, StreamChange


class Numbered(msgspec.Struct, frozen=True, kw_only=True):
    """A document about to be issued, and its event with the number that it gets if nobody is first."""

    document: InvoiceDocument
    event: InvoiceIssued | CreditNoteIssued
    decisions: tuple[StreamChange[Event], ...] = ()
    """What is decided along with it, in the same transaction."""


class Crediting:
    """Decides on credit notes; ``Invoicing`` gives them their numbers."""

    def __init__(
        self,
        read_model: AccountQueries,
        documents: DocumentQueries,
        statements: Statements,
        new_id: Callable[[], str],
    ) -> None:
        self._read_model = read_model
        self._documents = documents
        self._statements = statements
        self._new_id = new_id

    async def credit_note(
        self, meta: CommandMetadata, original: IssuedDocument, reason: SealedText, then: Afterwards, up_to: int
    ) -> Numbered:
        """The credit note over what is left of an invoice, with the decisions that go with it.

        ``up_to`` is the position of the ticket service's log up to which facts count.
        """
        provider, contract = meta.principal.provider, original.head.contract
        rows = await self._read_model.accounts_of(provider, original.customer)
        billed = [row for row in rows if contract in (None, row.account)]
        last, ledgers = await self._documents.standing(provider, [row.account for row in billed])
        lines_of = {account: ledger.invoiced.lines for account, ledger in ledgers.items()}
        left = left_of(original.document.lines, lines_of)
        if not sum(each.amount for each in left):
            sentence = f"Nothing is left of invoice {original.number}: what it billed was taken back since."
            raise NotInThisState("nothing-left", sentence)
        decisions: tuple[StreamChange[Event], ...] = ()
        lines = taken_back(left)
        if then == "waive":
            decided = [(each, self._new_id()) for each in left if each.amount or each.draws]
            lines = tuple(
                line
                for each, event in decided
                for line in waived_for_good(each, reason=reason, actor=meta.principal.sub, decision=event)
            )
            decisions = tuple([await self._waiver(meta, each, event, reason) for each, event in decided])
        totals = next_totals(contract, lines, ledgers, original.head.currency, await self._cash_rounding(billed, up_to))
        document = credit_draft(
            original.document, original.number, lines, totals, reason=reason, occurred_at=meta.occurred_at
        )
        stored = stored_form(document)
        event = CreditNoteIssued(
            series=provider,
            number=last + 1,
            account=document.account,
            until=document.until,
            corrects=original.number,
            document=stored,
            digest=document_digest(stored),
            then=then,
            basis=await self._read_model.basis(billed, up_to),
        )
        return Numbered(document=document, event=event, decisions=decisions)

    async def _waiver(
        self, meta: CommandMetadata, left: ChargeLeft, event: str, reason: SealedText
    ) -> StreamChange[Event]:
        """The decision by which a charge is never billed again, as far as it was billed."""
        decided = await self._read_model.decision(left.account, left.charge)
        before, version = (None, 0) if decided is None else decided
        at_most: Decimal | None = left.amount
        minutes = left.drawn_minutes
        if before is not None and before.decision == "waive":
            at_most = None if before.at_most is None else before.at_most + left.amount
            minutes += before.at_most_minutes or 0
        waived = ChargeDecided(
            charge=left.charge,
            contract=left.account,
            ticket=left.lines[0].ticket,
            decision="waive",
            reason=reason,
            at_most=at_most,
            at_most_minutes=None if at_most is None else minutes,
        )
        fact = NewFact[Event](id=event, event=waived, occurred_at=meta.occurred_at)
        return StreamChange(stream=streams.CHARGE.stream(left.charge), after_version=version, facts=[fact])

    async def _cash_rounding(self, rows: Sequence[AccountRow], up_to: int) -> Decimal | None:
        """The smallest payable unit, where the accounts' agreements are of one mind."""
        agreements = [await self._statements.agreement(row, up_to) for row in rows]
        units = {each.billing.cash_rounding for each in agreements if each is not None}
        return units.pop() if len(units) == 1 else None
