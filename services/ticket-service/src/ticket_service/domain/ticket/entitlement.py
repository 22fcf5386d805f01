"""Whether a ticket is entitled to the agreement's service levels, by what, and in which group it is served.

Decided once, on the local day of receipt, and kept (service levels, "Changes on the way"). A contract and a device each
count by the local day of their own site.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from fristwerk_language.events.customers import DeviceRegistered
from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.ticket.decision_context import local_day


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


def entitlement_at(
    instant: datetime,
    contract: Contract | None,
    devices: tuple[DeviceRegistered, ...],
    agreement: AgreementDocument,
) -> Entitlement:
    """What entitles at an instant: the first of the agreement's ways that holds.

    ``contract`` is the one in force then, ``devices`` those that the ticket may be about.
    """
    denials = []
    for way in agreement.entitlement:
        by_contract = way == "contract"
        found = _by_contract(instant, contract, agreement) if by_contract else _by_warranty(instant, devices, agreement)
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


def device_in_question(
    instant: datetime, devices: tuple[DeviceRegistered, ...], agreement: AgreementDocument
) -> DeviceRegistered | None:
    """The device whose site counts: one under warranty before others."""
    covered = (each for each in devices if _under_warranty(each, local_day(instant, agreement, each.site)))
    return next(covered, devices[0] if len(devices) == 1 else None)


def _by_contract(instant: datetime, contract: Contract | None, agreement: AgreementDocument) -> Entitlement:
    day = local_day(instant, agreement, None if contract is None else contract.site)
    if contract is None:
        return Entitlement(entitled=False, why=f"no contract is in force on {day}")
    group = agreement.group(group_of(contract, agreement))
    if group is not None and not group.entitled:
        return Entitlement(
            entitled=False, why=f"contract {contract.id} is in the group {group.id}, which is not entitled"
        )
    return Entitlement(entitled=True, by="contract", why=f"contract {contract.id} is in force on {day}")


def _by_warranty(instant: datetime, devices: tuple[DeviceRegistered, ...], agreement: AgreementDocument) -> Entitlement:
    days = [local_day(instant, agreement, each.site) for each in devices]
    for device, day in zip(devices, days, strict=True):
        if _under_warranty(device, day):
            why = f"device {device.serial} is under warranty on {day}, until {device.warranty_until}"
            return Entitlement(entitled=True, by="warranty", why=why)
    known = ", ".join(each.serial for each in devices) or "no known device"
    day = days[0] if len(set(days)) == 1 else local_day(instant, agreement, None)
    return Entitlement(entitled=False, why=f"no warranty holds on {day} ({known})")


def _under_warranty(device: DeviceRegistered, day: date) -> bool:
    return device.warranty_until is not None and day <= device.warranty_until
