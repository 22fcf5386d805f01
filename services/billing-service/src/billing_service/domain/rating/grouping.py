"""Grouping: billable work that is rounded up together, once, and how its rounded minutes fall on
its days (R1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Literal

import msgspec

from billing_service.domain import rounding
from billing_service.domain.rating.packages import Regime
from billing_service.domain.rating.work import Piece, priced_apart
from billing_service.domain.statement.charge_line import EVERY_TICKET, ChargeKind, EntryPart, charge_id

Scope = Literal["ticket_day", "entry", "ticket", "period"]


class RoundingGroup(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Pieces of one ticket, day, type and version (or a wider scope), in the order of their start.
    ``key`` is stable.
    """

    account: str
    ticket: str
    key: str
    scope: Scope
    regime: Regime
    pieces: tuple[Piece, ...]

    @property
    def first(self) -> Piece:
        return self.pieces[0]

    @property
    def raw_minutes(self) -> int:
        if len(self.pieces) == 1:
            return self.pieces[0].minutes
        return sum(piece.minutes for piece in self.pieces)

    @property
    def parts(self) -> tuple[EntryPart, ...]:
        """What it adds up, entry by entry."""
        return tuple([piece.part for piece in self.pieces])

    @property
    def sources(self) -> tuple[str, ...]:
        if len(self.pieces) == 1:
            return tuple(dict.fromkeys(self.pieces[0].sources))
        return tuple(dict.fromkeys(source for piece in self.pieces for source in piece.sources))

    def charge(self, kind: ChargeKind) -> str:
        """The id of the group's charge of a kind."""
        return charge_id(self.account, self.ticket, kind, self.key)


class DayShare(msgspec.Struct, frozen=True, gc=False):
    """The rounded minutes of a group that fall on one of its days, and when its work began there."""

    on: date
    started_at: datetime
    minutes: int


def grouped(
    account: str, pieces: Iterable[Piece], regime_on: Callable[[date], Regime], term_on: Callable[[date], date]
) -> list[RoundingGroup]:
    """The rounding groups, in the order in which their work began.

    A group never spans two regimes (prepaid, beyond a package's expiry, hourly), ticket types,
    versions of the terms or of the prices, performers with a rate of their own or sites with a tax
    of their own. ``period`` is the term of the contract, whose first day ``term_on`` gives.
    """
    found: dict[tuple[str, str], list[Piece]] = {}
    for piece in sorted(pieces, key=lambda each: (each.start, each.ticket, each.entry)):
        found.setdefault(_place(piece, regime_on(piece.on).kind, term_on), []).append(piece)
    return [
        RoundingGroup(
            account=account,
            ticket=ticket,
            key=key,
            scope=members[0].agreement.billing.rounding.scope,
            regime=regime_on(members[0].on),
            pieces=tuple(members),
        )
        for (ticket, key), members in found.items()
    ]


def round_by_day(group: RoundingGroup, increment_minutes: int) -> list[DayShare]:
    """The group's minutes rounded up once, told apart by day.

    A day gets what the sum up to its end rounds to, less what earlier days got; so the days add up
    to the whole.
    """
    first, *others = group.pieces
    if not others:
        return [DayShare(first.on, first.start, rounding.round_up(first.minutes, increment_minutes))]
    days: dict[date, list[Piece]] = {}
    for piece in group.pieces:
        days.setdefault(piece.on, []).append(piece)
    shares: list[DayShare] = []
    raw = rounded = 0
    for on, pieces in days.items():
        raw += sum(piece.minutes for piece in pieces)
        share = rounding.round_up(raw, increment_minutes) - rounded
        rounded += share
        shares.append(DayShare(on, pieces[0].start, share))
    return shares


def rounded_minutes(shares: Sequence[DayShare]) -> int:
    """What the group was rounded up to."""
    return sum(share.minutes for share in shares)


def _place(piece: Piece, regime: str, term_on: Callable[[date], date]) -> tuple[str, str]:
    """The ticket and the key of the group that a piece belongs to."""
    version = str(piece.version)
    if piece.price_version != piece.version:
        version += f"@{piece.price_version}"
    terms = f"{piece.type}|{version}|{regime}"
    scope: Scope = piece.agreement.billing.rounding.scope
    match scope:
        case "ticket_day":
            return piece.ticket, f"{piece.on}|{terms}{_apart_within(piece, regime)}"
        case "entry":
            return piece.ticket, f"{piece.entry}|{terms}"
        case "ticket":
            return piece.ticket, f"{terms}{_apart_within(piece, regime)}"
        case "period":
            return EVERY_TICKET, f"{term_on(piece.on)}|{terms}{_apart(piece)}"


def _apart_within(piece: Piece, regime: str) -> str:
    """What keeps work of one ticket in a group of its own: another hourly rate than the rest has."""
    performer = priced_apart(piece, piece.prices) if regime == "hourly" else None
    return "" if performer is None else f"|{performer}"


def _apart(piece: Piece) -> str:
    """What keeps work of several tickets in groups of their own: a performer's rate, a site's tax."""
    hourly = piece.prices.billing.hourly
    rated = hourly is not None and piece.performer in [each.performer for each in hourly.rates]
    taxed = piece.agreement.vat_at(piece.site) is not None
    return (f"|{piece.performer}" if rated else "") + (f"|{piece.site}" if taxed else "")
