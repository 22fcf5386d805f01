"""Two ticket services on one database, one of them killed again and again: what either acknowledged is there, and once."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

from fristwerk_platform.settings import Settings
from tests.faults.office_at_two_services import Office, opened_at
from tests.faults.ticket_service_pair import TicketService, both_services
from tests.promises import Promise
from tests.waiting import until_true

SHORT, LONG = (3, 100), (100, 10_000)
"""Kills, and commands at least."""
DESKS = 4
"""Each always has a pair of commands under way."""


async def test_what_two_ticket_services_acknowledge_outlasts_the_kills_of_either(
    tmp_path: Path, migrated_postgres_url: str, promise: Promise, *, long: bool
) -> None:
    kills, commands = LONG if long else SHORT
    settings = Settings(var=tmp_path, database_url=migrated_postgres_url)
    began_at = time.monotonic()
    async with both_services(settings) as services, opened_at([each.url for each in services], settings) as office:
        await office.open()
        await worked_through_kills(office, services, kills, commands)
        await check_log(office)
        await check_both_show_the_same(office)
    refused = ", ".join(f"{number:,} x {code}" for code, number in sorted(office.refused.items()))
    promise.figures = (
        f"{kills} kills in {time.monotonic() - began_at:,.0f} s, {office.commands:,} commands, {len(office.acknowledged):,} "
        f"events; refused for a conflict: {refused}; {office.lost:,} answers lost with a process, {office.taken_over:,} of "
        f"them stored before and answered by the other; {office.repeated:,} keys repeated, {office.reads:,} reads at the "
        f"other: 0 lost, 0 doubled, 0 unanswered"
    )


async def worked_through_kills(office: Office, services: list[TicketService], kills: int, commands: int) -> None:
    """Pairs of commands at every desk, until so many services were killed and so many commands answered."""
    ended = asyncio.Event()

    async def desk() -> None:
        while not ended.is_set():
            await office.pair()

    async def enough() -> bool:
        return office.commands >= commands

    async def killing() -> None:
        lot = random.Random(kills)  # noqa: S311 - drawn again by the seed
        for number in range(kills):
            victim = lot.choice(services)
            if number % 5:  # every fifth time one of them may be starting still
                for each in services:
                    await until_true(each.is_ready)
            await asyncio.sleep(lot.uniform(0.0, 0.5))
            await victim.kill()
            await victim.start()
        await until_true(enough, 3_600)
        for each in services:
            await until_true(each.is_ready)
        ended.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(killing())
        for _ in range(DESKS):
            tasks.create_task(desk())


async def check_log(office: Office) -> None:
    """Each event was acknowledged, under the key that its command had, and each acknowledged one is there; both feeds agree."""
    events, theirs = await asyncio.gather(*map(office.recorded, range(2)))
    assert events == theirs
    commanded = [each for each in events if not each["stream"].startswith(("calendar-", "agreement-"))]
    found = {each["id"]: (each["correlation_id"], each["stream"], each["version"]) for each in commanded}
    assert len(found) == len(commanded)
    assert found == office.acknowledged
    references = [each["data"]["reference"] for each in commanded if each["type"] == "TicketCreated"]
    assert len(set(references)) == len(references)


async def check_both_show_the_same(office: Office) -> None:
    """Single tickets and lists, from the caches and the read model of each."""
    for ticket in office.tickets:
        assert await office.read(0, ticket) == await office.read(1, ticket)
    for path in ("/v1/tickets", "/v1/worklist", "/v1/customers", "/v1/calls"):
        assert await office.listed(0, path) == await office.listed(1, path)
