"""Examples of customers and contracts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from fristwerk_language.events import customers as facts
from fristwerk_language.events import streams
from fristwerk_language.examples.subjects import (
    ADMIN,
    GROSS_CONTRACT,
    HANSA,
    HANSA_DEVICE,
    MUSTER,
    MUSTER_CONTRACT,
    MUSTER_PACKAGE,
    NEW_YEAR,
    Example,
    instant,
)


def _customer(
    customer: str, version: int, event: Any, *, provider: str = "infoniqa", personal: bool = False
) -> Example:
    return Example(
        event=event,
        provider=provider,
        stream=streams.CUSTOMER.stream(customer),
        version=version,
        at=NEW_YEAR,
        actor=ADMIN,
        personal=personal,
    )


def _contract(contract: str, version: int, event: Any, at: datetime = NEW_YEAR, provider: str = "infoniqa") -> Example:
    return Example(
        event=event, provider=provider, stream=streams.CONTRACT.stream(contract), version=version, at=at, actor=ADMIN
    )


def all_examples() -> tuple[Example, ...]:
    """The examples of this family."""
    return (*_of_customers(), *_of_contracts())


def _of_customers() -> tuple[Example, ...]:
    return (
        _customer(
            MUSTER,
            1,
            facts.CustomerRegistered(
                customer=MUSTER,
                kind="company",
                language="de-CH",
                country="CH",
                vat_id="CHE-000.000.001 MWST",
                name="Muster Treuhand AG",
                address={"street": "Musterweg 1", "postcode": "6000", "city": "Luzern"},
            ),
            personal=True,
        ),
        _customer(MUSTER, 2, facts.ContactAssigned(customer=MUSTER, role="customer_success_manager", agent="csm-7")),
        _customer(
            HANSA,
            2,
            facts.DeviceRegistered(
                customer=HANSA,
                device=HANSA_DEVICE,
                serial="SN-4711",
                product="Etikettierer E2",
                warranty_until=date(2026, 5, 13),
                site="hamburg",
            ),
            provider="hamburg",
        ),
        _customer(HANSA, 3, facts.PersonForgotten(customer=HANSA), provider="hamburg"),
    )


def _of_contracts() -> tuple[Example, ...]:
    return (
        _contract(
            MUSTER_CONTRACT,
            1,
            facts.ContractSigned(
                contract=MUSTER_CONTRACT,
                customer=MUSTER,
                agreement="luzern",
                agreement_version=1,
                plan="m",
                package_hours=4,
                from_on=date(2026, 1, 1),
            ),
        ),
        _contract(
            MUSTER_CONTRACT,
            2,
            facts.PackagePurchased(contract=MUSTER_CONTRACT, package=MUSTER_PACKAGE, hours=8, from_on=date(2026, 7, 1)),
            instant(6, 30, 7),
        ),
        _contract(
            MUSTER_CONTRACT,
            3,
            facts.ContractTerminated(contract=MUSTER_CONTRACT, until_on=date(2026, 12, 31)),
            instant(9, 30, 9),
        ),
        _contract(
            GROSS_CONTRACT,
            2,
            facts.AddonBooked(contract=GROSS_CONTRACT, addon="dedicated_support", from_on=date(2026, 6, 16)),
            instant(6, 15, 9),
            "liveagent",
        ),
        _contract(
            GROSS_CONTRACT,
            3,
            facts.AddonEnded(contract=GROSS_CONTRACT, addon="dedicated_support", until_on=date(2026, 9, 30)),
            instant(8, 31, 9),
            "liveagent",
        ),
    )
