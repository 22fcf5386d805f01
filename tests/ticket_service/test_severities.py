"""What severities mean, read where one is suggested or set; and what of a request helps to set it."""

from __future__ import annotations

import pytest

from tests.ticket_service.conftest import OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_whoever_classifies_sees_definitions_and_what_speaks_against_them(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    customer = await office.customer()
    await office.contract(customer)
    said = {"circumstances": {"service_down": False, "workaround": True}}
    ticket = (await office.ticket(customer, channel="email", **said))["id"]

    seen = await office.get(f"/v1/tickets/{ticket}/severities")
    critical, *others = seen["severities"]
    assert seen["circumstances"] == said["circumstances"]
    assert critical["definition"].startswith("Der Dienst ist offline")
    assert critical["against"] == ["service_down", "workaround"]
    assert [(each["criteria"], each["against"]) for each in others] == [({}, [])] * 4

    problem = await office.refused(422, f"/v1/tickets/{ticket}/severity", {"severity": "critical"})
    assert [each["pointer"] for each in problem["errors"]] == ["/reason"]
    answer = await office.post(f"/v1/tickets/{ticket}/severity", {"severity": "critical", "reason": "Messe läuft"})
    assert answer["ticket"]["severity"] == "critical"
    events = (await office.get(f"/v1/tickets/{ticket}/events?limit=200"))["items"]
    (set_,) = [each for each in events if each["type"] == "SeveritySet"]
    assert (set_["data"]["against"], set_["personal"]) == (["service_down", "workaround"], {"reason": "Messe läuft"})


async def test_a_customer_reads_what_severities_mean_before_it_writes_a_request(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    customer, other = await office.customer(), await office.customer()
    contract = await office.contract(customer)

    seen = await office.get(f"/v1/contracts/{contract}/severities", role="customer", customer=customer)
    assert seen["severities"][0]["criteria"] == {"service_down": True, "workaround": False}
    path = f"/v1/contracts/{contract}/severities"
    await office.refused(404, path, method="GET", role="customer", customer=other)


async def test_a_customer_sees_who_of_its_people_opened_a_ticket_and_what_is_planned(open_office: OpenOffice) -> None:
    office = await open_office("digidesk")
    customer = await office.served()
    said = {"fields": {"name": "Anna", "email": "anna@muster.example"}, "category": "consulting"}
    body = {"customer": customer, "channel": "portal"} | said
    opened = await office.post("/v1/tickets", body, role="customer", customer=customer, sub="anna")
    ticket = opened["ticket"]["id"]
    told = {"channel": "email", "text": "Montag", "planned_for": "2026-12-07", "percent": 20}
    await office.post(f"/v1/tickets/{ticket}/progress", told)

    seen = (await office.get(f"/v1/tickets/{ticket}", role="customer", customer=customer, sub="otto"))["ticket"]
    assert (seen["opened_by"], seen["category"], seen["empty"]) == ("anna", "consulting", True)
    assert (seen["planned_for"], seen["progress_percent"]) == ("2026-12-07", 20)

    by_staff = await office.ticket(customer, **said)
    assert by_staff["opened_by"] is None
    await office.refused(422, f"/v1/tickets/{ticket}/progress", told | {"percent": 101})
