"""A number of its own: whoever calls it is served as the customer whose contract has it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ticket_service.conftest import OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWN = "+49 30 555 0100"
CALL = {"from": "+49 171 999", "started_at": "2026-06-03T14:30:00Z"}
VOICEMAIL = CALL | {"voicemail": {"text": "Bitte um Rückruf"}, "to": "0049 30 5550100"}


async def with_number(open_office: OpenOffice, **contract: Any) -> Any:
    office = await open_office("fluxpunkt")
    customer = await office.customer()
    await office.contract(customer, dedicated_number=OWN, **contract)
    return office, customer


async def test_a_voicemail_on_the_number_is_a_ticket_of_the_contract_whoever_calls(open_office: OpenOffice) -> None:
    office, customer = await with_number(open_office)
    ticket = (await office.post("/v1/calls", VOICEMAIL))["ticket"]
    assert (ticket["customer"], ticket["group"], ticket["priority"]) == (customer, "contract", 2)
    elsewhere = (await office.post("/v1/calls", VOICEMAIL | {"to": "+49 30 1"}))["ticket"]
    assert elsewhere["customer"] != customer


async def test_a_call_to_the_number_is_kept_with_its_customer(open_office: OpenOffice) -> None:
    office, customer = await with_number(open_office)
    kept = await office.post("/v1/calls", CALL | {"to": OWN, "minutes": 2, "waited_seconds": 0})
    assert kept["call"]["customer"] == customer
    assert kept["events"][0]["data"]["waited_seconds"] == 0
    problem = await office.refused(422, "/v1/calls", CALL | {"to": "+49 30 1", "minutes": 2})
    assert problem["type"] == "/problems/call-not-kept"


async def test_the_number_of_a_contract_that_has_ended_is_nobodys(open_office: OpenOffice) -> None:
    office, customer = await with_number(open_office, until="2026-06-02")
    assert (await office.post("/v1/calls", VOICEMAIL))["ticket"]["customer"] != customer


async def test_a_number_is_given_where_the_group_has_such_numbers(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    customer = await office.customer()
    path = f"/v1/customers/{customer}/contracts"
    body = {"agreement": "fluxpunkt", "plan": "service_and_maintenance", "from": "2026-01-01", "dedicated_number": OWN}
    problem = await office.refused(422, path, body | {"group": "no_contract"}, role="admin")
    assert [each["pointer"] for each in problem["errors"]] == ["/dedicated_number"]
    problem = await office.refused(422, path, body | {"dedicated_number": "keine"}, role="admin")
    assert [each["pointer"] for each in problem["errors"]] == ["/dedicated_number"]
    signed = (await office.post(path, body, role="admin"))["contract"]
    assert signed["dedicated_number"] == "+49305550100"
    without = (await office.post(path, {**body, "dedicated_number": None}, role="admin"))["contract"]
    assert "dedicated_number" not in without
