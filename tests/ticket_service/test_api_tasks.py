"""The list of what is open beside the worklist: who must be called, who is expected where, who has decided nothing yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fristwerk_platform.settings import Settings
from tests.ticket_service.conftest import Office, OpenOffice, OpenService

CONTACT = {"role": "customer_success_manager", "agent": "csm-7"}
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def busy(open_office: OpenOffice) -> tuple[Office, str, Any, Any]:
    """Two tickets: on the first a promised call, an escalation and an appointment, on the second an acceptance."""
    office = await open_office("infoniqa")
    customer = await office.served()
    await office.post(f"/v1/customers/{customer}/contacts", CONTACT, role="admin")
    first, second = [await office.ticket(customer, fields={"product": "one"}) for _ in range(2)]
    path = f"/v1/tickets/{first['id']}"
    await office.post(f"{path}/assignment", {"agent": "agent-7"})
    await office.post(f"{path}/callbacks", {"purpose": "Rückruf"})
    await office.post(f"{path}/escalations", {"to": "customer_success_manager", "text": "Seit drei Tagen"})
    await office.post(f"/v1/tickets/{second['id']}/delivery", {"system": "test", "text": "Bitte prüfen"})
    return office, customer, first, second


async def listed(office: Office, **params: str) -> list[tuple[str, str]]:
    items = (await office.get("/v1/tasks", params=params))["items"]
    return [(each["kind"], each["reference"]) for each in items]


async def test_what_is_open_is_listed_until_it_is_done(open_office: OpenOffice) -> None:
    office, _, first, second = await busy(open_office)
    expected = [
        ("callback", first["reference"]),
        ("escalation", first["reference"]),
        ("acceptance", second["reference"]),
    ]
    assert sorted(await listed(office)) == sorted(expected)
    await office.post(f"/v1/tickets/{first['id']}/callbacks/1/completion", {"text": "Erledigt"})
    assert sorted(await listed(office)) == sorted(expected[1:])
    await office.post(f"/v1/tickets/{first['id']}/escalations/1/closing", {"outcome": "Termin", "contact": "Anna"})
    await office.post(f"/v1/tickets/{second['id']}/acceptance", {"accepted": True, "on_behalf": AGREED})
    assert await listed(office) == []


AGREED = {"contact": "Anna Muster", "channel": "phone", "at": "2026-06-01T08:00:00Z"}


async def test_filters_and_pages(open_office: OpenOffice) -> None:
    office, customer, first, second = await busy(open_office)
    assert await listed(office, kind="callback") == [("callback", first["reference"])]
    assert await listed(office, assignee="agent-7", kind="acceptance") == []
    assert len(await listed(office, customer=customer)) == 3
    assert await listed(office, customer="nobody") == []
    assert await listed(office, until="2020-01-01T00:00:00Z") == []
    answer = await office.call("GET", "/v1/tasks?limit=2")
    assert len(answer.json()["items"]) == 2
    following = answer.headers["Link"].partition("<")[2].partition(">")[0]
    rest = await office.get(following)
    assert len(rest["items"]) == 1
    assert second["reference"] in str(answer.json()) + str(rest)


async def test_a_spreadsheet_has_all_rows(open_office: OpenOffice) -> None:
    office, _, first, _ = await busy(open_office)
    answer = await office.call("GET", "/v1/tasks?format=csv&limit=1")
    header, *rows = answer.text.splitlines()
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert header.startswith("kind,ticket,reference,number,at,state")
    assert len(rows) == 3
    assert sum(first["reference"] in row for row in rows) == 2


async def test_another_provider_has_tasks_of_its_own_and_a_customer_sees_its_decisions_alone(
    open_office: OpenOffice,
) -> None:
    office, customer, _, second = await busy(open_office)
    other = await open_office("infoniqa")
    assert await listed(other) == []
    [own] = (await office.get("/v1/tasks", role="customer", customer=customer))["items"]
    assert (own["kind"], own["reference"]) == ("acceptance", second["reference"])


async def test_an_open_escalation_of_a_closed_ticket_is_listed_also_after_a_restart(
    open_office: OpenOffice, open_service: OpenService, tmp_path: Path
) -> None:
    settings = Settings(var=tmp_path, customers_may_date=True)
    expected = [("escalation_task", None), ("escalation", "m-2")]
    async with open_service(settings) as service:
        office = await open_office("infoniqa", service)
        customer = await office.served()
        await office.post(f"/v1/customers/{customer}/contacts", CONTACT, role="admin")
        path = f"/v1/tickets/{(await office.ticket(customer))['id']}"
        await office.post(f"{path}/escalations", {"to": "customer_success_manager", "text": "Seit drei Tagen"})
        await office.post(f"{path}/escalations/1/assignment", {"agent": "m-2"})
        await office.post(f"{path}/escalations/1/tasks", {"text": "Ursache klären", "due_at": "2026-06-05T08:00:00Z"})
        await office.post(f"{path}/resolution", {"text": "Erledigt"})
        await office.post(f"{path}/closing", {"accept": ["open_escalations"]})
        assert await escalated(office) == expected
    async with open_service(settings) as service:
        office = Office(service, office.provider, "infoniqa")
        assert await escalated(office) == expected
        await office.post(f"{path}/escalation-tasks/1/completion", {"text": "Geklärt"})
        await office.post(f"{path}/escalations/1/closing", {"outcome": "Termin", "contact": "Anna"})
        assert await escalated(office) == []
    async with open_service(settings) as service:
        assert await escalated(Office(service, office.provider, "infoniqa")) == []


async def escalated(office: Office) -> list[tuple[str, str | None]]:
    return [(each["kind"], each["agent"]) for each in (await office.get("/v1/tasks"))["items"]]


async def test_a_customer_sees_nothing_of_what_is_cleared_inside_the_house(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    await office.post(f"/v1/customers/{customer}/contacts", CONTACT, role="admin")
    path = f"/v1/tickets/{(await office.ticket(customer))['id']}"
    await office.post(f"{path}/escalations", {"to": "customer_success_manager", "text": "Seit drei Tagen"})
    await office.post(f"{path}/escalations/1/tasks", {"text": "Ursache klären"})
    seen = await office.get(path, role="customer", customer=customer)
    assert "escalation_tasks" not in seen["ticket"]
    events = await office.get(f"{path}/events", role="customer", customer=customer)
    assert not any(each["type"].startswith("EscalationTask") for each in events["items"])


async def test_a_remote_session_logs_its_time_once_and_can_be_corrected(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    ticket = await office.ticket(customer, received_at="2026-06-03T14:00:00Z")
    path = f"/v1/tickets/{ticket['id']}"
    started = {"agent": "agent-7", "occurred_at": "2026-06-03T14:30:00Z"}
    await office.post(f"{path}/remote-sessions", started)
    problem = await office.refused(409, f"{path}/remote-sessions", {"agent": "agent-7"})
    assert problem["type"] == "/problems/remote-session-running"
    end = f"{path}/remote-sessions/1/end"
    answer = await office.post(end, {"occurred_at": "2026-06-03T14:50:30Z"})
    assert [each["type"] for each in answer["events"]] == ["RemoteSessionEnded", "TimeLogged"]
    again = await office.call("POST", end, {"minutes": 90})
    assert (again.status_code, again.json()["events"]) == (200, [])
    [entry] = again.json()["ticket"]["time_entries"].values()
    assert (entry["minutes"], entry["source"], entry["agent"]) == (21, "remote_session", "agent-7")
    corrected = await office.post(
        f"{path}/time-entries/{entry['entry']}/corrections", {"minutes": 15, "reason": "Pause"}
    )
    assert corrected["ticket"]["time_entries"][entry["entry"]]["minutes"] == 15
    seen = (await office.get(path, role="customer", customer=customer))["ticket"]["remote_sessions"]
    assert [sorted(each) for each in seen] == [["ended_at", "entry", "number", "started_at"]]
