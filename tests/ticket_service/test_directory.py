"""The directory of the vendor's people: entries, own working hours, absences, and who stands in meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.ticket_service.conftest import Office, OpenOffice
from ticket_service.application import agents

pytestmark = pytest.mark.asyncio(loop_scope="session")
EVA = {"role": "agent", "groups": ["dedicated"], "department": "support", "languages": ["de", "en"]}
TOM = {"role": "specialist", "department": "second_level", "site": "berlin", "languages": ["de"]}
NUMBER = "+49 40 778001"
NIGHTS = {
    "calendar": "nights",
    "timezone": "UTC",
    "hours": {"mon-sun": ["01:00-02:00"]},
    "years": "2020-2040",
}


async def entered(office: Office, agent: str, **entry: Any) -> Any:
    answer = await office.call("PUT", f"/v1/agents/{agent}", entry, role="admin")
    assert answer.status_code in (200, 201), answer.text
    return answer


async def away(office: Office, agent: str, deputy: str | None = None, days: int = 3, **how: Any) -> Any:
    now = datetime.now(UTC).replace(microsecond=0)
    body = {"from": _written(now - timedelta(hours=1)), "until": _written(now + timedelta(days=days)), "deputy": deputy}
    return await office.post(f"/v1/agents/{agent}/absences", body, **({"role": "manager"} | how))


async def served_by_eva(office: Office, **customer: Any) -> str:
    made = await office.vip(**customer)
    await office.post(f"/v1/customers/{made}/contacts", {"role": "dedicated_agent", "agent": "eva"}, role="admin")
    return made


async def test_entries_are_listed_read_and_replaced(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    assert (await entered(office, "eva", **EVA)).status_code == 201
    await entered(office, "tom", **TOM)
    assert (await entered(office, "eva", **EVA)).status_code == 200

    async def listed(query: str) -> list[str]:
        return [each["agent"] for each in (await office.get(f"/v1/agents?{query}"))["items"]]

    assert await listed("limit=1") == ["eva"]
    assert await listed("after=eva") == ["tom"]
    assert await listed("language=de") == ["eva", "tom"]
    assert await listed("language=en&group=dedicated&department=support&role=agent") == ["eva"]
    assert await listed("site=berlin") == ["tom"]
    assert await listed("site=hamburg") == []

    changed = (await entered(office, "eva", **EVA | {"languages": []})).json()
    assert changed["events"][0]["type"] == "AgentRegistered"
    assert (await office.get("/v1/agents/eva"))["agent"]["languages"] == []
    assert (await office.get("/v1/agents/eva"))["agent"]["version"] == 2
    stale = await office.call("PUT", "/v1/agents/eva", EVA, role="admin", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    await office.refused(422, "/v1/agents/eva", EVA | {"calendar": "nowhere"}, "PUT", role="admin")
    await office.refused(422, "/v1/agents/eva", EVA | {"languages": ["german"]}, "PUT", role="admin")
    other = office.of("another")
    await other.refused(404, "/v1/agents/eva", method="GET")
    assert (await other.get("/v1/agents"))["items"] == []


@pytest.mark.parametrize("part", [1, 2, 100])
async def test_the_directory_is_read_in_parts(
    open_office: OpenOffice, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(agents, "PART", part)
    office = await open_office("liveagent")
    people = ("anna", "bert", "eva", "ida", "tom")
    for number, each in enumerate(people):
        await entered(office, each, **(EVA if number % 2 else TOM))
    for query, expected in (("", people), ("site=berlin", people[::2]), ("group=dedicated", people[1::2])):
        found: list[str] = []
        following: str | None = f"/v1/agents?limit=1&{query}".removesuffix("&")
        while following:
            answer = await office.call("GET", following)
            found += [each["agent"] for each in answer.json()["items"]]
            following = answer.links.get("next", {}).get("url")
        assert found == [*expected], query
    assert [each["agent"] for each in (await office.get("/v1/agents?after=b"))["items"]] == [*people[1:]]


async def test_a_name_that_runs_together_with_another_providers_is_refused(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    await entered(office, "a.b", **EVA)
    problem = await office.of(f"{office.provider}.a").refused(409, "/v1/agents/b", EVA, "PUT", role="admin")
    assert problem["type"] == "/problems/name-not-available"


async def test_absences_are_entered_by_oneself_or_a_manager_and_end_earlier(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    await entered(office, "eva", **EVA)
    await entered(office, "tom", **TOM)
    answer = await away(office, "eva", "tom", role="agent", sub="eva")
    assert [each["type"] for each in answer["events"]] == ["AbsenceEntered"]
    now = (await office.get("/v1/agents/eva"))["agent"]
    assert (now["stand_in"], now["absent_until"]) == ("tom", now["absences"][0]["until"])

    body = {"from": "2031-01-01T08:00:00Z", "until": "2031-01-02T08:00:00Z"}
    problem = await office.refused(403, "/v1/agents/eva/absences", body, role="specialist", sub="tom")
    assert "its own absences" in problem["detail"]
    overlapping = body | {"from": _written(datetime.now(UTC))}
    problem = await office.refused(409, "/v1/agents/eva/absences", overlapping, role="manager")
    assert problem["type"] == "/problems/already-absent"
    for wrong in ({"until": body["from"]}, {"deputy": "eva"}, {"deputy": "nobody"}):
        await office.refused(422, "/v1/agents/eva/absences", body | wrong, role="manager")

    await office.post("/v1/agents/eva/absences/1/end", role="manager")
    assert (await office.get("/v1/agents/eva"))["agent"]["stand_in"] is None
    problem = await office.refused(409, "/v1/agents/eva/absences/1/end", role="manager")
    assert problem["type"] == "/problems/absence-over"
    await office.refused(404, "/v1/agents/eva/absences/2/end", role="manager")


async def test_while_the_dedicated_agent_is_absent_the_deputy_gets_tickets_messages_and_voicemails(
    open_office: OpenOffice,
) -> None:
    office = await open_office("liveagent")
    customer = await served_by_eva(office, contact={"name": "Greta", "phone": NUMBER})
    await entered(office, "eva", **EVA)
    await entered(office, "tom", **TOM)
    before = await office.ticket(customer)
    assert before["assignee"] == "eva"

    await away(office, "eva", "tom")
    ticket = await office.ticket(customer)
    assert ticket["assignee"] == "tom"
    history = (await office.get(f"/v1/tickets/{ticket['id']}/events"))["items"]
    assert [each["data"] for each in history if each["type"] == "Assigned"] == [{"agent": "tom", "deputy_for": "eva"}]
    called = {"from": NUMBER, "started_at": _written(datetime.now(UTC)), "voicemail": {"text": "Bitte um Rückruf."}}
    assert (await office.post("/v1/calls", called))["ticket"]["assignee"] == "tom"

    written = await office.post(f"/v1/tickets/{before['id']}/messages", {"channel": "email", "text": "Noch etwas"})
    assert (written["ticket"]["assignee"], written["events"][-1]["data"]) == (
        "tom",
        {"agent": "tom", "deputy_for": "eva"},
    )
    again = await office.post(f"/v1/tickets/{before['id']}/messages", {"channel": "email", "text": "Und noch etwas"})
    assert "Assigned" not in [each["type"] for each in again["events"]]
    seen = await office.call("GET", f"/v1/tickets/{ticket['id']}/events", role="customer", customer=customer)
    assert '"tom"' not in seen.text

    await office.post("/v1/agents/eva/absences/1/end", role="manager")
    assert (await office.ticket(customer))["assignee"] == "eva"


async def test_without_a_deputy_tickets_stay_with_the_agent(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    customer = await served_by_eva(office)
    await entered(office, "eva", **EVA)
    await away(office, "eva")
    assert (await office.ticket(customer))["assignee"] == "eva"


async def test_a_call_without_a_ticket_says_whom_it_was_for(open_office: OpenOffice) -> None:
    office = await open_office("liveagent", calls={"log_all": True})
    await served_by_eva(office, contact={"name": "Greta", "phone": NUMBER})
    called = {"from": NUMBER, "started_at": _written(datetime.now(UTC))}
    assert (await office.post("/v1/calls", called))["call"]["for_agent"] == "eva"
    await entered(office, "eva", **EVA)
    await entered(office, "tom", **TOM)
    await away(office, "eva", "tom")
    kept = (await office.post("/v1/calls", called))["call"]
    assert kept["for_agent"] == "tom"
    assert (await office.get(f"/v1/calls/{kept['id']}"))["call"]["for_agent"] == "tom"


async def test_free_times_and_bookings_follow_the_agents_own_calendar_and_absences(open_office: OpenOffice) -> None:
    office = await open_office("liveagent")
    customer = await served_by_eva(office)
    answer = await office.call("PUT", "/v1/calendars/nights", NIGHTS, role="admin")
    assert answer.status_code == 201
    await entered(office, "eva", **EVA)
    ticket = (await office.ticket(customer))["id"]
    await office.refused(422, "/v1/agents/eva/free", method="GET")
    await entered(office, "eva", **EVA | {"calendar": "nights"})

    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()  # from now on, what is free changes with every second
    path = f"/v1/agents/eva/free?from={tomorrow}T00:00:00Z"
    free = (await office.get(f"{path}&minutes=60"))["items"]
    assert {each["start"][11:16] for each in free} == {"01:00"}
    assert free == (await office.get(f"{path}&minutes=60&ticket={ticket}"))["items"]
    as_customer = {"role": "customer", "customer": customer}
    await office.refused(422, "/v1/agents/eva/free?minutes=60", method="GET", **as_customer)

    night = datetime.fromisoformat(free[-1]["start"])
    noon = night.replace(hour=12)
    asked = {"kind": "review", "proposals": [_written(night), _written(noon)]}
    await office.post(f"/v1/tickets/{ticket}/appointments", asked)
    booking = f"/v1/tickets/{ticket}/appointments/1/booking"
    at_noon = {"start": _written(noon), "minutes": 30, "agent": "eva"}
    assert (await office.refused(409, booking, at_noon))["type"] == "/problems/calendar-closed"
    absence = {"from": _written(night - timedelta(hours=1)), "until": _written(night + timedelta(minutes=15))}
    await office.post("/v1/agents/eva/absences", absence, role="manager")
    at_night = {"start": _written(night), "minutes": 30}
    assert (await office.refused(409, booking, at_night | {"agent": "eva"}))["type"] == "/problems/agent-absent"
    assert (await office.refused(409, booking, at_night, **as_customer))["type"] == "/problems/agent-absent"
    starts = [each["start"] for each in (await office.get(f"{path}&minutes=30"))["items"]]
    assert [each for each in starts if each[:10] == _written(night)[:10]] == [_written(night + timedelta(minutes=15))]
    later = {"start": _written(night + timedelta(minutes=15)), "minutes": 30}
    await office.post(booking, later, **as_customer)


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
