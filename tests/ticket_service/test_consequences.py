"""What cannot be taken back is refused with the list of what hangs on it, and done once each is accepted by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.ticket_service.conftest import Office, OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def worked_for(office: Office, minutes: int, **customer: Any) -> tuple[Any, str, Any]:
    """A customer, its contract, and a ticket with work of yesterday."""
    key = await office.customer(**customer)
    contract = await office.contract(key)
    ticket = await office.ticket(key)
    start = (datetime.now(UTC) - timedelta(days=1)).replace(microsecond=0).isoformat()
    entry = {"start": start, "minutes": minutes, "activity": "help", "agent": "a"}
    await office.post(f"/v1/tickets/{ticket['id']}/time-entries", entry)
    return key, contract, ticket


def named(problem: Any) -> list[str]:
    assert problem["type"] == "/problems/consequences-not-accepted"
    return [each["pointer"].removeprefix("/accept/") for each in problem["errors"]]


async def test_a_person_is_forgotten_only_once_everything_that_hangs_on_the_name_is_accepted(
    open_office: OpenOffice,
) -> None:
    office = await open_office("digidesk")
    customer, _, ticket = await worked_for(office, 60, kind="person", name="Erika Beispiel")
    path = f"/v1/customers/{customer}/forget"
    problem = await office.refused(409, path, {}, role="admin")
    assert named(problem) == ["open_tickets", "contracts", "logged_work"]
    assert ticket["reference"] in problem["detail"]
    assert named(await office.refused(409, path, {"accept": ["contracts"]}, role="admin")) == [
        "open_tickets",
        "logged_work",
    ]
    await office.refused(422, path, {"accept": ["everything"]}, role="admin")
    assert (await office.get(f"/v1/customers/{customer}"))["customer"]["name"] == "Erika Beispiel"
    done = await office.post(path, {"accept": ["open_tickets", "contracts", "logged_work"]}, role="admin")
    assert [each["type"] for each in done["events"]] == ["PersonForgotten"]


async def test_what_forgetting_would_touch_is_said_before_and_nothing_is_done(open_office: OpenOffice) -> None:
    office = await open_office("digidesk")
    customer, _, ticket = await worked_for(office, 60, kind="person", name="Erika Beispiel")
    path = f"/v1/customers/{customer}"
    before = await office.service.position()

    said = (await office.get(f"{path}/forgetting", role="admin"))["forgetting"]

    assert await office.service.position() == before
    assert (said["customer"], said["readable"]) == (customer, True)
    problem = await office.refused(409, f"{path}/forget", {}, role="admin")
    assert [each["name"] for each in said["consequences"]] == named(problem)
    assert ticket["reference"] in said["consequences"][0]["sentence"]
    await office.post(f"{path}/forget", {"accept": named(problem)}, role="admin")
    said = (await office.get(f"{path}/forgetting", role="admin"))["forgetting"]
    assert (said["readable"], said["consequences"]) == (False, [])
    company = await office.customer()
    said = (await office.get(f"/v1/customers/{company}/forgetting", role="admin"))["forgetting"]
    assert said["consequences"] == []


async def test_a_person_of_whom_nothing_hangs_is_forgotten_at_once(open_office: OpenOffice) -> None:
    office = await open_office("digidesk")
    customer = await office.customer(kind="person", name="Erika Beispiel")
    done = await office.post(f"/v1/customers/{customer}/forget", {}, role="admin")
    assert [each["type"] for each in done["events"]] == ["PersonForgotten"]


async def test_a_contract_ends_only_once_its_work_and_what_is_undecided_are_accepted(open_office: OpenOffice) -> None:
    office = await open_office("digidesk")
    _, contract, ticket = await worked_for(office, 100)
    await office.post(f"/v1/tickets/{ticket['id']}/cost-approvals", {"estimate_minutes": 60, "text": "Mehr"})
    path, until = f"/v1/contracts/{contract}/termination", {"until": "2026-12-31"}
    problem = await office.refused(409, path, until, role="admin")
    assert named(problem) == ["undecided_approvals", "held_minutes", "logged_work"]
    assert "40 minutes" in problem["detail"]
    accepted = {"accept": ["undecided_approvals", "held_minutes", "logged_work"]}
    ended = await office.post(path, until | accepted, role="admin")
    assert ended["contract"]["until"] == "2026-12-31"


@pytest.mark.parametrize("until", ["2026-12-31", "2027-03-31"])
async def test_a_contract_without_work_ends_at_once(open_office: OpenOffice, until: str) -> None:
    office = await open_office("digidesk")
    contract = await office.contract(await office.customer())
    ended = await office.post(f"/v1/contracts/{contract}/termination", {"until": until}, role="admin")
    assert ended["contract"]["until"] == until


async def test_a_ticket_is_closed_only_once_what_is_unsettled_on_it_is_accepted(open_office: OpenOffice) -> None:
    office = await open_office("digidesk")
    _, _, ticket = await worked_for(office, 100)
    path = f"/v1/tickets/{ticket['id']}"
    await office.post(f"{path}/resolution", {"text": "Erledigt"})
    problem = await office.refused(409, f"{path}/closing", {})
    assert named(problem) == ["held_minutes"]
    assert "40 minutes" in problem["detail"]
    await office.refused(422, f"{path}/closing", {"accept": ["everything"]})
    closed = await office.post(f"{path}/closing", {"accept": ["held_minutes"]})
    assert [each["type"] for each in closed["events"]] == ["Closed"]
