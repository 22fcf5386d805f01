"""Every wrong variant of a rule that is planted here is caught by the known cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

from billing_service.domain import rounding
from billing_service.domain.facts import cutoff
from billing_service.domain.invoice import invoice
from billing_service.domain.money import Money, total
from billing_service.domain.rating import (
    addons,
    cancellation,
    cost_approval,
    grouping,
    minimum,
    packages,
    pricing,
    rating,
    vat,
    work,
)
from billing_service.domain.statement.charge_line import plain
from fristwerk_cases import billing as cases
from fristwerk_language.terms import coverage as terms_coverage
from fristwerk_language.terms.coverage import is_late

FOLDERS = (Path(__file__).parents[1] / "cases", Path(__file__).parent / "more_cases")
Plant = Callable[[pytest.MonkeyPatch], None]
PLANTS: dict[str, Plant] = {}


def plant(step: Plant) -> Plant:
    PLANTS[step.__name__] = step
    return step


@plant
def every_entry_is_rounded_before_grouping(swap: Any) -> None:
    def round_by_day(group: Any, increment: Any) -> Any:
        minutes = sum(rounding.round_up(piece.minutes, increment) for piece in group.pieces)
        return [grouping.DayShare(group.first.on, group.first.start, minutes)]

    swap.setattr(grouping, "round_by_day", round_by_day)


@plant
def an_exact_multiple_is_rounded_up(swap: Any) -> None:
    swap.setattr(rounding, "round_up", lambda minutes, increment: (minutes // increment + 1) * increment)


@plant
def days_are_those_of_utc(swap: Any) -> None:
    swap.setattr(work, "local_day", lambda instant, *_: instant.date())


@plant
def amounts_are_rounded_half_even(swap: Any) -> None:
    def half_even(exact: Any, unit: Any) -> Any:
        quotient = Decimal(exact.numerator) / Decimal(exact.denominator) / unit
        return quotient.quantize(Decimal(1), ROUND_HALF_EVEN) * unit

    swap.setattr(rounding, "half_up", half_even)


@plant
def factors_are_multiplied(swap: Any) -> None:
    def type_in_force(ticket: Any, agreement: Any, instant: Any) -> Any:
        product = work.rate_factor(agreement, ticket.type)
        for change in ticket.type_changes:
            if change.stamp.occurred_at <= instant:
                product *= work.rate_factor(agreement, change.type)
        return ticket.type_changes[-1].type if ticket.type_changes else ticket.type, product, ()

    swap.setattr(work, "type_in_force", type_in_force)


@plant
def the_newest_type_holds_for_all_work(swap: Any) -> None:
    right = work.type_in_force
    swap.setattr(
        work, "type_in_force", lambda ticket, agreement, instant: right(ticket, agreement, instant + timedelta(days=9))
    )


@plant
def packages_ignore_the_factor(swap: Any) -> None:
    swap.setattr(packages, "weigh", lambda minutes, *_: minutes)


@plant
def packages_always_weigh_by_the_factor(swap: Any) -> None:
    swap.setattr(packages, "weigh", lambda minutes, factor, _: minutes * Fraction(factor))


@plant
def weighted_minutes_are_rounded_again(swap: Any) -> None:
    right = packages.weigh
    swap.setattr(packages, "weigh", lambda *asked: rounding.round_up(right(*asked), 15))


@plant
def the_latest_expiry_gives_first(swap: Any) -> None:
    right = packages.granted
    swap.setattr(packages, "granted", lambda *asked: right(*asked)[::-1])


@plant
def the_last_day_of_a_package_is_too_late(swap: Any) -> None:
    right = packages.regime
    swap.setattr(packages, "regime", lambda granted, own, on: right(granted, own, on + timedelta(days=1)))


@plant
def expired_packages_are_always_followed_by_the_hourly_rate(swap: Any) -> None:
    right = packages.regime

    def regime(*asked: Any) -> Any:
        found = right(*asked)
        return found if found.kind == "package" else packages.Regime("hourly")

    swap.setattr(packages, "regime", regime)


@plant
def draws_of_issued_invoices_are_not_frozen(swap: Any) -> None:
    swap.setattr(packages, "frozen_draws", lambda _: {})


@plant
def a_charge_that_does_not_fit_draws_nothing(swap: Any) -> None:
    right = packages.draw

    def draw(demands: Any, *rest: Any) -> Any:
        drawn = right(demands, *rest)
        pairs = list(zip(demands, drawn.draws, strict=True))
        whole = [got if sum(each.minutes for each in got) == asked.minutes else () for asked, got in pairs]
        return msgspec.structs.replace(drawn, draws=whole)

    swap.setattr(packages, "draw", draw)


@plant
def overage_is_priced_by_the_minute(swap: Any) -> None:
    right = pricing.package_lines

    def package_lines(group: Any, rounded: Any, weighted: Any, draws: Any) -> Any:
        drawn = sum(each.minutes for each in draws)
        return [
            line
            if line.kind != "overage"
            else msgspec.structs.replace(
                line, minutes=plain(weighted - drawn), amount=pricing.per_hour(weighted - drawn, line.unit_price)
            )
            for line in right(group, rounded, weighted, draws)
        ]

    swap.setattr(pricing, "package_lines", package_lines)


@plant
def the_gate_closes_at_its_limit(swap: Any) -> None:
    right = cost_approval._Gate._room
    swap.setattr(cost_approval._Gate, "_room", lambda gate, piece: right(gate, piece) - 1)


@plant
def the_gate_is_open(swap: Any) -> None:
    swap.setattr(cost_approval._Gate, "_room", lambda _, piece: piece.minutes)


@plant
def the_gate_counts_each_day_by_itself(swap: Any) -> None:
    right = cost_approval._Gate.admit

    def admit(gate: Any, piece: Any) -> None:
        if gate.passed and gate.passed[-1].on != piece.on:
            gate.used = 0
        right(gate, piece)

    swap.setattr(cost_approval._Gate, "admit", admit)


@plant
def an_approval_replaces_the_one_before(swap: Any) -> None:
    def approve(gate: Any, event: Any, extra_minutes: Any) -> None:
        gate.extra = 0
        right(gate, event, extra_minutes)

    right = cost_approval._Gate.approve
    swap.setattr(cost_approval._Gate, "approve", approve)


@plant
def a_rejection_leaves_the_minutes_held(swap: Any) -> None:
    swap.setattr(cost_approval._Gate, "reject", lambda _: None)


@plant
def preparation_is_billed_as_work(swap: Any) -> None:
    swap.setattr(terms_coverage, "charges_preparation", lambda _: False)


@plant
def exactly_the_notice_is_late(swap: Any) -> None:
    def late(start: Any, cancelled_at: Any, terms: Any, _: Any) -> Any:
        return start - cancelled_at <= timedelta(hours=terms.notice_hours)

    swap.setattr(cancellation, "is_late", late)


@plant
def notice_is_measured_by_clock_times(swap: Any) -> None:
    swap.setattr(
        cancellation,
        "is_late",
        lambda start, at, terms, home: is_late(start, at, terms.model_copy(update={"measure": "wall"}), home),
    )


@plant
def a_phone_call_cancels(swap: Any) -> None:
    right = cancellation.outcome
    swap.setattr(
        cancellation,
        "outcome",
        lambda steps, *where: right([msgspec.structs.replace(step, written=True) for step in steps], *where),
    )


@plant
def the_vendors_own_cancellation_is_charged(swap: Any) -> None:
    right = cancellation.outcome
    swap.setattr(
        cancellation,
        "outcome",
        lambda steps, *where: right([msgspec.structs.replace(step, by="customer") for step in steps], *where),
    )


@plant
def a_waiver_is_forgotten(swap: Any) -> None:
    swap.setattr(rating, "waiver_lines", lambda *_: [])


def counting_as_hourly(kind: Any) -> Any:
    """The minimum charge where lines of another kind count too."""
    right = minimum.top_ups

    def top_ups(account: Any, lines: Any, version_of: Any) -> Any:
        return right(
            account, [msgspec.structs.replace(x, kind="hourly") if x.kind == kind else x for x in lines], version_of
        )

    return top_ups


@plant
def the_minimum_counts_for_packages_too(swap: Any) -> None:
    swap.setattr(minimum, "top_ups", counting_as_hourly("overage"))


@plant
def the_minimum_counts_for_late_cancellations(swap: Any) -> None:
    swap.setattr(minimum, "top_ups", counting_as_hourly("cancellation"))


@plant
def the_minimum_is_added_to_what_passes_it(swap: Any) -> None:
    swap.setattr(minimum, "exactly", lambda *_: Fraction(1))


@plant
def parts_of_a_month_are_rounded_by_themselves(swap: Any) -> None:
    swap.setattr(addons, "month_amount", lambda basis, days, monthly: addons.share(monthly, days, basis.month_days))


@plant
def an_addons_last_day_is_free(swap: Any) -> None:
    right = addons.days_of
    swap.setattr(addons, "days_of", lambda first, last, proration: right(first, last, proration) - 1)


@plant
def addons_are_billed_in_arrears(swap: Any) -> None:
    right = addons._months
    swap.setattr(addons, "_months", lambda segment, until: (each for each in right(segment, until) if each[1] <= until))


@plant
def an_addon_is_sold_with_any_plan(swap: Any) -> None:
    swap.setattr(addons, "_refusal", lambda *_: None)


@plant
def vat_is_rounded_line_by_line(swap: Any) -> None:
    right = vat.totals

    def totals(lines: Any, currency: Any, cash_rounding: Any) -> Any:
        lines = list(lines)
        each_alone = [right([line], currency, None).vat for line in lines]
        sums = right(lines, currency, cash_rounding)
        return msgspec.structs.replace(sums, vat=total(each_alone, currency))

    swap.setattr(vat, "totals", totals)


@plant
def the_payable_amount_is_cut_off(swap: Any) -> None:
    def payable_amount(gross: Any, unit: Any) -> Any:
        return (gross.amount / unit).quantize(Decimal(1), ROUND_DOWN) * unit

    swap.setattr(vat, "payable_amount", payable_amount)


@plant
def payable_is_never_rounded(swap: Any) -> None:
    swap.setattr(vat, "payable_amount", lambda gross, _: gross.amount)


@plant
def corrections_are_added(swap: Any) -> None:
    right = work.corrected

    def corrected(ticket: Any) -> Any:
        before = {each.entry: each.minutes for each in ticket.work}
        entries, violations = right(ticket)
        told = {each.entry for each in ticket.corrections}
        return [
            msgspec.structs.replace(each, minutes=each.minutes + before[each.entry]) if each.entry in told else each
            for each in entries
        ], violations

    swap.setattr(work, "corrected", corrected)


@plant
def the_first_correction_holds(swap: Any) -> None:
    right = work.corrected
    swap.setattr(
        work,
        "corrected",
        lambda ticket: right(msgspec.structs.replace(ticket, corrections=ticket.corrections[::-1])),
    )


@plant
def the_day_of_the_cutoff_is_left_out(swap: Any) -> None:
    right = rating.end_of
    swap.setattr(rating, "end_of", lambda until, *where: right(until - timedelta(days=1), *where))


@plant
def what_was_recorded_later_is_known_before(swap: Any) -> None:
    right = cutoff.up_to
    swap.setattr(cutoff, "up_to", lambda whole, _, end_of: right(whole, None, end_of))


@plant
def invoices_bill_the_whole_again(swap: Any) -> None:
    swap.setattr(cases, "difference", lambda lines, _: tuple(lines))


@plant
def what_is_no_longer_owed_is_kept(swap: Any) -> None:
    def difference(lines: Any, invoiced: Any) -> Any:
        return tuple(line for line in invoice.difference(lines, invoiced) if line.change != "withdrawn")

    swap.setattr(cases, "difference", difference)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    pricing.per_hour.cache_clear()
    yield
    pricing.per_hour.cache_clear()


def failures() -> int:
    return sum(cases.run(folder)[1] for folder in FOLDERS)


def test_nothing_planted_nothing_caught() -> None:
    assert failures() == 0
    assert Money.rounded(Fraction(1, 200), "EUR").amount == Decimal("0.01")


@pytest.mark.parametrize("planted", PLANTS.values(), ids=PLANTS.keys())
def test_a_wrong_rule_is_caught(planted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(monkeypatch)
    assert failures() > 0
