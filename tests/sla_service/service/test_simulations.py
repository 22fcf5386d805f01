"""What if: other terms over the recorded day; what would differ is shown, and nothing else changes."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from fristwerk_language.terms import read_yaml
from fristwerk_local.terminal_output import TERMS
from fristwerk_platform.read_models import sqlite_database
from sla_service.application import simulation
from sla_service.projections import tables, timer_fingerprints
from sla_service.projections.tables import simulations
from sla_service.stores.simulations import KEPT, SimulationStore
from tests.sla_service.service.conftest import Desk, OpenPair

JUNE = {"from": "2026-06-01", "until": "2026-06-30"}
LITERAL = JUNE | {"calendars": {"infoniqa": "infoniqa-literal@1"}}


def document(name: str) -> dict[str, Any]:
    read: dict[str, Any] = read_yaml(TERMS.joinpath(*f"{name}.yaml".split("/")).read_bytes())
    return read


async def simulated(desk: Desk, body: dict[str, Any], role: str = "manager") -> dict[str, Any]:
    answer = await desk.post("/v1/simulations", body, role, service="sla")
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/simulations/{answer.json()['simulation']['id']}"
    created: dict[str, Any] = answer.json()
    return created


def first_responses(result: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    return {
        each["ticket"]: tuple(timer[side] and (timer[side]["state"], timer[side]["due_at"]) for side in ("then", "now"))
        for each in result["items"]
        for timer in each["timers"]
        if timer["metric"] == "first_response"
    }


async def test_the_letter_of_the_holiday_sentence_moves_one_deadline_of_june(day: Desk) -> None:
    """Wednesday before Corpus Christi is closed, the holiday itself open: due Thursday 10:00 instead of Friday 09:30."""
    result = await simulated(day, LITERAL)
    found = first_responses(result)
    assert found.pop(day.id("lohnlauf")) == (("met", "2026-06-05T07:30:00Z"), ("missed", "2026-06-04T08:00:00Z"))
    assert all(then == now for then, now in found.values())
    summary = result["simulation"]
    assert (summary["state"], summary["tickets"], summary["differ"]) == ("done", 5, 1)
    assert summary["progress"] == {"done": 5, "total": 5}
    assert {
        side: (sums["first_response"]["met"], sums["first_response"]["missed"])
        for side, sums in summary["sums"].items()
    } == {
        "then": (4, 1),
        "now": (3, 2),
    }


async def test_a_calendar_document_is_materialised_by_the_ticket_service(day: Desk) -> None:
    literal = document("calendars/infoniqa-literal")
    as_document = await simulated(day, JUNE | {"calendars": {"infoniqa": literal}})
    for_all = await simulated(day, JUNE | {"calendar": literal})
    published = await simulated(day, LITERAL)
    assert first_responses(as_document) == first_responses(for_all) == first_responses(published)
    assert as_document["simulation"]["calendars"] == {"infoniqa": "infoniqa-literal@0"}
    assert for_all["simulation"]["calendar"] == "infoniqa-literal@0"


async def test_an_agreement_document_moves_the_targets_of_its_tickets(day: Desk) -> None:
    agreement = document("agreements/infoniqa")
    agreement["service_levels"][1]["target"] = "8 business hours"
    result = await simulated(day, JUNE | {"agreement": agreement})
    assert result["simulation"]["replaces"] == "infoniqa"
    assert result["simulation"]["agreement"] == "infoniqa@0"
    found = first_responses(result)
    assert found[day.id("import")] == (("missed", "2026-06-08T14:00:00Z"), ("met", "2026-06-09T09:00:00Z"))
    assert result["simulation"]["differ"] == 1


async def test_an_agreement_that_names_another_calendar_is_followed_to_it(day: Desk) -> None:
    agreement = document("agreements/infoniqa") | {"calendar": "infoniqa-literal"}
    assert first_responses(await simulated(day, JUNE | {"agreement": agreement})) == first_responses(
        await simulated(day, LITERAL)
    )


async def test_the_terms_that_hold_differ_in_nothing(day: Desk) -> None:
    for body in ({"agreement": "infoniqa"}, {"agreement": "infoniqa@1", "calendars": {"infoniqa": "infoniqa"}}):
        result = await simulated(day, body)
        assert (result["simulation"]["differ"], result["simulation"]["tickets"]) == (0, 5)
        assert result["simulation"]["sums"]["then"] == result["simulation"]["sums"]["now"]


async def test_an_agreement_under_another_name_is_tried_on_the_tickets_it_replaces(day: Desk) -> None:
    agreement = document("agreements/infoniqa") | {"agreement": "infoniqa-2027"}
    assert (await simulated(day, {"agreement": agreement}))["simulation"]["tickets"] == 0
    assert (await simulated(day, {"agreement": agreement, "replaces": "infoniqa"}))["simulation"]["tickets"] == 5


async def test_only_tickets_received_in_the_period_are_run(day: Desk) -> None:
    one_day = {"from": "2026-06-03", "until": "2026-06-03", "calendars": {"infoniqa": "infoniqa-literal"}}
    result = await simulated(day, one_day)
    assert [each["ticket"] for each in result["items"]] == [day.id("lohnlauf")]
    exact = {"from": "2026-06-03T14:30:01Z", "until": "2026-06-08T00:00:00Z", "calendar": "infoniqa-literal"}
    assert (await simulated(day, exact))["simulation"]["tickets"] == 0


async def test_nothing_but_the_simulation_itself_is_stored(day: Desk) -> None:
    database = sqlite_database(day.stack.settings.var / "sla.db", tables.metadata)

    async def state() -> tuple[Any, ...]:
        async with database.reading() as connection:
            whole = timer_fingerprints.combined_fingerprint(await timer_fingerprints.stored_fingerprints(connection))
        events = await day.ask("/v1/events", role="service")
        log = await day.ask("/v1/events", role="service", service="ticket")
        return whole, events.text, log.text

    before = await state()
    await simulated(day, LITERAL)
    await simulated(day, JUNE | {"calendar": document("calendars/infoniqa-literal")})
    assert await state() == before
    await database.close()


async def test_a_simulation_can_be_read_again_page_by_page(day: Desk) -> None:
    result = await simulated(day, LITERAL)
    path: Any = f"/v1/simulations/{result['simulation']['id']}"
    assert (await day.read(path))["items"] == result["items"]
    assert [each["ticket"] for each in (await day.read(path, differs=True))["items"]] == [day.id("lohnlauf")]
    seen: list[Any] = []
    params: dict[str, Any] = {"limit": 2}
    while path is not None:
        answer = await day.ask(path, **params)
        seen += answer.json()["items"]
        path, params = answer.links.get("next", {}).get("url"), {}
    assert seen == result["items"]
    assert [each["id"] for each in (await day.read("/v1/simulations"))["items"]] == [result["simulation"]["id"]]


async def test_another_provider_sees_none_of_it(day: Desk) -> None:
    result = await simulated(day, LITERAL)
    other = day.of("hamburg")
    answer = await other.ask(f"/v1/simulations/{result['simulation']['id']}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/simulation-not-found")
    assert (await other.read("/v1/simulations"))["items"] == []
    refused = await other.post("/v1/simulations", LITERAL, "manager", service="sla")
    assert refused.status_code == 422


async def test_the_same_key_is_answered_the_same_and_runs_once(day: Desk) -> None:
    first = await day.post("/v1/simulations", LITERAL, "manager", service="sla", key="k-1")
    again = await day.post("/v1/simulations", LITERAL, "manager", service="sla", key="k-1")
    assert (again.status_code, again.content, again.headers["location"]) == (
        201,
        first.content,
        first.headers["location"],
    )
    assert again.headers["idempotency-replayed"] == "true"
    other = await day.post("/v1/simulations", JUNE | {"agreement": "infoniqa"}, "manager", service="sla", key="k-1")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert len((await day.read("/v1/simulations"))["items"]) == 1


async def finished(desk: Desk, location: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            found: dict[str, Any] = (await desk.read(location))["simulation"]
            if found["state"] != "running":
                return found
            await asyncio.sleep(0.02)


async def test_a_long_one_answers_at_once_and_shows_its_progress(day: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = await simulated(day, LITERAL)
    monkeypatch.setattr(simulation, "AT_ONCE", 2)
    monkeypatch.setattr(simulation, "STRETCH", 2)
    answer = await day.post("/v1/simulations", LITERAL, "manager", service="sla")
    assert answer.status_code == 202
    started = answer.json()
    assert (started["simulation"]["state"], started["items"]) == ("running", [])
    assert started["simulation"]["progress"] == {"done": 0, "total": 5}

    found = await finished(day, answer.headers["location"])
    for name in ("state", "progress", "tickets", "differ", "sums", "calendars"):
        assert found[name] == at_once["simulation"][name]
    assert (await day.read(answer.headers["location"]))["items"] == at_once["items"]


async def test_a_long_one_goes_on_after_a_restart(
    day: Desk, open_pair: OpenPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "AT_ONCE", 0)
    monkeypatch.setattr(simulation, "STRETCH", 2)

    async def stands_still(*_more: object) -> None:
        await asyncio.sleep(3600)

    with monkeypatch.context() as patch:
        patch.setattr(simulation.Simulations, "_go_on", stands_still)
        answer = await day.post("/v1/simulations", LITERAL, "manager", service="sla")
        assert answer.status_code == 202
    async with open_pair(day.stack.settings.var) as stack:
        headers = stack.headers("manager", "infoniqa")
        async with asyncio.timeout(10):
            while True:
                found = (await stack.clients["sla"].get(answer.headers["location"], headers=headers)).json()
                if found["simulation"]["state"] == "done":
                    break
                await asyncio.sleep(0.02)
    assert (found["simulation"]["tickets"], found["simulation"]["differ"], len(found["items"])) == (5, 1, 5)


async def test_one_that_cannot_be_done_says_so_and_the_next_is_run(day: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "AT_ONCE", 0)

    def fails(*_more: object) -> None:
        raise ArithmeticError

    with monkeypatch.context() as patch:
        patch.setattr(simulation, "_simulated", fails)
        answer = await day.post("/v1/simulations", LITERAL, "manager", service="sla")
        assert (await finished(day, answer.headers["location"]))["state"] == "failed"
    answer = await day.post("/v1/simulations", LITERAL, "manager", service="sla")
    assert (await finished(day, answer.headers["location"]))["state"] == "done"


async def test_after_a_week_a_simulation_is_forgotten(day: Desk) -> None:
    await simulated(day, LITERAL)
    database = sqlite_database(day.stack.settings.var / "sla.db", tables.metadata)
    store = SimulationStore(database)
    async with database.reading() as connection:
        created = (await connection.execute(select(simulations.c.created_at))).scalar_one()
    await store.forget_old(created + KEPT)
    assert len(await store.listed("infoniqa", "", 10)) == 1
    await store.forget_old(created + 2 * KEPT)
    assert await store.listed("infoniqa", "", 10) == []
    await database.close()


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "/agreement"),
    ({"agreement": "infoniqa@9"}, "/agreement"),
    ({"agreement": "nobody"}, "/agreement"),
    ({"agreement": {"agreement": "x"}}, "/agreement/timezone"),
    ({"calendars": {"infoniqa": "nowhere@1"}}, "/calendars/infoniqa"),
    ({"calendars": {"infoniqa": "infoniqa@x"}}, "/calendars/infoniqa"),
    ({"calendars": {"infoniqa": {"calendar": "x"}}}, "/calendars/infoniqa/timezone"),
    ({"calendar": {"calendar": "x", "timezone": "Mars/Olympus"}}, "/calendar/timezone"),
    ({"agreement": document("agreements/infoniqa") | {"calendar": "nowhere"}}, "/agreement/calendar"),
    ({"agreement": "infoniqa", "unknown": 1}, "/unknown"),
    ({"agreement": "infoniqa", "from": "2026-06-03T10:00"}, "/from"),
    ({"agreement": "infoniqa", "from": "2026-06-31"}, "/from"),
    ({"agreement": "infoniqa", "from": "2026-07-01", "until": "2026-06-01"}, "/from"),
]


async def test_what_cannot_be_run_is_refused_with_the_place(day: Desk) -> None:
    for body, pointer in REFUSED:
        answer = await day.post("/v1/simulations", body, "manager", service="sla")
        assert answer.status_code == 422, answer.text
        assert pointer in [each["pointer"] for each in answer.json()["errors"]]
    assert (await day.read("/v1/simulations"))["items"] == []


async def test_without_the_ticket_service_a_document_waits_for_later(
    day: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_more: object, **_named: object) -> None:
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(httpx.AsyncClient, "post", down)
    headers = day.stack.headers("manager", "infoniqa")
    body = {"calendar": document("calendars/infoniqa-literal")}
    answer = await day.stack.clients["sla"].request("POST", "/v1/simulations", json=body, headers=headers)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
