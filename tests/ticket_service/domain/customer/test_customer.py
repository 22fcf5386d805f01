"""Customers: given events, when a command, then facts or a refusal."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import reduce
from typing import Any

import msgspec
import pytest

from fristwerk_language.events.customers import ContactAssigned, CustomerRegistered, DeviceRegistered, PersonForgotten
from ticket_service.domain.customer.commands import AssignContact, Contact, Register, RegisterDevice
from ticket_service.domain.customer.decide import assign_contact, forget, register, register_device
from ticket_service.domain.customer.evolve import apply
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable, NotInThisState

AT = datetime(2026, 6, 3, 8, tzinfo=UTC)
MUSTER = CustomerRegistered(customer="c-1", kind="company", language="de-CH", country="CH", name="Muster Treuhand AG")
NELE = CustomerRegistered(customer="c-2", kind="person", language="de-DE")
PRINTER = DeviceRegistered(customer="c-1", device="d-1", serial="SN-4711", warranty_until=date(2026, 5, 13))


def given(*events: Any) -> Customer:
    customer: Customer | None = reduce(lambda known, event: apply(known, event, AT), events, None)
    assert customer is not None
    return customer


def pointers(refusal: pytest.ExceptionInfo[NotAcceptable]) -> list[str]:
    return [pointer for pointer, _ in refusal.value.errors]


def test_a_companys_name_address_country_and_vat_id_are_data_and_its_contact_is_personal() -> None:
    command = Register(
        name="Muster Treuhand AG",
        kind="company",
        language="de-CH",
        country="CH",
        vat_id="CHE-000.000.001 MWST",
        address={"street": "Musterweg 1", "city": "Luzern"},
        contact=Contact(name="Anna Muster", email="anna@muster.example", phone="+41 41 000 00 01"),
    )
    [fact] = register("c-1", command)
    assert fact.event == CustomerRegistered(
        customer="c-1",
        kind="company",
        language="de-CH",
        country="CH",
        vat_id="CHE-000.000.001 MWST",
        name="Muster Treuhand AG",
        address={"street": "Musterweg 1", "city": "Luzern"},
    )
    contact = {"name": "Anna Muster", "email": "anna@muster.example", "phone": "+41 41 000 00 01"}
    assert fact.personal == {"contact": contact}


@pytest.mark.parametrize("kind", ["person", "prospect"])
def test_of_a_private_person_or_prospect_only_kind_language_and_country_are_data(kind: Any) -> None:
    command = Register(
        name="Nele Neugierig", kind=kind, language="de-DE", country="DE", vat_id="DE000000000", address="Hafen 1"
    )
    [fact] = register("c-2", command)
    assert fact.event == CustomerRegistered(customer="c-2", kind=kind, language="de-DE", country="DE")
    assert fact.personal == {"name": "Nele Neugierig", "vat_id": "DE000000000", "address": "Hafen 1"}
    assert b"Nele" not in msgspec.json.encode(fact.event)


def test_a_company_without_contact_has_nothing_personal() -> None:
    [fact] = register("c-1", Register(name="Klein", kind="company"))
    assert fact.personal is None


def test_what_a_contact_leaves_open_is_not_stored() -> None:
    [fact] = register("c-1", Register(name="Klein", kind="company", contact=Contact(phone="+49 40 000001")))
    assert fact.personal == {"contact": {"phone": "+49 40 000001"}}


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"name": "  "}, "/name"),
        ({"name": "x" * 501}, "/name"),
        ({"language": "german"}, "/language"),
        ({"country": "ch"}, "/country"),
        ({"contact": Contact()}, "/contact"),
        ({"contact": Contact(email="anna.muster.example")}, "/contact/email"),
        ({"contact": Contact(phone="call me")}, "/contact/phone"),
    ],
)
def test_a_wrong_registration_is_refused_at_its_place(changed: dict[str, Any], pointer: str) -> None:
    command = msgspec.structs.replace(Register(name="Klein", kind="company"), **changed)
    with pytest.raises(NotAcceptable) as refusal:
        register("c-1", command)
    assert pointers(refusal) == [pointer]


def test_all_wrong_places_of_a_registration_are_named_at_once() -> None:
    with pytest.raises(NotAcceptable) as refusal:
        register("c-1", Register(name="", kind="company", language="x", country="x"))
    assert pointers(refusal) == ["/name", "/language", "/country"]


def test_a_customer_is_what_its_registration_says() -> None:
    assert given(MUSTER) == Customer(
        id="c-1", kind="company", language="de-CH", country="CH", name="Muster Treuhand AG"
    )


def test_a_device_is_registered_with_its_warranty() -> None:
    command = RegisterDevice(serial="SN-4711", product="Labeller E2", warranty_until=date(2026, 5, 13), site="hamburg")
    [fact] = register_device(given(MUSTER), "d-1", command)
    assert fact == DecidedEvent(
        DeviceRegistered(
            customer="c-1",
            device="d-1",
            serial="SN-4711",
            product="Labeller E2",
            warranty_until=date(2026, 5, 13),
            site="hamburg",
        )
    )


def test_the_same_device_again_is_no_new_fact() -> None:
    command = RegisterDevice(serial="SN-4711", warranty_until=date(2026, 5, 13))
    assert register_device(given(MUSTER, PRINTER), "d-2", command) == []


def test_a_known_serial_number_with_a_longer_warranty_keeps_its_device_id() -> None:
    command = RegisterDevice(serial="SN-4711", warranty_until=date(2027, 5, 13))
    [fact] = register_device(given(MUSTER, PRINTER), "d-2", command)
    assert isinstance(fact.event, DeviceRegistered)
    assert fact.event.device == "d-1"
    after = given(MUSTER, PRINTER, fact.event)
    assert [(each.device, each.warranty_until) for each in after.devices] == [("d-1", date(2027, 5, 13))]


def test_a_device_needs_a_serial_number() -> None:
    with pytest.raises(NotAcceptable) as refusal:
        register_device(given(MUSTER), "d-1", RegisterDevice(serial=" "))
    assert pointers(refusal) == ["/serial"]


def test_an_agent_takes_a_role_for_the_customer() -> None:
    [fact] = assign_contact(given(MUSTER), AssignContact(role="customer_success_manager", agent="csm-7"))
    assert fact.event == ContactAssigned(customer="c-1", role="customer_success_manager", agent="csm-7")


def test_the_later_agent_of_a_role_replaces_the_earlier() -> None:
    first = ContactAssigned(customer="c-1", role="dedicated_agent", agent="agent-8")
    second = ContactAssigned(customer="c-1", role="dedicated_agent", agent="agent-9")
    other = ContactAssigned(customer="c-1", role="support_manager", agent="agent-1")
    assert given(MUSTER, first, other, second).contacts == {"dedicated_agent": "agent-9", "support_manager": "agent-1"}


def test_the_same_agent_again_is_no_new_fact() -> None:
    customer = given(MUSTER, ContactAssigned(customer="c-1", role="dedicated_agent", agent="agent-9"))
    assert assign_contact(customer, AssignContact(role="dedicated_agent", agent="agent-9")) == []


def test_a_contact_needs_a_role_and_an_agent() -> None:
    with pytest.raises(NotAcceptable) as refusal:
        assign_contact(given(MUSTER), AssignContact(role="the boss", agent=""))
    assert pointers(refusal) == ["/agent", "/role"]


def test_a_person_is_forgotten_once() -> None:
    [fact] = forget(given(NELE))
    assert fact.event == PersonForgotten(customer="c-2")
    assert forget(given(NELE, fact.event)) == []


def test_what_was_sealed_since_makes_forgetting_a_fact_again_and_each_time_has_its_own_key() -> None:
    forgotten = PersonForgotten(customer="c-1")
    assert forget(given(MUSTER, forgotten), sealed_since=True) == [DecidedEvent(forgotten)]
    customers = [given(MUSTER), given(MUSTER, forgotten), given(MUSTER, forgotten, forgotten)]
    assert [each.subject for each in customers] == ["c-1", "c-1~1", "c-1~2"]
    assert [each.forgotten_subjects for each in customers] == [[], ["c-1"], ["c-1", "c-1~1"]]


def test_a_forgotten_person_gets_no_device_and_no_contact() -> None:
    forgotten = given(NELE, PersonForgotten(customer="c-2"))
    with pytest.raises(NotInThisState) as refusal:
        register_device(forgotten, "d-1", RegisterDevice(serial="SN-1"))
    assert refusal.value.code == "customer-forgotten"
    with pytest.raises(NotInThisState):
        assign_contact(forgotten, AssignContact(role="dedicated_agent", agent="agent-9"))


def test_a_company_whose_contact_was_forgotten_stays_a_customer() -> None:
    company = given(MUSTER, PersonForgotten(customer="c-1"))
    assert register_device(company, "d-1", RegisterDevice(serial="SN-1"))
