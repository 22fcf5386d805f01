"""Whatever happens in whatever order, what the notices leave standing is what the timers say, and nothing is told twice."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from fristwerk_language.events import tickets
from sla_service.domain.timers.timer import state_at
from sla_service.projections.tables import alarms, timers
from sla_service.projections.writer import timer_in
from tests.sla_service.service.conftest import Clock, Service

TICKETS = 4
STEPS = 120


def happening(dice: random.Random, at: datetime) -> Any:
    """Something that may happen to a ticket."""
    return dice.choice(
        [
            tickets.SeveritySet(severity=dice.choice(["kritisch", "mittel", "niedrig"])),
            tickets.TypeChanged(type=dice.choice(["normal", "quick_high", "quick_normal"])),
            tickets.Responded(channel="email", visible=dice.random() < 0.7),
            tickets.CustomerMessageReceived(channel="email"),
            tickets.InformationRequested(),
            tickets.InformationReceived(),
            tickets.WorkStarted(agent="a-1"),
            tickets.TimeLogged(
                entry=f"e-{dice.random()}", start=at, minutes=dice.randrange(1, 90), activity="help", agent="a-1"
            ),
            tickets.Resolved(),
            tickets.Reopened(),
            tickets.EffortNoticeSent(),
        ]
    )


async def check(service: Service) -> None:
    """Every told miss stands for a timer that is missed at that instant, and the other way round."""
    standing: dict[str, str] = {}
    started: dict[str, int] = {}
    warned: set[tuple[str, str]] = set()
    for each in await service.told():
        match each.type:
            case "TimerStarted":
                started[each.timer] = started.get(each.timer, 0) + 1
                assert started[each.timer] == 1, each
            case "TimerMissed":
                assert each.timer not in standing, f"{each.timer} was missed twice"
                standing[each.timer] = each.data["missed_at"]
            case "TimerMissWithdrawn":
                del standing[each.timer]
            case "TimerWarned":
                assert (each.timer, each.data["rule"]) not in warned
                warned.add((each.timer, each.data["rule"]))
            case "TimerCancelled":
                started[each.timer] -= not await _is_stored(service, each.timer)
            case _:
                pass
    now = service.clock.now
    async with service.database.reading() as connection:
        stored = [timer_in(document) for document in (await connection.execute(select(timers.c.document))).scalars()]
        pending = (await connection.execute(select(alarms.c.timer).where(alarms.c.at < now))).scalars().all()
    assert pending == []
    missed = {
        timer.id: f"{timer.missed_at or timer.due_at:%Y-%m-%dT%H:%M:%SZ}"
        for timer in stored
        if state_at(timer, now) == "missed"
    }
    assert standing == missed


async def _is_stored(service: Service, timer: str) -> bool:
    async with service.database.reading() as connection:
        return (await connection.execute(select(timers.c.timer).where(timers.c.timer == timer))).first() is not None


async def test_through_random_lives_with_backdated_facts_and_downtimes(service: Service, clock: Clock) -> None:
    dice = random.Random(20260603)  # noqa: S311 - the same lives every time
    clock.set("2026-06-22 06:00")
    for number in range(TICKETS):
        agreement = ("infoniqa", "digidesk")[number % 2]
        service.log.ticket(
            f"t{number}", clock.now.isoformat(), agreement, type="quick_high" if number % 2 else "normal"
        )
    for step in range(STEPS):
        clock.move(minutes=dice.choice([1, 5, 20, 60, 240]))
        ticket = f"t{dice.randrange(TICKETS)}"
        at = clock.now - timedelta(minutes=dice.choice([0, 0, 0, 10, 90, 600]))
        service.log.at(ticket, at.isoformat(), happening(dice, at))
        if dice.random() < 0.7:
            await service.apply()
            await service.look()
        if step % 10 == 9:
            await service.apply()
            await service.look()
            await check(service)
