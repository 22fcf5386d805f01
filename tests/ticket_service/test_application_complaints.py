"""Escalations without a ticket, and on one that is closed: where the terms name a contact for complaints at any time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ticket_service.conftest import OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONTACT = "technical_support_manager"
COMPLAINT = {"channel": "email", "text": "Seit Tagen meldet sich niemand"}


async def test_a_customer_escalates_without_a_ticket_and_hears_to_whom_it_went(open_office: OpenOffice) -> None:
    office = await open_office("hamburg")
    customer = await office.served()
    await office.post(f"/v1/customers/{customer}/contacts", {"role": CONTACT, "agent": "tsm-1"}, role="admin")
    answer = await office.post(
        "/v1/escalations", COMPLAINT | {"customer": customer}, role="customer", customer=customer
    )
    ticket = answer["ticket"]
    [escalation] = ticket["escalations"]
    assert (escalation["to"], escalation["agent"], escalation["asked_for"]) == (CONTACT, "tsm-1", None)
    assert [each["type"] for each in answer["events"]] == ["TicketCreated", "EscalationRaised"]
    assert (ticket["customer"], ticket["state"], ticket["entitled"]) == (customer, "new", True)
    assert ticket["id"] in [each["id"] for each in (await office.get("/v1/worklist"))["items"]]
    events = (await office.get(f"/v1/tickets/{ticket['id']}/events"))["items"]
    assert events[-1]["type"] == "EscalationRaised"
    assert events[-1]["personal"] == {"text": COMPLAINT["text"]}


async def test_staff_enter_a_complaint_that_they_heard(open_office: OpenOffice) -> None:
    office = await open_office("hamburg")
    customer = await office.served()
    await office.post(f"/v1/customers/{customer}/contacts", {"role": CONTACT, "agent": "tsm-1"}, role="admin")
    body = {"customer": customer, "channel": "phone", "text": "x", "occurred_at": "2026-06-03T14:30:00Z"}
    ticket = (await office.post("/v1/escalations", body))["ticket"]
    assert (ticket["received_at"], len(ticket["escalations"])) == ("2026-06-03T14:30:00Z", 1)


async def test_an_agreement_without_such_a_contact_takes_escalations_on_tickets_only(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    for who in ({}, {"role": "customer", "customer": customer}):
        problem = await office.refused(422, "/v1/escalations", COMPLAINT | {"customer": customer}, **who)
        assert problem["type"] == "/problems/escalation-needs-ticket"


async def test_a_complaint_that_would_reach_nobody_opens_no_ticket(open_office: OpenOffice) -> None:
    office = await open_office("hamburg")
    customer = await office.served()
    body: dict[str, Any] = COMPLAINT | {"customer": customer}
    problem = await office.refused(422, "/v1/escalations", body, role="customer", customer=customer)
    assert problem["type"] == "/problems/nobody-holds-role"
    await office.refused(422, "/v1/escalations", body | {"to": "chef"}, role="customer", customer=customer)
    await office.refused(422, "/v1/escalations", body | {"text": ""}, role="customer", customer=customer)


async def test_a_customer_escalates_for_the_own_company_only(open_office: OpenOffice) -> None:
    office = await open_office("hamburg")
    mine, other = await office.served(), await office.served()
    await office.refused(404, "/v1/escalations", COMPLAINT | {"customer": other}, role="customer", customer=mine)
    await office.refused(403, "/v1/escalations", COMPLAINT | {"customer": mine}, role="auditor")
