"""Charging: an account's sorted work and late cancellations as lines, drawn from packages or
priced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Final

import msgspec

from billing_service.domain.facts.account import Account, ChargeDecision, PrepaidPackage
from billing_service.domain.rating import cancellation, grouping, packages, pricing
from billing_service.domain.rating.cancellation import Fee, Fees
from billing_service.domain.rating.classification import ClassifiedWork
from billing_service.domain.rating.grouping import RoundingGroup
from billing_service.domain.rating.packages import Demand, Exact, Frozen, Regime
from billing_service.domain.rating.rated_parts import RatedParts
from billing_service.domain.rating.waivers import waived_minutes
from billing_service.domain.rating.work import Piece
from billing_service.domain.statement.charge_line import ChargeLine, Draw, merged_draws
from billing_service.domain.statement.ledger import Invoiced
from billing_service.domain.statement.statement import FreeReason, NeverCharged, NotRated, NotRatedReason, Violation
from fristwerk_language.terms import AgreementDocument

_HOURLY: Final = Regime("hourly")


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """The packages that charges draw from, what a day's work is billed by, and what issued invoices
    drew.
    """

    agreement: AgreementDocument
    packages: tuple[PrepaidPackage, ...]
    regime_on: Callable[[date], Regime]
    term_on: Callable[[date], date]
    frozen: Frozen


class Charged(msgspec.Struct, frozen=True, kw_only=True):
    """The lines, those that wait for a decision, what could not be put on one, what is left in each
    package, and what waived charges gave back to them.
    """

    lines: list[ChargeLine]
    proposed: list[ChargeLine]
    not_rated: list[NotRated]
    never_charged: list[NeverCharged]
    violations: list[Violation]
    left: Mapping[str, Exact]
    given_back: Mapping[str, tuple[Draw, ...]]


def pool_of(account: Account, own: AgreementDocument, until: date, invoiced: Invoiced) -> Pool:
    """The account's packages, with the regime and the term of each day looked up once."""
    granted = packages.granted(account.contract, own, until)
    return Pool(
        agreement=own,
        packages=granted,
        regime_on=lru_cache(maxsize=None)(lambda on: packages.regime(granted, own, on)),
        term_on=lru_cache(maxsize=None)(lambda on: packages.term_of(account.contract, own, on)[0]),
        frozen=packages.frozen_draws(invoiced.lines),
    )


def free_lines(account: str, tickets: Sequence[ClassifiedWork], pool: Pool) -> list[ChargeLine]:
    """Work free of charge, grouped as other work is, in raw minutes (R11)."""
    clauses = {(each.ticket.id, entry): clause for each in tickets for entry, clause in each.coverage.items()}
    pieces = [piece for each in tickets for piece in each.free]
    groups = grouping.grouped(account, pieces, lambda _: _HOURLY, pool.term_on)
    return [
        pricing.free_line(group, tuple(dict.fromkeys(clauses[piece.ticket, piece.entry] for piece in group.pieces)))
        for group in groups
    ]


def charge(
    account: str,
    tickets: Sequence[ClassifiedWork],
    pool: Pool,
    decisions: Mapping[str, ChargeDecision],
    parts: RatedParts,
) -> Charged:
    """Billable work and fees as lines. Work draws from packages before fees do, each in the order
    of its days.
    """
    pieces = [piece for each in tickets for piece in each.billable]
    groups = grouping.grouped(account, pieces, pool.regime_on, pool.term_on)
    refusals = [(group, _refusal(group)) for group in groups]
    found = _fees(account, tickets, pool)
    undecided = [fee for fee in found.fees if _needs_decision(fee) and fee.charge not in decisions]
    decided = [fee for fee in found.fees if not _needs_decision(fee) or fee.charge in decisions]
    settled = [fee for fee in decided if _is_settled(fee, decisions)]
    priced = [fee for fee in decided if not _is_settled(fee, decisions)]
    drawn, packed = _drawn([group for group, refusal in refusals if refusal is None], settled, pool, decisions, parts)
    return Charged(
        lines=[*drawn, *(cancellation.charged_line(fee) for fee in priced)],
        proposed=[cancellation.charged_line(fee) for fee in undecided],
        not_rated=[
            *(_not_rated(piece, "awaits_resolution") for each in tickets for piece in each.unresolved),
            *(_not_rated(piece, refusal[0]) for group, refusal in refusals if refusal for piece in group.pieces),
            *(_not_rated(piece, "preparation") for piece in found.waiting),
            *(_not_rated(piece, "undecided") for fee in undecided for piece in fee.pieces),
        ],
        never_charged=[
            NeverCharged(piece.ticket, piece.entry, piece.event, piece.minutes, reason)
            for piece, reason in [*_internal(tickets), *found.free]
        ],
        violations=[
            *(violation for each in tickets for violation in each.violations),
            *(refusal[1] for _, refusal in refusals if refusal),
            *found.violations,
        ],
        left=packed.left,
        given_back=packed.given_back,
    )


def _internal(tickets: Sequence[ClassifiedWork]) -> list[tuple[Piece, FreeReason]]:
    return [(piece, "internal_work") for each in tickets for piece in each.internal]


def _not_rated(piece: Piece, reason: NotRatedReason) -> NotRated:
    """A piece that is on no line, with the reason."""
    return NotRated(piece.ticket, piece.entry, piece.event, piece.minutes, reason)


def _refusal(group: RoundingGroup) -> tuple[NotRatedReason, Violation] | None:
    """Why a group's work has no price: no hourly rate, or a package that expired and allows nothing
    after it (R5).
    """
    agreement = group.first.agreement
    if group.regime.kind == "refuse":
        package = group.regime.packages[-1]
        detail = f"Ticket {group.ticket}: work after the package {package.id} expired on {package.until_on} is refused."
        return "package_expired", Violation("package_expired", detail)
    if group.regime.kind == "hourly" and group.first.prices.billing.hourly is None:
        detail = f"Ticket {group.ticket}: the agreement {agreement.agreement} has no hourly rate for its work."
        return "no_rate", Violation("no_rate", detail)
    return None


def _fees(account: str, tickets: Sequence[ClassifiedWork], pool: Pool) -> Fees:
    found = Fees()
    for each in tickets:
        if each.preparation:
            of_ticket = cancellation.fees(account, each.ticket, each.in_force, each.preparation, pool.regime_on)
            found.fees += of_ticket.fees
            found.free += of_ticket.free
            found.waiting += of_ticket.waiting
            found.violations += of_ticket.violations
    found.fees.sort(key=lambda fee: (fee.on, fee.ticket, fee.charge))
    return found


def _needs_decision(fee: Fee) -> bool:
    terms = fee.agreement.billing.cancellation_fee
    return terms is not None and terms.decision == "required"


def _is_settled(fee: Fee, decisions: Mapping[str, ChargeDecision]) -> bool:
    """Whether packages pay the fee; one that is waived whatever it comes to draws nothing."""
    decision = decisions.get(fee.charge)
    waived = decision is not None and decision.decision == "waive" and decision.at_most is None
    return fee.regime.kind == "package" and not waived


def _drawn(
    groups: Sequence[RoundingGroup],
    fees: Sequence[Fee],
    pool: Pool,
    decisions: Mapping[str, ChargeDecision],
    parts: RatedParts,
) -> tuple[list[ChargeLine], packages.Drawn]:
    """The lines of work and of fees that packages settle: rounded, weighted, drawn, and the rest
    priced.
    """
    waived = waived_minutes(decisions)
    shares = [grouping.round_by_day(group, _increment(group)) for group in groups]
    asking = sorted(
        (share.on, share.started_at, number, share.minutes)
        for number, group in enumerate(groups)
        if group.regime.kind == "package"
        for share in shares[number]
    )
    demands = [
        Demand(
            charge=groups[number].charge("allowance"),
            minutes=packages.weigh(minutes, groups[number].first.factor, pool.agreement),
            packages=pool.regime_on(on).packages,
            settled=bool(waived) and groups[number].charge("overage") in waived,
        )
        for on, _, number, minutes in asking
    ]
    asked = [*demands, *(cancellation.demand(fee, settled=fee.charge in waived) for fee in fees)]
    packed = packages.draw(asked, pool.packages, pool.frozen, waived)
    draws = packed.draws
    by_group: defaultdict[int, list[Draw]] = defaultdict(list)
    for (_, _, number, _), drawn in zip(asking, draws[: len(asking)], strict=True):
        by_group[number] += drawn
    lines = [
        line
        for number, group in enumerate(groups)
        for line in _work_lines(group, grouping.rounded_minutes(shares[number]), by_group[number], pool, parts)
    ]
    for fee, drawn in zip(fees, draws[len(asking) :], strict=True):
        lines += cancellation.settled_lines(fee, drawn)
    return lines, packed


def _work_lines(
    group: RoundingGroup, rounded: int, draws: Sequence[Draw], pool: Pool, parts: RatedParts
) -> list[ChargeLine]:
    def priced() -> list[ChargeLine]:
        if group.regime.packages:
            weighted = packages.weigh(rounded, group.first.factor, pool.agreement)
            return pricing.package_lines(group, rounded, weighted, merged_draws(draws))
        hourly = group.first.prices.billing.hourly
        assert hourly is not None, "groups without a price are refused before"
        return [pricing.hourly_line(group, rounded, hourly)]

    return parts.priced_lines(group, draws, pool.agreement, priced)


def _increment(group: RoundingGroup) -> int:
    hourly = group.first.prices.billing.hourly
    if group.regime.packages:
        return group.regime.packages[0].increment_minutes
    assert hourly is not None, "groups without a price are refused before"
    return hourly.increment_minutes
