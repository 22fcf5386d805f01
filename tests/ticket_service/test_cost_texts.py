"""Who is asked to approve costs reads with what words: in the ticket, and in the list of what is to be decided."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ticket_service.conftest import Office, OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")
TEXT = "Die Datenbank muss neu aufgebaut werden"


async def asked(open_office: OpenOffice) -> tuple[Office, str, dict[str, Any]]:
    office = await open_office("digidesk")
    customer = await office.served()
    ticket = await office.ticket(customer, received_at="2026-06-01T08:00:00Z")
    await office.post(f"/v1/tickets/{ticket['id']}/assignment", {"agent": "agent-7"})
    await office.post(f"/v1/tickets/{ticket['id']}/cost-approvals", {"estimate_minutes": 90, "text": TEXT})
    return office, customer, ticket


async def test_a_tickets_cost_requests_are_read_with_their_texts(open_office: OpenOffice) -> None:
    office, customer, ticket = await asked(open_office)
    path = f"/v1/tickets/{ticket['id']}"
    own: dict[str, Any] = {"role": "customer", "customer": customer}
    for who in ({}, own):
        assert (await office.get(path, **who))["personal"]["cost_approvals"] == {"1": TEXT}
    await office.post(f"{path}/cost-approvals/1/decision", {"approved": False}, **own)
    await office.post(f"{path}/cost-approvals", {"estimate_minutes": 30, "text": "Nur das Wichtigste"})
    texts = {"1": TEXT, "2": "Nur das Wichtigste"}
    assert (await office.get(path, **own))["personal"]["cost_approvals"] == texts
    assert "cost_approvals" not in (await office.get(f"{path}?at=2026-06-02T08:00:00Z"))["personal"]

    await office.post(f"/v1/customers/{customer}/forget", {"accept": ["contracts", "open_tickets"]}, role="admin")
    assert "cost_approvals" not in (await office.get(path))["personal"]


async def test_a_customer_lists_what_it_is_asked_to_decide_and_nothing_of_the_vendors(open_office: OpenOffice) -> None:
    office, customer, ticket = await asked(open_office)
    other = await office.served()
    await office.post(f"/v1/tickets/{(await office.ticket(customer))['id']}/callbacks", {"purpose": "P"})
    theirs = await office.ticket(other)
    await office.post(f"/v1/tickets/{theirs['id']}/cost-approvals", {"estimate_minutes": 5, "text": "Anderes"})

    [task] = (await office.get("/v1/tasks", role="customer", customer=customer))["items"]
    assert (task["kind"], task["ticket"], task["number"], task["text"]) == ("cost_approval", ticket["id"], 1, TEXT)
    assert {task[name] for name in ("agent", "assignee", "department")} == {None}
    own: dict[str, Any] = {"role": "customer", "customer": customer}
    assert "agent-7" not in (await office.call("GET", "/v1/tasks?format=csv", **own)).text
    for query in (f"customer={other}", "assignee=agent-7", "agent=agent-7", "department=d"):
        await office.refused(403, f"/v1/tasks?{query}", method="GET", **own)
    assert (await office.get("/v1/tasks?kind=callback", **own))["items"] == []

    staff = (await office.get("/v1/tasks"))["items"]
    assert sorted((each["kind"], each["text"] or "") for each in staff) == [
        ("callback", ""),
        ("cost_approval", "Anderes"),
        ("cost_approval", TEXT),
    ]
    await office.post(f"/v1/tickets/{ticket['id']}/cost-approvals/1/decision", {"approved": True}, **own)
    assert (await office.get("/v1/tasks", **own))["items"] == []


async def test_whose_ticket_it_was_not_reads_no_words_from_then(open_office: OpenOffice) -> None:
    office, _, ticket = await asked(open_office)
    other = await office.served()
    await office.post(f"/v1/tickets/{ticket['id']}/move", {"customer": other, "reason": "Falscher Kunde"})
    own: dict[str, Any] = {"role": "customer", "customer": other}
    assert "cost_approvals" not in (await office.get(f"/v1/tickets/{ticket['id']}", **own))["personal"]
    assert {each["text"] for each in (await office.get("/v1/tasks", **own))["items"]} <= {None}
    assert (await office.get(f"/v1/tickets/{ticket['id']}"))["personal"]["cost_approvals"] == {"1": TEXT}
