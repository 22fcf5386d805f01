"""A log that several processes derive together, and what must come out of it whoever did what."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from fristwerk_language.events import decode, tickets
from fristwerk_platform.read_models import Database
from sla_service.projections import tables
from tests.sla_service.conftest import Published
from tests.sla_service.service.conftest import ToldLog, utc

COMPARED = ("alarms", "followed_streams", "histories", "parked", "terms", "tickets", "timers")
SEVERITIES = ("kritisch", "mittel", "niedrig")


def busy_log(published: Published, number: int) -> ToldLog:
    """So many tickets, whose events lie among each other's; half of the terms are published only
    after the first tickets that rest on them, which are parked until then.
    """
    lot = random.Random(number)  # noqa: S311 - drawn again by the seed
    log = ToldLog()
    terms = sorted(published.values(), key=lambda event: event.name == "infoniqa")
    for event in terms[:-2]:
        log.publish(event)
    open_tickets: list[str] = []
    for each in range(number):
        ticket, received = f"t{each:05}", utc("2026-06-09 06:00") + timedelta(minutes=each)
        log.ticket(ticket, received.isoformat())
        open_tickets.append(ticket)
        if each == number // 10:
            for event in terms[-2:]:
                log.publish(event)
        for _ in range(3):
            at = (received + timedelta(minutes=lot.randrange(600))).isoformat()
            _something(log, lot, lot.choice(open_tickets[-20:]), at)
    return log


def _something(log: ToldLog, lot: random.Random, ticket: str, at: str) -> None:
    match lot.randrange(4):
        case 0:
            log.answer(ticket, at)
        case 1:
            log.severity(ticket, at, lot.choice(SEVERITIES))
        case 2:
            log.at(ticket, at, tickets.CustomerMessageReceived(channel="email"))
        case _:
            log.at(ticket, at, tickets.ProgressReported(channel="email"))


async def rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """The rows of what was derived, by table."""
    found = {}
    async with database.reading() as connection:
        for table in tables.metadata.sorted_tables:
            if table.name in COMPARED:
                statement = select(table).order_by(*table.primary_key.columns)
                found[table.name] = [tuple(row) for row in await connection.execute(statement)]
    return found


async def doubled(database: Database) -> dict[object, int]:
    """Notices that may be given once and were given more often; empty is right."""
    async with database.reading() as connection:
        lines: Sequence[bytes] = (await connection.execute(select(tables.notices.c.line))).scalars().all()
    counted: Counter[object] = Counter()
    for line in lines:
        recorded = decode(line)
        if recorded.type in ("TimerStarted", "TimerMissed", "TimerWarned"):
            counted[recorded.type, recorded.stream, getattr(recorded.event, "rule", "")] += 1
    return {key: number for key, number in counted.items() if number > 1}
