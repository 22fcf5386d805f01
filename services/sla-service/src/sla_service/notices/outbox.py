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
from fristwerk_platform.read_models import Query, Write, advisory_lock, after_commit, fetch
from sla_service.domain.timers.notices import notices
from sla_service.notices.alarm_schedule import AlarmKey, alarm_writes, drop_announced_alarms, key_of_miss
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


class Announced(msgspec.Struct):
    """What was announced of timers: the newest version of each stream of notices, what is announced
    once, and the alarms that are set.
    """

    versions: dict[str, int]
    announced: set[AlarmKey]
    alarms: set[AlarmKey]


_ANNOUNCED: Final = Query(
    "SELECT 'notice' AS source, stream AS name, CAST(NULL AS TEXT) AS kind, CAST(NULL AS TEXT) AS rule,"
    " max(version) AS version FROM notices WHERE stream IN LIST($2) GROUP BY stream"
    " UNION ALL SELECT 'announced', timer, kind, rule, NULL FROM notices_given WHERE timer IN LIST($1)"
    " UNION ALL SELECT 'alarm', timer, kind, rule, NULL FROM alarms WHERE timer IN LIST($1)"
)


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

    async def announce(self, connection: AsyncConnection, changes: Sequence[TimerChange]) -> Sequence[Write]:
        """What announces the changes and sets the alarms of the changed timers, inside the projector's
        transaction.
        """
        if not changes:
            return ()
        await advisory_lock(connection, NOTICES_LOCK)
        before = await announced_before(connection, [change.timer for change in changes])
        now = self.now()
        added = [
            Notice(change.provider, event, change.caused_at)
            for change in changes
            for event in notices(
                change.before, change.after, miss_announced=key_of_miss(change.timer) in before.announced, now=now
            )
        ]
        withdrawn = {key_of_miss(each.event.timer) for each in added if isinstance(each.event, TimerMissWithdrawn)}
        return [
            *self.notice_writes(connection, added, before, now),
            *alarm_writes(changes, before.alarms, before.announced - withdrawn),
        ]

    def notice_writes(
        self, connection: AsyncConnection, added: Sequence[Notice], before: Announced, now: datetime
    ) -> list[Write]:
        """What stores notices. The transaction holds ``NOTICES_LOCK`` since before ``before`` was read."""
        versions = dict(before.versions)
        rows: list[dict[str, Any]] = []
        for notice in added:
            stream = _stream(notice.event)
            version = versions[stream] = versions.get(stream, 0) + 1
            rows.append({"stream": stream, "version": version, "line": self._line(notice, version, now)})
        if added:
            by_type = Counter(type_name(notice.event) for notice in added)
            after_commit(connection, lambda: self._count(by_type))
        return [Write("add", notice_table, rows), *_remembered([notice.event for notice in added])]

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

    async def announce(self, connection: AsyncConnection, changes: Sequence[TimerChange]) -> Sequence[Write]:
        """What sets the alarms of the changed timers."""
        if not changes:
            return ()
        before = await announced_before(connection, [change.timer for change in changes])
        return alarm_writes(changes, before.alarms, frozenset())

    async def settle(self, connection: AsyncConnection) -> None:
        """Delete the alarms whose notices were announced, once the announcements have been copied."""
        await drop_announced_alarms(connection)


async def announced_before(connection: AsyncConnection, timers: Sequence[str]) -> Announced:
    """What was announced of timers, inside the transaction that announces more of them."""
    streams_of_timers = [streams.TIMER.stream(timer) for timer in timers]
    found = Announced({}, set(), set())
    for source, name, kind, rule, version in await fetch(connection, _ANNOUNCED, list(timers), streams_of_timers):
        match source:
            case "notice":
                found.versions[name] = version
            case "announced":
                found.announced.add((name, kind, rule))
            case _:
                found.alarms.add((name, kind, rule))
    return found


def _remembered(events: Sequence[NoticeEvent]) -> list[Write]:
    """A unique row per timer and kind makes a second notice impossible; a withdrawn miss may happen
    again.
    """
    rows: list[dict[str, Any]] = []
    withdrawn: list[dict[str, Any]] = []
    for event in events:
        match event:
            case TimerMissed():
                rows.append({"timer": event.timer, "kind": "missed", "rule": "", "at": event.detected_at})
            case TimerWarned():
                rows.append({"timer": event.timer, "kind": "warned", "rule": event.rule, "at": event.warn_at})
            case TimerMissWithdrawn():
                withdrawn.append({"timer": event.timer, "kind": "missed"})
            case TimerStarted() | TimerRescheduled() | TimerMet() | TimerCancelled():
                pass  # they follow from the change of a timer, which happens once
    return [Write("add", announced, rows), Write("remove", announced, withdrawn)]


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
