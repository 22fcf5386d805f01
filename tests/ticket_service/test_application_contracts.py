"""A contract signed later, and the agent who serves one customer alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ticket_service.conftest import Office, OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIGNED = {"agreement": "fluxpunkt", "plan": "service_and_maintenance", "group": "contract", "from": "2026-01-01"}


async def sign(office: Office, customer: Any, **changes: Any) -> Any:
    return await office.post(f"/v1/customers/{customer}/contracts", SIGNED | changes, role="admin")


async def test_a_contract_signed_later_raises_what_is_open_in_the_same_transaction(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    customer = await office.customer(kind="prospect", name="Neugierig")
    still_open, done = await office.ticket(customer), await office.ticket(customer)
    await office.post(f"/v1/tickets/{done['id']}/resolution", {"text": "Behoben"})
    assert (still_open["priority"], still_open["priority_rule"]) == (3, "group:no_contract")
    answer = await sign(office, customer)
    assert [event["type"] for event in answer["events"]] == ["ContractSigned", "PriorityDerived"]
    raised = (await office.get(f"/v1/tickets/{still_open['id']}"))["ticket"]
    assert (raised["priority"], raised["priority_rule"]) == (2, "contract-signed:contract")
    assert (raised["entitled"], raised["contract"], raised["group"]) == (False, None, "no_contract")
    assert (await office.get(f"/v1/tickets/{done['id']}"))["ticket"]["priority"] == 3


async def test_nothing_is_raised_twice_nor_what_a_person_has_agreed_on(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    customer = await office.customer()
    ticket = await office.ticket(customer)
    agreed = {"contact": "Vera", "channel": "phone", "at": "2026-01-02T10:00:00Z"}
    by_hand = {"priority": 5, "reason": "Kann warten", "agreement": agreed}
    await office.post(f"/v1/tickets/{ticket['id']}/priority", by_hand)
    other = await office.ticket(customer)
    first, second = await sign(office, customer), await sign(office, customer)
    assert [event["stream"] for event in first["events"][1:]] == [f"ticket-{other['id']}"]
    assert len(second["events"]) == 1
    assert (await office.get(f"/v1/tickets/{ticket['id']}"))["ticket"]["priority"] == 5


async def test_a_contract_that_begins_later_raises_nothing_yet(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    customer = await office.customer()
    await office.ticket(customer)
    assert len((await sign(office, customer, **{"from": "2031-01-01"}))["events"]) == 1


async def test_a_backdated_signature_never_raises_a_ticket_before_it_was_received(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    customer = await office.customer()
    ticket = await office.ticket(customer, received_at="2026-06-03T14:30:00Z")
    answer = await sign(office, customer, occurred_at="2026-02-01T09:00:00Z")
    assert [event["occurred_at"] for event in answer["events"]] == ["2026-02-01T09:00:00Z", ticket["received_at"]]


async def test_signing_while_everybody_works_on_the_tickets_loses_nothing(open_office: OpenOffice) -> None:
    """Signing is decided again when somebody was faster with one of the tickets."""
    office = await open_office("fluxpunkt")
    customer = await office.customer()
    tickets = [(await office.ticket(customer))["id"] for _ in range(5)]

    async def respond(number: Any) -> Any:
        path = f"/v1/tickets/{tickets[number % 5]}/responses"
        return await office.call("POST", path, {"channel": "email", "text": str(number)})

    async def signed() -> Any:
        return await office.call("POST", f"/v1/customers/{customer}/contracts", SIGNED, role="admin")

    answers = await asyncio.gather(*(respond(number) for number in range(40)), signed(), signed())
    assert {each.status_code for each in answers} == {201}
    for ticket in tickets:
        events = (await office.get(f"/v1/tickets/{ticket}/events"))["items"]
        assert [each["version"] for each in events] == list(range(1, 12))
        assert [each["type"] for each in events].count("PriorityDerived") == 2
    assert len((await office.get(f"/v1/customers/{customer}/overview"))["contracts"]) == 2


DEDICATED = {"role": "dedicated_agent", "agent": "agent-9"}


async def test_an_exclusive_agent_serves_one_customer_and_is_free_again_when_replaced(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    gross, klein = await office.vip(name="Gross SE"), await office.vip(name="Klein")
    await office.post(f"/v1/customers/{gross}/contacts", DEDICATED, role="admin")
    again = await office.call("POST", f"/v1/customers/{gross}/contacts", DEDICATED, role="admin")
    assert (again.status_code, again.json()["events"]) == (200, [])
    problem = await office.refused(409, f"/v1/customers/{klein}/contacts", DEDICATED, role="admin")
    assert problem["type"] == "/problems/agent-already-dedicated"
    await office.post(f"/v1/customers/{klein}/contacts", DEDICATED | {"role": "csm"}, role="admin")
    await office.refused(404, "/v1/customers/nobody/contacts", DEDICATED, role="admin")
    await office.post(f"/v1/customers/{gross}/contacts", DEDICATED | {"agent": "agent-10"}, role="admin")
    await office.post(f"/v1/customers/{klein}/contacts", DEDICATED, role="admin")


async def test_of_two_who_want_the_same_agent_at_once_one_gets_it(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    customers = [await office.vip(name=f"Kunde {number}") for number in range(6)]
    answers = await asyncio.gather(
        *(office.call("POST", f"/v1/customers/{each}/contacts", DEDICATED, role="admin") for each in customers)
    )
    assert sorted(each.status_code for each in answers) == [201] + [409] * 5


async def test_without_exclusivity_an_agent_may_serve_several(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    for _ in range(2):
        await office.post(f"/v1/customers/{await office.customer()}/contacts", DEDICATED, role="admin")


async def test_an_addon_on_another_plan_is_refused_and_named(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    contract = await office.contract(await office.customer(), plan="small")
    body = {"addon": "dedicated_support", "from": "2026-06-16"}
    problem = await office.refused(422, f"/v1/contracts/{contract}/addons", body, role="admin")
    assert problem["type"] == "/problems/addon-requires-plan"
