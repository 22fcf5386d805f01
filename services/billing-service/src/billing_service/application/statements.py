"""Statements of accounts, rated on demand from the facts in the read model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from billing_service.application.kept_statements import KeptStatements
from billing_service.domain.errors import NotFound, NotRateable, Refusal
from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.facts.from_events import account as read_account
from billing_service.domain.invoice.account_ledger import Ledger
from billing_service.domain.invoice.account_parts import AccountParts
from billing_service.domain.invoice.rated import NOW, Cutoff, Rated, lookup, rate_lines
from billing_service.domain.rating.rating import EmptyAccountError, account_terms
from billing_service.queries.accounts import ALL, AccountQueries
from billing_service.queries.documents import DocumentQueries
from fristwerk_language.terms import AgreementDocument
from fristwerk_platform.auth import Principal

_log = structlog.get_logger()


class Statements:
    """Rates accounts. Long accounts are rated in a thread, so that others are answered meanwhile."""

    def __init__(self, read_model: AccountQueries, documents: DocumentQueries, now: Callable[[], datetime]) -> None:
        self._read_model = read_model
        self._documents = documents
        self._now = now
        self._kept = KeptStatements()

    async def contract(self, principal: Principal, contract: str) -> AccountRow:
        """The contract's account. Raises NotFound, also for another provider's or customer's."""
        row = await self._read_model.account(principal.provider, contract)
        if row is None or row.kind != "contract" or foreign(principal, row.customer):
            raise NotFound("contract-not-found", f"There is no contract {contract}.")
        return row

    async def accounts_of(self, principal: Principal, customer: str) -> list[AccountRow]:
        """The customer's accounts. Raises NotFound."""
        rows = await self._read_model.accounts_of(principal.provider, customer)
        if not rows or foreign(principal, customer):
            raise NotFound("customer-not-found", f"There is no customer {customer}.")
        return rows

    async def of_ticket(self, principal: Principal, name: str) -> tuple[str, AccountRow]:
        """A ticket's id and the account its work belongs to. Raises NotFound."""
        ticket = await self._read_model.ticket(principal.provider, name)
        row = await self._read_model.account(principal.provider, ticket.account) if ticket else None
        if ticket is None or row is None or foreign(principal, ticket.customer):
            raise NotFound("ticket-not-found", f"There is no ticket {name}.")
        return ticket.ticket, row

    async def rated(
        self,
        row: AccountRow,
        moment: Cutoff = NOW,
        *,
        ledger: Ledger | None = None,
        instead: AgreementDocument | None = None,
        up_to: int = ALL,
    ) -> Rated | None:
        """The account's statement up to a local day, by default today; None if nothing was ever
        agreed or done.

        ``ledger`` is what was invoiced, if it was read already; ``instead`` an agreement that takes
        the place of every version of the account's own; ``up_to`` the position of the ticket
        service's log up to which facts and agreements count. Raises NotAcceptable where two currencies
        meet or no VAT rate is known, and NotRateable where the service itself fails on the facts.
        """
        try:
            return await self._rated(row, moment, ledger, instead, up_to)
        except (Refusal, SQLAlchemyError, OSError):
            raise
        except Exception as error:
            _log.error("account_not_rateable", account=row.account, exc_info=error)
            raise NotRateable(row.account) from error

    async def try_to_rate(self, row: AccountRow) -> None:
        """Rate the account as of now, only to see whether it can be. Raises whatever goes wrong.

        The statement is kept where one of the account's is kept already: whoever asks for the next
        does not wait until thousands of facts are rated again.
        """
        await self._rated(row, NOW, None, None, ALL, keep=self._kept.has(row.account))

    async def _rated(
        self,
        row: AccountRow,
        moment: Cutoff,
        ledger: Ledger | None,
        instead: AgreementDocument | None,
        up_to: int,
        *,
        keep: bool = True,
    ) -> Rated | None:
        lines = await self._read_model.fact_lines(row, up_to)
        published = await self._read_model.agreements(row.provider, up_to)
        if ledger is None:
            ledger = await self._documents.ledger(row.account, at=moment.at, known_at=moment.known_at)

        def rate(parts: AccountParts | None) -> Rated | None:
            return rate_lines(row, lines, published, moment, ledger, now=self._now, instead=instead, parts=parts)

        if instead is not None or not keep:
            return await asyncio.to_thread(rate, None)
        return await asyncio.to_thread(
            self._kept.rated, row, lines, published, moment, ledger, now=self._now, rate=rate
        )

    async def agreement(self, row: AccountRow, up_to: int) -> AgreementDocument | None:
        """The agreement that an account's documents are made by, of what was recorded up to a
        position; None if nothing was ever agreed or done. Nothing is rated.
        """
        facts = await self._read_model.facts(row, up_to)
        published = await self._read_model.agreements(row.provider, up_to)
        try:
            return account_terms(read_account(row.account, facts), lookup(published))[1]
        except EmptyAccountError:
            return None

    async def rated_or_refusal(self, row: AccountRow, moment: Cutoff) -> Rated | Refusal | None:
        """The same for those who go through many accounts: one that cannot be rated is an answer
        too.
        """
        try:
            return await self.rated(row, moment)
        except Refusal as refusal:
            return refusal

    async def all_rated(self, rows: Sequence[AccountRow], moment: Cutoff = NOW) -> list[Rated]:
        """The statements of several accounts, empty ones left out."""
        found = [await self.rated(row, moment) for row in rows]
        return [each for each in found if each is not None]


def foreign(principal: Principal, customer: str) -> bool:
    """Whether somebody at a customer asks about another one."""
    return principal.role == "customer" and principal.belongs_to != customer
