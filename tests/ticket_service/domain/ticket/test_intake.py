"""A request becomes a ticket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from fristwerk_language.events.customers import BookedAddon, DeviceRegistered
from fristwerk_language.events.tickets import (
    AcknowledgementSent,
    Assigned,
    EscalationRaised,
    PriorityDerived,
    SeveritySet,
    SeveritySuggested,
    TicketCreated,
)
from tests.ticket_service.domain.conftest import STORIES, Agreements
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable, NotAllowed, NotFound, NotInThisState
from ticket_service.domain.ticket.commands import CreateTicket
from ticket_service.domain.ticket.decision_context import Caller, Context
from ticket_service.domain.ticket.intake import Versions, open_ticket, serving_contract

BERLIN = ZoneInfo("Europe/Berlin")
RECEIVED_AT = datetime(2026, 5, 13, 7, 0, tzinfo=UTC)
NOW = datetime(2026, 7, 31, 12, 0, tzinfo=UTC)
COMPANY = Customer(id="hansa", kind="company", name="Hansa Druck GmbH")
CALLER = {
    "caller_name": "Hanna Hansa",
    "company": "Hansa Druck GmbH",
    "phone": "+49 40 000001",
    "product": "Etikettierer E2",
    "serial_number": "SN-0815",
}


def contract(agreement: str = "hamburg", **changes: Any) -> Contract:
    held = Contract(
        id="c-1",
        customer="hansa",
        agreement=agreement,
        agreement_version=1,
        plan="maintenance",
        package_hours=None,
        site=None,
        group=None,
        from_on=date(2026, 1, 1),
        until_on=None,
    )
    return msgspec.structs.replace(held, **changes)


def device(serial: str = "SN-0815", until: date | None = date(2026, 5, 13), site: str | None = None) -> Any:
    return DeviceRegistered(customer="hansa", device=f"d-{serial}", serial=serial, warranty_until=until, site=site)


def request(**changes: Any) -> CreateTicket:
    written: dict[str, Any] = {
        "reference": "HAM-7K3Q-9F2M",
        "customer": "hansa",
        "received_at": RECEIVED_AT,
        "channel": "phone",
        "type": "normal",
        "subject": "Störung bei Hanna",
        "description": "Gerät druckt nicht",
    }
    return CreateTicket(**(written | changes))


@pytest.fixture
def opened(terms: Agreements) -> Any:
    """The facts of a ticket that is opened under an agreement."""

    def build(
        agreement: Any,
        command: CreateTicket,
        held: Contract | None = None,
        customer: Customer = COMPANY,
        by: str = "agent",
        at: datetime = NOW,
        **context: Any,
    ) -> list[DecidedEvent]:
        document = terms(agreement) if isinstance(agreement, str) else agreement
        versions = Versions(agreement=4, calendars=dict.fromkeys((name for _, name in document.calendar_names), 2))
        caller = Caller(id="x-1", role=by, customer=customer.id if by == "customer" else None)
        around: dict[str, Any] = {"now": NOW, "dating": STORIES} | context
        surroundings = Context(occurred_at=at, actor=caller, agreement=document, **around)
        return open_ticket(command, customer, held, versions, surroundings)

    return build


def events(facts: list[DecidedEvent]) -> list[msgspec.Struct]:
    return [fact.event for fact in facts]


def created(facts: list[DecidedEvent]) -> TicketCreated:
    event = facts[0].event
    assert isinstance(event, TicketCreated)
    return event


def refused(
    opened: Callable[..., list[DecidedEvent]], kind: Any, code: Any, pointers: Any, *args: Any, **kwargs: Any
) -> None:
    with pytest.raises(kind) as refusal:
        opened(*args, **kwargs)
    assert refusal.value.code == code
    assert [pointer for pointer, _ in getattr(refusal.value, "errors", [])] == pointers


def test_a_ticket_keeps_the_terms_and_the_entitlement_it_was_opened_under(
    opened: Callable[..., list[DecidedEvent]],
) -> None:
    booked = (
        BookedAddon(addon="extra", from_on=date(2026, 5, 13)),
        BookedAddon(addon="late", from_on=date(2026, 5, 14)),
    )
    facts = opened("hamburg", request(), contract(site="woking", addons=booked))
    assert events(facts) == [
        TicketCreated(
            reference="HAM-7K3Q-9F2M",
            customer="hansa",
            contract="c-1",
            plan="maintenance",
            site="woking",
            addons=["extra"],
            agreement="hamburg",
            agreement_version=4,
            calendar="woking",
            calendar_version=2,
            type="normal",
            channel="phone",
            received_at=RECEIVED_AT,
            entitled=True,
            entitled_by="contract",
            entitled_why="contract c-1 is in force on 2026-05-13",
            prices="when_done",
        )
    ]
    assert facts[0].personal == {"subject": "Störung bei Hanna", "description": "Gerät druckt nicht", "fields": {}}


def test_what_says_something_about_a_person_is_sealed(opened: Callable[..., list[DecidedEvent]]) -> None:
    facts: Any = opened("hamburg", request(type="malfunction", fields=CALLER | {"note": "fragt Anna"}), contract())
    assert created(facts).fields == {
        "company": "Hansa Druck GmbH",
        "product": "Etikettierer E2",
        "serial_number": "SN-0815",
    }
    assert facts[0].personal["fields"] == {
        "caller_name": "Hanna Hansa",
        "phone": "+49 40 000001",
        "note": "fragt Anna",
    }


@pytest.mark.parametrize("kind", ["person", "prospect"])
def test_the_company_that_a_private_person_names_is_sealed_too(
    opened: Callable[..., list[DecidedEvent]], kind: Any
) -> None:
    customer = Customer(id="hansa", kind=kind)
    facts: Any = opened("hamburg", request(type="malfunction", fields=CALLER), customer=customer)
    assert "company" not in created(facts).fields
    assert facts[0].personal["fields"]["company"] == "Hansa Druck GmbH"


def test_every_missing_field_is_named_and_blank_is_missing(opened: Callable[..., list[DecidedEvent]]) -> None:
    command = request(type="malfunction", description=" ", fields={"caller_name": "Hanna", "company": " "})
    refused(
        opened,
        NotAcceptable,
        "not-acceptable",
        ["/fields/company", "/fields/phone", "/fields/product", "/fields/serial_number", "/description"],
        "hamburg",
        command,
        contract(),
    )


def test_a_description_is_not_looked_for_among_the_fields(opened: Callable[..., list[DecidedEvent]]) -> None:
    facts = opened("hamburg", request(type="malfunction", fields=CALLER), contract())
    assert created(facts).type == "malfunction"


def test_channel_type_and_severities_are_those_of_the_agreement(opened: Callable[..., list[DecidedEvent]]) -> None:
    command = request(channel="fax", type="wish", severity="a", suggested_severity="b")
    refused(
        opened,
        NotAcceptable,
        "not-acceptable",
        ["/channel", "/severity", "/suggested_severity", "/type"],
        "infoniqa",
        command,
    )


@pytest.mark.parametrize(
    ("performer", "pointers"),
    [("employee", []), ("partner", []), ("Herr Huber", ["/fields/performer"]), ("", ["/fields/performer"])],
)
def test_an_installation_is_performed_by_an_employee_or_a_partner(
    opened: Callable[..., list[DecidedEvent]], performer: str, pointers: Any
) -> None:
    command = request(type="installation", fields={"performer": performer})
    if pointers:
        refused(opened, NotAcceptable, "not-acceptable", pointers, "infoniqa", command)
    else:
        assert created(opened("infoniqa", command)).fields == {"performer": performer}


@pytest.mark.parametrize("text", ["a\nb", "\x1b[31m", "\a", "a\u202eb", "x" * 501])
@pytest.mark.parametrize("name", ["product", "company"])
def test_a_field_that_stands_in_clear_is_one_line(
    opened: Callable[..., list[DecidedEvent]], name: str, text: str
) -> None:
    refused(opened, NotAcceptable, "not-acceptable", [f"/fields/{name}"], "infoniqa", request(fields={name: text}))
    assert created(opened("infoniqa", request(fields={"free": text}))).fields == {}


def test_a_request_is_not_received_in_the_future(opened: Callable[..., list[DecidedEvent]]) -> None:
    late = datetime(2026, 7, 31, 12, 1, 1, tzinfo=UTC)
    refused(opened, NotAcceptable, "not-acceptable", ["/received_at"], "hamburg", request(received_at=late))
    refused(opened, NotAcceptable, "not-acceptable", ["/occurred_at"], "hamburg", request(), at=late)


def test_staff_set_a_severity_at_once(opened: Callable[..., list[DecidedEvent]]) -> None:
    facts = opened("liveagent", request(channel="chat", severity="critical"), contract("liveagent"))
    assert created(facts).severity == "critical"
    brought_in = EscalationRaised(escalation=1, to="administrators")
    assert events(facts)[1:] == [SeveritySet(severity="critical"), brought_in]


@pytest.mark.parametrize("role", ["customer", "specialist"])
def test_only_the_roles_that_the_agreement_names_set_a_severity(
    opened: Callable[..., list[DecidedEvent]], role: str
) -> None:
    command = request(channel="chat", severity="critical")
    refused(opened, NotAllowed, "severity-not-allowed", [], "liveagent", command, by=role)


def test_a_customer_suggests_a_severity(opened: Callable[..., list[DecidedEvent]]) -> None:
    facts = opened("liveagent", request(channel="chat", suggested_severity="critical"), by="customer")
    assert created(facts).severity is None
    assert events(facts)[1:] == [SeveritySuggested(severity="critical")]


def test_a_customer_opens_tickets_for_the_own_company_only(opened: Callable[..., list[DecidedEvent]]) -> None:
    with pytest.raises(NotFound) as refusal:
        opened("hamburg", request(customer="albion"), by="customer")
    assert refusal.value.code == "customer-not-found"


@pytest.mark.parametrize("role", ["admin", "auditor", "billing", "service"])
def test_other_roles_open_no_tickets(opened: Callable[..., list[DecidedEvent]], role: str) -> None:
    refused(opened, NotAllowed, "role-not-allowed", [], "hamburg", request(), by=role)


def test_who_was_forgotten_opens_no_tickets(opened: Callable[..., list[DecidedEvent]]) -> None:
    gone = Customer(id="hansa", kind="person", forgotten=True)
    refused(opened, NotInThisState, "customer-forgotten", [], "hamburg", request(), customer=gone)


@pytest.mark.parametrize(("channel", "sent"), [("email", True), ("portal", True), ("phone", False)])
def test_what_was_written_is_acknowledged_with_the_cost_notice(
    opened: Callable[..., list[DecidedEvent]], channel: str, sent: bool
) -> None:
    command = request(channel=channel, fields={"name": "Sina", "email": "s@shop.example"})
    facts = opened("digidesk", command, contract("digidesk"))
    assert (AcknowledgementSent(cost_notice=True) in events(facts)) == sent


def test_without_terms_for_it_nothing_is_acknowledged_or_assigned(opened: Callable[..., list[DecidedEvent]]) -> None:
    assert len(opened("infoniqa", request(channel="email"))) == 1


@pytest.mark.parametrize(("contacts", "agent"), [({}, "queue"), ({"dedicated_agent": "agent-9"}, "agent-9")])
def test_a_ticket_is_assigned_to_the_dedicated_agent_else_to_the_queue(
    opened: Callable[..., list[DecidedEvent]], contacts: Any, agent: str
) -> None:
    command = request(fields={"name": "Sina", "email": "s@shop.example"})
    facts = opened("digidesk", command, contract("digidesk"), contacts=contacts)
    assert events(facts)[1:] == [Assigned(agent=agent)]


@pytest.mark.parametrize(
    ("booked", "contacts", "assigned"),
    [
        (True, {"dedicated_agent": "eva"}, [Assigned(agent="eva")]),
        (False, {"dedicated_agent": "eva"}, []),
        (True, {}, []),
    ],
    ids=["with the add-on", "without it", "nobody is named"],
)
def test_with_the_addon_a_ticket_goes_to_the_dedicated_agent(
    opened: Callable[..., list[DecidedEvent]], contacts: Any, assigned: Any, *, booked: bool
) -> None:
    addons = (BookedAddon(addon="dedicated_support", from_on=date(2026, 1, 1)),) if booked else ()
    held = contract("liveagent", plan="all_inclusive", addons=addons)
    facts = opened("liveagent", request(channel="email"), held, contacts=contacts)
    assert [each for each in events(facts) if isinstance(each, Assigned)] == assigned


def test_a_dedicated_channel_opens_tickets_of_customers_with_the_addon_alone(
    opened: Callable[..., list[DecidedEvent]],
) -> None:
    command = request(channel="dedicated_chat")
    held = contract("liveagent", plan="all_inclusive")
    refused(opened, NotAcceptable, "not-acceptable", ["/channel"], "liveagent", command, held)
    booked = (BookedAddon(addon="dedicated_support", from_on=date(2026, 1, 1)),)
    assert (
        created(opened("liveagent", command, msgspec.structs.replace(held, addons=booked))).channel == "dedicated_chat"
    )


@pytest.mark.parametrize(
    ("held", "group", "priority"),
    [
        (contract("fluxpunkt"), "contract", 2),
        (contract("fluxpunkt", group="no_contract"), "no_contract", 3),
        (contract("fluxpunkt", group="vanished"), "contract", 2),
        (None, "no_contract", 3),
    ],
    ids=["first group", "named group", "unknown group", "no contract"],
)
def test_the_group_gives_the_priority_with_its_rule(
    opened: Callable[..., list[DecidedEvent]], held: Any, group: str, priority: int
) -> None:
    facts = opened("fluxpunkt", request(), held)
    assert created(facts).group == group
    assert events(facts)[1:] == [PriorityDerived(priority=priority, rule=f"group:{group}")]


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (contract("fluxpunkt"), "contract c-1 is in force on 2026-05-13"),
        (contract("fluxpunkt", group="no_contract"), "contract c-1 is in the group no_contract, which is not entitled"),
        (None, "no contract is in force on 2026-05-13"),
    ],
)
def test_a_contract_entitles_unless_its_group_does_not(
    opened: Callable[..., list[DecidedEvent]], held: Any, why: str
) -> None:
    ticket = created(opened("fluxpunkt", request(), held))
    assert ticket.entitled == (ticket.entitled_by == "contract") == (why == "contract c-1 is in force on 2026-05-13")
    assert ticket.entitled_why == why


def test_a_customer_without_contract_is_not_entitled_by_the_last_group(
    opened: Callable[..., list[DecidedEvent]], terms: Agreements
) -> None:
    agreement = terms("fluxpunkt", groups=[{"id": "contract"}, {"id": "no_contract", "entitled": True}])
    assert not created(opened(agreement, request())).entitled


@pytest.mark.parametrize(
    ("received_at", "entitled"),
    [
        (datetime(2026, 5, 13, 23, 59, tzinfo=BERLIN), True),
        (datetime(2026, 5, 14, 0, 0, tzinfo=BERLIN), False),
    ],
)
def test_the_last_local_day_of_a_warranty_counts(
    opened: Callable[..., list[DecidedEvent]], received_at: Any, entitled: bool
) -> None:
    customer = msgspec.structs.replace(COMPANY, devices=(device(),))
    command = request(type="malfunction", fields=CALLER, received_at=received_at.astimezone(UTC))
    ticket = created(opened("hamburg", command, customer=customer))
    assert (ticket.entitled, ticket.entitled_by) == (entitled, "warranty" if entitled else None)
    assert "SN-0815" in ticket.entitled_why


def test_a_named_device_counts_and_not_another_one(opened: Callable[..., list[DecidedEvent]]) -> None:
    covered_other = msgspec.structs.replace(COMPANY, devices=(device("SN-1", date(2027, 1, 1)), device(until=None)))
    named = request(type="malfunction", fields=CALLER)
    assert not created(opened("hamburg", named, customer=covered_other)).entitled
    assert created(opened("hamburg", request(), customer=covered_other)).entitled, "none is named: any device"
    unknown = request(type="malfunction", fields=CALLER | {"serial_number": "SN-9"})
    assert not created(opened("hamburg", unknown, customer=covered_other)).entitled


def test_a_warranty_entitles_only_where_the_agreement_says_so(opened: Callable[..., list[DecidedEvent]]) -> None:
    customer = msgspec.structs.replace(COMPANY, devices=(device(until=date(2027, 1, 1)),))
    assert not created(opened("infoniqa", request(), customer=customer)).entitled


def test_a_warranty_entitles_a_customer_in_a_group_that_is_not(
    opened: Callable[..., list[DecidedEvent]], terms: Agreements
) -> None:
    agreement = terms("fluxpunkt", entitlement=["contract", "warranty"])
    customer = msgspec.structs.replace(COMPANY, devices=(device(),))
    assert created(opened(agreement, request(), customer=customer)).entitled_by == "warranty"


@pytest.mark.parametrize(
    ("held", "devices", "site", "calendar"),
    [
        (contract(site="woking"), (device(site="hamburg"),), "woking", "woking"),
        (contract(), (device(site="woking"),), "woking", "woking"),
        (None, (device("SN-1", None, "hamburg"), device(site="woking")), "woking", "woking"),
        (None, (), None, "hamburg"),
    ],
    ids=["contract", "device", "device under warranty", "first site"],
)
def test_the_site_is_the_contracts_else_the_devices_else_the_first(
    opened: Callable[..., list[DecidedEvent]], held: Any, devices: Any, site: str | None, calendar: str
) -> None:
    customer = msgspec.structs.replace(COMPANY, devices=devices)
    ticket = created(opened("hamburg", request(), held, customer=customer))
    assert (ticket.site, ticket.calendar) == (site, calendar)


def test_a_channel_may_have_a_calendar_of_its_own(opened: Callable[..., list[DecidedEvent]]) -> None:
    assert created(opened("liveagent", request(channel="chat"))).calendar == "always"


@pytest.mark.parametrize(
    ("received_at", "found"),
    [
        (datetime(2026, 6, 30, 23, 59, tzinfo=BERLIN), True),
        (datetime(2026, 7, 1, 0, 0, tzinfo=BERLIN), False),
        (datetime(2025, 12, 31, 23, 59, tzinfo=BERLIN), False),
        (datetime(2026, 1, 1, 0, 0, tzinfo=BERLIN), True),
    ],
)
def test_a_contract_serves_on_its_own_local_days(terms: Agreements, received_at: Any, found: bool) -> None:
    held = contract("fluxpunkt", until_on=date(2026, 6, 30))
    command = request(received_at=received_at.astimezone(UTC))
    assert (serving_contract(command, [(held, terms("fluxpunkt"))]) is not None) == found


def test_of_several_contracts_the_named_one_serves_else_the_longest_held(terms: Agreements) -> None:
    newer = contract(id="c-2", from_on=date(2026, 3, 1))
    offered = [(newer, terms("hamburg")), (contract(), terms("hamburg"))]
    serving: Callable[..., Any] = serving_contract
    assert serving(request(), offered)[0].id == "c-1"
    assert serving(request(contract="c-2"), offered)[0].id == "c-2"
    with pytest.raises(NotAcceptable) as refusal:
        serving_contract(request(contract="c-3"), offered)
    assert refusal.value.errors[0][0] == "/contract"


LAST_HALF_HOUR = datetime(2026, 5, 13, 22, 30, tzinfo=UTC)
"""In Woking it is half past eleven of the 13th, in Hamburg half past midnight of the 14th."""


@pytest.mark.parametrize(("site", "entitled"), [("woking", True), ("hamburg", False), (None, False)])
def test_a_warranty_lasts_to_the_end_of_its_last_day_at_the_devices_site(
    opened: Callable[..., list[DecidedEvent]], site: str | None, entitled: Any
) -> None:
    owner = msgspec.structs.replace(COMPANY, devices=(device(site=site),))
    command = request(type="malfunction", fields=CALLER, received_at=LAST_HALF_HOUR)
    fact = created(opened("hamburg", command, customer=owner))
    assert (fact.entitled, fact.entitled_by) == (entitled, "warranty" if entitled else None)
    assert fact.site == site
    assert f" on {'2026-05-13' if entitled else '2026-05-14'}" in fact.entitled_why.partition("warranty")[2]


@pytest.mark.parametrize(("site", "serves"), [("woking", True), ("hamburg", False)])
def test_a_contract_serves_to_the_end_of_its_last_day_at_its_site(terms: Agreements, site: str, serves: Any) -> None:
    ending = contract(site=site, until_on=date(2026, 5, 13))
    found = serving_contract(request(received_at=LAST_HALF_HOUR), [(ending, terms("hamburg"))])
    assert (found is not None) == serves


@pytest.mark.parametrize(
    ("until", "dated_back"), [(date(2026, 5, 13), True), (date(2026, 5, 14), False), (None, False)]
)
def test_an_entitlement_that_held_at_the_receipt_and_no_longer_on_entry_says_that_it_is_dated_back(
    opened: Callable[..., list[DecidedEvent]], until: date | None, dated_back: bool
) -> None:
    """Received on the 13th, entered on the 14th: of what entitled until the 13th only the date is left."""
    entered = {"now": datetime(2026, 5, 14, 9, tzinfo=UTC), "at": RECEIVED_AT}
    by_contract = created(opened("fluxpunkt", request(), contract("fluxpunkt", until_on=until), **entered))
    covered = msgspec.structs.replace(COMPANY, devices=(device(until=until),))
    command = request(type="malfunction", fields=CALLER)
    by_warranty = created(opened("hamburg", command, customer=covered, **entered))
    for ticket in [by_contract] if until is None else [by_contract, by_warranty]:
        assert ticket.entitled
        assert ticket.entitled_by_dating == dated_back
        assert ("the receipt by phone is dated back, on 2026-05-14" in ticket.entitled_why) == dated_back


@pytest.mark.parametrize(("site", "day", "addons"), [("woking", 13, []), ("hamburg", 14, ["spare"])])
def test_a_contracts_day_at_its_site_is_named_and_says_which_add_ons_are_booked(
    opened: Callable[..., list[DecidedEvent]], site: str, day: int, addons: list[str]
) -> None:
    booked = (BookedAddon(addon="spare", from_on=date(2026, 5, 14)),)
    fact = created(opened("hamburg", request(received_at=LAST_HALF_HOUR), contract(site=site, addons=booked)))
    assert fact.entitled_why == f"contract c-1 is in force on 2026-05-{day}"
    assert fact.addons == addons
