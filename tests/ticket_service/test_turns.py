"""Two processes on one database take turns at what may be taken back: no agent is booked twice, no caller is two customers."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import pytest_asyncio

from fristwerk_platform.commands import ContentionError
from fristwerk_platform.event_log import ClaimedError
from fristwerk_platform.settings import Settings
from tests.ticket_service.conftest import DOCUMENTS, Office, OpenService
from ticket_service.application.agents import Agents
from ticket_service.application.turns import Turn, in_turn, next_turn
from ticket_service.domain.agent.state import Absence

START: Final = "2028-06-27T09:00:00+02:00"
LATE: Final = "2026-06-17T08:00:01Z"
CALL: Final = {"started_at": "2026-06-08T08:00:00Z", "voicemail": {"text": "Hallo"}}
Offices = tuple[Office, Office]


@pytest_asyncio.fixture
async def offices(services_settings: Settings, open_service: OpenService) -> AsyncIterator[Offices]:
    """One provider's office at two processes' applications on one database: they share no lock and no state."""
    settings = msgspec.structs.replace(services_settings, customers_may_date=True)
    async with open_service(settings) as first, open_service(settings) as second:
        here, there = Office(first, "liveagent", "liveagent"), Office(second, "liveagent", "liveagent")
        for document in DOCUMENTS["liveagent"]:
            await here.publish(document)
        yield here, there


async def asked(office: Office, customer: str, agent: str) -> str:
    ticket = await office.ticket(customer)
    path = f"/v1/tickets/{ticket['id']}"
    await office.post(f"{path}/assignment", {"agent": agent})
    await office.post(f"{path}/appointments", {"kind": "training", "proposals": [START]})
    return f"{path}/appointments/1"


async def test_an_agent_is_booked_once_by_two_processes(offices: Offices) -> None:
    customer = await offices[0].served()
    agents = [f"trainer-{number}" for number in range(6)]
    paths = {agent: [await asked(office, customer, agent) for office in offices] for agent in agents}
    book = [
        office.call("POST", f"{path}/booking", {"start": START, "minutes": 60})
        for pair in paths.values()
        for office, path in zip(offices, pair, strict=True)
    ]
    statuses = [answer.status_code for answer in await asyncio.gather(*book)]
    assert [sorted(statuses[at : at + 2]) for at in range(0, 12, 2)] == [[201, 409]] * 6


async def test_what_one_process_has_called_off_the_other_books(offices: Offices) -> None:
    here, there = offices
    customer = await here.served()
    first, second = await asked(here, customer, "trainer"), await asked(there, customer, "trainer")
    for _ in range(3):
        await here.post(f"{first}/booking", {"start": START})
        await there.refused(409, f"{second}/booking", {"start": START})
        await there.post(f"{first}/cancellation", {"by": "vendor"})
        first, second = second, await asked(there, customer, "trainer")


async def test_an_agent_who_goes_away_at_one_process_while_the_other_books_is_not_booked(
    offices: Offices, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = offices
    path = await asked(there, await here.served(), "trainer")
    assert (await here.call("PUT", "/v1/agents/trainer", {"role": "agent"}, role="admin")).status_code == 201
    has_looked, is_away = asyncio.Event(), asyncio.Event()
    absences = Agents.absences

    async def held(self: Agents, provider: str, agent: str) -> Sequence[Absence]:
        found = await absences(self, provider, agent)
        has_looked.set()
        await is_away.wait()
        return found

    monkeypatch.setattr(Agents, "absences", held)
    booking = asyncio.create_task(there.call("POST", f"{path}/booking", {"start": START, "minutes": 60}))
    await has_looked.wait()
    for number, day in enumerate((20, 26), start=1):
        away = {"from": f"2028-06-{day}T09:00:00+02:00", "until": f"2028-06-{day + 4}T09:00:00+02:00"}
        entered = await here.post("/v1/agents/trainer/absences", away, role="manager")
        assert len(entered["agent"]["absences"]) == number
    is_away.set()
    answer = await booking
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/agent-absent")


async def test_two_late_messages_at_two_processes_open_one_ticket(offices: Offices) -> None:
    here, there = offices
    customer = await here.served()
    tickets = [await here.ticket(customer, received_at="2026-06-02T08:00:00Z") for _ in range(4)]
    for each in tickets:
        resolved = {"text": "Erledigt", "occurred_at": "2026-06-03T08:00:00Z"}
        await there.post(f"/v1/tickets/{each['id']}/resolution", resolved)
    message = {"channel": "email", "text": "Wieder da", "occurred_at": LATE}
    write = [office.post(f"/v1/tickets/{each['id']}/messages", message) for each in tickets for office in offices]
    answers: list[Any] = await asyncio.gather(*write)
    opened = [each["ticket"]["id"] for each in answers]
    assert [len(set(opened[at : at + 2])) for at in range(0, 8, 2)] == [1] * 4
    assert len(set(opened)) == 4


async def test_an_unknown_caller_at_two_processes_is_one_customer(offices: Offices) -> None:
    numbers = [f"+49 40 0000{number}" for number in range(6)]
    called: list[Any] = await asyncio.gather(
        *(office.post("/v1/calls", CALL | {"from": number}) for number in numbers for office in offices)
    )
    customers = [each["ticket"]["customer"] for each in called]
    assert [len(set(customers[at : at + 2])) for at in range(0, 12, 2)] == [1] * 6
    assert len(set(customers)) == 6


async def test_a_dedicated_agent_is_given_to_one_customer_by_two_processes(offices: Offices) -> None:
    customers = [await offices[0].vip() for _ in range(2)]
    for agent in range(5):
        contact = {"role": "dedicated_agent", "agent": f"agent-{agent}"}
        assign = [
            office.call("POST", f"/v1/customers/{customer}/contacts", contact, role="admin")
            for office, customer in zip(offices, customers, strict=True)
        ]
        assert sorted(each.status_code for each in await asyncio.gather(*assign)) == [201, 409]


async def test_a_forgotten_caller_is_registered_anew_and_no_claim_tells_the_number(
    open_service: OpenService, tmp_path: Path
) -> None:
    async with open_service(Settings(var=tmp_path, customers_may_date=True)) as service:
        office = Office(service, "liveagent", "liveagent")
        for document in DOCUMENTS["liveagent"]:
            await office.publish(document)
        called = [await office.post("/v1/calls", CALL | {"from": "+49 40 1"}) for _ in range(2)]
        first, again = (each["ticket"]["customer"] for each in called)
        assert first == again
        accepted = {"accept": ["open_tickets"]}
        await office.post(f"/v1/customers/{first}/forget", accepted, role="admin")
        anew = await office.post("/v1/calls", CALL | {"from": "+49 40 1"})
        assert anew["ticket"]["customer"] != first
    with closing(sqlite3.connect(tmp_path / "tickets-log.db")) as log:
        claims = [claim for (claim,) in log.execute("SELECT claim FROM claims WHERE claim LIKE 'turn:%'")]
    buckets = {claim.removeprefix("turn:callers:liveagent:").split("/")[0] for claim in claims}
    assert len(claims) == 2
    assert [len(bucket) for bucket in buckets] == [2]


class Claims:
    """A log that has given the first turns of a matter, and counts how often it is asked."""

    def __init__(self, taken: int) -> None:
        self.taken = {Turn("m", number).claim for number in range(1, taken + 1)}
        self.asked = 0

    async def claimant(self, claim: str) -> str | None:
        self.asked += 1
        return "ticket-1" if claim in self.taken else None


@pytest.mark.parametrize("taken", [0, 1, 2, 3, 4, 7, 8, 9, 1_000, 65_535])
async def test_the_next_turn_is_found_with_few_questions(taken: int) -> None:
    log: Any = Claims(taken)
    turn = await next_turn(log, "m")
    assert turn == Turn("m", taken + 1)
    assert set(turn.before()) == log.taken
    assert log.asked <= 2 * (taken + 1).bit_length()


async def test_who_never_has_a_turn_is_told_so_and_another_claim_is_no_turn() -> None:
    async def refused_by(claim: str) -> None:
        raise ClaimedError(claim, "ticket-1")

    with pytest.raises(ContentionError):
        await in_turn(lambda: refused_by(Turn("m", 1).claim))
    with pytest.raises(ClaimedError):
        await in_turn(lambda: refused_by("reference:p:INF-1"))
