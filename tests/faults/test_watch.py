"""Three watches on one database, killed and started again, with clocks that jump: each timer speaks up once, in order."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import func, select

from fristwerk_language.events import decode, decode_tolerantly, new_event_id
from fristwerk_language.events.notices import TimerMissed, TimerWarned
from fristwerk_local.client import Client, follower
from fristwerk_platform.read_models import SqlDatabase, open_database
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import HttpFeed, Subscription
from sla_service.notices.outbox import Outbox
from sla_service.notices.watch import Watch
from sla_service.projections import tables
from sla_service.projections.projector import Projector

WORKER = Path(__file__).with_name("watch_worker.py")
WORKERS = 3
SHORT, LONG = (20, 3), (200, 20)
"""Tickets and kills, each night."""
SPEED = 60_000.0
"""How much faster the clocks run: two thirds of a day in a second."""
NIGHTS = (datetime(2026, 3, 27, 12, tzinfo=UTC), datetime(2026, 10, 23, 12, tzinfo=UTC))
"""Two days before the clocks of Berlin go forward and back."""
DOWNTIME = timedelta(days=3)


class Notice(msgspec.Struct, frozen=True):
    """What a timer was heard to say: its kind, the rule of a warning, and the instant it is about."""

    timer: str
    kind: str
    rule: str
    at: datetime


async def test_a_timer_fires_once(
    stack: Any, services_settings: Settings, open_office: Any, promise: Any, *, long: bool
) -> None:
    """In short the spring night on one database, the autumn night on the other."""
    tickets, kills = LONG if long else SHORT
    nights = NIGHTS if long else NIGHTS[services_settings.database_url is None :][:1]
    database = open_database(services_settings, "watched", tables.metadata)
    client = Client(stack.clients, stack.issue)
    offices = [open_office(client, night.month) for night in nights]
    for office, night in zip(offices, nights, strict=True):
        await receive(office, night, tickets)
    await derive(stack, database, nights[0])
    expected = await alarms_set(database)
    assert len(expected) >= len(nights) * tickets * 3

    for night in nights:
        await watched_over(services_settings, database, night, kills)

    told = await notices_given(database)
    assert sorted(told, key=key) == sorted(expected, key=key)
    assert [each.at for each in told] == sorted(each.at for each in told)
    await answered_too_late(stack, database, offices)
    again = await notices_given(database)
    assert again[: len(told)] == told
    assert max(Counter(map(key, again)).values()) == 1
    await database.close()
    promise.figures = (
        f"{WORKERS} workers, {kills * len(nights)} kills, clocks jumping an hour, {len(nights)} daylight-saving nights, "
        f"{DOWNTIME.days} days of downtime, {len(told):,} notices: 0 double, 0 missing, in order"
    )


def key(notice: Notice) -> tuple[str, str, str]:
    return notice.timer, notice.kind, notice.rule


async def receive(office: Any, night: datetime, tickets: int) -> None:
    """Tickets received around the night in which the clocks change; nobody answers them."""
    await office.open()
    lot = random.Random(tickets)  # noqa: S311 - drawn again by the seed
    for number in range(tickets):
        body = {
            "customer": office.customers[number % 4],
            "received_at": (night + timedelta(seconds=lot.randrange(3 * 86_400))).isoformat(),
            "channel": "email",
            "subject": "Nachts",
            "severity": lot.choice(("high", "low")),
        }
        made = await office.post("/v1/tickets", body)
        office.tickets.append(made["ticket"]["id"])


async def answered_too_late(stack: Any, database: SqlDatabase, offices: list[Any]) -> None:
    """Every timer changes after it spoke up, and is looked at once more."""
    for office in offices:
        for ticket in office.tickets:
            await office.post(f"/v1/tickets/{ticket}/responses", {"channel": "email", "text": "Verzeihung"})
    await derive(stack, database, datetime.now(UTC))
    watch = Watch(database, Outbox(lambda: datetime.now(UTC), new_id), lambda: datetime.now(UTC))
    while await watch.look():
        pass


def new_id() -> str:
    return new_event_id(datetime.now(UTC), os.urandom(10))


async def derive(stack: Any, database: SqlDatabase, at: datetime) -> None:
    """Timers and alarms of all tickets, as a service that looked at the instant would have them."""
    await database.create()
    following = Subscription(
        source="ticket-service",
        feed=HttpFeed(stack.clients["ticket"], lambda: stack.issue(follower("*"))),
        decode=decode_tolerantly,
        database=database,
        checkpoints=tables.checkpoints,
        apply=Projector(Outbox(lambda: at, new_id)).apply,
    )
    await following.resume()
    while await following.step(0):
        pass


async def alarms_set(database: SqlDatabase) -> list[Notice]:
    async with database.reading() as connection:
        rows = await connection.execute(select(tables.alarms))
        return [Notice(timer=row.timer, kind=row.kind, rule=row.rule, at=row.at) for row in rows]


async def watched_over(settings: Settings, database: SqlDatabase, night: datetime, kills: int) -> None:
    """Workers around a night: killed one by one, then all of them for three days, until no alarm is left."""
    lot = random.Random(night.month)  # noqa: S311 - drawn again by the seed
    async with started(settings, night) as workers:
        for number in range(kills):
            await asyncio.sleep(lot.uniform(0.05, 0.3))
            victim = lot.randrange(WORKERS)
            await ended(workers[victim])
            seed, shown = f"{victim}-{number}", night + timedelta(hours=12 * number)
            workers[victim] = await worker(settings, seed, time.time(), shown)
            await watching(workers[victim])
        for each in workers:
            await ended(each)
    async with started(settings, night + DOWNTIME) as workers:
        async with asyncio.timeout(60):
            while await alarms_before(database, night + timedelta(days=20)):  # noqa: ASYNC110 - other processes take them
                await asyncio.sleep(0.1)
        for each in workers:
            await ended(each)


@asynccontextmanager
async def started(settings: Settings, shown: datetime) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """Workers that watch, with clocks that will run from an instant on; none is left behind."""
    began = time.time() + 3
    workers = [await worker(settings, number, began, shown) for number in range(WORKERS)]
    try:
        for each in workers:
            await watching(each)
        yield workers
    finally:
        for each in workers:
            if each.returncode is None:
                await ended(each)


async def worker(settings: Settings, seed: object, began: float, shown: datetime) -> asyncio.subprocess.Process:
    surroundings = os.environ | {"FRISTWERK_VAR": str(settings.var)}
    if settings.database_url is not None:
        surroundings["FRISTWERK_DATABASE_URL"] = settings.database_url
    arguments = (str(seed), str(began), shown.isoformat(), str(SPEED))
    return await asyncio.create_subprocess_exec(
        sys.executable, str(WORKER), *arguments, env=surroundings, stdout=asyncio.subprocess.PIPE
    )


async def watching(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    assert await process.stdout.readline() == b"watching\n"


async def ended(process: asyncio.subprocess.Process) -> None:
    assert process.returncode is None, "a worker ended by itself"
    process.kill()
    await process.wait()


async def alarms_before(database: SqlDatabase, instant: datetime) -> int:
    async with database.reading() as connection:
        counting = select(func.count()).select_from(tables.alarms).where(tables.alarms.c.at < instant)
        return (await connection.execute(counting)).scalar_one()


async def notices_given(database: SqlDatabase) -> list[Notice]:
    """What the watches said, in the order of positions."""
    async with database.reading() as connection:
        lines = await connection.execute(select(tables.notices.c.line).order_by(tables.notices.c.position))
        events = [decode(line).event for line in lines.scalars()]
    told = []
    for event in events:
        match event:
            case TimerWarned():
                told.append(Notice(timer=event.timer, kind="warned", rule=event.rule, at=event.warn_at))
            case TimerMissed(due_at=datetime() as due_at):
                told.append(Notice(timer=event.timer, kind="missed", rule="", at=due_at))
            case _:
                pass
    return told
