"""Rating one account from what was read of it: as of when, by which terms, and what that gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property, partial
from typing import Final

import msgspec

from billing_service.domain.errors import NotAcceptable
from billing_service.domain.facts.account import Account
from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.facts.from_events import account as read_account
from billing_service.domain.facts.published import PublishedAgreement
from billing_service.domain.invoice.account_ledger import Ledger
from billing_service.domain.invoice.account_parts import AccountParts
from billing_service.domain.invoice.invoice import difference
from billing_service.domain.money import CurrencyMixedError
from billing_service.domain.rating.rated_parts import RatedParts
from billing_service.domain.rating.rating import EmptyAccountError, account_terms, rate
from billing_service.domain.rating.vat import NoVatRateError
from billing_service.domain.rating.work import AgreementLookup
from billing_service.domain.statement.charge_line import ChargeLine
from billing_service.domain.statement.statement import Statement
from fristwerk_language.events import Recorded, decode, streams
from fristwerk_language.events.billing import ChargeDecided
from fristwerk_language.terms import AgreementDocument, Validity, zone


class Cutoff(msgspec.Struct, frozen=True, kw_only=True):
    """As of when an account is rated: up to the local day ``until``, by what had occurred ``at``,
    known at ``known_at``.
    """

    until: date | None = None
    at: datetime | None = None
    known_at: datetime | None = None


NOW: Final = Cutoff()


class Rated(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """An account's statement with the agreement that rates it, and what of it was invoiced. Its days
    begin in ``timezone``.
    """

    row: AccountRow
    agreement: AgreementDocument
    timezone: str
    statement: Statement
    ledger: Ledger

    @cached_property
    def to_invoice(self) -> tuple[ChargeLine, ...]:
        """What the statement adds to what was invoiced."""
        return difference(self.statement.lines, self.ledger.invoiced.lines)


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
    return _rated(row, account, published, moment, ledger, now=now, instead=instead)


def rate_lines(
    row: AccountRow,
    lines: Sequence[bytes],
    published: Mapping[tuple[str, int], PublishedAgreement],
    moment: Cutoff,
    ledger: Ledger,
    *,
    now: Callable[[], datetime],
    instead: AgreementDocument | None = None,
    parts: AccountParts | None = None,
) -> Rated | None:
    """The same from the lines of the logs. What ``parts`` have of an earlier rating of the account is
    neither read nor rated again; of what had occurred at an instant, they have nothing.
    """
    if parts is None or moment.at is not None:
        facts = [decode(line) for line in lines]
        return rate_account(row, facts, published, moment, ledger, now=now, instead=instead)
    account = parts.facts.account(row.account, lines)
    return _rated(row, account, published, moment, ledger, now=now, instead=instead, parts=parts.rated)


def _rated(
    row: AccountRow,
    account: Account,
    published: Mapping[tuple[str, int], PublishedAgreement],
    moment: Cutoff,
    ledger: Ledger,
    *,
    now: Callable[[], datetime],
    instead: AgreementDocument | None = None,
    parts: RatedParts | None = None,
) -> Rated | None:
    try:
        _, own = account_terms(account, lookup(published))
    except EmptyAccountError:
        return None
    terms = lookup(published, own.agreement, instead)
    timezone = own.timezone_at(None if account.contract is None else account.contract.site)
    validity = partial(_validity, published, moment.known_at)
    try:
        statement = rate(
            account,
            terms,
            last_day(moment, timezone, now),
            known_at=moment.known_at,
            invoiced=ledger.invoiced,
            validity=validity,
            parts=parts,
        )
    except CurrencyMixedError as error:
        raise NotAcceptable("currencies-mixed", f"The account {row.account} cannot be rated: {error}.") from error
    except NoVatRateError as error:
        raise NotAcceptable("no-vat-rate", f"The account {row.account} cannot be rated: {error}.") from error
    return Rated(row=row, agreement=instead or own, timezone=timezone, statement=statement, ledger=ledger)


def last_day(moment: Cutoff, timezone: str, now: Callable[[], datetime]) -> date:
    """The last day that a statement as of a moment has, where days begin in ``timezone``."""
    return moment.until or (moment.at or now()).astimezone(zone(timezone)).date()


def lookup(
    published: Mapping[tuple[str, int], PublishedAgreement],
    replaced: str | None = None,
    instead: AgreementDocument | None = None,
) -> AgreementLookup:
    """Finds published agreements; ``instead`` takes the place of every version of the one that is ``replaced``."""

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
