"""Statements of accounts, rated on demand from the facts in the read model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Final

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from billing_service.domain.errors import NotAcceptable, NotFound, NotRateable, Refusal
from billing_service.domain.facts.account import Account
from billing_service.domain.facts.from_events import account as read_account
from billing_service.domain.invoice.invoice import difference
from billing_service.domain.money import CurrencyMixedError
from billing_service.domain.rating.rating import EmptyAccountError, account_terms, rate
from billing_service.domain.rating.vat import NoVatRateError
from billing_service.domain.rating.work import AgreementLookup
from billing_service.domain.statement.charge_line import ChargeLine
from billing_service.domain.statement.statement import Statement
from billing_service.queries.accounts import AccountQueries, AccountRow, PublishedAgreement
from billing_service.queries.documents import DocumentQueries
from billing_service.queries.ledgers import Ledger
from fristwerk_language.events import Recorded, streams
from fristwerk_language.events.billing import ChargeDecided
from fristwerk_language.terms import AgreementDocument, Validity, zone
from fristwerk_platform.auth import Principal

_log = structlog.get_logger()


class Cutoff(msgspec.Struct, frozen=True, kw_only=True):
    """As of when an account is rated: up to the local day ``until``, by what had occurred ``at``,
    known at ``known_at``.
    """

    until: date | None = None
    at: datetime | None = None
    known_at: datetime | None = None


NOW: Final = Cutoff()
TRIED_AGAIN: Final = 5
"""So many parked accounts are rated again whenever they are counted, in turn."""


class Rated(msgspec.Struct, frozen=True, kw_only=True):
    """An account's statement with the agreement that rates it, and what of it was invoiced."""

    row: AccountRow
    agreement: AgreementDocument
    statement: Statement
    ledger: Ledger

    @property
    def to_invoice(self) -> tuple[ChargeLine, ...]:
        """What the statement adds to what was invoiced."""
        return difference(self.statement.lines, self.ledger.invoiced.lines)


class Statements:
    """Rates accounts. Long accounts are rated in a thread, so that others are answered meanwhile."""

    def __init__(self, read_model: AccountQueries, documents: DocumentQueries, now: Callable[[], datetime]) -> None:
        self._read_model = read_model
        self._documents = documents
        self._now = now
        self._parked: dict[str, AccountRow] = {}

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
    ) -> Rated | None:
        """The account's statement up to a local day, by default today; None if nothing was ever
        agreed or done.

        ``ledger`` is what was invoiced, if it was read already; ``instead`` an agreement that takes
        the place of every version of the account's own. Raises NotAcceptable where two currencies
        meet or no VAT rate is known, and NotRateable where the service itself fails on the facts.
        """
        try:
            return await self._rated(row, moment, ledger, instead)
        except NotAcceptable:
            self._park(row, instead)
            raise
        except (Refusal, SQLAlchemyError, OSError):
            raise
        except Exception as error:
            self._park(row, instead)
            _log.error("account_not_rateable", account=row.account, exc_info=error)
            raise NotRateable(row.account) from error

    async def count_parked(self) -> int:
        """How many accounts could not be rated when they were asked for, and still cannot: some of
        them are tried again each time, so that a corrected fact ends it.
        """
        for account, row in list(self._parked.items())[:TRIED_AGAIN]:
            try:
                await self._rated(row, NOW, None, None)
            except (SQLAlchemyError, OSError):
                raise
            except Exception:  # noqa: BLE001 - whatever is still wrong, the account stays parked
                self._parked[account] = self._parked.pop(account)
            else:
                self._parked.pop(account, None)
        return len(self._parked)

    def _park(self, row: AccountRow, instead: AgreementDocument | None) -> None:
        """Under its own terms only: what other terms come to says nothing of the account."""
        if instead is None:
            self._parked[row.account] = row

    async def _rated(
        self, row: AccountRow, moment: Cutoff, ledger: Ledger | None, instead: AgreementDocument | None
    ) -> Rated | None:
        facts = await self._read_model.facts(row)
        published = await self._read_model.agreements(row.provider)
        if ledger is None:
            ledger = await self._documents.ledger(row.account, at=moment.at, known_at=moment.known_at)
        return await asyncio.to_thread(
            rate_account, row, facts, published, moment, ledger, now=self._now, instead=instead
        )

    async def agreement(self, row: AccountRow) -> AgreementDocument | None:
        """The agreement that an account's documents are made by; None if nothing was ever agreed or
        done. Nothing is rated.
        """
        facts = await self._read_model.facts(row)
        published = await self._read_model.agreements(row.provider)
        try:
            return account_terms(read_account(row.account, facts), _terms(published))[1]
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


def rate_account(
    row: AccountRow,
    facts: Sequence[Recorded],
    published: Mapping[tuple[str, int], PublishedAgreement],
    moment: Cutoff,
    ledger: Ledger,
    *,
    now: Callable[[], datetime],
    instead: AgreementDocument | None = None,
) -> Rated | None:
    """The account's statement from what was read of it: the same facts always give the same
    statement. None if nothing was ever agreed or done.

    ``now`` is asked only where the cutoff names neither a day nor an instant. Raises NotAcceptable
    where two currencies meet or no VAT rate is known.
    """
    account = read_account(row.account, _occurred(facts, moment.at))
    try:
        _, own = account_terms(account, _terms(published))
    except EmptyAccountError:
        return None
    terms = _terms(published, own.agreement, instead)
    last_day = moment.until or _local_day(moment.at or now(), account, own)
    validity = partial(_validity, published, moment.known_at)
    try:
        statement = rate(
            account, terms, last_day, known_at=moment.known_at, invoiced=ledger.invoiced, validity=validity
        )
    except CurrencyMixedError as error:
        raise NotAcceptable("currencies-mixed", f"The account {row.account} cannot be rated: {error}.") from error
    except NoVatRateError as error:
        raise NotAcceptable("no-vat-rate", f"The account {row.account} cannot be rated: {error}.") from error
    return Rated(row=row, agreement=instead or own, statement=statement, ledger=ledger)


def _local_day(instant: datetime, account: Account, own: AgreementDocument) -> date:
    """The day at an account's site, which a contract names."""
    site = None if account.contract is None else account.contract.site
    return instant.astimezone(zone(own.timezone_at(site))).date()


def foreign(principal: Principal, customer: str) -> bool:
    """Whether somebody at a customer asks about another one."""
    return principal.role == "customer" and principal.customer != customer


def _terms(
    published: Mapping[tuple[str, int], PublishedAgreement],
    replaced: str | None = None,
    instead: AgreementDocument | None = None,
) -> AgreementLookup:
    def terms(name: str, version: int) -> AgreementDocument:
        if instead is not None and name == replaced:
            return instead
        return published[name, version].document

    return terms


def _validity(
    published: Mapping[tuple[str, int], PublishedAgreement], known_at: datetime | None, name: str
) -> Validity:
    """When each version of an agreement comes into force, as far as its publication was known."""
    return Validity(
        each.publication
        for (agreement, _), each in published.items()
        if agreement == name and (known_at is None or each.recorded_at <= known_at)
    )


def _occurred(facts: Sequence[Recorded], at: datetime | None) -> Sequence[Recorded]:
    """What had occurred at an instant. Contracts, packages and add-ons count by their own dates,
    whenever they were entered.
    """
    if at is None:
        return facts
    return [
        each
        for each in facts
        if each.envelope.occurred_at <= at
        or not (streams.TICKET.includes(each.envelope.stream) or isinstance(each.event, ChargeDecided))
    ]
