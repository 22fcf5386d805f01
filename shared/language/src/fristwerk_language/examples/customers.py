"""Examples of customers and contracts."""

from __future__ import annotations

from collections.abc import Iterator
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
        *_opinions(),
        *_portal_users(),
        _customer(HANSA, 3, facts.PersonForgotten(customer=HANSA), provider="hamburg"),
    )


def _opinions() -> Iterator[Example]:
    """Muster Treuhand is asked once, and suggests something."""
    planned = facts.SurveyPlanned(
        customer=MUSTER, survey=1, channel="phone", planned_for=date(2026, 1, 1), agent="agent-3"
    )
    held = facts.SurveyHeld(customer=MUSTER, survey=1, channel="phone", agent="agent-3", score=4, agreement="luzern")
    for version, (event, personal) in enumerate(
        (
            (planned, False),
            (held, True),
            (facts.SurveyCalledOff(customer=MUSTER, survey=2), True),
            (facts.SuggestionMade(customer=MUSTER, suggestion=1), True),
            (facts.SuggestionDecided(customer=MUSTER, suggestion=1, outcome="taken_up"), True),
        ),
        start=3,
    ):
        yield _customer(MUSTER, version, event, personal=personal)


def _portal_users() -> Iterator[Example]:
    """Somebody at Muster Treuhand has access to the portal for a while."""
    user = "portal-muster"
    for version, (event, personal) in enumerate(
        (
            (facts.PortalUserInvited(customer=MUSTER, user=user, administrator=True), True),
            (facts.PortalUserActivated(customer=MUSTER, user=user), False),
            (facts.PortalAccessEnded(customer=MUSTER, user=user), True),
        ),
        start=8,
    ):
        yield _customer(MUSTER, version, event, personal=personal)


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
