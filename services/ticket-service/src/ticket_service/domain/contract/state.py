"""A contract as its events describe it, and what is in force on a day. Dates are local to the agreement and inclusive."""

from __future__ import annotations

from datetime import date

import msgspec

from fristwerk_language.events.customers import BookedAddon, PackagePurchased


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """A contract as its events tell it. An add-on that was ended and booked again stands twice in ``addons``.

    ``dedicated_number`` is the vendor's number that this customer alone calls, normalised.
    """

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
    dedicated_number: str | msgspec.UnsetType = msgspec.UNSET


def in_force(contract: Contract, local_day: date) -> bool:
    """Whether the contract holds on that local day; its first and last day are included."""
    return covers(contract.from_on, contract.until_on, local_day)


def addons_in_force(contract: Contract, local_day: date) -> list[str]:
    """The add-ons booked on that local day, in the order of booking; none outside the contract's own days."""
    if not in_force(contract, local_day):
        return []
    return [each.addon for each in contract.addons if covers(each.from_on, each.until_on, local_day)]


def covers(first: date, last: date | None, day: date) -> bool:
    """Whether the day lies in the span, both ends included; ``last`` null is open-ended."""
    return first <= day and (last is None or day <= last)


def last_booking(contract: Contract, addon: str) -> BookedAddon | None:
    """The latest booking of an add-on; ``None`` if it was never booked."""
    return next((each for each in reversed(contract.addons) if each.addon == addon), None)
