"""The alarms to come, one row each: set with every change of a timer, dropped once fired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.read_models import add, in_list
from sla_service.domain.timers.notices import SOFT, Alarm, alarms_of
from sla_service.projections import parked_tickets
from sla_service.projections.tables import alarms, announced
from sla_service.projections.writer import TimerChange

AnnouncedKey = tuple[str, str, str]
"""Timer, kind of alarm and warning rule (empty for a miss): what is announced once."""


def key_of_miss(timer: str) -> AnnouncedKey:
    """Under which the miss of a timer is announced."""
    return timer, "missed", ""


async def set_alarms(connection: AsyncConnection, changes: Sequence[TimerChange], known: set[AnnouncedKey]) -> None:
    """Replace the alarms of the changed timers; those whose notice is ``known`` to be announced are
    left out, and so is a soft target's once the miss was.
    """
    changed = in_list(connection, alarms.c.timer, [change.timer for change in changes])
    await connection.execute(delete(alarms).where(changed))
    coming = {
        (alarm.timer, alarm.kind, alarm.rule): alarm.at
        for change in changes
        if change.after is not None
        for alarm in alarms_of(change.after)
        if (alarm.timer, alarm.kind, alarm.rule) not in known
        and (alarm.rule != SOFT or key_of_miss(alarm.timer) not in known)
    }
    rows = [{"timer": key[0], "kind": key[1], "rule": key[2], "at": at} for key, at in coming.items()]
    await add(connection, alarms, rows)


async def next_alarm(connection: AsyncConnection) -> datetime | None:
    """The instant of the next alarm that may fire."""
    may_fire = select(alarms.c.at).where(~parked_tickets.whose_ticket_is_parked(alarms.c.timer))
    row = (await connection.execute(may_fire.order_by(alarms.c.at).limit(1))).first()
    return None if row is None else row.at


async def drop_alarms(connection: AsyncConnection, fired: Sequence[Alarm]) -> None:
    """Delete alarms that have fired."""
    if not fired:
        return
    statement = delete(alarms).where(
        alarms.c.timer == bindparam("of_timer"),
        alarms.c.kind == bindparam("of_kind"),
        alarms.c.rule == bindparam("of_rule"),
    )
    rows = [{"of_timer": alarm.timer, "of_kind": alarm.kind, "of_rule": alarm.rule} for alarm in fired]
    await connection.execute(statement, rows)


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
