"""The worklist explained: where a ticket stands and why, how old it is, and how often others were taken up before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.ticket_service.conftest import Office, OpenOffice
from ticket_service.application import places

pytestmark = pytest.mark.asyncio(loop_scope="session")
FIRST = datetime(2026, 6, 3, 8, tzinfo=UTC)


async def explained(office: Office, query: str = "") -> dict[str, Any]:
    page = await office.get(f"/v1/worklist?explain=true{query}")
    assert [each["ticket"] for each in page["places"]] == [each["id"] for each in page["items"]]
    return {each["ticket"]: each for each in page["places"]}


async def received(office: Office, customer: str, minutes: int, **body: Any) -> str:
    received_at = (FIRST + timedelta(minutes=minutes)).isoformat()
    return str((await office.ticket(customer, received_at=received_at, **body))["id"])


def passed(place: Any) -> int | None:
    found = place["passed_over"]
    return None if found is None else found["count"]


async def test_each_place_says_its_number_its_age_and_what_stands_before_it(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    stranger = await office.customer(kind="prospect", name="Neugierig")
    starving = await received(office, stranger, 0, severity="kritisch")
    served = await office.served()
    low, high = (
        await received(office, served, 1, severity="niedrig"),
        await received(office, served, 2, severity="hoch"),
    )
    found = await explained(office)
    references = {each["id"]: each["reference"] for each in (await office.get("/v1/worklist"))["items"]}
    assert [*found] == [high, low, starving]
    assert [each["number"] for each in found.values()] == [1, 2, 3]
    assert [each["why"] for each in found.values()] == [
        "Nothing stands before it.",
        f"{references[high]} stands before it by severity: hoch comes before niedrig.",
        f"{references[low]} stands before it by group: contract comes before no_contract.",
    ]
    age = (datetime.now(UTC) - FIRST) // timedelta(minutes=1)
    assert found[starving]["age_minutes"] in {age - 1, age}
    assert found[starving]["age_minutes"] - found[high]["age_minutes"] == 2


async def test_places_are_those_of_the_whole_worklist_on_every_page_and_under_every_filter(
    open_office: OpenOffice,
) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    made = [await received(office, customer, minutes, severity="mittel") for minutes in range(3)]
    await office.post(f"/v1/tickets/{made[2]}/transfer", {"department": "payroll", "reason": "Fachfrage"})
    whole = await explained(office)
    assert await explained(office, "&department=payroll") == {made[2]: whole[made[2]]}
    assert whole[made[2]]["number"] == 3
    answer = await office.call("GET", "/v1/worklist?explain=true&limit=1")
    second = await office.get(answer.links["next"]["url"])
    assert second["places"] == [whole[made[1]]]
    assert "places" not in await office.get("/v1/worklist")


async def test_a_ticket_is_passed_over_by_what_came_later_and_somebody_took(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    stranger, served = await office.customer(kind="prospect", name="Neugierig"), await office.served()
    earlier = await received(office, served, 0)
    waiting = await received(office, stranger, 1, severity="kritisch")
    later = [await received(office, served, minutes) for minutes in (2, 3)]

    async def count() -> int | None:
        return passed((await explained(office))[waiting])

    assert await count() == 0
    await office.post(f"/v1/tickets/{earlier}/assignment", {"agent": "agent-1"})
    assert await count() == 0, "that one was received before"
    taken = (await office.post("/v1/worklist/next", sub="agent-2"))["ticket"]["id"]
    assert taken == later[0]
    assert await count() == 1
    await office.post(f"/v1/tickets/{taken}/assignment", {"agent": "queue"})
    assert await count() == 0, "it was given back"
    await office.post(f"/v1/tickets/{taken}/resolution", {"text": "Behoben"})
    await office.post(f"/v1/tickets/{later[1]}/assignment", {"agent": "agent-1"})
    assert await count() == 2
    await office.post(f"/v1/tickets/{waiting}/assignment", {"agent": "agent-1"})
    assert await count() is None, "somebody has it"


async def test_what_waits_for_the_customer_waits_for_nobody(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    asked, later = await received(office, customer, 0), await received(office, customer, 1)
    await office.post(f"/v1/tickets/{asked}/information-requests", {"question": "Welche Version?"})
    await office.post(f"/v1/tickets/{later}/assignment", {"agent": "agent-1"})
    assert passed((await explained(office))[asked]) is None


async def test_others_are_counted_up_to_a_bound(open_office: OpenOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    waiting = await received(office, customer, 0)
    for minutes in (1, 2, 3):
        later = await received(office, customer, minutes)
        await office.post(f"/v1/tickets/{later}/assignment", {"agent": "agent-1"})
    assert (await explained(office))[waiting]["passed_over"] == {"count": 3, "more": False}
    monkeypatch.setattr(places, "MOST_PASSED", 2)
    assert (await explained(office))[waiting]["passed_over"] == {"count": 2, "more": True}


async def test_nobody_elses_tickets_pass_over(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    other = await open_office("infoniqa")
    waiting = await received(office, await office.served(), 0)
    theirs = await received(other, await other.served(), 1)
    await other.post(f"/v1/tickets/{theirs}/assignment", {"agent": "agent-1"})
    assert passed((await explained(office))[waiting]) == 0
    customer = await office.served()
    who: dict[str, Any] = {"role": "customer", "customer": customer}
    await office.refused(403, "/v1/worklist?explain=true", method="GET", **who)
    await office.refused(422, "/v1/worklist?explain=maybe", method="GET")
