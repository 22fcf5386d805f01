"""An agent's appointments on different tickets: never two at a time, also when they are booked together."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ticket_service.conftest import OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")

START = "2028-06-27T09:00:00+02:00"


async def asked(office: Any, agent: str) -> str:
    """A ticket of an agent on which START was proposed."""
    ticket = await office.ticket(await office.served())
    path = f"/v1/tickets/{ticket['id']}"
    await office.post(f"{path}/assignment", {"agent": agent})
    await office.post(f"{path}/appointments", {"kind": "training", "proposals": [START]})
    return path


async def test_one_agent_is_booked_once_on_two_tickets_at_a_time(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    paths = [await asked(office, "trainer-1") for _ in range(4)]
    book = [office.call("POST", f"{path}/appointments/1/booking", {"start": START, "minutes": 60}) for path in paths]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*book))
    assert statuses == [201, 409, 409, 409]


async def test_a_cancelled_appointment_takes_no_time(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    first, second = [await asked(office, "trainer-1") for _ in range(2)]
    await office.post(f"{first}/appointments/1/booking", {"start": START})
    await office.post(f"{first}/appointments/1/cancellation", {"by": "vendor"})
    answer = await office.post(f"{second}/appointments/1/booking", {"start": START})
    assert answer["ticket"]["appointments"][0]["agent"] == "trainer-1"
