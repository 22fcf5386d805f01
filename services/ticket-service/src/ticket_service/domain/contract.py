"""Contracts: what a customer bought, and what becomes of it (how one comes about is in ``signing``).

Decisions return facts or raise a refusal whose errors point into the command; a decision that changes nothing returns no
fact. All dates are local to the agreement and inclusive.
"""

from __future__ import annotations

from datetime import date
from typing import assert_never

import msgspec

from fristwerk_language.events.customers import (
    AddonBooked,
    AddonEnded,
    BookedAddon,
    ContractSigned,
    ContractTerminated,
    PackagePurchased,
)
from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.errors import NotAcceptable, NotInThisState
from ticket_service.domain.fact import Fact

ContractEvent = ContractSigned | ContractTerminated | PackagePurchased | AddonBooked | AddonEnded


class Terminate(msgspec.Struct, frozen=True, kw_only=True):
    """End a contract; ``until`` is its last day."""

    until_on: date = msgspec.field(name="until")


class BuyPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A further package beside the plan's own."""

    hours: int
    from_on: date = msgspec.field(name="from")


class BookAddon(msgspec.Struct, frozen=True, kw_only=True):
    addon: str
    from_on: date = msgspec.field(name="from")


class EndAddon(msgspec.Struct, frozen=True, kw_only=True):
    """End a booked add-on; ``until`` is its last day."""

    addon: str
    until_on: date = msgspec.field(name="until")


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """A contract as its events tell it. An add-on that was ended and booked again stands twice in ``addons``."""

    id: str
    customer: str
    agreement: str
    agreement_version: int
    plan: str | None
    package_hours: int | None
    site: str | None
    group: str | None
    from_on: date = msgspec.field(name="from")
    until_on: date | None = msgspec.field(name="until", default=None)
    addons: tuple[BookedAddon, ...] = ()
    packages: tuple[PackagePurchased, ...] = ()


def in_force(contract: Contract, local_day: date) -> bool:
    """Whether the contract holds on that local day; its first and last day are included."""
    return covers(contract.from_on, contract.until_on, local_day)


def addons_in_force(contract: Contract, local_day: date) -> list[str]:
    """The add-ons booked on that local day, in the order of booking; none outside the contract's own days."""
    if not in_force(contract, local_day):
        return []
    return [each.addon for each in contract.addons if covers(each.from_on, each.until_on, local_day)]


def terminate(contract: Contract, command: Terminate) -> list[Fact]:
    """The contract ends earlier than agreed; a termination never prolongs it. Raises NotAcceptable."""
    if command.until_on == contract.until_on:
        return []
    if command.until_on < contract.from_on:
        raise _not_acceptable(contract, "/until", f"lies before its first day {contract.from_on}")
    if contract.until_on is not None and command.until_on > contract.until_on:
        raise _not_acceptable(contract, "/until", f"lies after its last day {contract.until_on}")
    return [Fact(ContractTerminated(contract=contract.id, until_on=command.until_on))]


def buy_package(contract: Contract, package_id: str, command: BuyPackage, agreement: AgreementDocument) -> list[Fact]:
    """A further package of one of the plan's sizes, from a day of the contract on. Raises NotAcceptable."""
    sizes = package_sizes(agreement, contract.plan)
    if not sizes:
        raise NotAcceptable(
            f"contract {contract.id} has no package: agreement {agreement.agreement} sells none with {named_plan(contract.plan)}",
            [("/hours", "there are no packages to buy")],
            code="no-package-terms",
        )
    if command.hours not in sizes:
        raise _not_acceptable(contract, "/hours", not_a_size(command.hours, sizes))
    _check_within(contract, command.from_on)
    event = PackagePurchased(contract=contract.id, package=package_id, hours=command.hours, from_on=command.from_on)
    return [Fact(event)]


def book_addon(contract: Contract, command: BookAddon, agreement: AgreementDocument) -> list[Fact]:
    """An add-on from a day of the contract on. Raises a refusal.

    An add-on whose required plan is another one is refused (``addon-requires-plan``, rule R12).
    """
    if command.addon not in agreement.billing.addons:
        raise _not_acceptable(contract, "/addon", f"agreement {agreement.agreement} has no addon {command.addon!r}")
    check_plan_of_addon(agreement, contract.plan, command.addon, "/addon")
    _check_within(contract, command.from_on)
    last = _last_booking(contract, command.addon)
    if last is not None and (last.until_on is None or command.from_on <= last.until_on):
        until = f"until {last.until_on}" if last.until_on else "with no end"
        raise NotInThisState("addon-already-booked", f"addon {command.addon!r} is booked already, {until}")
    return [Fact(AddonBooked(contract=contract.id, addon=command.addon, from_on=command.from_on))]


def end_addon(contract: Contract, command: EndAddon) -> list[Fact]:
    """A booked add-on ends; ending it again only brings its last day forward. Raises a refusal."""
    last = _last_booking(contract, command.addon)
    if last is None:
        raise NotInThisState("addon-not-booked", f"contract {contract.id} has no addon {command.addon!r}")
    if last.until_on == command.until_on:
        return []
    if command.until_on < last.from_on:
        raise _not_acceptable(contract, "/until", f"lies before the addon's first day {last.from_on}")
    if last.until_on is not None and command.until_on > last.until_on:
        raise NotInThisState("addon-ended", f"addon {command.addon!r} ended on {last.until_on}; it can be booked anew")
    return [Fact(AddonEnded(contract=contract.id, addon=command.addon, until_on=command.until_on))]


def evolve(contract: Contract | None, event: ContractEvent) -> Contract:
    """The contract after the event; the first event of a stream signs it."""
    if isinstance(event, ContractSigned):
        return _signed(event)
    assert contract is not None, "a contract's first event signs it"
    match event:
        case ContractTerminated():
            return msgspec.structs.replace(contract, until_on=event.until_on)
        case PackagePurchased():
            return msgspec.structs.replace(contract, packages=(*contract.packages, event))
        case AddonBooked():
            booked = BookedAddon(addon=event.addon, from_on=event.from_on)
            return msgspec.structs.replace(contract, addons=(*contract.addons, booked))
        case AddonEnded():
            return msgspec.structs.replace(contract, addons=_with_end(contract, event))
        case _:
            assert_never(event)


def _signed(event: ContractSigned) -> Contract:
    return Contract(
        id=event.contract,
        customer=event.customer,
        agreement=event.agreement,
        agreement_version=event.agreement_version,
        plan=event.plan,
        package_hours=event.package_hours,
        site=event.site,
        group=event.group,
        from_on=event.from_on,
        until_on=event.until_on,
        addons=tuple(event.addons),
    )


def _with_end(contract: Contract, event: AddonEnded) -> tuple[BookedAddon, ...]:
    last = _last_booking(contract, event.addon)
    return tuple(
        msgspec.structs.replace(each, until_on=event.until_on) if each is last else each for each in contract.addons
    )


def _last_booking(contract: Contract, addon: str) -> BookedAddon | None:
    return next((each for each in reversed(contract.addons) if each.addon == addon), None)


def covers(first: date, last: date | None, day: date) -> bool:
    """Whether the day lies in the span, both ends included; ``last`` null is open-ended."""
    return first <= day and (last is None or day <= last)


def package_sizes(agreement: AgreementDocument, plan: str | None) -> list[int]:
    """The hours of which a plan's packages may be; none: the plan has no package."""
    terms = agreement.billing.plans.get(plan) if plan is not None else None
    return list(terms.package_hours) if terms is not None else []


def check_plan_of_addon(agreement: AgreementDocument, plan: str | None, addon: str, pointer: str) -> None:
    """Rule R12: an add-on is refused on another plan than the one it requires. Raises NotAcceptable."""
    required = agreement.billing.addons[addon].requires_plan
    if required is not None and plan != required:
        sentence = f"addon {addon!r} requires plan {required!r}; the contract has {named_plan(plan)}"
        raise NotAcceptable(sentence, [(pointer, sentence)], code="addon-requires-plan")


def _check_within(contract: Contract, day: date) -> None:
    if not in_force(contract, day):
        until = f" to {contract.until_on}" if contract.until_on else " on"
        raise _not_acceptable(
            contract, "/from", f"{day} lies outside the contract, which runs from {contract.from_on}{until}"
        )


def _not_acceptable(contract: Contract, pointer: str, sentence: str) -> NotAcceptable:
    return NotAcceptable(f"contract {contract.id}: {sentence}", [(pointer, sentence)])


def not_a_size(hours: int, sizes: list[int]) -> str:
    """The sentence that refuses a package of so many hours."""
    return f"a package has {or_list(sizes)} hours, not {hours}"


def or_list(sizes: list[int]) -> str:
    """The sizes as a sentence names them: ``4 or 8 or 16``."""
    return " or ".join(str(each) for each in sizes)


def named_plan(plan: str | None) -> str:
    """A contract's plan as a sentence names it."""
    return f"plan {plan!r}" if plan is not None else "no plan"
