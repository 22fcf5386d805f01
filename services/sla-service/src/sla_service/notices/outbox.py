"""The SLA service's own notices and alarms: each notice stored once, in the transaction of what it tells.

A notice is an envelope line of the stream ``timer-<id>``, so that auditors and consumers read it like every other fact.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import Actor, NoticeEvent, encode_line, streams, type_name
from fristwerk_language.events.notices import TimerMissed, TimerMissWithdrawn, TimerWarned
from fristwerk_platform.read_models import Database, add, advisory_lock, after_commit, in_list
from fristwerk_platform.subscriptions import Page, with_position
from sla_service.domain.timers.notices import Alarm, alarms, notices
from sla_service.domain.timers.timer import Timer
from sla_service.projections import parking
from sla_service.projections.tables import alarms as alarm_table
from sla_service.projections.tables import given, timers
from sla_service.projections.tables import notices as notice_table
from sla_service.projections.writer import TimerChange, timer_in

ACTOR: Final = Actor(id="sla-service", role="service")
NOTICING: Final = "fristwerk notices"
"""Notices are given by one transaction at a time, so that their positions grow in the order of commits."""
POLL_SECONDS: Final = 1.0
"""How often a reader that waits looks by itself: another process may have given a notice."""


class Told(msgspec.Struct, frozen=True):
    """A notice about to be stored, and whose ticket it is about."""

    provider: str
    event: NoticeEvent


class Noticeboard:
    """Stores notices and alarms; wakes those who wait for either. ``told`` counts notices by type once they are stored."""

    def __init__(
        self,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        told: Callable[[Mapping[str, int]], None] = lambda _: None,
    ) -> None:
        self._now = now
        self._new_id = new_id
        self._told = told
        self._changed = asyncio.Condition()
        self.changes = 0
        """Counts the changes of this process; who reads it before looking misses none (see ``change_after``)."""

    async def announce(self, connection: AsyncConnection, changes: Sequence[TimerChange]) -> None:
        """Tell what changed, and set the alarms of the changed timers anew, inside the projector's transaction."""
        if not changes:
            return
        await advisory_lock(connection, NOTICING)
        names = [change.timer for change in changes]
        told = await _given(connection, names)
        now = self._now()
        news = [
            Told(change.provider, event)
            for change in changes
            for event in notices(change.before, change.after, miss_told=(change.timer, "missed", "") in told, now=now)
        ]
        await self._store(connection, news, now)
        told -= {(each.event.timer, "missed", "") for each in news if isinstance(each.event, TimerMissWithdrawn)}
        await _set_alarms(connection, changes, told)

    async def ring(self, connection: AsyncConnection, limit: int) -> int:
        """Give the notices of alarms that are due, in order of their instants; how many. Inside a transaction of its own."""
        await advisory_lock(connection, NOTICING)
        now = self._now()
        due = (
            select(alarm_table, timers.c.provider, timers.c.document)
            .join_from(alarm_table, timers, alarm_table.c.timer == timers.c.timer, isouter=True)
            .where(alarm_table.c.at < now, ~parking.whose_ticket_is_parked(alarm_table.c.timer))
            .order_by(alarm_table.c.at, alarm_table.c.timer, alarm_table.c.kind.desc())
            .limit(limit)
        )
        rows = (await connection.execute(due)).all()
        rung = [Alarm(timer=row.timer, kind=row.kind, rule=row.rule, at=row.at) for row in rows]
        news = [
            Told(row.provider, _told(alarm, timer_in(row.document), now))
            for alarm, row in zip(rung, rows, strict=True)
            if row.document is not None
        ]
        await self._store(connection, news, now)
        await _silence(connection, rung)
        return len(rung)

    async def wake(self) -> None:
        """Wake those who wait for notices or alarms, after the transaction."""
        async with self._changed:
            self.changes += 1
            self._changed.notify_all()

    async def change_after(self, seen: int, seconds: float) -> None:
        """Return once there was a change beyond those ``seen``, or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self.changes > seen)

    async def _store(self, connection: AsyncConnection, news: Sequence[Told], now: datetime) -> None:
        if not news:
            return
        streams = sorted({_stream(each.event) for each in news})
        newest = select(notice_table.c.stream, func.max(notice_table.c.version)).where(
            in_list(connection, notice_table.c.stream, streams)
        )
        found = await connection.execute(newest.group_by(notice_table.c.stream))
        versions: dict[str, int] = {row[0]: row[1] for row in found}
        rows: list[dict[str, Any]] = []
        for each in news:
            stream = _stream(each.event)
            version = versions[stream] = versions.get(stream, 0) + 1
            rows.append({"stream": stream, "version": version, "line": self._line(each, version, now)})
        await add(connection, notice_table, rows)
        await _remember(connection, [each.event for each in news])
        kinds = Counter(type_name(each.event) for each in news)
        after_commit(connection, lambda: self._told(kinds))

    def _line(self, told: Told, version: int, now: datetime) -> bytes:
        return encode_line(
            event_id=self._new_id(),
            type=type_name(told.event),
            schema=1,
            provider=told.provider,
            stream=_stream(told.event),
            version=version,
            occurred_at=_occurred_at(told.event, now),
            recorded_at=now,
            actor=ACTOR,
            correlation_id=None,
            causation_id=None,
            data=told.event,
            personal=None,
        )


class Silence:
    """Stands in for the noticeboard while a generation is built: sets alarms and tells nothing, as everything was told."""

    async def announce(self, connection: AsyncConnection, changes: Sequence[TimerChange]) -> None:
        """Set the alarms of the changed timers anew."""
        if changes:
            await _set_alarms(connection, changes, told=set())

    async def settle(self, connection: AsyncConnection) -> None:
        """Take back the alarms whose notices were given, once it is known which were."""
        same = (
            given.c.timer == alarm_table.c.timer,
            given.c.kind == alarm_table.c.kind,
            given.c.rule == alarm_table.c.rule,
        )
        was_told = select(1).select_from(given).where(*same).correlate(alarm_table).exists()
        await connection.execute(delete(alarm_table).where(was_told))


class NoticeFeed:
    """The notices as a feed (see ``fristwerk_platform.subscriptions.Feed``)."""

    def __init__(self, database: Database, noticeboard: Noticeboard) -> None:
        self._database = database
        self._noticeboard = noticeboard

    async def page(self, after: int, limit: int, wait_seconds: float) -> Page:
        """The next notices after a position."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + wait_seconds
        while True:
            seen = self._noticeboard.changes
            page = await self._read(after, limit)
            left = ends_at - loop.time()
            if page.lines or left <= 0:
                return page
            await self._noticeboard.change_after(seen, min(left, POLL_SECONDS))

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
    """The instant of the next alarm that may ring."""
    may_ring = select(alarm_table.c.at).where(~parking.whose_ticket_is_parked(alarm_table.c.timer))
    row = (await connection.execute(may_ring.order_by(alarm_table.c.at).limit(1))).first()
    return None if row is None else row.at


async def _set_alarms(
    connection: AsyncConnection, changes: Sequence[TimerChange], told: set[tuple[str, str, str]]
) -> None:
    """The alarms of the changed timers, and of each only those whose notice was not told."""
    changed = in_list(connection, alarm_table.c.timer, [change.timer for change in changes])
    await connection.execute(delete(alarm_table).where(changed))
    set_anew = {
        (each.timer, each.kind, each.rule): each.at
        for change in changes
        if change.after is not None
        for each in alarms(change.after)
        if (each.timer, each.kind, each.rule) not in told
    }
    rows = [{"timer": key[0], "kind": key[1], "rule": key[2], "at": at} for key, at in set_anew.items()]
    await add(connection, alarm_table, rows)


async def _given(connection: AsyncConnection, names: Sequence[str]) -> set[tuple[str, str, str]]:
    told = select(given.c.timer, given.c.kind, given.c.rule).where(in_list(connection, given.c.timer, names))
    return {(timer, kind, rule) for timer, kind, rule in (await connection.execute(told)).all()}


async def _remember(connection: AsyncConnection, events: Sequence[NoticeEvent]) -> None:
    """A unique row per timer and kind makes a second notice impossible; a withdrawn miss may happen again."""
    rows: list[dict[str, Any]] = []
    withdrawn: list[str] = []
    for event in events:
        match event:
            case TimerMissed():
                rows.append({"timer": event.timer, "kind": "missed", "rule": "", "at": event.detected_at})
            case TimerWarned():
                rows.append({"timer": event.timer, "kind": "warned", "rule": event.rule, "at": event.warn_at})
            case TimerMissWithdrawn():
                withdrawn.append(event.timer)
            case _:
                pass
    if withdrawn:
        await connection.execute(
            delete(given).where(in_list(connection, given.c.timer, withdrawn), given.c.kind == "missed")
        )
    await add(connection, given, rows)


async def _silence(connection: AsyncConnection, rung: Sequence[Alarm]) -> None:
    if rung:
        statement = delete(alarm_table).where(
            alarm_table.c.timer == bindparam("of_timer"),
            alarm_table.c.kind == bindparam("of_kind"),
            alarm_table.c.rule == bindparam("of_rule"),
        )
        rows = [{"of_timer": each.timer, "of_kind": each.kind, "of_rule": each.rule} for each in rung]
        await connection.execute(statement, rows)


def _told(alarm: Alarm, timer: Timer, now: datetime) -> NoticeEvent:
    names: dict[str, Any] = {"timer": timer.id, "ticket": timer.ticket, "metric": timer.metric}
    if alarm.kind == "warned":
        return TimerWarned(**names, rule=alarm.rule, warn_at=alarm.at)
    return TimerMissed(**names, due_at=alarm.at, missed_at=alarm.at, detected_at=now)


def _stream(event: NoticeEvent) -> str:
    return streams.TIMER.stream(event.timer)


def _occurred_at(event: NoticeEvent, now: datetime) -> datetime:
    """When what a notice tells took effect; a new deadline takes effect when it is told."""
    for name in ("missed_at", "met_at", "cancelled_at", "warn_at", "started_at"):
        instant = getattr(event, name, None)
        if isinstance(instant, datetime):
            return instant
    return now.replace(microsecond=0)
