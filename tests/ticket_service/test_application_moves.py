"""Moving a ticket over HTTP: whose it is, who sees what of it, and whose key opens it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ticket_service.conftest import Office, OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")

RECEIVED = "2026-06-02T08:00:00Z"
REASON = {"reason": "falscher Kunde"}


async def filed(open_office: OpenOffice) -> tuple[Office, str, str, Any]:
    """A ticket of the first customer that is the second one's."""
    office = await open_office("infoniqa")
    wrong, right = await office.served(), await office.served()
    ticket = await office.ticket(wrong, received_at=RECEIVED, subject="Lohnlauf", fields={"product": "one"})
    return office, wrong, right, ticket


def of(customer: str) -> dict[str, Any]:
    return {"role": "customer", "customer": customer}


async def test_a_ticket_is_the_other_customer_s_from_then_on(open_office: OpenOffice) -> None:
    office, wrong, right, ticket = await filed(open_office)
    path = f"/v1/tickets/{ticket['id']}"
    answer = await office.post(f"/v1/tickets/{ticket['reference']}/move", {"customer": right} | REASON)
    moved = answer["ticket"]
    assert (moved["customer"], moved["id"]) == (right, ticket["id"])
    assert moved["contract"] not in (None, ticket["contract"])
    assert moved["moves"][0]["from_customer"] == wrong
    assert (await office.get(path, **of(right)))["ticket"]["customer"] == right
    await office.refused(404, path, method="GET", **of(wrong))
    listed = {customer: (await office.get("/v1/tickets", **of(customer)))["items"] for customer in (wrong, right)}
    assert ([each["id"] for each in listed[right]], listed[wrong]) == ([ticket["id"]], [])
    last = (await office.get(f"{path}/events"))["items"][-1]
    assert (last["type"], last["personal"]) == ("TicketMoved", REASON)


async def test_staff_read_what_was_said_before_and_the_new_customer_does_not(open_office: OpenOffice) -> None:
    office, wrong, right, ticket = await filed(open_office)
    path = f"/v1/tickets/{ticket['id']}"
    await office.post(f"{path}/responses", {"channel": "email", "text": "Wir schauen"})
    await office.post(f"{path}/messages", {"channel": "portal", "text": "Geheim"}, **of(wrong))
    await office.post(f"{path}/move", {"customer": right} | REASON)
    await office.post(f"{path}/messages", {"channel": "portal", "text": "Danke"}, **of(right))
    read = await office.get(path)
    assert read["personal"]["subject"] == "Lohnlauf"
    texts = [(each["personal"] or {}).get("text") for each in (await office.get(f"{path}/events"))["items"]]
    assert [each for each in texts if each] == ["Wir schauen", "Geheim", "Danke"]
    assert (await office.get(path, **of(right)))["personal"] == {}
    seen = (await office.get(f"{path}/events", **of(right)))["items"]
    assert [(each["type"], (each["personal"] or {}).get("text")) for each in seen] == [
        ("TicketCreated", None),
        ("Responded", None),
        ("TicketMoved", None),
        ("CustomerMessageReceived", "Danke"),
    ]
    moved = next(each for each in seen if each["type"] == "TicketMoved")
    assert {"from_customer", "from_contract", "sealed_for"}.isdisjoint(moved["data"])


async def test_before_the_move_there_was_no_such_ticket_for_the_new_customer(open_office: OpenOffice) -> None:
    office, _, right, ticket = await filed(open_office)
    path = f"/v1/tickets/{ticket['id']}"
    await office.post(f"{path}/move", {"customer": right} | REASON)
    at = {"params": {"at": "2026-06-03T08:00:00Z"}}
    await office.refused(404, path, method="GET", **of(right), **at)
    assert (await office.get(path, **at))["ticket"]["customer"] != right


async def test_once_the_new_customer_is_forgotten_nobody_reads_what_was_said_before(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    wrong, right = await office.served(), await office.served(name="Anna Muster", kind="person")
    ticket = await office.ticket(wrong, received_at=RECEIVED, subject="Lohnlauf", fields={"product": "one"})
    path = f"/v1/tickets/{ticket['id']}"
    await office.post(f"{path}/move", {"customer": right} | REASON)
    await office.post(f"{path}/resolution", {"text": "Erledigt"})
    await office.post(f"{path}/closing", {})
    assert (await office.get(path))["personal"]["subject"] == "Lohnlauf"
    contract = (await office.get(path))["ticket"]["contract"]
    await office.post(f"/v1/contracts/{contract}/termination", {"until": "2026-06-30"}, role="admin")
    answer = await office.call("POST", f"/v1/customers/{right}/forget", {}, role="admin")
    assert answer.status_code == 201, answer.text
    assert (await office.get(path))["personal"] == {}
    assert all(not each["personal"] for each in (await office.get(f"{path}/events"))["items"])


async def test_a_move_to_a_named_contract_only_while_it_was_in_force(open_office: OpenOffice) -> None:
    office, _, right, ticket = await filed(open_office)
    later = await office.contract(right, **{"from": "2026-07-01"})
    path = f"/v1/tickets/{ticket['id']}/move"
    await office.refused(422, path, {"customer": right, "contract": later} | REASON)
    other = await office.contract(right, **{"from": "2026-01-01"})
    answer = await office.post(path, {"customer": right, "contract": other} | REASON)
    assert answer["ticket"]["contract"] == other


@pytest.mark.parametrize("to", ["nobody", "foreign", "itself"])
async def test_a_move_to_nobody_or_nowhere_is_refused(open_office: OpenOffice, to: str) -> None:
    office, wrong, _, ticket = await filed(open_office)
    foreign = await (await open_office("infoniqa")).served()
    customer = {"nobody": "nobody", "foreign": foreign, "itself": wrong}[to]
    await office.refused(422, f"/v1/tickets/{ticket['id']}/move", {"customer": customer} | REASON)


async def test_a_customer_may_not_move_and_a_version_is_held(open_office: OpenOffice) -> None:
    office, wrong, right, ticket = await filed(open_office)
    path, body = f"/v1/tickets/{ticket['id']}/move", {"customer": right} | REASON
    await office.refused(403, path, body, **of(wrong))
    await office.refused(404, path, body, **of(right))
    await office.refused(412, path, body, headers={"If-Match": '"99"'})


async def test_the_work_on_it_goes_on_for_the_new_customer(open_office: OpenOffice) -> None:
    office, _, right, ticket = await filed(open_office)
    path = f"/v1/tickets/{ticket['id']}"
    await office.post(f"{path}/move", {"customer": right} | REASON)
    answer = await office.post(f"{path}/responses", {"channel": "email", "text": "Gelöst"})
    assert answer["events"][0]["personal"].split(".")[1] == right
    listed = await office.get(f"/v1/customers/{right}/overview")
    assert ticket["id"] in str(listed)
