"""A dedicated agent serves the customers who have bought one, and they book its free times themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.ticket_service.conftest import OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")
EVA = {"role": "dedicated_agent", "agent": "eva"}
VOICEMAIL = {"from": "+49 40 777001", "voicemail": {"text": "Bitte um Rückruf."}}


async def test_a_customer_asks_for_free_times_and_books_one(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    customer, other = await office.vip(), await office.vip()
    await office.post(f"/v1/customers/{customer}/contacts", EVA, role="admin")
    as_customer = {"role": "customer", "customer": customer}
    body = {"customer": customer, "channel": "dedicated_chat", "subject": "Workshop"}
    ticket = (await office.post("/v1/tickets", body, **as_customer))["ticket"]["id"]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()  # from now on, what is free changes with every second
    path = f"/v1/agents/eva/free?ticket={ticket}&minutes=60&from={tomorrow}T00:00:00Z"

    free = await office.get(path, **as_customer)
    start = datetime.fromisoformat(free["items"][1]["start"])
    end = datetime.fromisoformat(free["items"][1]["end"])
    assert end - start == timedelta(hours=8)
    asked = {"kind": "brainstorming", "proposals": [start.isoformat()]}
    await office.post(f"/v1/tickets/{ticket}/appointments", asked, **as_customer)
    later = start + timedelta(hours=1)
    booking = {"start": later.isoformat(), "minutes": 120}
    answer = await office.post(f"/v1/tickets/{ticket}/appointments/1/booking", booking, **as_customer)
    assert answer["ticket"]["appointments"][0]["state"] == "booked"

    after = await office.get(path, **as_customer)
    spans = [(each["start"], each["end"]) for each in after["items"]]
    assert (_written(start), _written(later)) in spans
    assert (_written(later + timedelta(hours=2)), _written(end)) in spans
    assert await office.get(path) == after
    await office.refused(404, "/v1/agents/tom/free?ticket=" + ticket, method="GET", **as_customer)
    await office.refused(404, path, method="GET", role="customer", customer=other)
    await office.refused(422, "/v1/agents/eva/free", method="GET", **as_customer)


async def test_nobody_is_dedicated_without_the_addon_and_with_it_tickets_and_voicemails_go_there(
    open_office: OpenOffice,
) -> None:
    office = await open_office("liveagent")
    contact = {"contact": {"name": "Greta", "phone": VOICEMAIL["from"]}}
    plain = await office.served()
    problem = await office.refused(409, f"/v1/customers/{plain}/contacts", EVA, role="admin")
    assert problem["type"] == "/problems/no-dedicated-agent-bought"

    customer = await office.vip(**contact)
    await office.post(f"/v1/customers/{customer}/contacts", EVA, role="admin")
    assert (await office.ticket(customer))["assignee"] == "eva"
    called = await office.post("/v1/calls", VOICEMAIL | {"started_at": _written(datetime.now(UTC))})
    assert (called["ticket"]["customer"], called["ticket"]["assignee"]) == (customer, "eva")


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
