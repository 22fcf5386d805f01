"""How each event changes a contract; a new type of contract event fails type checking until it is handled here."""

from __future__ import annotations

from typing import assert_never

import msgspec

from fristwerk_language.events import ContractEvent, Recorded
from fristwerk_language.events.customers import (
    AddonBooked,
    AddonEnded,
    BookedAddon,
    ContractSigned,
    ContractTerminated,
    PackagePurchased,
)
from ticket_service.domain.contract.state import Contract, last_booking


def evolve(contract: Contract | None, recorded: Recorded) -> Contract | None:
    """The contract after an event of its stream; events of other families and unknown ones change nothing."""
    event = recorded.event
    return apply(contract, event) if isinstance(event, ContractEvent) else contract


def apply(contract: Contract | None, event: ContractEvent) -> Contract:
    """The contract after the event; the first event of a stream signs it."""
    if isinstance(event, ContractSigned):
        return signed(event)
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


def signed(event: ContractSigned) -> Contract:
    """The contract that a signature begins."""
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
        dedicated_number=msgspec.UNSET if event.dedicated_number is None else event.dedicated_number,
    )


def _with_end(contract: Contract, event: AddonEnded) -> tuple[BookedAddon, ...]:
    last = last_booking(contract, event.addon)
    return tuple(
        msgspec.structs.replace(each, until_on=event.until_on) if each is last else each for each in contract.addons
    )
