"""Contracts: what a customer bought, and what becomes of it (how one comes about is in ``signing``).

Decisions return facts or raise a refusal whose errors point into the command; a decision that changes nothing returns no
fact. All dates are local to the agreement and inclusive.
"""

from __future__ import annotations

from datetime import date

from fristwerk_language.events.customers import (
    AddonBooked,
    AddonEnded,
    ContractTerminated,
    PackagePurchased,
)
from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.contract.commands import BookAddon, BuyPackage, EndAddon, Terminate
from ticket_service.domain.contract.state import Contract, in_force, last_booking
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable, NotInThisState


def terminate(contract: Contract, command: Terminate) -> list[DecidedEvent]:
    """The contract ends earlier than agreed; a termination never prolongs it. Raises NotAcceptable."""
    if command.until_on == contract.until_on:
        return []
    if command.until_on < contract.from_on:
        raise _not_acceptable(contract, "/until", f"lies before its first day {contract.from_on}")
    if contract.until_on is not None and command.until_on > contract.until_on:
        raise _not_acceptable(contract, "/until", f"lies after its last day {contract.until_on}")
    return [DecidedEvent(ContractTerminated(contract=contract.id, until_on=command.until_on))]


def buy_package(
    contract: Contract, package_id: str, command: BuyPackage, agreement: AgreementDocument
) -> list[DecidedEvent]:
    """A further package of one of the plan's sizes, from a day of the contract on. Raises NotAcceptable."""
    sizes = package_sizes(agreement, contract.plan)
    if not sizes:
        raise NotAcceptable(
            f"The contract {contract.id} has no package: the agreement {agreement.agreement} sells none with "
            f"{named_plan(contract.plan)}.",
            [("/hours", "there are no packages to buy")],
            code="no-package-terms",
        )
    if command.hours not in sizes:
        raise _not_acceptable(contract, "/hours", not_a_size(command.hours, sizes))
    _check_within(contract, command.from_on)
    event = PackagePurchased(contract=contract.id, package=package_id, hours=command.hours, from_on=command.from_on)
    return [DecidedEvent(event)]


def book_addon(contract: Contract, command: BookAddon, agreement: AgreementDocument) -> list[DecidedEvent]:
    """An add-on from a day of the contract on. Raises a refusal.

    An add-on whose required plan is another one is refused (``addon-requires-plan``, rule R12).
    """
    if command.addon not in agreement.billing.addons:
        raise _not_acceptable(contract, "/addon", f"agreement {agreement.agreement} has no addon {command.addon!r}")
    check_plan_of_addon(agreement, contract.plan, command.addon, "/addon")
    _check_within(contract, command.from_on)
    last = last_booking(contract, command.addon)
    if last is not None and (last.until_on is None or command.from_on <= last.until_on):
        until = f"until {last.until_on}" if last.until_on else "with no end"
        raise NotInThisState("addon-already-booked", f"The addon {command.addon!r} is booked already, {until}.")
    return [DecidedEvent(AddonBooked(contract=contract.id, addon=command.addon, from_on=command.from_on))]


def end_addon(contract: Contract, command: EndAddon) -> list[DecidedEvent]:
    """A booked add-on ends; ending it again only brings its last day forward. Raises a refusal."""
    last = last_booking(contract, command.addon)
    if last is None:
        raise NotInThisState("addon-not-booked", f"The contract {contract.id} has no addon {command.addon!r}.")
    if last.until_on == command.until_on:
        return []
    if command.until_on < last.from_on:
        raise _not_acceptable(contract, "/until", f"lies before the addon's first day {last.from_on}")
    if last.until_on is not None and command.until_on > last.until_on:
        raise NotInThisState(
            "addon-ended", f"The addon {command.addon!r} ended on {last.until_on}; it can be booked anew."
        )
    return [DecidedEvent(AddonEnded(contract=contract.id, addon=command.addon, until_on=command.until_on))]


def package_sizes(agreement: AgreementDocument, plan: str | None) -> list[int]:
    """The hours of which a plan's packages may be; none: the plan has no package."""
    terms = agreement.billing.plans.get(plan) if plan is not None else None
    return list(terms.package_hours) if terms is not None else []


def check_plan_of_addon(agreement: AgreementDocument, plan: str | None, addon: str, pointer: str) -> None:
    """Rule R12: an add-on is refused on another plan than the one it requires. Raises NotAcceptable."""
    required = agreement.billing.addons[addon].requires_plan
    if required is not None and plan != required:
        sentence = f"addon {addon!r} requires plan {required!r}; the contract has {named_plan(plan)}"
        raise NotAcceptable(f"The {sentence}.", [(pointer, sentence)], code="addon-requires-plan")


def _check_within(contract: Contract, day: date) -> None:
    if not in_force(contract, day):
        until = f" to {contract.until_on}" if contract.until_on else " on"
        raise _not_acceptable(
            contract, "/from", f"{day} lies outside the contract, which runs from {contract.from_on}{until}"
        )


def _not_acceptable(contract: Contract, pointer: str, sentence: str) -> NotAcceptable:
    return NotAcceptable(f"The contract {contract.id} stays as it is: {sentence}.", [(pointer, sentence)])


def not_a_size(hours: int, sizes: list[int]) -> str:
    """The sentence that refuses a package of so many hours."""
    return f"a package has {or_list(sizes)} hours, not {hours}"


def or_list(sizes: list[int]) -> str:
    """The sizes as a sentence names them: ``4 or 8 or 16``."""
    return " or ".join(str(each) for each in sizes)


def named_plan(plan: str | None) -> str:
    """A contract's plan as a sentence names it."""
    return f"plan {plan!r}" if plan is not None else "no plan"
