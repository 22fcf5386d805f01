"""The watch: sleeps until the next alarm, wakes for events, and several of them never give a notice twice or skip one."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from fristwerk_platform.subscriptions import Lag
from sla_service.notices.watch import Watch
from tests.sla_service.service.conftest import Clock, Service


@asynccontextmanager
async def running(*watches: Watch) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(watch.run()) for watch in watches]
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(met: Callable[[], Awaitable[object]], seconds: float = 5.0) -> None:
    """Wait until an awaitable question is answered with something true."""
    async with asyncio.timeout(seconds):
        while True:
            if await met():
                return
            await asyncio.sleep(0.01)


def counted(database: Any) -> list[object]:
    """The readings and transactions of a database from now on."""
    begun: list[object] = []

    @event.listens_for(database._engine.sync_engine, "checkout")
    def note(connection: Any, *_more: Any) -> None:
        begun.append(connection)

    return begun


async def test_an_idle_watch_asks_once_and_then_sleeps(service: Service) -> None:
    begun = counted(service.database)
    async with running(service.watch):
        await asyncio.sleep(0.4)
    assert len(begun) == 1


async def test_a_far_deadline_costs_no_more_than_none(service: Service) -> None:
    service.log.ticket("t1", "2026-06-09 06:00")
    await service.apply()
    begun = counted(service.database)
    async with running(service.watch):
        await asyncio.sleep(0.4)
    assert len(begun) == 1


async def test_a_new_event_wakes_the_watch_at_once(service: Service, clock: Clock) -> None:
    async with running(service.watch):
        await asyncio.sleep(0.05)
        clock.set("2026-06-09 12:00")
        service.log.ticket("t1", "2026-06-09 06:00")
        await service.apply()
        await service.outbox.signal.notify()
        await until(lambda: service.told("TimerMissed"))


async def test_a_change_between_looking_and_sleeping_is_not_slept_through(service: Service, clock: Clock) -> None:
    """What is woken while the watch asks for the next alarm must not wait for the longest sleep."""
    asked = service.watch._seconds_to_next

    async def asked_too_early() -> float:
        seconds = await asked()
        if not service.log.lines[-1].count(b"TicketCreated"):
            clock.set("2026-06-09 12:00")
            service.log.ticket("t1", "2026-06-09 06:00")
            await service.apply()
            await service.outbox.signal.notify()
        return seconds

    watch: Any = service.watch
    watch._seconds_to_next = asked_too_early
    async with running(service.watch):
        await until(lambda: service.told("TimerMissed"))


async def test_it_wakes_by_itself_just_behind_the_deadline(service: Service) -> None:
    """With a clock that runs: a deadline in a moment is told in a moment, and not before it."""
    service.outbox.now = service.watch._now = lambda: datetime.now(UTC)
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    received = due - timedelta(hours=1)
    service.log.ticket(
        "t1",
        received.isoformat(),
        "liveagent",
        calendar="liveagent-office",
        channel="dedicated_chat",
        severity="critical",
        addons=["dedicated_support"],
        plan="all_inclusive",
    )
    await service.apply()
    async with running(service.watch):
        await until(lambda: service.told("TimerMissed"))
    (missed,) = await service.told("TimerMissed")
    late = datetime.fromisoformat(missed.data["detected_at"]) - due
    assert timedelta(0) < late < timedelta(seconds=3)


async def test_three_watches_on_one_file_give_each_notice_once_and_in_order(service: Service, clock: Clock) -> None:
    for number in range(300):
        service.log.ticket(f"t{number:03}", f"2026-06-09 06:{number % 60:02}:{number // 60:02}")
    await service.apply()
    clock.set("2026-06-12 06:00")
    others = [service.open() for _ in range(2)]
    watches = [service.watch, *(Watch(database, board, clock) for database, board in others)]
    async with running(*watches):
        await until(lambda: _all_told(service, 600))
    told = await service.told("TimerMissed", "TimerWarned")
    assert len(told) == len({(each.type, each.timer) for each in told}) == 600
    instants = [each.data.get("missed_at") or each.data["warn_at"] for each in told]
    assert instants == sorted(instants)
    for database, _ in others:
        await database.close()


async def _all_told(service: Service, number: int) -> bool:
    return len(await service.told("TimerMissed", "TimerWarned")) >= number


async def test_what_is_told_while_events_still_arrive_is_told_once(service: Service, clock: Clock) -> None:
    """Watches ring while the projector writes: the same tables, the same timers."""
    clock.set("2026-06-12 06:00")
    database, board = service.open()
    async with running(service.watch, Watch(database, board, clock)):
        for number in range(60):
            ticket = f"t{number:02}"
            service.log.ticket(ticket, f"2026-06-09 06:{number:02}")
            await service.apply()
            await service.outbox.signal.notify()
            service.log.severity(ticket, f"2026-06-09 06:{number:02}", "mittel")
            if number % 3 == 0:
                service.log.answer(ticket, "2026-06-09 07:30")
            await service.apply()
            await service.outbox.signal.notify()
        await until(lambda: _standing(service, 40))
    await database.close()


async def _standing(service: Service, number: int) -> bool:
    """Whether that many timers have a miss told that was not withdrawn, none more than one."""
    standing: dict[str, int] = {}
    for each in await service.told("TimerMissed", "TimerMissWithdrawn"):
        standing[each.timer] = standing.get(each.timer, 0) + (1 if each.type == "TimerMissed" else -1)
        assert standing[each.timer] in {0, 1}
    return sum(standing.values()) == number


async def test_while_the_projector_catches_up_nothing_is_missed_that_was_answered(
    service: Service, clock: Clock
) -> None:
    service.log.ticket("t1", "2026-06-09 06:00").ticket("t2", "2026-06-09 06:00")
    await service.apply()
    clock.set("2026-06-12 06:00")
    lag = Lag()
    async with running(Watch(service.database, service.outbox, clock, lag)):
        await asyncio.sleep(0.2)
        assert await service.told("TimerMissed") == []
        lag.heard_at, lag.waiting_since = clock.now, clock.now - timedelta(days=3)
        await asyncio.sleep(0.2)
        assert await service.told("TimerMissed") == []
        service.log.answer("t1", "2026-06-09 07:00")
        await service.apply()
        lag.waiting_since = None
        await until(lambda: service.told("TimerMissed"))
    assert [each.timer for each in await service.told("TimerMissed", "TimerMissWithdrawn")] == ["t2:first_response"]


async def test_a_source_that_went_backwards_silences_the_watch(service: Service, clock: Clock) -> None:
    service.log.ticket("t1", "2026-06-09 06:00")
    await service.apply()
    clock.set("2026-06-12 06:00")
    lag = Lag(heard_at=clock.now, stopped_because="the source ends at position 3")
    async with running(Watch(service.database, service.outbox, clock, lag)):
        await asyncio.sleep(0.3)
    assert await service.told("TimerMissed") == []


async def test_its_health_tells_when_it_looked(service: Service, clock: Clock) -> None:
    assert (await service.watch.health()).ok
    async with running(service.watch):
        await until(lambda: _looked(service.watch))
    assert (await service.watch.health()).detail == "looked 0 s ago"
    clock.move(minutes=10)
    assert not (await service.watch.health()).ok


async def _looked(watch: Watch) -> bool:
    return watch.looked_at is not None


WATCHER = """
import asyncio, os, sys
from datetime import datetime
from pathlib import Path
from fristwerk_platform.read_models import sqlite_database
from fristwerk_language.events import new_event_id
from sla_service.projections import tables
from sla_service.notices.outbox import Outbox
from sla_service.notices.watch import Watch
import sla_service.notices.watch

sla_service.notices.watch.GROUP = 1
now = lambda: datetime.fromisoformat("2026-06-12T06:00:00+00:00")
board = Outbox(now, lambda: new_event_id(now(), os.urandom(10)))
asyncio.run(Watch(sqlite_database(Path(sys.argv[1]), tables.metadata), board, now).run())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="kills processes")
async def test_three_processes_killed_on_the_way_lose_nothing_and_double_nothing(
    service: Service, clock: Clock
) -> None:
    for number in range(200):
        service.log.ticket(f"t{number:03}", f"2026-06-09 06:{number % 60:02}:{number // 60:02}")
    await service.apply()
    clock.set("2026-06-12 06:00")
    workers = [_watcher(service.file) for _ in range(3)]
    told = kills = 0
    ends_at = time.monotonic() + 60
    while told < 400 and time.monotonic() < ends_at:
        await asyncio.sleep(0.005)
        before, told = told, len(await service.told("TimerMissed", "TimerWarned"))
        if told > before and kills < 6:
            workers[kills % 3].send_signal(signal.SIGKILL)
            workers[kills % 3].wait()
            workers[kills % 3] = _watcher(service.file)
            kills += 1
    for worker in workers:
        worker.kill()
        worker.wait()

    assert kills == 6
    notices = await service.told("TimerMissed", "TimerWarned")
    assert len(notices) == len({(each.type, each.timer) for each in notices}) == 400
    instants = [each.data.get("missed_at") or each.data["warn_at"] for each in notices]
    assert instants == sorted(instants)


def _watcher(file: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - a worker of its own is what is tested
        [sys.executable, "-c", WATCHER, str(file)], env=os.environ, stdout=subprocess.DEVNULL
    )
