"""Rating: the pipeline from an account's facts to its statement, one small step after the other.

Take each event once, apply corrections, classify, hold at the cost gate, group, round up once per
group, weight by the rate factor, draw from packages, price overage and hourly work, minimum charge,
late cancellations and waivers, add-ons, round each line, VAT per rate on the sum, round the payable
amount. The order is part of the contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from billing_service.domain.facts import account as facts
from billing_service.domain.facts import cutoff
from billing_service.domain.facts.account import Account
from billing_service.domain.money import CurrencyMixedError
from billing_service.domain.rating import addons, charging, classification, minimum, packages, vat, work
from billing_service.domain.rating.charging import Charged
from billing_service.domain.rating.classification import ClassifiedWork
from billing_service.domain.rating.rated_parts import RatedParts
from billing_service.domain.rating.waivers import still_charged, waiver_lines
from billing_service.domain.rating.work import AgreementLookup, ValidityLookup
from billing_service.domain.statement import ledger
from billing_service.domain.statement.charge_line import ChargeLine, in_order
from billing_service.domain.statement.ledger import Invoiced
from billing_service.domain.statement.statement import Shares, Statement, minutes_by_ticket
from fristwerk_language.terms import AgreementDocument, zone


class EmptyAccountError(ValueError):
    """Raised for an account without a contract and without tickets: no agreement says what it
    costs.
    """


def rate(
    account: Account,
    terms: AgreementLookup,
    until: date,
    *,
    known_at: datetime | None = None,
    invoiced: Invoiced = ledger.NOTHING,
    vat_rates: vat.Rates = vat.RATES,
    validity: ValidityLookup = work.without_validity,
    parts: RatedParts | None = None,
) -> Statement:
    """The statement of an account up to and including ``until``, as far as recorded by ``known_at``.

    ``terms`` finds the agreement of a name and version, ``validity`` when the versions of a name came into force. What
    issued documents billed, ``invoiced``, stays drawn from packages (R13), and what ``parts`` have of an earlier rating
    is not made again. Raises CurrencyMixedError, EmptyAccountError.
    """
    version, own = account_terms(account, terms)
    counted = up_to(account, terms, until, known_at)
    tickets = classified(counted.tickets, own, terms, validity, parts := parts or RatedParts())
    decisions = {each.charge: each for each in counted.decisions}
    waived = {charge: each for charge, each in decisions.items() if each.decision == "waive"}
    pool = charging.pool_of(counted, own, until, invoiced)
    charged = charging.charge(account.id, tickets, pool, decisions, parts)
    priced = [*charging.free_lines(account.id, tickets, pool), *charged.lines]
    booked, refused = addons.addon_lines(counted.contract, own, until)
    unwaived = priced + top_ups(account.id, still_charged(priced, waived), tickets, invoiced, (version, own)) + booked
    waivers = waiver_lines(unwaived, waived, charged.given_back)
    places = taxable_at(counted, tickets, own)
    lines = in_order(vat.taxed([*unwaived, *waivers], places, counted.customer, vat_rates))
    return Statement(
        account=account.id,
        agreement=own.agreement,
        agreement_version=version,
        currency=own.currency,
        cash_rounding=own.billing.cash_rounding,
        until=until,
        lines=lines,
        proposed=in_order(vat.taxed(charged.proposed, places, counted.customer, vat_rates)),
        totals=vat.totals(lines, own.currency, own.billing.cash_rounding),
        packages=packages.balances(pool.packages, charged.left, until),
        held_minutes=minutes_by_ticket((p.ticket, p.minutes) for each in tickets for p in each.held),
        written_off_minutes=minutes_by_ticket((p.ticket, p.minutes) for each in tickets for p in each.written_off),
        not_rated=tuple(sorted(charged.not_rated, key=lambda each: (each.ticket, each.entry))),
        never_charged=tuple(sorted(charged.never_charged, key=lambda each: (each.ticket, each.entry))),
        violations=tuple(sorted({*charged.violations, *refused})),
        remarks=classification.remarks(tickets),
        waived=tuple(sorted(ledger.waived_charges(lines))),
        shares=shares(tickets, lines, charged),
    )


def up_to(account: Account, terms: AgreementLookup, until: date, known_at: datetime | None) -> Account:
    """The facts that count up to a local day, which ends for each ticket at its site."""
    return cutoff.up_to(
        account, known_at, lambda each: end_of(until, terms(each.agreement, each.agreement_version), each.site)
    )


def classified(
    tickets: Iterable[facts.BilledTicket],
    own: AgreementDocument,
    terms: AgreementLookup,
    validity: ValidityLookup,
    parts: RatedParts,
) -> list[ClassifiedWork]:
    """The work of tickets under their terms. Raises CurrencyMixedError if a currency is not the
    account's.
    """
    found = [parts.classified(each, work.terms_in_force(each, terms, validity)) for each in tickets]
    check_currency(own, found)
    return found


def account_terms(account: Account, terms: AgreementLookup) -> tuple[int, AgreementDocument]:
    """The version that rates what is not a ticket's: the contract's own; without one, the last
    opened ticket's.
    """
    if account.contract is not None:
        signed = account.contract
        return signed.agreement_version, terms(signed.agreement, signed.agreement_version)
    if not account.tickets:
        raise EmptyAccountError(f"the account {account.id} has neither a contract nor a ticket")
    last = max(account.tickets, key=lambda ticket: ticket.stamp.order)
    return last.agreement_version, terms(last.agreement, last.agreement_version)


def taxable_at(account: Account, tickets: Iterable[ClassifiedWork], own: AgreementDocument) -> vat.TaxableAt:
    """Where the account's lines are taxed: work at its site, by the terms that it is under; add-ons,
    and work that is at no site, at the contract's. A site without a tax of its own has the agreement's.
    """
    contract = account.contract
    at_contract = own.vat_at(contract.site) if contract is not None else None
    pieces = (piece for each in tickets for piece in (*each.free, *each.preparation, *each.billable))
    at_site = {
        piece.event: piece.agreement.vat_at(piece.site) or own.billing.vat
        for piece in pieces
        if piece.site is not None and piece.agreement.sites
    }
    return vat.TaxableAt(at_contract or own.billing.vat, at_site)


def end_of(until: date, agreement: AgreementDocument, site: str | None) -> datetime:
    """The instant at which the local day ``until`` ends at a site, or (None) in the agreement's time zone."""
    return _midnight_after(until, agreement.timezone_at(site))


@lru_cache(maxsize=1024)
def _midnight_after(day: date, timezone: str) -> datetime:
    if day == date.max:
        return datetime.max.replace(tzinfo=UTC)
    return datetime.combine(day + timedelta(days=1), time(), zone(timezone)).astimezone(UTC)


def check_currency(own: AgreementDocument, tickets: Iterable[ClassifiedWork]) -> None:
    """Raises CurrencyMixedError if a ticket's terms have another currency than the account's (R14)."""
    for each in tickets:
        for version, agreement in (
            *each.in_force.versions,
            *((piece.price_version, piece.prices) for piece in each.billable),
        ):
            if agreement.currency != own.currency:
                raise CurrencyMixedError(
                    f"ticket {each.ticket.id} is rated in {agreement.currency} ({agreement.agreement}@{version}), "
                    f"its account in {own.currency}"
                )


def top_ups(
    account: str,
    lines: Sequence[ChargeLine],
    tickets: Iterable[ClassifiedWork],
    invoiced: Invoiced,
    own: minimum.VersionedTerms,
) -> list[ChargeLine]:
    """The minimum charges of lines that are not waived: by ticket or group, and by invoice (R4)."""
    newest = {each.ticket.id: each.in_force.newest for each in tickets}
    by_ticket = minimum.top_ups(account, lines, lambda ticket: newest.get(ticket, own))
    return [*by_ticket, *minimum.invoice_top_ups(account, lines, invoiced, own)]


def shares(tickets: Iterable[ClassifiedWork], lines: Sequence[ChargeLine], charged: Charged) -> Shares:
    """Where the logged minutes went. Logged is counted at the start, the rest at the end, so
    nothing can hide.
    """
    waived = ledger.waived_charges(lines)
    by_kind: dict[str, int] = {}
    for line in lines:
        share = "waived" if line.charge in waived else line.kind
        by_kind[share] = by_kind.get(share, 0) + line.raw_minutes
    held = written_off = logged = 0
    for each in tickets:
        held += sum(piece.minutes for piece in each.held)
        written_off += sum(piece.minutes for piece in each.written_off)
        logged += each.logged_minutes
    return Shares(
        logged=logged,
        package=by_kind.get("allowance", 0),
        hourly=sum(by_kind.get(kind, 0) for kind in ("hourly", "overage", "cancellation")),
        free=by_kind.get("free", 0) + sum(each.minutes for each in charged.never_charged),
        held=held,
        written_off=written_off,
        waived=by_kind.get("waived", 0),
        not_rated=sum(each.minutes for each in charged.not_rated),
    )
