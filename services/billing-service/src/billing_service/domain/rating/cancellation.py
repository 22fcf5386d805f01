"""Late cancellations and missed appointments: whether one is late, and what its preparation costs
(R6, R7).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Final, Literal

import msgspec

from billing_service.domain import rounding
from billing_service.domain.facts.account import AppointmentFact, BilledTicket
from billing_service.domain.money import Money, at_least_cents, zero
from billing_service.domain.rating.packages import Demand, Regime
from billing_service.domain.rating.pricing import per_hour
from billing_service.domain.rating.work import Piece, TermsInForce, local_day, priced_apart
from billing_service.domain.statement.charge_line import (
    CalledOff,
    ChargeKind,
    ChargeLine,
    Draw,
    charge_id,
    exact,
    plain,
)
from billing_service.domain.statement.statement import FreeReason, Violation
from fristwerk_language.terms import AgreementDocument
from fristwerk_language.terms.coverage import is_late


class AppointmentEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How an appointment ended. ``late`` is a cancellation too late, or a missed one; ``sources``
    are the events.
    """

    verdict: Literal["open", "held", "called_off_in_time", "called_off_by_vendor", "late"]
    start: datetime | None = None
    ended_at: datetime | None = None
    cancelled_at: datetime | None = None
    sources: tuple[str, ...] = ()


class Fee(msgspec.Struct, frozen=True, kw_only=True):
    """The charge for an appointment that was called off too late: its preparation, rounded up once.

    ``regime`` has packages where the fee is settled from them.
    """

    charge: str
    ticket: str
    on: date
    pieces: tuple[Piece, ...]
    rounded_minutes: int
    regime: Regime
    agreement: AgreementDocument
    version: int
    basis: CalledOff
    sources: tuple[str, ...]

    @property
    def raw_minutes(self) -> int:
        return sum(piece.minutes for piece in self.pieces)


class Fees(msgspec.Struct):
    """``waiting`` is preparation that has no price yet, ``free`` what is never charged, and why."""

    fees: list[Fee] = []
    free: list[tuple[Piece, FreeReason]] = []
    waiting: list[Piece] = []
    violations: list[Violation] = []


_FREE: Final[Mapping[str, FreeReason]] = {
    "held": "appointment_held",
    "called_off_in_time": "cancelled_in_time",
    "called_off_by_vendor": "cancelled_by_vendor",
}


def outcome(steps: Sequence[AppointmentFact], in_force: TermsInForce, site: str | None) -> AppointmentEnd:
    """How an appointment at a site ended, by the terms in force at its end: the first end after the
    last booking counts.

    One that was called off before it was booked is never late.
    A cancellation not in writing does not count where the terms want it written; the vendor's own
    is never late.
    """
    found = AppointmentEnd(verdict="open")
    for step in steps:
        if step.what == "booked":
            found = AppointmentEnd(verdict="open", start=step.start, sources=(step.stamp.event,))
        elif found.verdict != "open":
            continue
        elif found.start is None and step.what == "cancelled":
            verdict: Literal["called_off_by_vendor", "called_off_in_time"]
            verdict = "called_off_by_vendor" if step.by == "vendor" else "called_off_in_time"
            found = AppointmentEnd(verdict=verdict, ended_at=step.stamp.occurred_at, sources=(step.stamp.event,))
        elif found.start is not None:
            found = _ended(found, step, in_force.at(step.stamp.occurred_at)[1], site)
    return found


def _ended(
    booked: AppointmentEnd, step: AppointmentFact, agreement: AgreementDocument, site: str | None
) -> AppointmentEnd:
    assert booked.start is not None, "only a booked appointment ends"
    terms = agreement.appointments.cancellation if agreement.appointments else None
    at = step.stamp.occurred_at
    cancelled_at: datetime | None = None
    verdict: Literal["held", "called_off_in_time", "called_off_by_vendor", "late"]
    match step.what:
        case "cancelled" if step.by == "vendor":
            verdict = "called_off_by_vendor"
        case "cancelled" if terms is not None and terms.written and not step.written:
            return booked
        case "cancelled":
            cancelled_at = at
            late = terms is not None and is_late(booked.start, at, terms, agreement.timezone_at(site))
            verdict = "late" if late else "called_off_in_time"
        case "missed":
            verdict = "late"
        case _:
            verdict = "held"
    return AppointmentEnd(
        verdict=verdict,
        start=booked.start,
        ended_at=at,
        cancelled_at=cancelled_at,
        sources=(*booked.sources, step.stamp.event),
    )


def fees(
    account: str,
    ticket: BilledTicket,
    in_force: TermsInForce,
    preparation: Sequence[Piece],
    regime_on: Callable[[date], Regime],
) -> Fees:
    """The fees of a ticket's late appointments, and what becomes of other preparation.

    That of an appointment that was held or called off in time is never charged; that of one still
    open waits for its end. Without preparation there is no fee (R7).
    """
    by_number: dict[int, list[Piece]] = {}
    for piece in preparation:
        assert piece.appointment is not None, "preparation is always for an appointment"
        by_number.setdefault(piece.appointment, []).append(piece)
    found = Fees()
    for number, pieces in by_number.items():
        ended = outcome([step for step in ticket.appointments if step.number == number], in_force, ticket.site)
        if ended.ended_at is None:
            found.waiting += pieces
            continue
        if (reason := _FREE.get(ended.verdict)) is not None:
            found.free += [(piece, reason) for piece in pieces]
            continue
        version, agreement = in_force.at(ended.ended_at)
        regime = regime_on(local_day(ended.ended_at, agreement, ticket.site))
        charged = [
            _fee(account, ticket.id, ended, alike, version, agreement, regime)
            for alike in _at_one_price(pieces, agreement, regime)
        ]
        if None in charged:
            detail = (
                f"Ticket {ticket.id}: appointment {number} was called off late, but the agreement has no price for it."
            )
            found.violations.append(Violation("no_rate", detail))
            found.waiting += pieces
        else:
            found.fees += [fee for fee in charged if fee is not None]
    return found


def _at_one_price(pieces: Sequence[Piece], agreement: AgreementDocument, regime: Regime) -> list[tuple[Piece, ...]]:
    """Preparation by people whose hours cost differently is rounded up and charged apart; what a
    package settles costs no hours.
    """
    if _from_packages(agreement, regime):
        return [tuple(pieces)]
    found: dict[str | None, list[Piece]] = {}
    for piece in pieces:
        found.setdefault(priced_apart(piece, agreement), []).append(piece)
    return [tuple(alike) for alike in found.values()]


def _from_packages(agreement: AgreementDocument, regime: Regime) -> bool:
    terms = agreement.billing.cancellation_fee
    return terms is not None and terms.settle_from == "package" and regime.kind == "package"


def charged_line(fee: Fee) -> ChargeLine:
    """The fee as a line: preparation at the plain hourly rate, without a minimum; 0.00 if packages
    settle it.
    """
    hourly = fee.agreement.billing.hourly
    if fee.regime.kind == "package" or hourly is None:
        price = zero(fee.agreement.currency)
    else:
        price = Money(at_least_cents(hourly.rate_of(fee.pieces[0].performer)), fee.agreement.currency)
    return _line(fee, "cancellation", fee.rounded_minutes, price, fee.raw_minutes)


def settled_lines(fee: Fee, draws: Sequence[Draw]) -> list[ChargeLine]:
    """The fee settled from packages: what they gave, and what is left over as overage."""
    drawn = sum(exact(each.minutes) for each in draws)
    over = fee.rounded_minutes - drawn
    covered = min(fee.raw_minutes, int(drawn)) if over else fee.raw_minutes
    lines: list[ChargeLine] = []
    if drawn:
        line = _line(fee, "allowance", drawn, zero(fee.agreement.currency), covered)
        lines.append(msgspec.structs.replace(line, draws=tuple(draws)))
    if over:
        last = fee.regime.packages[-1]
        price = Money(at_least_cents(last.overage_rate), fee.agreement.currency)
        minutes = rounding.round_up(over, last.overage_increment_minutes)
        lines.append(_line(fee, "overage", minutes, price, fee.raw_minutes - covered))
    return lines


def demand(fee: Fee, *, settled: bool) -> Demand:
    """What a fee that packages settle asks of them; see :class:`Demand`."""
    return Demand(charge=fee.charge, minutes=fee.rounded_minutes, packages=fee.regime.packages, settled=settled)


def _fee(
    account: str,
    ticket: str,
    ended: AppointmentEnd,
    pieces: tuple[Piece, ...],
    version: int,
    agreement: AgreementDocument,
    regime: Regime,
) -> Fee | None:
    terms, appointments, hourly = agreement.billing.cancellation_fee, agreement.appointments, agreement.billing.hourly
    number = pieces[0].appointment
    assert ended.start is not None, "only a booked appointment is late"
    assert ended.ended_at is not None, "a late appointment has ended"
    assert number is not None, "preparation is always for an appointment"
    on = local_day(ended.ended_at, agreement, pieces[0].site)
    if terms is None or appointments is None or appointments.cancellation is None:
        return None
    if _from_packages(agreement, regime):
        increment = regime.packages[0].increment_minutes
    elif hourly is not None:
        regime, increment = Regime("hourly"), hourly.increment_minutes
    else:
        return None
    notice = appointments.cancellation
    apart = priced_apart(pieces[0], agreement) if regime.kind == "hourly" else None
    rounded = rounding.round_up(sum(piece.minutes for piece in pieces), increment)
    sources = dict.fromkeys(source for piece in pieces for source in piece.sources)
    return Fee(
        charge=charge_id(account, ticket, "cancellation", f"{number}|{apart}" if apart else str(number)),
        ticket=ticket,
        on=on,
        pieces=pieces,
        rounded_minutes=rounded,
        regime=regime,
        agreement=agreement,
        version=version,
        basis=CalledOff(
            parts=tuple(piece.part for piece in pieces),
            appointment=number,
            start=ended.start,
            cancelled_at=ended.cancelled_at,
            notice_hours=notice.notice_hours,
            measure=notice.measure,
            increment_minutes=increment,
            rounded_minutes=rounded,
        ),
        sources=(*sources, *ended.sources),
    )


def _line(fee: Fee, kind: ChargeKind, minutes: int | Fraction, price: Money, raw_minutes: int) -> ChargeLine:
    return ChargeLine(
        charge=fee.charge,
        kind=kind,
        ticket=fee.ticket,
        on=fee.on,
        minutes=plain(minutes),
        unit_price=price,
        amount=per_hour(minutes, price),
        raw_minutes=raw_minutes,
        sources=fee.sources,
        rules=("R6", "R7"),
        clauses=("/appointments/cancellation", "/billing/cancellation_fee"),
        agreement=fee.agreement.agreement,
        agreement_version=fee.version,
        basis=fee.basis,
    )
