"""The alarms to come, one row each: set with every change of a timer, dropped once fired."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models import Query, Write, fetch, instant_of_stored
from fristwerk_platform.read_models.driver import run_on_postgres
from sla_service.domain.timers.notices import SOFT, Alarm, alarms_of
from sla_service.notices.watched_share import PARTITION_OF_TIMER, WatchedShare
from sla_service.projections.tables import alarms, announced
from sla_service.projections.writer import TimerChange

_NOT_PARKED: Final = (
    "NOT EXISTS (SELECT 1 FROM parked JOIN timers ON timers.ticket = parked.ticket WHERE timers.timer = alarms.timer)"
)
_NEXT: Final = Query(f"SELECT at FROM alarms WHERE {_NOT_PARKED} ORDER BY at LIMIT 1")  # noqa: S608 - constants only
AlarmKey = tuple[str, str, str]
"""Timer, kind of alarm and warning rule (empty for a miss): what is announced once."""


def key_of_miss(timer: str) -> AlarmKey:
    """Under which the miss of a timer is announced."""
    return timer, "missed", ""


def key_of(alarm: Alarm) -> AlarmKey:
    """Under which an alarm is stored, and announced."""
    return alarm.timer, alarm.kind, alarm.rule


def _named(key: AlarmKey) -> dict[str, str]:
    return {"timer": key[0], "kind": key[1], "rule": key[2]}


def alarm_writes(
    changes: Sequence[TimerChange], stored: AbstractSet[AlarmKey], announced_before: AbstractSet[AlarmKey]
) -> list[Write]:
    """What replaces the ``stored`` alarms of the changed timers; those whose notice was announced
    before are left out, and so is a soft target's once the miss was.
    """
    coming = {
        key_of(alarm): alarm.at
        for change in changes
        if change.after is not None
        for alarm in alarms_of(change.after)
        if key_of(alarm) not in announced_before
        and (alarm.rule != SOFT or key_of_miss(alarm.timer) not in announced_before)
    }
    rows = [{**_named(key), "at": at} for key, at in coming.items()]
    gone = [_named(key) for key in sorted(stored - coming.keys())]
    return [Write("store", alarms, rows), Write("remove", alarms, gone)]


def dropped_alarms(fired: Iterable[AlarmKey]) -> Write:
    """Deletes alarms that have fired."""
    return Write("remove", alarms, [_named(key) for key in fired])


_NEXT_OF_SHARE: Final = f"""
SELECT at FROM alarms WHERE {_NOT_PARKED} AND coalesce(
    (SELECT {PARTITION_OF_TIMER} FROM timers WHERE timers.timer = alarms.timer) = ANY($1::int[]), true
) ORDER BY at LIMIT 1
"""  # noqa: S608 - constants only
"""An alarm whose timer is gone is anybody's: it is dropped."""


async def next_alarm(connection: AsyncConnection, share: WatchedShare | None = None) -> datetime | None:
    """The instant of the next alarm that may fire; ``share``: of its partitions."""
    if share is None:
        rows = await fetch(connection, _NEXT)
    else:
        rows = await run_on_postgres(connection, _NEXT_OF_SHARE, list(share.epochs))
    return instant_of_stored(rows[0][0]) if rows else None


async def drop_announced_alarms(connection: AsyncConnection) -> None:
    """Delete the alarms whose notices were announced before, and those of soft targets whose miss was."""
    same = (
        announced.c.timer == alarms.c.timer,
        announced.c.kind == alarms.c.kind,
        announced.c.rule == alarms.c.rule,
    )
    was_announced = select(1).select_from(announced).where(*same).correlate(alarms).exists()
    await connection.execute(delete(alarms).where(was_announced))
    missed = (announced.c.timer == alarms.c.timer, announced.c.kind == "missed")
    was_missed = select(1).select_from(announced).where(*missed).correlate(alarms).exists()
    await connection.execute(delete(alarms).where(alarms.c.rule == SOFT, was_missed))
