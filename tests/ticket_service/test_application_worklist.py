"""The worklist: each agreement's own order, a place that follows the present, and no ticket for two."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.ticket_service.conftest import Office, OpenOffice
from ticket_service.queries.read_model import ReadModel

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def worklist(office: Office, query: Any = "") -> Any:
    return [each["id"] for each in (await office.get(f"/v1/worklist{query}"))["items"]]


async def opened(office: Office, customer: Any, names: Any) -> Any:
    """Tickets by name, received one after the other; what each is stands beside its name."""
    made = {}
    for number, (name, body) in enumerate(names.items()):
        received_at = datetime(2026, 6, 3, 8, number, tzinfo=UTC).isoformat()
        made[name] = (await office.ticket(customer, **({"received_at": received_at} | body)))["id"]
    return made


ORDERS = {
    "infoniqa": (
        {
            "niedrig": {"severity": "niedrig"},
            "kritisch": {"severity": "kritisch"},
            "unklar": {},
            "mittel": {"severity": "mittel"},
        },
        ["unklar", "kritisch", "mittel", "niedrig"],
    ),
    "fluxpunkt": (
        {
            "niedrig": {"severity": "niedrig"},
            "unklar": {},
            "kritisch": {"severity": "kritisch"},
            "hoch": {"severity": "hoch"},
        },
        ["kritisch", "hoch", "niedrig", "unklar"],
    ),
    "digidesk": (
        {
            "normal": {},
            "quick_normal": {"type": "quick_normal"},
            "shop offline": {"severity": "urgent_fault"},
            "quick_high": {"type": "quick_high"},
            "later normal": {},
        },
        ["quick_high", "shop offline", "quick_normal", "normal", "later normal"],
    ),
    "hamburg": (
        {"query": {"severity": "query"}, "major": {"severity": "major"}, "critical": {"severity": "critical"}},
        ["critical", "major", "query"],
    ),
    "liveagent": (
        {
            "request": {"severity": "request"},
            "unset": {},
            "high": {"severity": "high"},
            "bugfix": {"severity": "bugfix"},
        },
        ["unset", "high", "bugfix", "request"],
    ),
}


@pytest.mark.parametrize("agreement", ORDERS)
async def test_each_agreement_has_its_own_order(open_office: OpenOffice, agreement: Any) -> None:
    names, expected = ORDERS[agreement]
    office = await open_office(agreement)
    made = await opened(office, await office.served(), names)
    assert await worklist(office) == [made[name] for name in expected]


async def test_a_contracts_ticket_comes_first_however_critical_the_other_is(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    stranger = await office.customer(kind="prospect", name="Neugierig")
    critical = (await office.ticket(stranger, severity="kritisch"))["id"]
    low = (await office.ticket(await office.served(), severity="niedrig"))["id"]
    assert await worklist(office) == [low, critical]


async def test_the_place_follows_the_present_contract_and_its_end(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    older, younger = await office.customer(), await office.customer()
    first = (await office.ticket(older, received_at="2026-06-03T08:00:00Z"))["id"]
    second = (await office.ticket(younger, received_at="2026-06-03T09:00:00Z"))["id"]
    assert await worklist(office) == [first, second]
    contract = await office.contract(younger)
    assert await worklist(office) == [second, first]
    yesterday = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    await office.post(f"/v1/contracts/{contract}/termination", {"until": yesterday}, role="admin")
    assert await worklist(office) == [first, second]
    await office.contract(older)
    assert await worklist(office) == [first, second]


BY_PRIORITY = {"order": ["priority", "received_at"]}


async def places(office: Office, ticket: str) -> Any:
    """The priorities that rules gave to a ticket, and who recorded them, in order."""
    events = (await office.get(f"/v1/tickets/{ticket}/events"))["items"]
    derived = [each for each in events if each["type"] == "PriorityDerived"]
    return [(each["data"]["priority"], each["data"]["rule"], each["actor"]["role"]) for each in derived]


async def test_a_contract_that_ended_boosts_nothing_and_the_history_says_so(open_office: OpenOffice) -> None:
    """Its ticket was entered late: received under the contract, which nobody ended by a command."""
    office = await open_office("fluxpunkt", worklist=BY_PRIORITY)
    former, stranger = await office.customer(), await office.customer()
    await office.contract(former, until="2026-06-30")
    first = (await office.ticket(stranger, received_at="2026-06-03T08:00:00Z"))["id"]
    second = await office.ticket(former, received_at="2026-06-03T09:00:00Z")
    assert (second["priority"], second["group"], second["entitled"]) == (2, "contract", True)
    assert await worklist(office) == [first, second["id"]]
    async with asyncio.timeout(10):
        while (await office.get(f"/v1/tickets/{second['id']}"))["ticket"]["priority"] != 3:  # noqa: ASYNC110 - another task records it
            await asyncio.sleep(0.01)
    assert await places(office, second["id"]) == [
        (2, "group:contract", "agent"),
        (3, "present-contract:no_contract", "service"),
    ]
    after = (await office.get(f"/v1/tickets/{second['id']}"))["ticket"]
    assert (after["group"], after["entitled"]) == ("contract", True), "decided at receipt and kept"
    assert await worklist(office) == [first, second["id"]]


async def test_ending_a_contract_moves_its_open_tickets_in_the_same_transaction(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt", worklist=BY_PRIORITY)
    customer = await office.customer()
    contract = await office.contract(customer)
    ticket, agreed = await office.ticket(customer), await office.ticket(customer)
    record = {"contact": "Vera", "channel": "phone", "at": "2026-01-02T10:00:00Z"}
    await office.post(f"/v1/tickets/{agreed['id']}/priority", {"priority": 1, "reason": "Messe", "agreement": record})
    yesterday = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    answer = await office.post(f"/v1/contracts/{contract}/termination", {"until": yesterday}, role="admin")
    assert [each["type"] for each in answer["events"]] == ["ContractTerminated", "PriorityDerived"]
    assert (await places(office, ticket["id"]))[1:] == [(3, "contract-ended:no_contract", "admin")]
    assert (await office.get(f"/v1/tickets/{agreed['id']}"))["ticket"]["priority"] == 1, "a person's choice stays"


async def test_a_second_contract_keeps_the_place_when_the_first_ends(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt", worklist=BY_PRIORITY)
    customer = await office.customer()
    contract = await office.contract(customer)
    ticket = await office.ticket(customer)
    await office.contract(customer)
    yesterday = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    await office.post(f"/v1/contracts/{contract}/termination", {"until": yesterday}, role="admin")
    assert await worklist(office) == [ticket["id"]]
    assert len(await places(office, ticket["id"])) == 1


async def test_the_order_follows_every_change_of_a_ticket(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    made = await opened(office, await office.served(), {name: {"severity": "niedrig"} for name in "abc"})
    assert await worklist(office) == [made[name] for name in "abc"]
    await office.post(f"/v1/tickets/{made['c']}/severity", {"severity": "kritisch"})
    assert await worklist(office) == [made[name] for name in "cab"]
    agreed = {"contact": "A", "channel": "phone", "at": "2026-06-04T10:00:00Z"}
    by_hand = {"priority": 1, "reason": "R", "agreement": agreed}
    await office.post(f"/v1/tickets/{made['b']}/priority", by_hand)
    assert await worklist(office) == [made[name] for name in "bca"]
    await office.post(f"/v1/tickets/{made['b']}/resolution", {"text": "Behoben"})
    assert await worklist(office) == [made[name] for name in "ca"]
    await office.post(f"/v1/tickets/{made['b']}/reopening", {"reason": "Wieder da"})
    assert await worklist(office) == [made[name] for name in "bca"]


async def test_many_changes_at_once_are_ordered_like_few(open_office: OpenOffice) -> None:
    """More changes than are put in one by one are sorted anew; the order is the same."""
    office = await open_office("infoniqa")
    customer = await office.served()
    await asyncio.gather(
        *(office.ticket(customer, severity=("kritisch", "mittel", "niedrig")[number % 3]) for number in range(120))
    )
    after_many = await worklist(office, "?limit=200")
    extra = (await office.ticket(customer, severity="mittel"))["id"]
    after_one = await worklist(office, "?limit=200")
    assert [each for each in after_one if each != extra] == after_many
    items = (await office.get("/v1/worklist?limit=200"))["items"]
    severities = ["kritisch", "mittel", "niedrig"]
    keys = [(severities.index(each["severity"]), each["received_at"], each["reference"]) for each in items]
    assert keys == sorted(keys)
    assert len(keys) == 121


async def test_pages_go_on_behind_a_ticket_that_was_done_meanwhile(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    made = await opened(office, await office.served(), {name: {"severity": "niedrig"} for name in "abcde"})
    first = await office.call("GET", "/v1/worklist?limit=2")
    assert [each["id"] for each in first.json()["items"]] == [made["a"], made["b"]]
    await office.post(f"/v1/tickets/{made['b']}/resolution", {"text": "Behoben"})
    await office.post(f"/v1/tickets/{made['b']}/closing")
    second = await office.call("GET", first.links["next"]["url"])
    assert [each["id"] for each in second.json()["items"]] == [made["c"], made["d"]]
    last = await office.call("GET", second.links["next"]["url"])
    assert [each["id"] for each in last.json()["items"]] == [made["e"]]
    assert "next" not in last.links
    await office.refused(422, "/v1/worklist?after=nothing", method="GET")


async def test_an_empty_list_is_empty_and_has_nothing_to_give(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    assert await worklist(office) == []
    problem = await office.refused(409, "/v1/worklist/next")
    assert problem["type"] == "/problems/worklist-empty"


async def test_a_page_shows_every_ticket_as_it_is_now_and_reads_again_only_what_has_changed(
    open_office: OpenOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await open_office("fluxpunkt")
    made = await opened(office, await office.served(), {name: {"severity": "hoch"} for name in "abcd"})
    own = set(made.values())
    read = []
    tickets_with = ReadModel.tickets_with

    async def noted(self: Any, ids: Any) -> Any:
        if own & set(ids):  # what other tests opened at the same service is read in the background
            read.append(sorted(ids))
        return await tickets_with(self, ids)

    monkeypatch.setattr(ReadModel, "tickets_with", noted)

    async def shown() -> Any:
        items = (await office.get("/v1/worklist"))["items"]
        tickets = [(await office.get(f"/v1/tickets/{each['id']}"))["ticket"] for each in items]
        assert items == tickets
        return items

    assert len(await shown()) == 4
    await office.post(f"/v1/tickets/{made['b']}/assignment", {"agent": "agent-1"})
    assert [each["assignee"] for each in await shown()].count("agent-1") == 1
    await shown()
    assert read == [sorted(made.values()), [made["b"]]]


async def test_next_gives_the_first_that_can_be_worked_on_and_nobody_has(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    served, stranger = await office.served(), await office.customer()
    names = {name: {"severity": "hoch"} for name in ("waiting", "taken", "free")}
    made = await opened(office, served, names)
    await office.post(f"/v1/tickets/{made['waiting']}/information-requests", {"question": "Version?"})
    await office.post(f"/v1/tickets/{made['taken']}/assignment", {"agent": "agent-1"})
    other = (await office.ticket(stranger, severity="kritisch"))["id"]
    first = await office.post("/v1/worklist/next", sub="agent-7")
    assert (first["ticket"]["id"], first["ticket"]["assignee"]) == (made["free"], "agent-7")
    second = await office.post("/v1/worklist/next", sub="agent-8")
    assert second["ticket"]["id"] == other
    await office.refused(409, "/v1/worklist/next")
    await office.post(f"/v1/tickets/{made['taken']}/assignment", {"agent": "queue"})
    back = await office.post("/v1/worklist/next", sub="agent-9")
    assert back["ticket"]["id"] == made["taken"]


async def test_twenty_who_ask_at_once_get_twenty_tickets(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    made = [(await office.ticket(customer))["id"] for _ in range(18)]
    answers = await asyncio.gather(
        *(office.call("POST", "/v1/worklist/next", sub=f"agent-{number}") for number in range(20))
    )
    taken = [each.json()["ticket"] for each in answers if each.status_code == 201]
    assert sorted(each["id"] for each in taken) == sorted(made)
    assert len({each["assignee"] for each in taken}) == 18
    assert [each.status_code for each in answers].count(409) == 2


async def test_a_provider_sees_nothing_of_anothers_worklist(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    await office.ticket(await office.served())
    elsewhere = office.of("somebody-else")
    assert await worklist(elsewhere) == []
    await elsewhere.refused(409, "/v1/worklist/next")
