"""Whether a ticket is entitled to the agreement's service levels, by what, and in which group it is served.

Decided once, on the local day of receipt, and kept (service levels, "Changes on the way").
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from fristwerk_language.events.customers import DeviceRegistered
from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer


class Entitlement(msgspec.Struct, frozen=True, kw_only=True):
    """``why`` is a sentence that names the contract or device, and the day."""

    entitled: bool
    by: Literal["contract", "warranty"] | None = None
    why: str


def group_of(contract: Contract | None, agreement: AgreementDocument) -> str | None:
    """The contract's group; the first where it names none that the agreement knows; without a contract the last."""
    if not agreement.groups:
        return None
    if contract is None:
        return agreement.groups[-1].id
    named = agreement.group(contract.group)
    return named.id if named is not None else agreement.groups[0].id


def entitlement_on(
    day: date,
    contract: Contract | None,
    devices: tuple[DeviceRegistered, ...],
    agreement: AgreementDocument,
) -> Entitlement:
    """What entitles on a local day: the first of the agreement's ways that holds.

    ``contract`` is the one in force on that day, ``devices`` those that the ticket may be about.
    """
    denials = []
    for way in agreement.entitlement:
        found = _by_contract(day, contract, agreement) if way == "contract" else _by_warranty(day, devices)
        if found.entitled:
            return found
        denials.append(found.why)
    return Entitlement(entitled=False, why="; ".join(denials))


def devices_in_question(customer: Customer, serial: str | None) -> tuple[DeviceRegistered, ...]:
    """The device that a serial number names; without one any device of the customer."""
    if serial is None:
        return customer.devices
    named = customer.device(serial)
    return (named,) if named is not None else ()


def device_in_question(day: date, devices: tuple[DeviceRegistered, ...]) -> DeviceRegistered | None:
    """The device whose site counts: one under warranty before others."""
    return next((each for each in devices if _under_warranty(each, day)), devices[0] if len(devices) == 1 else None)


def _by_contract(day: date, contract: Contract | None, agreement: AgreementDocument) -> Entitlement:
    if contract is None:
        return Entitlement(entitled=False, why=f"no contract is in force on {day}")
    group = agreement.group(group_of(contract, agreement))
    if group is not None and not group.entitled:
        return Entitlement(
            entitled=False, why=f"contract {contract.id} is in the group {group.id}, which is not entitled"
        )
    return Entitlement(entitled=True, by="contract", why=f"contract {contract.id} is in force on {day}")


def _by_warranty(day: date, devices: tuple[DeviceRegistered, ...]) -> Entitlement:
    covered = next((each for each in devices if _under_warranty(each, day)), None)
    if covered is not None:
        why = f"device {covered.serial} is under warranty on {day}, until {covered.warranty_until}"
        return Entitlement(entitled=True, by="warranty", why=why)
    known = ", ".join(each.serial for each in devices) or "no known device"
    return Entitlement(entitled=False, why=f"no warranty holds on {day} ({known})")


def _under_warranty(device: DeviceRegistered, day: date) -> bool:
    return device.warranty_until is not None and day <= device.warranty_until
