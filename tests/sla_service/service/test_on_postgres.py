"""What rests on the database's own ways, once more on PostgreSQL: notices of several watches, reports, simulations, replay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fristwerk_language.terms import read_yaml
from fristwerk_local.terminal_output import TERMS
from fristwerk_platform.read_models import postgres_database
from sla_service.application import simulation
from sla_service.notices.alarms import fire_due
from sla_service.notices.watch import Watch
from sla_service.projections import tables
from sla_service.replay import replay
from tests.sla_service.service.conftest import Clock, Desk, OpenPair, Pair, Service


async def test_three_watches_give_each_notice_once_and_in_order(service_on_postgres: Service, clock: Clock) -> None:
    service = service_on_postgres
    for number in range(100):
        service.log.ticket(f"t{number:03}", f"2026-06-09 06:{number % 60:02}:{number // 60:02}")
    await service.apply()
    clock.set("2026-06-12 06:00")
    others = [service.open() for _ in range(2)]
    watches = [service.watch, *(Watch(database, board, clock) for database, board in others)]
    tasks = [asyncio.create_task(watch.run()) for watch in watches]
    async with asyncio.timeout(20):
        while True:
            told = await service.told("TimerMissed", "TimerWarned")
            if len(told) >= 200:
                break
            await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert len(told) == len({(each.type, each.timer) for each in told}) == 200
    instants = [each.data.get("missed_at") or each.data["warn_at"] for each in told]
    assert instants == sorted(instants)
    for database, _ in others:
        await database.close()


async def test_a_notice_waits_for_the_transaction_in_which_another_is_given(
    service_on_postgres: Service, clock: Clock
) -> None:
    """Else it could be committed first under the later position, and who reads by positions would pass over the other."""
    service = service_on_postgres
    service.log.ticket("t1", "2026-06-09 06:00")
    await service.apply()
    clock.set("2026-06-12 06:00")
    database, board = service.open()
    async with database.transaction() as connection:
        assert await fire_due(connection, board, 1) == 1
        service.log.ticket("t2", "2026-06-12 05:00")
        applying = asyncio.create_task(service.apply())
        await asyncio.sleep(0.5)
        assert not applying.done()
    await applying
    assert "TimerStarted" in await service.types()
    await database.close()


async def test_notices_feeds_and_withdrawals_are_the_same(service_on_postgres: Service, clock: Clock) -> None:
    service = service_on_postgres
    service.log.ticket("t1", "2026-06-09 06:00")
    batch = service.log.news()
    await service.apply(batch)
    clock.set("2026-06-09 11:00")
    await service.look()
    service.log.answer("t1", "2026-06-09 07:00")
    await service.apply()
    await service.apply(batch)
    await service.look()
    assert await service.types() == ["TimerStarted", "TimerWarned", "TimerMissed", "TimerMissWithdrawn", "TimerMet"]


async def finished(desk: Desk, location: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            found: dict[str, Any] = await desk.read(location)
            if found["simulation"]["state"] != "running":
                return found
            await asyncio.sleep(0.02)


async def test_questions_over_many_tickets_are_answered(
    tmp_path: Path,
    postgres_url: str,
    open_pair: OpenPair,
    open_desk: Callable[[Pair], Desk],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(simulation, "STRETCH", 2)
    async with open_pair(tmp_path, postgres_url) as pair:
        desk = open_desk(pair)
        for name in ("calendars/infoniqa", "calendars/infoniqa-literal", "agreements/infoniqa"):
            await desk.put(f"/v1/{name}", read_yaml(TERMS.joinpath(*f"{name}.yaml".split("/")).read_bytes()))
        body = {"name": "Muster", "kind": "company"}
        customer = (await desk.done("/v1/customers", body, role="admin"))["customer"]["id"]
        contract = {"agreement": "infoniqa", "plan": "m", "package_hours": 4, "from": "2026-01-01"}
        await desk.done(f"/v1/customers/{customer}/contracts", contract, role="admin")
        for day in (2, 3, 4):
            received = {"received_at": f"2026-06-0{day}T16:30:00+02:00", "channel": "email", "subject": "S"}
            ticket = (await desk.done("/v1/tickets", received | {"customer": customer}))["ticket"]["id"]
        await desk.done(
            f"/v1/tickets/{ticket}/responses",
            {"channel": "email", "text": "T", "occurred_at": "2026-06-05T09:00:00+02:00"},
        )
        await desk.caught_up()

        report = await desk.read("/v1/reports/compliance", **{"from": "2026-06-01", "until": "2026-06-30"})
        assert (report["total"]["met"], report["total"]["missed"]) == (1, 2)
        assert (await desk.read("/v1/reports/attribution", **{"from": "2026-06-01"}))["tickets"] == 3
        literal = {"calendars": {"infoniqa": "infoniqa-literal@1"}}
        at_once = (await desk.post("/v1/simulations", literal, "manager", service="sla")).json()
        assert (at_once["simulation"]["state"], at_once["simulation"]["tickets"]) == ("done", 3)
        monkeypatch.setattr(simulation, "AT_ONCE", 0)
        answer = await desk.post("/v1/simulations", literal, "manager", service="sla", key="k-1")
        later = await finished(desk, answer.headers["location"])
        assert later["items"] == at_once["items"]
        assert later["simulation"]["sums"] == at_once["simulation"]["sums"]

        database = postgres_database(postgres_url, "sla", tables.metadata)
        told: list[str] = []
        found = await replay(database, None, told.append)
        assert (found.is_equal, found.tickets) == (True, 3), told
        await database.close()
