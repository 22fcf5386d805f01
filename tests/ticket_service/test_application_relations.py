"""Merging, linking and splitting over HTTP: both tickets change together, and what comes later finds its way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ticket_service.conftest import Office, OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")

START = "2026-06-02T08:30:00Z"
RECEIVED = "2026-06-02T08:00:00Z"
REASON = {"reason": "dieselbe Störung"}


async def two(open_office: OpenOffice, provider: str = "infoniqa") -> tuple[Office, str, Any, Any]:
    """A provider with a customer that has reported the same thing twice."""
    office = await open_office(provider)
    customer = await office.served()
    given = {"received_at": RECEIVED, "fields": {"product": "one"}}
    first, second = [await office.ticket(customer, **given) for _ in range(2)]
    return office, customer, first, second


async def work(office: Office, ticket: Any, minutes: int) -> str:
    body = {"start": START, "minutes": minutes, "activity": "help", "agent": "agent-3"}
    answer = await office.post(f"/v1/tickets/{ticket['id']}/time-entries", body)
    return str(next(each["data"]["entry"] for each in answer["events"] if each["type"] == "TimeLogged"))


async def state(office: Office, ticket: Any, **how: Any) -> Any:
    return (await office.get(f"/v1/tickets/{ticket['id']}", **how))["ticket"]


async def types(office: Office, ticket: Any, **how: Any) -> list[str]:
    return [each["type"] for each in (await office.get(f"/v1/tickets/{ticket['id']}/events", **how))["items"]]


async def test_a_duplicate_is_merged_by_reference_and_both_tickets_say_so(open_office: OpenOffice) -> None:
    office, _, first, second = await two(open_office)
    entry = await work(office, second, 30)
    answer = await office.post(f"/v1/tickets/{second['id']}/merge", {"into": first["reference"].lower()} | REASON)
    assert (answer["ticket"]["state"], answer["ticket"]["merged_into"]) == ("closed", first["id"])
    assert [each["type"] for each in answer["events"]] == ["MergedInto", "DuplicateMerged"]
    merged = await office.get(f"/v1/tickets/{second['id']}/events")
    assert merged["items"][-1]["personal"] == REASON
    kept = await state(office, first)
    assert kept["time_entries"][entry]["from_ticket"] == second["id"]
    assert kept["links"] == [{"kind": "duplicate", "ticket": second["id"], "reference": second["reference"]}]
    assert (await types(office, first))[-1] == "DuplicateMerged"
    corrected = {"minutes": 20, "reason": "Pause"}
    answer = await office.post(f"/v1/tickets/{first['id']}/time-entries/{entry}/corrections", corrected)
    assert answer["ticket"]["time_entries"][entry]["minutes"] == 20


async def test_a_repeated_key_gets_the_first_answer(open_office: OpenOffice) -> None:
    office, _, first, second = await two(open_office)
    path, body, key = f"/v1/tickets/{second['id']}/merge", {"into": first["id"]} | REASON, {"Idempotency-Key": "m-1"}
    answers = [await office.call("POST", path, body, headers=key) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    await office.refused(409, path, body)


async def test_later_messages_and_calls_count_with_the_first_ticket(open_office: OpenOffice) -> None:
    office, customer, first, second = await two(open_office)
    await office.post(f"/v1/tickets/{second['id']}/merge", {"into": first["id"]} | REASON)
    said = await office.post(f"/v1/tickets/{second['id']}/messages", {"channel": "email", "text": "Und jetzt?"})
    assert said["ticket"]["id"] == first["id"]
    own = await office.post(
        f"/v1/tickets/{second['id']}/information", {"text": "Fehler 17"}, role="customer", customer=customer
    )
    assert own["ticket"]["id"] == first["id"]
    call = {"ticket": second["reference"], "from": "+41 41 000 00 01", "started_at": START, "minutes": 4}
    assert (await office.post("/v1/calls", call))["ticket"]["id"] == first["id"]
    assert {"CustomerMessageReceived", "InformationReceived", "CallReceived"} <= set(await types(office, first))
    problem = await office.refused(409, f"/v1/tickets/{second['id']}/responses", {"channel": "email", "text": "x"})
    assert problem["type"] == "/problems/ticket-merged"
    assert first["id"] in problem["detail"]


async def test_a_message_goes_through_duplicates_of_duplicates(open_office: OpenOffice) -> None:
    office, customer, first, second = await two(open_office)
    third = await office.ticket(customer, received_at=RECEIVED, fields={"product": "one"})
    await office.post(f"/v1/tickets/{third['id']}/merge", {"into": second["id"]} | REASON)
    await office.post(f"/v1/tickets/{second['id']}/merge", {"into": first["id"]} | REASON)
    said = await office.post(f"/v1/tickets/{third['id']}/messages", {"channel": "email", "text": "?"})
    assert said["ticket"]["id"] == first["id"]


async def test_a_customer_sees_the_merge_but_neither_the_reason_nor_links(open_office: OpenOffice) -> None:
    office, customer, first, second = await two(open_office)
    await work(office, second, 30)
    await office.post(f"/v1/tickets/{first['id']}/links", {"to": second["id"], "kind": "related"})
    await office.post(f"/v1/tickets/{second['id']}/merge", {"into": first["id"]} | REASON)
    theirs = {"role": "customer", "customer": customer}
    assert (await state(office, second, **theirs))["merged_into"] == first["id"]
    assert "links" not in await state(office, second, **theirs)
    seen = (await office.get(f"/v1/tickets/{second['id']}/events", **theirs))["items"][-1]
    data = {"ticket": first["id"], "reference": first["reference"]}
    assert (seen["type"], seen["data"], seen["personal"]) == ("MergedInto", data, None)
    assert "TicketLinked" not in await types(office, first, **theirs)
    brought = (await office.get(f"/v1/tickets/{first['id']}/events", **theirs))["items"][-1]
    assert (brought["type"], set(brought["data"])) == ("DuplicateMerged", {"ticket", "reference"})


@pytest.mark.parametrize("word", ["merge", "links", "links/removal"])
async def test_another_provider_s_ticket_is_as_if_there_were_none(open_office: OpenOffice, word: str) -> None:
    office, _, first, _ = await two(open_office)
    _, _, foreign, _ = await two(open_office, "hamburg")
    body = {"merge": {"into": foreign["id"]} | REASON}.get(word, {"to": foreign["id"], "kind": "related"})
    problem = await office.refused(422, f"/v1/tickets/{first['id']}/{word}", body)
    assert problem["errors"][0]["pointer"].endswith("/into" if word == "merge" else "/to")
    assert problem["errors"][0]["detail"] == f"there is no ticket {foreign['id']}"


async def test_a_customer_may_not_merge_and_learns_of_no_other_ticket(open_office: OpenOffice) -> None:
    office, customer, first, second = await two(open_office)
    theirs = {"role": "customer", "customer": customer}
    for into in (first["id"], "nothing"):
        await office.refused(403, f"/v1/tickets/{second['id']}/merge", {"into": into} | REASON, **theirs)


async def test_if_match_holds_for_the_ticket_that_is_merged(open_office: OpenOffice) -> None:
    office, _, first, second = await two(open_office)
    await work(office, second, 10)
    path, body = f"/v1/tickets/{second['id']}/merge", {"into": first["id"]} | REASON
    await office.refused(412, path, body, headers={"If-Match": '"1"'})
    version = (await state(office, second))["version"]
    assert (await office.call("POST", path, body, headers={"If-Match": f'"{version}"'})).status_code == 201


async def test_of_merges_at_one_time_each_sees_what_the_others_did(open_office: OpenOffice) -> None:
    office, customer, first, second = await two(open_office)
    more = [await office.ticket(customer, received_at=RECEIVED, fields={"product": "one"}) for _ in range(4)]
    merges = [(each, first) for each in more] + [(first, second), (second, first)]
    answers = await asyncio.gather(
        *(office.call("POST", f"/v1/tickets/{a['id']}/merge", {"into": b["id"]} | REASON) for a, b in merges)
    )
    states = {each["id"]: await state(office, each) for each in (first, second, *more)}
    assert sum(each.status_code == 201 for each in answers) == sum(
        bool(each["merged_into"]) for each in states.values()
    )
    assert not (states[first["id"]]["merged_into"] and states[second["id"]]["merged_into"]), "never in a circle"


async def test_a_split_opens_a_ticket_received_with_the_old_one(open_office: OpenOffice) -> None:
    office, customer, first, _ = await two(open_office)
    entry = await work(office, first, 25)
    body = {"subject": "Toner", "entries": [entry], "reason": "zwei Anliegen"}
    answer = await office.post(f"/v1/tickets/{first['id']}/split", body)
    new = answer["ticket"]
    assert new["id"] != first["id"]
    assert (new["customer"], new["received_at"], new["contract"]) == (customer, RECEIVED, first["contract"])
    assert new["time_entries"][entry]["from_ticket"] == first["id"]
    assert new["links"] == [{"kind": "split_from", "ticket": first["id"], "reference": first["reference"]}]
    assert (await office.get(f"/v1/tickets/{new['id']}"))["personal"]["subject"] == "Toner"
    old = await state(office, first)
    assert (old["time_entries"], old["state"]) == ({}, "in_progress")
    assert old["links"] == [{"kind": "split_off", "ticket": new["id"], "reference": new["reference"]}]
    last = (await office.get(f"/v1/tickets/{first['id']}/events"))["items"][-1]
    assert (last["type"], last["personal"]) == ("SplitOff", {"reason": "zwei Anliegen"})


async def test_a_split_is_refused_with_nothing_stored(open_office: OpenOffice) -> None:
    office, customer, first, _ = await two(open_office)
    path, body = f"/v1/tickets/{first['id']}/split", {"subject": "Toner", "reason": "R"}
    await office.refused(422, path, body | {"entries": ["e-9"]})
    await office.refused(422, path, body | {"type": "nonsense"})
    await office.refused(412, path, body, headers={"If-Match": '"99"'})
    await office.refused(403, path, body, role="customer", customer=customer)


async def test_a_new_ticket_follows_one_of_the_same_customer_only(open_office: OpenOffice) -> None:
    office, customer, first, _ = await two(open_office)
    wanted: dict[str, Any] = {"customer": customer, "channel": "email", "fields": {"product": "one"}}
    opened = await office.post("/v1/tickets", wanted | {"follows": first["reference"]})
    assert opened["ticket"]["follows"] == first["id"]
    await office.refused(422, "/v1/tickets", wanted | {"follows": "nothing"})
    other = await office.served()
    await office.refused(422, "/v1/tickets", wanted | {"customer": other, "follows": first["id"]})
    own = await office.post("/v1/tickets", wanted | {"follows": first["id"]}, role="customer", customer=customer)
    assert own["ticket"]["follows"] == first["id"]
