"""Packages: what is granted when, which of them work may draw from, and who drew how much (R3, R5,
R9, R13).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import MAXYEAR, date, timedelta
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from billing_service.domain.facts.account import BilledContract, PrepaidPackage
from billing_service.domain.statement.charge_line import ChargeLine, Draw, exact, plain
from billing_service.domain.statement.statement import Balance
from fristwerk_language.terms import AgreementDocument

_ONE_DAY: Final = timedelta(days=1)
Exact = int | Fraction
Frozen = Mapping[str, Mapping[str, Exact]]
"""Minutes by charge and package that issued invoices drew."""
WaivedMinutes = Mapping[str, Exact | None]
"""Minutes by charge that packages get back; None: all."""
_NOTHING_WAIVED: Final[WaivedMinutes] = MappingProxyType({})


class Regime(msgspec.Struct, frozen=True, gc=False):
    """What a day's work is billed by. ``packages`` are those that may be drawn, in order.

    ``overage`` and ``refuse``: none is in force any more, and the one that expired last says so.
    """

    kind: Literal["package", "overage", "refuse", "hourly"]
    packages: tuple[PrepaidPackage, ...] = ()


class Demand(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Weighted minutes that a charge asks of ``packages``, in that order. ``settled``: what packages do
    not give was waived, so minutes that other waivers gave back are not for it.
    """

    charge: str
    minutes: Exact
    packages: tuple[PrepaidPackage, ...]
    settled: bool = False


def term_of(contract: BilledContract | None, agreement: AgreementDocument, on: date) -> tuple[date, date]:
    """First and last day of the term that a day lies in: the contract's year, or the calendar's
    (R5).

    A contract year that began on 29 February begins on 1 March in common years. Without a contract:
    the calendar year.
    """
    package = agreement.billing.package
    if contract is None or (package is not None and package.term == "calendar_year"):
        return date(on.year, 1, 1), date(on.year, 12, 31)
    first = _anniversary(contract.from_on, on.year)
    if first > on:
        first = _anniversary(contract.from_on, on.year - 1)
    return first, date.max if first.year == MAXYEAR else _anniversary(contract.from_on, first.year + 1) - _ONE_DAY


def granted(contract: BilledContract | None, agreement: AgreementDocument, until: date) -> tuple[PrepaidPackage, ...]:
    """Every package that began by ``until``, in the order in which they are drawn: earliest expiry,
    then earliest bought.
    """
    if contract is None:
        return ()
    found = [*contract.packages, *_of_plan(contract, agreement, until), *_bought(contract, agreement)]
    begun = [package for package in found if package.from_on <= until]
    return tuple(sorted(begun, key=lambda package: (package.until_on or date.max, package.from_on, package.id)))


def regime(packages: Sequence[PrepaidPackage], agreement: AgreementDocument, on: date) -> Regime:
    """What a day's work is billed by: packages in force on it, else what the agreement says of
    expired ones (R5).
    """
    in_force = tuple(each for each in packages if each.from_on <= on and (each.until_on is None or on <= each.until_on))
    if in_force:
        return Regime("package", in_force)
    expired = [each for each in packages if each.until_on is not None and each.until_on < on]
    terms = agreement.billing.package
    if not expired or terms is None or terms.after_expiry == "hourly":
        return Regime("hourly")
    return Regime(terms.after_expiry, (expired[-1],))


def weigh(minutes: int, factor: Decimal, agreement: AgreementDocument) -> Exact:
    """The minutes that a package is asked for: weighted by the rate factor unless the agreement
    ignores it (R9).
    """
    terms = agreement.billing.package
    if factor == 1 or (terms is not None and terms.rate_factor == "ignore"):
        return minutes
    return minutes * Fraction(factor)


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """What each demand drew, what charges that were waived gave back of it at once, and what is left
    in each package.
    """

    draws: list[tuple[Draw, ...]]
    given_back: Mapping[str, tuple[Draw, ...]]
    left: Mapping[str, Exact]


class _Drawing:
    """Packages while demands draw from them. Of a waived charge's minutes, up to so many, the package
    keeps what it gives: whoever comes later can have it.
    """

    def __init__(self, packages: Sequence[PrepaidPackage], waived: WaivedMinutes) -> None:
        self.left: dict[str, Exact] = {package.id: package.minutes for package in packages}
        self.given_back: dict[str, dict[str, Exact]] = {}
        self._waived = dict(waived)

    def take(self, demand: Demand, package: str, most: Exact, *, drawn_before: bool) -> Exact:
        """How many minutes a demand gets: as many as if it gave none back. What it gave back before may be drawn by others
        since.
        """
        if package not in self.left:
            return 0
        limit = self._waived.get(demand.charge, 0)
        back = most if limit is None else min(most, limit)
        if drawn_before:
            kept = min(most - back, self.left[package])
        else:
            available = max(0, self.left[package] - self._not_for(demand, package))
            back = min(back, available)
            kept = min(most - back, available - back)
        self.left[package] -= kept
        if back:
            by_package = self.given_back.setdefault(demand.charge, {})
            by_package[package] = by_package.get(package, 0) + back
            self._waived[demand.charge] = None if limit is None else limit - back
        return back + kept

    def _not_for(self, demand: Demand, package: str) -> Exact:
        """The minutes given back that a demand does not draw again: all where it is settled, else its own where it is waived
        whatever it comes to.
        """
        whole = self._waived.get(demand.charge, 0) is None
        charges = self.given_back if demand.settled else {demand.charge} if whole else ()
        return sum(self.given_back.get(charge, {}).get(package, 0) for charge in charges)


def draw(
    demands: Sequence[Demand],
    packages: Sequence[PrepaidPackage],
    frozen: Frozen,
    waived: WaivedMinutes = _NOTHING_WAIVED,
) -> Drawn:
    """What each demand draws, and what is left in each package.

    First everybody keeps what issued invoices drew for them, as far as they still need it (R13);
    then the demands draw the rest in the order given. What a demand does not get is left to be
    priced. What ``waived`` charges drew goes back, up to so many minutes (R8).
    """
    drawing = _Drawing(packages, waived)
    keeps = {charge: dict(by_package) for charge, by_package in frozen.items()}
    taken: list[dict[str, Exact]] = [{} for _ in demands]
    wanted: list[Exact] = [demand.minutes for demand in demands]

    def take(number: int, package: str, most: Exact, *, drawn_before: bool = False) -> Exact:
        asked = min(most, wanted[number])
        minutes = drawing.take(demands[number], package, asked, drawn_before=drawn_before) if asked > 0 else 0
        if minutes > 0:
            taken[number][package] = taken[number].get(package, 0) + minutes
            wanted[number] -= minutes
        return minutes

    for number, demand in enumerate(demands):
        for package, minutes in keeps.get(demand.charge, {}).items():
            keeps[demand.charge][package] -= take(number, package, minutes, drawn_before=True)
    for number, demand in enumerate(demands):
        for each in demand.packages:
            if not wanted[number]:
                break
            take(number, each.id, wanted[number])
    given_back = {charge: _draws(by_package) for charge, by_package in drawing.given_back.items()}
    return Drawn(draws=[_draws(each) for each in taken], given_back=given_back, left=drawing.left)


def _draws(by_package: Mapping[str, Exact]) -> tuple[Draw, ...]:
    return tuple(Draw(name, plain(minutes)) for name, minutes in by_package.items())


def frozen_draws(invoiced: Iterable[ChargeLine]) -> Frozen:
    """What issued invoices drew, by charge and package: credit notes took some of it back (R13).

    What a waiver gave back counts as drawn by the charge all the same, so that it stays covered.
    """
    sums: dict[str, dict[str, Exact]] = {}
    for line in invoiced:
        if line.kind == "waiver":
            continue
        for each in line.draws:
            by_package = sums.setdefault(line.charge, {})
            by_package[each.package] = by_package.get(each.package, 0) + exact(each.minutes)
    return sums


def balances(packages: Sequence[PrepaidPackage], left: Mapping[str, Exact], until: date) -> tuple[Balance, ...]:
    """The balance of each package at the cutoff."""
    return tuple(
        Balance(
            package=package.id,
            granted=package.minutes,
            drawn=plain(package.minutes - left[package.id]),
            left=plain(left[package.id]),
            from_on=package.from_on,
            expires_on=package.until_on,
            expired=package.until_on is not None and package.until_on < until,
        )
        for package in packages
    )


def _of_plan(contract: BilledContract, agreement: AgreementDocument, until: date) -> list[PrepaidPackage]:
    """The plan's package, granted anew each term while the contract is in force."""
    if contract.package_hours is None or agreement.billing.package is None:
        return []
    found: list[PrepaidPackage] = []
    first, last_day = contract.from_on, contract.last_day
    while first <= until and (last_day is None or first <= last_day):
        _, last = term_of(contract, agreement, first)
        found.append(_package(f"{contract.id}/{first}", contract.package_hours, first, last, contract, agreement))
        if last == date.max:
            break
        first = last + _ONE_DAY
    return found


def _bought(contract: BilledContract, agreement: AgreementDocument) -> list[PrepaidPackage]:
    """Packages bought beside it: each to the end of the term in which it begins."""
    if agreement.billing.package is None:
        return []
    return [
        _package(
            each.package, each.hours, each.from_on, term_of(contract, agreement, each.from_on)[1], contract, agreement
        )
        for each in contract.purchases
    ]


def _package(
    package_id: str, hours: int, first: date, last: date, contract: BilledContract, agreement: AgreementDocument
) -> PrepaidPackage:
    """A package of the agreement's terms; with ``carry_over`` it lasts as long as the contract, so
    nothing lapses.
    """
    terms = agreement.billing.package
    assert terms is not None, "only an agreement with package terms grants packages"
    ends = [end for end in (None if terms.carry_over else last, contract.last_day) if end is not None]
    return PrepaidPackage(
        id=package_id,
        minutes=hours * 60,
        from_on=first,
        until_on=min(ends, default=None),
        increment_minutes=terms.increment_minutes,
        overage_rate=terms.overage_rate,
        overage_increment_minutes=terms.overage_increment_minutes or terms.increment_minutes,
    )


def _anniversary(first: date, year: int) -> date:
    try:
        return first.replace(year=year)
    except ValueError:
        return date(year, 3, 1)
