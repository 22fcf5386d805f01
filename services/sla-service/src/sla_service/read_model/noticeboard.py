"""The SLA service's own feed: notices, each stored once, in the transaction of what it tells.

A notice is an envelope line of the stream ``timer-<id>``, so that auditors and consumers read it like every other fact.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import Database, one_at_a_time, upsert
from shared.events import Actor, Event, encode_line, type_name, with_position
from shared.events.sla import TimerMissed, TimerMissWithdrawn, TimerWarned
from shared.feed import Page
from sla_service.domain.notices import Alarm, alarms, notices
from sla_service.domain.timer import Timer
from sla_service.read_model.queries import TimerChange, timer_in
from sla_service.read_model.tables import alarms as alarm_table
from sla_service.read_model.tables import given, timers
from sla_service.read_model.tables import notices as notice_table

ACTOR: Final = Actor(id="sla-service", role="service")
NOTICING: Final = "fristwerk notices"
"""Notices are given by one transaction at a time, so that their positions grow in the order of commits."""
POLL_SECONDS: Final = 1.0
_SECOND: Final = timedelta(seconds=1)


class Noticeboard:
    """Stores notices and alarms; wakes those who wait for either."""

    def __init__(self, now: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        self._now = now
        self._new_id = new_id
        self.changed = asyncio.Condition()

    async def announce(self, connection: AsyncConnection, provider: str, changes: Sequence[TimerChange]) -> None:
        """Tell what changed, and set the alarms of the changed timers anew, inside the projector's transaction."""
        if not changes:
            return
        await one_at_a_time(connection, NOTICING)
        names = [_id(change) for change in changes]
        noticed = await _given(connection, names)
        now = self._now()
        events: list[Event] = []
        for change in changes:
            miss_noticed = (_id(change), "missed", "") in noticed
            events += notices(change.before, change.after, miss_noticed=miss_noticed, now=now)
        await self._store(connection, provider, events, now)
        await connection.execute(delete(alarm_table).where(alarm_table.c.timer.in_(names)))
        remaining = noticed | {(event.timer, "missed", "") for event in events if isinstance(event, TimerMissed)}
        set_anew = [
            alarm
            for change in changes
            if change.after is not None
            for alarm in alarms(change.after)
            if (alarm.timer, alarm.kind, alarm.rule) not in remaining
        ]
        if set_anew:
            rows = [{"timer": each.timer, "kind": each.kind, "rule": each.rule, "at": each.at} for each in set_anew]
            await connection.execute(upsert(connection, alarm_table), rows)

    async def ring(self, connection: AsyncConnection, limit: int) -> int:
        """Give the notices of alarms that are due, in order of their instants; how many. Inside a transaction of its own."""
        await one_at_a_time(connection, NOTICING)
        now = self._now()
        due = await connection.execute(
            select(alarm_table)
            .where(alarm_table.c.at < now)
            .order_by(alarm_table.c.at, alarm_table.c.timer)
            .limit(limit)
        )
        rung = [Alarm(timer=row.timer, kind=row.kind, rule=row.rule, at=row.at) for row in due]
        for alarm in rung:
            found = (await connection.execute(select(timers).where(timers.c.timer == alarm.timer))).first()
            if found is not None:
                await self._store(connection, found.provider, [_told(alarm, timer_in(found.document), now)], now)
            await connection.execute(
                delete(alarm_table).where(
                    alarm_table.c.timer == alarm.timer,
                    alarm_table.c.kind == alarm.kind,
                    alarm_table.c.rule == alarm.rule,
                )
            )
        return len(rung)

    async def wake(self) -> None:
        """Wake those who wait for notices or alarms, after the transaction."""
        async with self.changed:
            self.changed.notify_all()

    async def _store(self, connection: AsyncConnection, provider: str, events: Sequence[Event], now: datetime) -> None:
        if not events:
            return
        streams = sorted({_stream(event) for event in events})
        newest = select(notice_table.c.stream, func.max(notice_table.c.version)).where(
            notice_table.c.stream.in_(streams)
        )
        found = await connection.execute(newest.group_by(notice_table.c.stream))
        versions: dict[str, int] = {row[0]: row[1] for row in found}
        rows: list[dict[str, Any]] = []
        for event in events:
            stream = _stream(event)
            versions[stream] = versions.get(stream, 0) + 1
            rows.append(
                {
                    "stream": stream,
                    "version": versions[stream],
                    "line": self._line(provider, event, versions[stream], now),
                }
            )
        await connection.execute(insert(notice_table), rows)
        await _remember(connection, events)

    def _line(self, provider: str, event: Event, version: int, now: datetime) -> bytes:
        return encode_line(
            event_id=self._new_id(),
            type=type_name(event),
            schema=1,
            provider=provider,
            stream=_stream(event),
            version=version,
            occurred_at=_occurred_at(event, now),
            recorded_at=now,
            actor=ACTOR,
            correlation_id=None,
            causation_id=None,
            data=event,
            personal=None,
        )


class NoticeFeed:
    """The notices as a feed (see ``shared.feed.Feed``)."""

    def __init__(self, database: Database, noticeboard: Noticeboard) -> None:
        self._database = database
        self._noticeboard = noticeboard

    async def page(self, after: int, limit: int, wait_seconds: float) -> Page:
        """The next notices after a position."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + wait_seconds
        while True:
            page = await self._read(after, limit)
            left = ends_at - loop.time()
            if page.lines or left <= 0:
                return page
            try:
                async with asyncio.timeout(min(left, POLL_SECONDS)), self._noticeboard.changed:
                    await self._noticeboard.changed.wait()
            except TimeoutError:
                continue

    async def _read(self, after: int, limit: int) -> Page:
        statement = (
            select(notice_table.c.position, notice_table.c.line)
            .where(notice_table.c.position > after)
            .order_by(notice_table.c.position)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
            last = (await connection.execute(select(func.max(notice_table.c.position)))).scalar() or 0
        lines = [with_position(row.position, row.line) for row in rows]
        return Page(lines=lines, next=rows[-1].position if rows else after, last=last)


async def next_alarm(connection: AsyncConnection) -> datetime | None:
    """The instant of the next alarm."""
    row = (await connection.execute(select(alarm_table.c.at).order_by(alarm_table.c.at).limit(1))).first()
    return None if row is None else row.at


async def _given(connection: AsyncConnection, names: Sequence[str]) -> set[tuple[str, str, str]]:
    rows = await connection.execute(select(given.c.timer, given.c.kind, given.c.rule).where(given.c.timer.in_(names)))
    return {(row.timer, row.kind, row.rule) for row in rows}


async def _remember(connection: AsyncConnection, events: Sequence[Event]) -> None:
    """A unique row per timer and kind makes a second notice impossible; a withdrawn miss may happen again."""
    for event in events:
        match event:
            case TimerMissed():
                row = {"timer": event.timer, "kind": "missed", "rule": "", "at": event.detected_at}
                await connection.execute(insert(given), [row])
            case TimerWarned():
                row = {"timer": event.timer, "kind": "warned", "rule": event.rule, "at": event.warn_at}
                await connection.execute(insert(given), [row])
            case TimerMissWithdrawn():
                await connection.execute(delete(given).where(given.c.timer == event.timer, given.c.kind == "missed"))
            case _:
                pass


def _told(alarm: Alarm, timer: Timer, now: datetime) -> Event:
    names = {"timer": timer.id, "ticket": timer.ticket, "metric": timer.metric}
    if alarm.kind == "warned":
        return TimerWarned(**names, rule=alarm.rule, warn_at=alarm.at)
    return TimerMissed(**names, due_at=alarm.at, missed_at=alarm.at, detected_at=now)


def _id(change: TimerChange) -> str:
    timer = change.after or change.before
    assert timer is not None, "a change has a timer on one side at least"
    return timer.id


def _stream(event: Event) -> str:
    timer: str = event.timer  # type: ignore[attr-defined]  # every notice names its timer
    return f"timer-{timer}"


def _occurred_at(event: Event, now: datetime) -> datetime:
    """When what a notice tells took effect; a new deadline takes effect when it is told."""
    for name in ("missed_at", "met_at", "cancelled_at", "warn_at", "started_at"):
        instant = getattr(event, name, None)
        if isinstance(instant, datetime):
            return instant
    return now - (now - now.replace(microsecond=0)) % _SECOND
