"""A ticket as it was by what had occurred, and as it was known; and its history with what is personal in it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ticket_service.conftest import OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def told(open_office: OpenOffice) -> Any:
    """A ticket of June 3rd: severity at 10, a question at 11, and an answer of 9:30 that is entered last."""

    async def opened() -> Any:
        office = await open_office("infoniqa")
        ticket = await office.ticket(await office.served(), received_at="2026-06-03T09:00:00+02:00")
        path = f"/v1/tickets/{ticket['id']}"
        for command, body, at in (
            ("severity", {"severity": "mittel"}, "10:00"),
            ("information-requests", {"question": "Version?"}, "11:00"),
            ("responses", {"channel": "phone", "text": "Am Telefon"}, "09:30"),
        ):
            await office.post(f"{path}/{command}", body | {"occurred_at": f"2026-06-03T{at}:00+02:00"})
            await asyncio.sleep(0.002)
        return office, path

    return opened


async def test_the_state_at_an_instant_is_what_had_occurred_by_then(told: Any) -> None:
    office, path = await told()
    states = {}
    for time in ("09:00", "09:30", "10:00", "10:59", "11:00"):
        ticket = (await office.get(f"{path}?at=2026-06-03T{time}:00%2B02:00"))["ticket"]
        states[time] = (ticket["state"], ticket["severity"], ticket["last_response_at"] is not None)
    assert states == {
        "09:00": ("new", None, False),
        "09:30": ("open", None, True),
        "10:00": ("open", "mittel", True),
        "10:59": ("open", "mittel", True),
        "11:00": ("waiting_customer", "mittel", True),
    }
    problem = await office.refused(404, f"{path}?at=2026-06-03T06:59:59Z", method="GET")
    assert "then" in problem["detail"]


async def test_what_was_known_at_an_instant_is_what_had_been_recorded(told: Any) -> None:
    office, path = await told()
    events = (await office.get(f"{path}/events"))["items"]
    for event in events:
        ticket = (await office.get(f"{path}?known_at={event['recorded_at']}"))["ticket"]
        assert ticket["version"] == event["version"], "to the microsecond"
    before = events[-1]["recorded_at"]
    known = (await office.get(f"{path}?at=2026-06-03T09:45:00%2B02:00&known_at={events[-2]['recorded_at']}"))["ticket"]
    assert (known["state"], known["last_response_at"]) == ("new", None), "the answer was not known yet"
    both = (await office.get(f"{path}?at=2026-06-03T09:45:00%2B02:00&known_at={before}"))["ticket"]
    assert both["last_response_at"] == "2026-06-03T07:30:00Z"


async def test_an_offset_whose_plus_was_not_escaped_is_understood(told: Any) -> None:
    office, path = await told()
    escaped = await office.call("GET", f"{path}?at=2026-06-03T10:00:00%2B02:00")
    answer = await office.call("GET", f"{path}?at=2026-06-03T10:00:00+02:00")
    assert answer.status_code == 200
    assert answer.content == escaped.content
    assert answer.headers["ETag"] == escaped.headers["ETag"] == '"4"'


@pytest.mark.parametrize("at", ["yesterday", "2026-06-03", "2026-06-03T10:00:00", "2026-13-01T00:00:00Z", "%2B", "0"])
async def test_what_is_no_instant_is_refused(told: Any, at: str) -> None:
    office, path = await told()
    for name in ("at", "known_at"):
        problem = await office.refused(422, f"{path}?{name}={at}", method="GET")
        assert [each["pointer"] for each in problem["errors"]] == [f"#query/{name}"]


async def test_a_history_opens_what_is_personal_and_says_when_it_was_recorded(told: Any) -> None:
    office, path = await told()
    items = (await office.get(f"{path}/events"))["items"]
    assert [each["type"] for each in items] == ["TicketCreated", "SeveritySet", "InformationRequested", "Responded"]
    assert items[0]["personal"]["subject"] == "Import"
    assert items[2]["personal"] == {"question": "Version?"}
    assert items[3]["occurred_at"] < items[2]["occurred_at"]
    assert items[3]["recorded_at"] > items[2]["recorded_at"]
    assert items[1]["personal"] is None


async def test_a_customer_reads_the_own_history_without_notes_among_staff(told: Any) -> None:
    office, path = await told()
    ticket = (await office.get(path))["ticket"]
    await office.post(f"{path}/responses", {"channel": "email", "text": "Kunde ist schwierig", "visible": False})
    own = await office.call("GET", f"{path}/events", role="customer", customer=ticket["customer"])
    assert own.status_code == 200
    assert "schwierig" not in own.text
    assert [each["version"] for each in own.json()["items"]] == [1, 2, 3, 4]
    assert len((await office.get(f"{path}/events"))["items"]) == 5
