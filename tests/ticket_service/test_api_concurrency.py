"""Many at once: versions without gaps, If-Match, and two processes on one log that never contradict each other."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from fristwerk_platform.settings import Settings
from tests.ticket_service.conftest import OpenOffice, OpenService

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_fifty_commands_at_once_to_one_ticket_all_land(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served())
    path = f"/v1/tickets/{ticket['id']}/responses"
    answers = await asyncio.gather(
        *(office.call("POST", path, {"channel": "email", "text": str(number)}) for number in range(50))
    )
    assert [each.status_code for each in answers] == [201] * 50
    events = (await office.get(f"/v1/tickets/{ticket['id']}/events?limit=200"))["items"]
    assert [each["version"] for each in events] == list(range(1, 52))
    assert sorted(int(each["personal"]["text"]) for each in events[1:]) == list(range(50))
    assert sorted(each.json()["ticket"]["version"] for each in answers) == list(range(2, 52))


async def test_fifty_commands_at_once_to_one_customer_and_one_contract_all_land(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.customer()
    contract = await office.contract(customer)
    answers = await asyncio.gather(
        *(
            office.call("POST", f"/v1/customers/{customer}/devices", {"serial": f"SN-{number}"}, role="admin")
            for number in range(25)
        ),
        *(
            office.call("POST", f"/v1/contracts/{contract}/packages", {"hours": 4, "from": "2026-01-01"}, role="admin")
            for _ in range(25)
        ),
    )
    assert [each.status_code for each in answers] == [201] * 50
    assert len((await office.get(f"/v1/customers/{customer}"))["customer"]["devices"]) == 25
    assert len((await office.get(f"/v1/contracts/{contract}"))["contract"]["packages"]) == 25


async def test_five_hundred_customers_registered_at_once_are_all_there(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    body = {"kind": "company", "contact": {"name": "Anna"}}
    answers = await asyncio.gather(
        *(
            office.call("POST", "/v1/customers", body | {"name": f"Kunde {number}"}, role="admin")
            for number in range(500)
        )
    )
    assert {each.status_code for each in answers} == {201}


async def test_a_command_on_an_older_version_is_refused_where_that_is_asked_for(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.customer()
    contract = await office.contract(customer)
    ticket = await office.ticket(customer)
    for path, body, role, version in (
        (f"/v1/tickets/{ticket['id']}/responses", {"channel": "email", "text": "Hallo"}, "agent", 1),
        (f"/v1/customers/{customer}/devices", {"serial": "SN-1"}, "admin", 1),
        (f"/v1/contracts/{contract}/packages", {"hours": 4, "from": "2026-01-01"}, "admin", 1),
    ):
        for wrong in ('"0"', '"99"', "1", 'W/"1"', '"x"'):
            await office.refused(412, path, body, role=role, headers={"If-Match": wrong})
        await office.post(path, body, role=role, headers={"If-Match": f'"{version}"'})
        problem = await office.refused(412, path, body, role=role, headers={"If-Match": f'"{version}"'})
        assert problem["type"] == "/problems/version-conflict"
        await office.post(path, body, role=role, headers={"If-Match": "*"})
    signing = {"agreement": "infoniqa", "plan": "on_demand", "from": "2026-01-01"}
    path = f"/v1/customers/{customer}/contracts"
    await office.refused(412, path, signing, role="admin", headers={"If-Match": '"1"'})
    await office.post(path, signing, role="admin", headers={"If-Match": '"2"'})


async def test_of_many_who_saw_the_same_version_one_wins(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served())
    path = f"/v1/tickets/{ticket['id']}/assignment"
    answers = await asyncio.gather(
        *(office.call("POST", path, {"agent": f"agent-{number}"}, headers={"If-Match": '"1"'}) for number in range(10))
    )
    assert sorted(each.status_code for each in answers) == [201] + [412] * 9


@pytest_asyncio.fixture(loop_scope="session")
async def two_processes(tmp_path: Path, open_service: OpenService, open_office: OpenOffice) -> Any:
    """Two services on the same files, as two processes have them: each with what it keeps in memory."""
    async with open_service(Settings(var=tmp_path)) as first, open_service(Settings(var=tmp_path)) as second:
        office = await open_office("digidesk", at=first)
        yield office, type(office)(second, office.provider, office.agreement)


async def test_each_process_reads_what_the_other_has_answered(two_processes: Any) -> None:
    here, there = two_processes
    customer = await here.served()
    ticket = await here.ticket(customer)
    for number in range(10):
        writer, reader = (here, there) if number % 2 else (there, here)
        await writer.post(f"/v1/tickets/{ticket['id']}/assignment", {"agent": f"agent-{number}"})
        assert (await reader.get(f"/v1/tickets/{ticket['id']}"))["ticket"]["assignee"] == f"agent-{number}"
        assert len((await reader.get(f"/v1/tickets?assignee=agent-{number}"))["items"]) == 1
        assert (await reader.get("/v1/worklist"))["items"][0]["assignee"] == f"agent-{number}"
    assert (await there.get(f"/v1/customers/{customer}"))["customer"]["version"] == 1


async def test_a_process_never_refuses_by_a_state_that_the_other_has_changed(two_processes: Any) -> None:
    """Kept states are good enough to decide on, never to refuse by."""
    here, there = two_processes
    ticket = await here.ticket(await here.served())
    path = f"/v1/tickets/{ticket['id']}"
    await there.post(f"{path}/resolution", {"text": "Behoben"})
    await here.post(f"{path}/reopening", {"reason": "Wieder da"})
    await there.post(f"{path}/resolution", {"text": "Behoben"})
    version = (await here.get(path))["ticket"]["version"]
    await here.post(f"{path}/reopening", {"reason": "Wieder da"}, headers={"If-Match": f'"{version}"'})
    await there.post(f"{path}/work", {"agent": "a"}, headers={"If-Match": f'"{version + 1}"'})
    await here.refused(412, f"{path}/work", {"agent": "a"}, headers={"If-Match": f'"{version + 1}"'})
    await there.post(f"{path}/resolution", {"text": "Behoben"})
    await here.post(f"{path}/closing")
    await there.refused(409, f"{path}/work", {"agent": "a"})


async def test_both_processes_continue_one_ticket_without_a_gap(two_processes: Any) -> None:
    here, there = two_processes
    ticket = await here.ticket(await here.served())
    path = f"/v1/tickets/{ticket['id']}/responses"
    answers = await asyncio.gather(
        *(
            (here, there)[number % 2].call("POST", path, {"channel": "email", "text": str(number)})
            for number in range(30)
        )
    )
    assert [each.status_code for each in answers] == [201] * 30
    events = (await there.get(f"/v1/tickets/{ticket['id']}/events?limit=200"))["items"]
    assert [each["version"] for each in events] == list(range(1, len(events) + 1))
    assert sorted(int(each["personal"]["text"]) for each in events if each["type"] == "Responded") == list(range(30))


async def test_both_processes_hand_out_each_ticket_once(two_processes: Any) -> None:
    here, there = two_processes
    await here.publish("agreements/digidesk", intake={})
    customer = await here.served()
    for _ in range(12):
        await here.ticket(customer)
    answers = await asyncio.gather(
        *((here, there)[number % 2].call("POST", "/v1/worklist/next", sub=f"agent-{number}") for number in range(16))
    )
    taken = [each.json()["ticket"]["id"] for each in answers if each.status_code == 201]
    assert len(taken) == len(set(taken)) == 12
    assert [each.status_code for each in answers].count(409) == 4
