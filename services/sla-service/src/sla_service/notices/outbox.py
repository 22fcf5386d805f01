"""The outbox of the SLA service: each notice is stored once, in the transaction of the change it
announces.

A notice is an envelope line of the stream ``timer-<id>``, so that auditors and consumers read it
like every other fact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import Actor, NoticeEvent, encode_line, streams, type_name
from fristwerk_language.events.notices import (
    TimerCancelled,
    TimerMet,
    TimerMissed,
    TimerMissWithdrawn,
    TimerRescheduled,
    TimerStarted,
    TimerWarned,
)
from fristwerk_platform.read_models import add, advisory_lock, after_commit, in_list
from sla_service.domain.timers.notices import notices
from sla_service.notices.alarm_schedule import AnnouncedKey, drop_announced_alarms, key_of_miss, set_alarms
from sla_service.notices.change_signal import ChangeSignal
from sla_service.projections.tables import announced
from sla_service.projections.tables import notices as notice_table
from sla_service.projections.writer import TimerChange

ACTOR: Final = Actor(id="sla-service", role="service")
NOTICES_LOCK: Final = "fristwerk notices"
"""One transaction at a time adds notices, so that their positions grow in the order of commits."""


class Notice(msgspec.Struct, frozen=True):
    """A notice about to be stored, the provider of its ticket, and when the fact that caused it
    occurred; None where only the time that passed did.
    """

    provider: str
    event: NoticeEvent
    caused_at: datetime | None = None


class Outbox:
    """Stores notices and alarms. ``count`` is called with the notices by type once they are
    committed.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        count: Callable[[Mapping[str, int]], None] = lambda _: None,
    ) -> None:
        self.now = now
        self._new_id = new_id
        self._count = count
        self.signal = ChangeSignal()

    async def announce(self, connection: AsyncConnection, changes: Sequence[TimerChange]) -> None:
        """Announce what changed and set the alarms of the changed timers, inside the projector's
        transaction.
        """
        if not changes:
            return
        await advisory_lock(connection, NOTICES_LOCK)
        known = await _announced(connection, [change.timer for change in changes])
        now = self.now()
        added = [
            Notice(change.provider, event, change.caused_at)
            for change in changes
            for event in notices(
                change.before, change.after, miss_announced=key_of_miss(change.timer) in known, now=now
            )
        ]
        await self.add(connection, added, now)
        known -= {key_of_miss(each.event.timer) for each in added if isinstance(each.event, TimerMissWithdrawn)}
        await set_alarms(connection, changes, known)

    async def add(self, connection: AsyncConnection, added: Sequence[Notice], now: datetime) -> None:
        """Store notices. The transaction holds ``NOTICES_LOCK``."""
        if not added:
            return
        names = sorted({_stream(notice.event) for notice in added})
        newest = select(notice_table.c.stream, func.max(notice_table.c.version)).where(
            in_list(connection, notice_table.c.stream, names)
        )
        found = await connection.execute(newest.group_by(notice_table.c.stream))
        versions: dict[str, int] = {row[0]: row[1] for row in found}
        rows: list[dict[str, Any]] = []
        for notice in added:
            stream = _stream(notice.event)
            version = versions[stream] = versions.get(stream, 0) + 1
            rows.append({"stream": stream, "version": version, "line": self._line(notice, version, now)})
        await add(connection, notice_table, rows)
        await _remember(connection, [notice.event for notice in added])
        by_type = Counter(type_name(notice.event) for notice in added)
        after_commit(connection, lambda: self._count(by_type))

    def _line(self, notice: Notice, version: int, now: datetime) -> bytes:
        return encode_line(
            event_id=self._new_id(),
            type=type_name(notice.event),
            schema=1,
            provider=notice.provider,
            stream=_stream(notice.event),
            version=version,
            occurred_at=_occurred_at(notice.event, notice.caused_at, now),
            recorded_at=now,
            actor=ACTOR,
            correlation_id=None,
            causation_id=None,
            data=notice.event,
            personal=None,
        )


class MutedOutbox:
    """Stands in for the outbox during a rebuild: it sets alarms and announces nothing, as all was
    announced before.
    """

    async def announce(self, connection: AsyncConnection, changes: Sequence[TimerChange]) -> None:
        """Set the alarms of the changed timers."""
        if changes:
            await set_alarms(connection, changes, known=set())

    async def settle(self, connection: AsyncConnection) -> None:
        """Delete the alarms whose notices were announced, once the announcements have been copied."""
        await drop_announced_alarms(connection)


async def _announced(connection: AsyncConnection, timers: Sequence[str]) -> set[AnnouncedKey]:
    known = select(announced.c.timer, announced.c.kind, announced.c.rule).where(
        in_list(connection, announced.c.timer, timers)
    )
    return {(timer, kind, rule) for timer, kind, rule in (await connection.execute(known)).all()}


async def _remember(connection: AsyncConnection, events: Sequence[NoticeEvent]) -> None:
    """A unique row per timer and kind makes a second notice impossible; a withdrawn miss may happen
    again.
    """
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
            case TimerStarted() | TimerRescheduled() | TimerMet() | TimerCancelled():
                pass  # they follow from the change of a timer, which happens once
    if withdrawn:
        await connection.execute(
            delete(announced).where(in_list(connection, announced.c.timer, withdrawn), announced.c.kind == "missed")
        )
    await add(connection, announced, rows)


def _stream(event: NoticeEvent) -> str:
    return streams.TIMER.stream(event.timer)


def _occurred_at(event: NoticeEvent, caused_at: datetime | None, now: datetime) -> datetime:
    """When what a notice announces took effect; a new deadline takes effect when it is announced,
    a withdrawal with the fact that proved it.
    """
    match event:
        case TimerMissed(missed_at=at) | TimerMet(met_at=at) | TimerCancelled(cancelled_at=at):
            return at
        case TimerWarned(warn_at=at) | TimerStarted(started_at=at):
            return at
        case TimerMissWithdrawn(met_at=met_at):
            return met_at or caused_at or now.replace(microsecond=0)
        case TimerRescheduled():
            return now.replace(microsecond=0)
