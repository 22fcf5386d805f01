"""Signing a contract: which plan, package, site, group and add-ons an agreement lets a customer choose.

Errors point into the command.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from fristwerk_language.events.customers import BookedAddon, ContractSigned
from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.contract.decide import check_plan_of_addon, named_plan, not_a_size, or_list, package_sizes
from ticket_service.domain.contract.state import covers
from ticket_service.domain.customer.state import Customer, check_not_forgotten
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.phone import normalised_phone


class WantedAddon(msgspec.Struct, frozen=True, kw_only=True):
    """An add-on signed with the contract; ``from`` null is the contract's first day."""

    addon: str
    from_on: date | None = msgspec.field(name="from", default=None)


class SignContract(msgspec.Struct, frozen=True, kw_only=True):
    """Buy a plan. ``until`` null: until it is terminated."""

    agreement: str
    plan: str | None = None
    package_hours: int | None = None
    addons: list[WantedAddon] = []
    site: str | None = None
    group: str | None = None
    from_on: date = msgspec.field(name="from")
    until_on: date | None = msgspec.field(name="until", default=None)
    dedicated_number: str | None = None


def sign(
    customer: Customer, contract_id: str, command: SignContract, agreement: AgreementDocument, agreement_version: int
) -> list[DecidedEvent]:
    """A contract under the agreement's version in force. Raises a refusal.

    What the command leaves open is decided here and recorded: the only package size of a plan, the first site, the first
    entitled group.
    """
    check_not_forgotten(customer)
    errors = [
        *_plan_errors(command, agreement),
        *_package_hours_errors(command, agreement),
        *_place_errors(command, agreement),
        *_number_errors(command, agreement),
        *_date_errors(command),
        *_wanted_addon_errors(command, agreement),
    ]
    if errors:
        raise NotAcceptable(f"The contract cannot be signed under agreement {agreement.agreement}.", errors)
    for number, wanted in enumerate(command.addons):
        check_plan_of_addon(agreement, command.plan, wanted.addon, f"/addons/{number}/addon")
    event = ContractSigned(
        contract=contract_id,
        customer=customer.id,
        agreement=agreement.agreement,
        agreement_version=agreement_version,
        plan=command.plan,
        package_hours=_package_hours(command, agreement),
        addons=[BookedAddon(addon=each.addon, from_on=each.from_on or command.from_on) for each in command.addons],
        site=command.site or (agreement.sites[0].id if agreement.sites else None),
        group=command.group or _group_of_contracts(agreement),
        from_on=command.from_on,
        until_on=command.until_on,
        dedicated_number=normalised_phone(command.dedicated_number) if command.dedicated_number is not None else None,
    )
    return [DecidedEvent(event)]


def _package_hours(command: SignContract, agreement: AgreementDocument) -> int | None:
    sizes = package_sizes(agreement, command.plan)
    return sizes[0] if command.package_hours is None and len(sizes) == 1 else command.package_hours


def _group_of_contracts(agreement: AgreementDocument) -> str | None:
    """A contract that names no group is served in the first entitled one; the others are for those without contract."""
    return next((each.id for each in agreement.groups if each.entitled), None)


def _plan_errors(command: SignContract, agreement: AgreementDocument) -> Iterator[tuple[str, str]]:
    plans = agreement.billing.plans
    if command.plan is None and plans:
        yield "/plan", f"is required: one of {', '.join(plans)}"
    if command.plan is not None and command.plan not in plans:
        yield "/plan", f"agreement {agreement.agreement} has no plan {command.plan!r}"


def _package_hours_errors(command: SignContract, agreement: AgreementDocument) -> Iterator[tuple[str, str]]:
    if command.plan is not None and command.plan not in agreement.billing.plans:
        return
    sizes = package_sizes(agreement, command.plan)
    hours = _package_hours(command, agreement)
    if hours is None and sizes:
        yield "/package_hours", f"is required: plan {command.plan!r} is sold with {or_list(sizes)} hours"
    if hours is not None and not sizes:
        yield "/package_hours", f"{named_plan(command.plan)} has no package"
    if hours is not None and sizes and hours not in sizes:
        yield "/package_hours", not_a_size(hours, sizes)


def _place_errors(command: SignContract, agreement: AgreementDocument) -> Iterator[tuple[str, str]]:
    if command.site is not None and command.site not in {each.id for each in agreement.sites}:
        yield "/site", f"agreement {agreement.agreement} has no site {command.site!r}"
    if command.group is not None and agreement.group(command.group) is None:
        yield "/group", f"agreement {agreement.agreement} has no group {command.group!r}"


def _number_errors(command: SignContract, agreement: AgreementDocument) -> Iterator[tuple[str, str]]:
    """A number of its own has only a contract in a group that has such numbers."""
    if command.dedicated_number is None:
        return
    group = agreement.group(command.group or _group_of_contracts(agreement))
    if group is None or not group.dedicated_number:
        yield "/dedicated_number", "the contract's group has no numbers of its own (groups/dedicated_number)"
    if not normalised_phone(command.dedicated_number):
        yield "/dedicated_number", "is not a telephone number"


def _date_errors(command: SignContract) -> Iterator[tuple[str, str]]:
    if command.until_on is not None and command.until_on < command.from_on:
        yield "/until", f"{command.until_on} lies before the first day {command.from_on}"


def _wanted_addon_errors(command: SignContract, agreement: AgreementDocument) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for number, wanted in enumerate(command.addons):
        if wanted.addon not in agreement.billing.addons:
            yield f"/addons/{number}/addon", f"agreement {agreement.agreement} has no addon {wanted.addon!r}"
        if wanted.addon in seen:
            yield f"/addons/{number}/addon", f"{wanted.addon!r} stands here twice"
        seen.add(wanted.addon)
        if not covers(command.from_on, command.until_on, wanted.from_on or command.from_on):
            yield f"/addons/{number}/from", f"{wanted.from_on} lies outside the contract"
