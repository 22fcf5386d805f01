"""Trace: from a line back to the events and clauses it rests on, with the arithmetic as steps and
as sentences.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from fractions import Fraction
from typing import Literal

import msgspec

from billing_service.domain import rounding
from billing_service.domain.money import Money, at_least_cents, exact_decimal, zero
from billing_service.domain.rating import addons
from billing_service.domain.rating.pricing import per_hour
from billing_service.domain.statement.charge_line import (
    AddonMonth,
    BilledMinutes,
    CalledOff,
    ChargeLine,
    Covered,
    Draw,
    EntryPart,
    ToppedUp,
    Waived,
    Worked,
    exact,
    plain,
)

TraceStepName = Literal[
    "entries",
    "covered",
    "called_off",
    "rounded",
    "weighted",
    "drawn",
    "left_over",
    "factored",
    "priced",
    "topped_up",
    "prorated",
    "waived",
    "changed",
    "withdrawn",
]
"""What a step did; its sentences are in :mod:`billing_service.domain.explanation.messages`."""


class EntryFigure(msgspec.Struct, frozen=True, gc=False):
    """``minutes`` of an entry, worked on the local day ``on``."""

    entry: str
    on: date
    minutes: int


Figure = (
    BilledMinutes | Money | date | datetime | str | tuple[str, ...] | tuple[EntryFigure, ...] | tuple[Draw, ...] | None
)


class TraceStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the arithmetic: ``figures`` by name, the ``rule`` of R1–R14 and the events that
    it takes in.

    The last step that leads to the whole charge has the figure ``amount``, its Money.
    """

    name: TraceStepName
    rule: str
    figures: dict[str, Figure]
    sources: tuple[str, ...] = ()


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """A line explained: the ordered steps, and all events and clauses (of that version of the
    agreement) below it.
    """

    charge: str
    kind: str
    agreement: str
    agreement_version: int
    clauses: tuple[str, ...]
    sources: tuple[str, ...]
    steps: tuple[TraceStep, ...]


def trace(line: ChargeLine) -> Trace:
    """How a line of a statement, an invoice or a credit note came about."""
    steps = _whole(line)
    whole = steps[-1].figures["amount"]
    assert isinstance(whole, Money), "the last step comes to the charge's amount"
    return Trace(
        charge=line.charge,
        kind=line.kind,
        agreement=line.agreement,
        agreement_version=line.agreement_version,
        clauses=line.clauses,
        sources=line.sources,
        steps=(*steps, *_change(line, whole)),
    )


def resting_on(lines: Iterable[ChargeLine], event: str) -> tuple[ChargeLine, ...]:
    """The lines that rest on an event."""
    return tuple(line for line in lines if event in line.sources)


def _whole(line: ChargeLine) -> list[TraceStep]:
    """The steps that lead to the whole charge, whatever of it was invoiced before."""
    basis = line.basis
    match basis:
        case Worked():
            return [
                _entries(basis.parts),
                _rounded(basis.parts, basis.increment_minutes, basis.scope),
                *_worked(line, basis),
            ]
        case Covered():
            covered: dict[str, Figure] = {"clauses": line.clauses, "amount": line.unit_price}
            return [_entries(basis.parts), TraceStep(name="covered", rule="R11", figures=covered)]
        case CalledOff():
            return _called_off(line, basis)
        case ToppedUp():
            missing = basis.minimum - basis.charged
            figures: dict[str, Figure] = {
                "minimum": basis.minimum,
                "charged": basis.charged,
                "amount": missing,
                "scope": basis.scope,
            }
            return [TraceStep(name="topped_up", rule="R4", figures=figures, sources=line.sources)]
        case AddonMonth():
            return [_prorated(line, basis)]
        case Waived():
            waived: dict[str, Figure] = {
                "waives": basis.waives,
                "waived": basis.amount,
                "reason": basis.reason,
                "actor": basis.actor,
            }
            return [
                TraceStep(
                    name="waived", rule="R8", figures=waived | {"amount": -basis.amount}, sources=line.sources[-1:]
                )
            ]


def _entries(parts: tuple[EntryPart, ...]) -> TraceStep:
    entries = tuple(EntryFigure(part.entry, part.on, part.minutes) for part in parts)
    figures: dict[str, Figure] = {"entries": entries, "minutes": sum(part.minutes for part in parts)}
    return TraceStep(name="entries", rule="R1", figures=figures, sources=tuple(part.event for part in parts))


def _rounded(parts: tuple[EntryPart, ...], increment_minutes: int, scope: str) -> TraceStep:
    raw = sum(part.minutes for part in parts)
    figures: dict[str, Figure] = {
        "raw": raw,
        "increment": increment_minutes,
        "minutes": rounding.round_up(raw, increment_minutes),
        "scope": scope,
    }
    return TraceStep(name="rounded", rule="R1", figures=figures)


def _worked(line: ChargeLine, basis: Worked) -> list[TraceStep]:
    """Rounded minutes priced by the hour, or weighted and taken to packages."""
    if line.kind == "hourly":
        return [*_factored(line, basis), _priced(basis.rounded_minutes, line.unit_price)]
    steps: list[TraceStep] = []
    weighted, drawn = exact(basis.weighted_minutes), exact(basis.drawn_minutes)
    if weighted != basis.rounded_minutes:
        figures: dict[str, Figure] = {
            "minutes": basis.rounded_minutes,
            "factor": basis.factor,
            "weighted": basis.weighted_minutes,
        }
        steps.append(TraceStep(name="weighted", rule="R9", figures=figures))
    if line.kind == "allowance":
        figures = {
            "asked": basis.weighted_minutes,
            "minutes": basis.drawn_minutes,
            "packages": line.draws,
        }
        return [*steps, TraceStep(name="drawn", rule="R3", figures=figures | {"amount": zero(line.amount.currency)})]
    increment = basis.overage_increment_minutes
    assert increment is not None, "overage has an increment"
    over = rounding.round_up(weighted - drawn, increment)
    figures = {
        "asked": basis.weighted_minutes,
        "drawn": basis.drawn_minutes,
        "left_over": plain(weighted - drawn),
        "increment": increment,
        "minutes": over,
    }
    return [*steps, TraceStep(name="left_over", rule="R2", figures=figures), _priced(over, line.unit_price)]


def _factored(line: ChargeLine, basis: Worked) -> list[TraceStep]:
    numerator, denominator = basis.factor.as_integer_ratio()
    if numerator == denominator:
        return []
    rate = exact_decimal(line.unit_price.exact * Fraction(denominator, numerator))
    figures: dict[str, Figure] = {"rate": Money(at_least_cents(rate), line.unit_price.currency), "factor": basis.factor}
    return [TraceStep(name="factored", rule="R9", figures=figures | {"unit_price": line.unit_price})]


def _priced(minutes: BilledMinutes, price: Money) -> TraceStep:
    figures: dict[str, Figure] = {"minutes": minutes, "unit_price": price, "amount": per_hour(exact(minutes), price)}
    return TraceStep(name="priced", rule="R14", figures=figures)


def _called_off(line: ChargeLine, basis: CalledOff) -> list[TraceStep]:
    figures: dict[str, Figure] = {
        "appointment": basis.appointment,
        "start": basis.start,
        "cancelled_at": basis.cancelled_at,
        "notice_hours": basis.notice_hours,
        "measure": basis.measure,
    }
    minutes = basis.rounded_minutes if line.kind == "cancellation" else line.minutes
    return [
        TraceStep(name="called_off", rule="R6", figures=figures, sources=line.sources),
        _entries(basis.parts),
        _rounded(basis.parts, basis.increment_minutes, "appointment"),
        _priced(minutes, line.unit_price),
    ]


def _prorated(line: ChargeLine, basis: AddonMonth) -> TraceStep:
    days = addons.days_of(basis.from_on, basis.until_on, basis.proration)
    figures: dict[str, Figure] = {
        "addon": basis.addon,
        "from": basis.from_on,
        "until": basis.until_on,
        "days": days,
        "before_days": basis.before_days,
        "month_days": basis.month_days,
        "monthly_price": line.unit_price,
        "proration": basis.proration,
        "amount": addons.month_amount(basis, days, line.unit_price),
    }
    return TraceStep(name="prorated", rule="R12", figures=figures, sources=line.sources)


def _change(line: ChargeLine, whole: Money) -> list[TraceStep]:
    """How the line of an invoice comes out of the whole charge and what was invoiced of it."""
    match line.change:
        case "new":
            return []
        case "changed":
            figures: dict[str, Figure] = {"whole": whole, "invoiced": whole - line.amount, "amount": line.amount}
        case "withdrawn":
            figures = {
                "whole": zero(whole.currency),
                "invoiced": -line.amount,
                "amount": line.amount,
            }
    return [TraceStep(name=line.change, rule="R13", figures=figures)]
