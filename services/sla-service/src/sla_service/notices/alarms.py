"""Fires the alarms whose instant has passed: each becomes a notice, and is dropped, in one
transaction.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import NoticeEvent
from fristwerk_language.events.notices import TimerMissed, TimerWarned
from fristwerk_platform.read_models import advisory_lock, write
from sla_service.domain.timers.notices import Alarm
from sla_service.domain.timers.timer import Timer
from sla_service.notices.alarm_schedule import dropped_alarms, key_of
from sla_service.notices.outbox import NOTICES_LOCK, Notice, Outbox, announced_before
from sla_service.notices.watched_share import WatchedShare, of_partitions
from sla_service.projections import parked_tickets
from sla_service.projections.tables import alarms as alarm_table
from sla_service.projections.tables import timers
from sla_service.projections.writer import timer_in


async def fire_due(connection: AsyncConnection, outbox: Outbox, limit: int, share: WatchedShare | None = None) -> int:
    """Announce the alarms that are due, in order of their instants; returns how many. Needs its own
    transaction. ``share``: only those of its partitions, as far as they are still this process's.
    """
    only_ours = true() if share is None else of_partitions(await share.hold(connection))
    await advisory_lock(connection, NOTICES_LOCK)
    now = outbox.now()
    due = (
        select(alarm_table, timers.c.provider, timers.c.document)
        .join_from(alarm_table, timers, alarm_table.c.timer == timers.c.timer, isouter=True)
        .where(alarm_table.c.at < now, only_ours, ~parked_tickets.whose_ticket_is_parked(alarm_table.c.timer))
        .order_by(alarm_table.c.at, alarm_table.c.timer, alarm_table.c.kind.desc())
        .limit(limit)
    )
    rows = (await connection.execute(due)).all()
    fired = [Alarm(timer=row.timer, kind=row.kind, rule=row.rule, at=row.at) for row in rows]
    notices = [
        Notice(row.provider, _event(alarm, timer_in(row.document), now))
        for alarm, row in zip(fired, rows, strict=True)
        if row.document is not None
    ]
    known = await announced_before(connection, [alarm.timer for alarm in fired])
    await write(connection, *outbox.notice_writes(connection, notices, known, now), dropped_alarms(map(key_of, fired)))
    return len(fired)


def _event(alarm: Alarm, timer: Timer, now: datetime) -> NoticeEvent:
    match alarm.kind:
        case "warned":
            return TimerWarned(
                timer=timer.id, ticket=timer.ticket, metric=timer.metric, rule=alarm.rule, warn_at=alarm.at
            )
        case "missed":
            return TimerMissed(
                timer=timer.id,
                ticket=timer.ticket,
                metric=timer.metric,
                due_at=alarm.at,
                missed_at=alarm.at,
                detected_at=now,
            )
