"""A customer who writes on a ticket that is done: reopened while there is time, and never lost after."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ticket_service.conftest import OpenOffice
from ticket_service.application.newest_reads import NewestReads
from ticket_service.domain.ticket.state import Ticket

pytestmark = pytest.mark.asyncio(loop_scope="session")

RECEIVED = "2026-06-02T08:00:00Z"
RESOLVED = "2026-06-03T08:00:00Z"
IN_TIME = "2026-06-17T08:00:00Z"
LATE = "2026-06-17T08:00:01Z"


@pytest.fixture
def resolved(open_office: OpenOffice) -> Any:
    async def opened() -> Any:
        office = await open_office("infoniqa")
        customer = await office.served()
        ticket = await office.ticket(customer, received_at=RECEIVED, subject="Lohnlauf", fields={"product": "one"})
        await office.post(f"/v1/tickets/{ticket['id']}/resolution", {"text": "Erledigt", "occurred_at": RESOLVED})
        return office, customer, ticket

    return opened


async def write(office: Any, ticket: Any, at: Any, **more: Any) -> Any:
    body = {"channel": "email", "text": "Wieder da", "occurred_at": at} | more
    return await office.post(f"/v1/tickets/{ticket['id']}/messages", body)


async def test_a_message_in_time_brings_the_ticket_back_to_the_worklist(resolved: Any) -> None:
    office, _, ticket = await resolved()
    answer = await write(office, ticket, IN_TIME)
    assert (answer["ticket"]["id"], answer["ticket"]["state"]) == (ticket["id"], "open")
    listed = await office.get("/v1/worklist")
    assert ticket["id"] in [each["id"] for each in listed["items"]]


@pytest.mark.parametrize("closed", [False, True])
async def test_a_message_too_late_opens_a_ticket_that_follows_the_old_one(resolved: Any, closed: Any) -> None:
    office, customer, ticket = await resolved()
    at = LATE
    if closed:
        await office.post(f"/v1/tickets/{ticket['id']}/closing", {"occurred_at": RESOLVED})
        at = RESOLVED
    opened = (await write(office, ticket, at))["ticket"]
    assert opened["id"] != ticket["id"]
    assert (opened["follows"], opened["customer"], opened["received_at"]) == (ticket["id"], customer, at)
    assert opened["fields"] == {"product": "one"}
    read = await office.get(f"/v1/tickets/{opened['id']}")
    assert (read["personal"]["subject"], read["personal"]["description"]) == ("Lohnlauf", "Wieder da")
    assert (await office.get(f"/v1/tickets/{ticket['id']}"))["ticket"]["state"] == ("closed" if closed else "resolved")


LATER = "2026-06-18T09:00:00Z"


async def test_a_second_late_message_goes_to_the_ticket_that_the_first_opened(resolved: Any) -> None:
    office, customer, ticket = await resolved()
    first = (await write(office, ticket, LATE))["ticket"]
    second = await write(office, ticket, LATER, text="Noch etwas")
    assert second["ticket"]["id"] == first["id"]
    assert [each["type"] for each in second["events"]] == ["CustomerMessageReceived"]
    information = {"text": "Fehler 17", "occurred_at": LATER}
    third = await office.post(
        f"/v1/tickets/{ticket['id']}/information", information, role="customer", customer=customer
    )
    assert third["ticket"]["id"] == first["id"]


async def test_the_ticket_that_a_late_message_opened_is_found_before_the_feed_shows_it(
    resolved: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed shows nothing beyond an append that is still on its way, whatever another process has answered since."""

    async def nothing_yet(_: NewestReads, __: str, **___: Any) -> list[Ticket]:
        return []

    monkeypatch.setattr(NewestReads, "tickets_of", nothing_yet)
    office, _, ticket = await resolved()
    first = (await write(office, ticket, LATE))["ticket"]
    second = await write(office, ticket, LATER, text="Noch etwas")
    assert second["ticket"]["id"] == first["id"]


async def test_two_late_messages_at_one_time_open_one_ticket(resolved: Any) -> None:
    office, _, ticket = await resolved()
    answers = await asyncio.gather(*(write(office, ticket, LATE, text=f"Mail {number}") for number in range(4)))
    assert len({each["ticket"]["id"] for each in answers}) == 1


async def test_a_late_message_reopens_the_following_ticket_or_opens_one_that_follows_it(resolved: Any) -> None:
    office, _, ticket = await resolved()
    first = (await write(office, ticket, LATE))["ticket"]
    await office.post(f"/v1/tickets/{first['id']}/resolution", {"text": "Ja", "occurred_at": "2026-06-19T08:00:00Z"})
    again = (await write(office, ticket, "2026-06-20T08:00:00Z"))["ticket"]
    assert (again["id"], again["state"]) == (first["id"], "open")
    await office.post(f"/v1/tickets/{first['id']}/resolution", {"text": "Ja", "occurred_at": "2026-06-21T08:00:00Z"})
    later = (await write(office, ticket, "2026-07-20T08:00:00Z"))["ticket"]
    assert later["follows"] == first["id"]


async def test_a_message_from_before_the_following_ticket_opens_its_own(resolved: Any) -> None:
    office, _, ticket = await resolved()
    first = (await write(office, ticket, LATER))["ticket"]
    earlier = (await write(office, ticket, LATE))["ticket"]
    assert (earlier["id"] != first["id"], earlier["follows"]) == (True, ticket["id"])


async def test_thanks_after_the_time_open_no_ticket(resolved: Any) -> None:
    office, _, ticket = await resolved()
    answer = await write(office, ticket, LATE, needs_answer=False)
    assert (answer["ticket"]["id"], answer["ticket"]["state"]) == (ticket["id"], "resolved")


async def test_a_message_repeated_with_its_key_opens_one_ticket(resolved: Any) -> None:
    office, _, ticket = await resolved()
    body = {"channel": "email", "text": "Wieder da", "occurred_at": LATE}
    path, headers = f"/v1/tickets/{ticket['id']}/messages", {"Idempotency-Key": "mail-1"}
    first = await office.post(path, body, headers=headers)
    again = await office.post(path, body, headers=headers)
    assert first["ticket"]["id"] == again["ticket"]["id"]


async def test_what_it_took_to_read_a_late_message_is_work_on_the_new_ticket(resolved: Any) -> None:
    office, _, ticket = await resolved()
    opened = await write(office, ticket, LATE, minutes=10)
    logged = opened["events"][-1]
    assert (logged["type"], logged["data"]["minutes"], logged["data"]["activity"]) == ("TimeLogged", 10, "message")
    assert opened["ticket"]["follows"] == ticket["id"]


async def test_messages_and_answers_carry_minutes_under_an_activity(resolved: Any) -> None:
    office, _, ticket = await resolved()
    read = await write(office, ticket, IN_TIME, minutes=5, activity="maintenance")
    assert [each["type"] for each in read["events"]] == ["CustomerMessageReceived", "Reopened", "TimeLogged"]
    answer = {"channel": "email", "text": "So geht es", "minutes": 10}
    told = await office.post(f"/v1/tickets/{ticket['id']}/responses", answer)
    assert [each["type"] for each in told["events"]] == ["Responded", "TimeLogged"]
    entries = (await office.get(f"/v1/tickets/{ticket['id']}"))["ticket"]["time_entries"]
    assert [(each["minutes"], each["activity"]) for each in entries.values()] == [(5, "maintenance"), (10, "message")]
    await office.refused(422, f"/v1/tickets/{ticket['id']}/responses", answer | {"activity": "maintenence"})


async def test_thanks_through_the_portal_reopen_until_staff_marks_them(resolved: Any) -> None:
    office, customer, ticket = await resolved()
    path = f"/v1/tickets/{ticket['id']}"
    thanks = {"channel": "portal", "text": "Vielen Dank!", "occurred_at": IN_TIME}
    thanked = await office.post(f"{path}/messages", thanks, role="customer", customer=customer)
    assert thanked["ticket"]["state"] == "open"
    number = next(each["version"] for each in thanked["events"] if each["type"] == "CustomerMessageReceived")
    mark = f"{path}/messages/{number}/no-answer-needed"
    await office.refused(403, mark, role="customer", customer=customer)
    await office.refused(404, f"{path}/messages/1/no-answer-needed")

    marked = await office.post(mark, {"reason": "Ein Dank"})

    assert (marked["ticket"]["state"], marked["ticket"]["resolved_at"]) == ("resolved", RESOLVED)
    assert (await office.get(path))["ticket"] == marked["ticket"]
    assert ticket["id"] not in [each["id"] for each in (await office.get("/v1/worklist"))["items"]]
    last = (await office.get(f"{path}/events?limit=100"))["items"][-1]
    assert (last["type"], last["personal"]) == ("NoAnswerNeeded", {"reason": "Ein Dank"})
    assert (last["data"]["message"], last["data"]["reopening"]) == (number, number + 1)
    seen = (await office.get(f"{path}/events?limit=100", role="customer", customer=customer))["items"][-1]
    assert (seen["type"], seen["personal"]) == ("NoAnswerNeeded", None)
    problem = await office.refused(409, mark)
    assert problem["type"] == "/problems/no-answer-needed"
    again = await office.post(f"{path}/messages", thanks | {"text": "Doch nicht."}, role="customer", customer=customer)
    assert again["ticket"]["state"] == "open"
