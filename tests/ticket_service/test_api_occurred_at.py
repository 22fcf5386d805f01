"""When a fact occurred: given with every POST below a thing, now by default, never in the future or before its ticket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.ticket_service.conftest import OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")

THEN = "2026-06-03T16:30:00.750+02:00"
STORED = "2026-06-03T14:30:00Z"


def from_now(**span: Any) -> Any:
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


def occurred(answer: Any) -> Any:
    return {event["occurred_at"] for event in answer["events"]}


def seconds_old(answer: Any) -> Any:
    """How old the facts of an answer are said to be."""
    [at] = occurred(answer)
    return (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()


PLACES: dict[str, tuple[Any, ...]] = {
    "customers": ("/v1/customers", {"name": "A", "kind": "company"}, "admin"),
    "devices": ("/v1/customers/{customer}/devices", {"serial": "SN-1"}, "admin"),
    "contacts": ("/v1/customers/{customer}/contacts", {"role": "csm", "agent": "a"}, "admin"),
    "contracts": (
        "/v1/customers/{customer}/contracts",
        {"agreement": "liveagent", "plan": "small", "from": "2026-01-01"},
        "admin",
    ),
    "forget": ("/v1/customers/{customer}/forget", {}, "admin"),
    "addons": ("/v1/contracts/{contract}/addons", {"addon": "dedicated_support", "from": "2026-06-16"}, "admin"),
    "termination": ("/v1/contracts/{contract}/termination", {"until": "2027-06-16"}, "admin"),
    "calls on a ticket": (
        "/v1/calls",
        {"ticket": "{ticket}", "from": "+49 40 1", "started_at": "2026-06-03T14:00:00Z"},
        "agent",
    ),
    "voicemails": (
        "/v1/calls",
        {"from": "+49 40 2", "started_at": "2026-06-03T14:00:00Z", "voicemail": {"text": "Bitte"}},
        "agent",
    ),
    "tickets": ("/v1/tickets", {"customer": "{customer}", "channel": "email", "received_at": THEN}, "agent"),
    "responses": ("/v1/tickets/{ticket}/responses", {"channel": "email", "text": "Hallo"}, "agent"),
    "releases": ("/v1/tickets/{ticket}/release", {}, "agent"),
}


@pytest.fixture
def at_a_place(open_office: OpenOffice) -> Any:
    """An office with a customer, a contract and a ticket of June, and the request to a place there."""

    async def opened(place: Any) -> Any:
        path, body, role = PLACES[place]
        office = await open_office("liveagent")
        customer = await office.customer()
        contract = await office.contract(customer)
        ticket = await office.ticket(customer, received_at="2026-06-01T08:00:00Z")
        ids = {"customer": customer, "contract": contract, "ticket": ticket["id"]}
        filled = {key: value.format(**ids) if isinstance(value, str) else value for key, value in body.items()}
        return office, path.format(**ids), filled, role

    return opened


@pytest.mark.parametrize("place", PLACES)
async def test_a_fact_occurred_when_the_client_says(at_a_place: Any, place: Any) -> None:
    office, path, body, role = await at_a_place(place)
    assert occurred(await office.post(path, body | {"occurred_at": THEN}, role=role)) == {STORED}


@pytest.mark.parametrize("place", sorted(PLACES.keys() - {"tickets", "voicemails", "calls on a ticket"}))
async def test_without_a_word_a_fact_occurred_now(at_a_place: Any, place: Any) -> None:
    office, path, body, role = await at_a_place(place)
    assert -1 <= seconds_old(await office.post(path, body, role=role)) < 30


@pytest.mark.parametrize(("place", "received_at"), [("tickets", STORED), ("voicemails", "2026-06-03T14:00:00Z")])
async def test_without_a_word_a_ticket_occurred_when_it_was_received(
    at_a_place: Any, place: str, received_at: Any
) -> None:
    office, path, body, role = await at_a_place(place)
    answer = await office.post(path, body, role=role)
    ticket = next(event for event in answer["events"] if event["type"] == "TicketCreated")
    assert (ticket["occurred_at"], ticket["data"]["received_at"]) == (received_at, received_at)


async def test_without_a_word_a_call_and_its_promise_occurred_when_it_began(at_a_place: Any) -> None:
    office, path, body, role = await at_a_place("calls on a ticket")
    answer = await office.post(path, body | {"minutes": 3}, role=role)
    assert [event["type"] for event in answer["events"]] == ["CallReceived", "TimeLogged"]
    assert occurred(answer) == {"2026-06-03T14:00:00Z"}


async def test_a_call_that_led_to_its_ticket_occurred_at_the_receipt(at_a_place: Any) -> None:
    office, path, body, role = await at_a_place("calls on a ticket")
    answer = await office.post(path, body | {"started_at": "2026-06-01T07:50:00Z"}, role=role)
    assert occurred(answer) == {"2026-06-01T08:00:00Z"}


async def test_a_call_of_the_future_is_refused_without_a_word_too(at_a_place: Any) -> None:
    office, path, body, role = await at_a_place("calls on a ticket")
    problem = await office.refused(422, path, body | {"started_at": from_now(minutes=5)}, role=role)
    assert [each["pointer"] for each in problem["errors"]] == ["/started_at"]


@pytest.mark.parametrize("place", PLACES)
async def test_nothing_occurs_more_than_a_minute_ahead(at_a_place: Any, place: Any) -> None:
    office, path, body, role = await at_a_place(place)
    problem = await office.refused(422, path, body | {"occurred_at": from_now(seconds=90)}, role=role)
    assert problem["type"] == "/problems/in-the-future"
    assert [each["pointer"] for each in problem["errors"]] == ["/occurred_at"]
    await office.post(path, body | {"occurred_at": from_now(seconds=45)}, role=role)


async def test_a_package_is_dated_too(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    contract = await office.contract(await office.customer())
    body = {"hours": 4, "from": "2026-06-01", "occurred_at": THEN}
    answer = await office.post(f"/v1/contracts/{contract}/packages", body, role="admin")
    assert occurred(answer) == {STORED}


async def test_a_ticket_received_by_a_clock_ahead_of_ours_takes_the_next_command(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    received_at = from_now(seconds=50)
    ticket = await office.ticket(await office.served(), received_at=received_at)
    answer = await office.post(f"/v1/tickets/{ticket['id']}/responses", {"channel": "email", "text": "Hallo"})
    assert occurred(answer) == {ticket["received_at"]}
    taken = await office.post("/v1/worklist/next")
    assert taken["ticket"]["id"] == ticket["id"]
    call = {"ticket": ticket["reference"], "from": "+41 41 1", "started_at": from_now(seconds=0)}
    await office.post("/v1/calls", call)
    entry = {"start": from_now(minutes=-5), "minutes": 5, "activity": "help", "agent": "a"}
    await office.post(f"/v1/tickets/{ticket['id']}/time-entries", entry)


async def test_what_is_received_in_the_future_is_refused_where_it_was_said(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    body = {"customer": await office.served(), "channel": "email", "received_at": from_now(seconds=90)}
    problem = await office.refused(422, "/v1/tickets", body)
    assert [each["pointer"] for each in problem["errors"]] == ["/received_at"]


async def test_nothing_happens_to_a_ticket_before_it_was_received(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served(), received_at="2026-06-03T14:30:00Z")
    body = {"channel": "email", "text": "Hallo", "occurred_at": "2026-06-03T14:29:59Z"}
    problem = await office.refused(422, f"/v1/tickets/{ticket['id']}/responses", body)
    assert [each["pointer"] for each in problem["errors"]] == ["/occurred_at"]
    await office.post(f"/v1/tickets/{ticket['id']}/responses", body | {"occurred_at": "2026-06-03T14:30:00Z"})


async def test_calls_do_not_begin_in_the_future(open_office: OpenOffice) -> None:
    office = await open_office("hamburg")
    body = {"from": "+49 40 1", "started_at": from_now(minutes=5)}
    problem = await office.refused(422, "/v1/calls", body)
    assert [each["pointer"] for each in problem["errors"]] == ["/started_at"]
    problem = await office.refused(422, "/v1/calls", body | {"voicemail": {"text": "Bitte"}})
    assert [each["pointer"] for each in problem["errors"]] == ["/started_at"]


@pytest.mark.parametrize(("site", "status"), [("woking", 422), ("hamburg", 201)])
async def test_work_begins_with_the_contracts_first_day_at_its_site(
    open_office: OpenOffice, site: str, status: int
) -> None:
    """At half past midnight in Hamburg the day before has half an hour left in Woking."""
    office = await open_office("hamburg")
    customer = await office.customer()
    await office.contract(customer, site=site, **{"from": "2026-06-10"})
    ticket = await office.ticket(customer, received_at="2026-06-10T09:00:00+02:00")
    entry = {"start": "2026-06-10T00:30:00+02:00", "minutes": 15, "activity": "help", "agent": "a"}
    answer = await office.call("POST", f"/v1/tickets/{ticket['id']}/time-entries", entry)
    assert answer.status_code == status, answer.text
    if status == 422:
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/start"]
