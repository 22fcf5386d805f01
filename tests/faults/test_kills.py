"""Kill -9 of each service at random points while commands run: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fristwerk_local.client import Client, connected, follower
from fristwerk_local.folder import occupied
from fristwerk_local.supervisor import Stack
from shared.events import read_line
from shared.settings import Settings

AT_ONCE = 8
SHORT = (5, 0)
LONG = (100, 10_000)
"""Kills, and commands at least; for each of the two databases."""


async def test_an_acknowledged_event_is_never_lost_and_nothing_is_doubled(
    database_settings: Settings,
    open_office: Any,
    replayed: Callable[..., Any],
    three_free_ports: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    promise: Any,
    *,
    long: bool,
) -> None:
    kills, commands = LONG if long else SHORT
    if database_settings.database_url is not None:
        monkeypatch.setenv("FRISTWERK_DATABASE_URL", database_settings.database_url)
    folder = database_settings.var
    with occupied(folder):
        stack = Stack(folder, three_free_ports, print)
        await stack.start()
        keeping = asyncio.create_task(stack.keep_running())
        async with connected(folder, three_free_ports) as client:
            office = open_office(client, seed=kills)
            await office.open()
            await worked_through_kills(office, stack, kills, commands)
            assert await client.caught_up(60), "the services did not catch up"

            recorded = await office.recorded()
            assert {each for each, *_ in recorded} == office.acknowledged.keys()
            assert len(recorded) == len(office.acknowledged)
            assert {each: tuple(place) for each, *place in recorded} == office.acknowledged
            live = await office.derived(client)
            async with replayed(database_settings, tmp_path / "replayed", client, stack.urls) as replaying:
                assert live == await office.derived(replaying)
            told = await check_notices(client, live)
        keeping.cancel()
        await stack.stop()
        await asyncio.gather(keeping, return_exceptions=True)
    promise.figures = (
        f"{kills} kills, {office.commands:,} commands, {len(recorded):,} events, {len(live):,} timers and charges read, "
        f"{told:,} notices: 0 lost, 0 doubled"
    )


async def worked_through_kills(office: Any, stack: Stack, kills: int, commands: int) -> None:
    """Tickets one after the other at several desks, until so many services were killed and so many commands answered."""
    ended = asyncio.Event()

    async def desk() -> None:
        while not ended.is_set():
            await office.ticket()

    desks = asyncio.gather(*(desk() for _ in range(AT_ONCE)))
    await asyncio.gather(killing(stack, kills, lambda: office.commands, commands), return_exceptions=False)
    ended.set()
    await desks


async def killing(stack: Stack, kills: int, done: Callable[[], int], commands: int) -> None:
    """Kill a service that runs, again and again, at points drawn by lot; spread over the commands."""
    lot = random.Random(kills)  # noqa: S311 - drawn again by the seed
    killed: set[int] = set()
    for number in range(kills):
        victim = lot.choice(("ticket", "sla", "billing"))
        while done() < commands * number // kills or stack.process_ids[victim] in killed:  # noqa: ASYNC110 - other processes' doing
            await asyncio.sleep(0.02)
        await asyncio.sleep(lot.uniform(0.05, 0.8))
        pid = stack.process_ids[victim]
        os.kill(pid, signal.SIGKILL)
        killed.add(pid)
    while done() < commands or any(pid in killed for pid in stack.process_ids.values()):  # noqa: ASYNC110 - other processes' doing
        await asyncio.sleep(0.02)


async def check_notices(client: Client, live: dict[str, Any]) -> int:
    """Each timer's notices follow one another, each kind was given once, and they tell what the timer says; how many."""
    told = Counter[tuple[str, str]]()
    versions = Counter[str]()
    for line in await notices(client):
        envelope = read_line(line)
        versions[envelope.stream] += 1
        assert envelope.version == versions[envelope.stream]
        told[envelope.stream.removeprefix("timer-"), envelope.type] += 1
    timers = [timer for key, items in live.items() if key.endswith(" timers") for timer in items]
    for timer in timers:
        name = timer["id"]
        assert told[name, "TimerStarted"] == 1
        missed = told[name, "TimerMissed"] - told[name, "TimerMissWithdrawn"]
        assert missed == (timer["state"] == "missed"), (timer, told)
        assert told[name, "TimerMet"] == (timer["met_at"] is not None), timer
    return versions.total()


async def notices(client: Client) -> list[bytes]:
    """Every notice of the SLA service's feed."""
    found: list[bytes] = []
    after = 0
    while True:
        answer = await client._send("sla", "GET", "/v1/events", follower("office"), params={"after": after})
        assert answer.is_success, answer.text
        lines = answer.content.splitlines()
        found += lines
        if not lines:
            return found
        after = int(answer.headers["Fristwerk-Next-Position"])
