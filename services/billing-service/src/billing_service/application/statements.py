"""Statements of accounts: what an account's facts come to, rated when it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime

import msgspec

from billing_service.domain.errors import NotAcceptable, NotFound
from billing_service.domain.ledger import NOTHING, Invoiced
from billing_service.domain.money import CurrencyMixedError
from billing_service.domain.rating import EmptyAccountError, account_terms, rate
from billing_service.domain.reading import account as read_account
from billing_service.domain.statement import Statement
from billing_service.read_model import AccountRow, ReadModel
from shared.auth import Principal
from shared.terms import AgreementDocument, zone


class Rated(msgspec.Struct, frozen=True, kw_only=True):
    """An account's statement with the agreement that rates it."""

    row: AccountRow
    agreement: AgreementDocument
    statement: Statement


class Statements:
    """Rates accounts. Long accounts are rated in a thread, so that others are answered meanwhile."""

    def __init__(self, read_model: ReadModel, now: Callable[[], datetime]) -> None:
        self._read_model = read_model
        self._now = now

    async def contract(self, principal: Principal, contract: str) -> AccountRow:
        """The contract's account. Raises NotFound, also for another provider's or customer's."""
        row = await self._read_model.account(principal.provider, contract)
        if row is None or row.kind != "contract" or _foreign(principal, row.customer):
            raise NotFound("contract-not-found", f"There is no contract {contract}.")
        return row

    async def accounts_of(self, principal: Principal, customer: str) -> list[AccountRow]:
        """The customer's accounts. Raises NotFound."""
        rows = await self._read_model.accounts_of(principal.provider, customer)
        if not rows or _foreign(principal, customer):
            raise NotFound("customer-not-found", f"There is no customer {customer}.")
        return rows

    async def of_ticket(self, principal: Principal, name: str) -> tuple[str, AccountRow]:
        """A ticket's id and the account its work belongs to. Raises NotFound."""
        ticket = await self._read_model.ticket(principal.provider, name)
        row = await self._read_model.account(principal.provider, ticket.account) if ticket else None
        if ticket is None or row is None or _foreign(principal, ticket.customer):
            raise NotFound("ticket-not-found", f"There is no ticket {name}.")
        return ticket.ticket, row

    async def rated(
        self,
        row: AccountRow,
        *,
        until: date | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
        invoiced: Invoiced = NOTHING,
    ) -> Rated | None:
        """The account's statement up to a local day, by default today; null where nothing was ever agreed or done.

        Raises NotAcceptable where two currencies meet.
        """
        facts = await self._read_model.facts(row)
        documents = await self._read_model.agreements(row.provider)

        def terms(name: str, version: int) -> AgreementDocument:
            return documents[name, version]

        def rate_it() -> Rated | None:
            account = read_account(row.account, facts)
            try:
                _, agreement = account_terms(account, terms)
            except EmptyAccountError:
                return None
            last_day = until or (at or self._now()).astimezone(zone(agreement.timezone)).date()
            statement = rate(account, terms, last_day, known_at=known_at, invoiced=invoiced)
            return Rated(row=row, agreement=agreement, statement=statement)

        try:
            return await asyncio.to_thread(rate_it)
        except CurrencyMixedError as error:
            raise NotAcceptable("currencies-mixed", f"The account {row.account} cannot be rated: {error}.") from error

    async def all_rated(self, rows: Sequence[AccountRow], **options: date | datetime | None) -> list[Rated]:
        """The statements of several accounts, empty ones left out."""
        found = [await self.rated(row, **options) for row in rows]  # type: ignore[arg-type]  # the options of rated
        return [each for each in found if each is not None]


def _foreign(principal: Principal, customer: str) -> bool:
    return principal.role == "customer" and principal.customer != customer
