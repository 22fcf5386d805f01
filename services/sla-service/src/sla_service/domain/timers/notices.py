"""What a change of a timer is worth telling, and when a timer that nobody touches speaks up by itself.

Each notice exists once per timer and kind. A miss is always told by its alarm, so that misses come in the order of their
deadlines however late the worker was; one that was told is withdrawn where the history proves it was none, or was another.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import msgspec

from fristwerk_language.events import NoticeEvent
from fristwerk_language.events.notices import (
    TimerCancelled,
    TimerMet,
    TimerMissWithdrawn,
    TimerRescheduled,
    TimerStarted,
)
from sla_service.domain.timers.timer import Timer

Kind = Literal["warned", "missed"]


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """A timer speaks up once ``at`` has passed, unless something happens before; ``rule`` is a warning's."""

    timer: str
    kind: Kind
    rule: str
    at: datetime


def notices(before: Timer | None, after: Timer | None, *, miss_told: bool, now: datetime) -> list[NoticeEvent]:
    """The notices of a change, in order; ``miss_told`` says whether the miss of ``before`` was told.

    ``now`` is when a timer that the history no longer knows was cancelled; nothing else depends on it.
    """
    return list(_notices(before, after, miss_told=miss_told, now=now))


def _notices(before: Timer | None, after: Timer | None, *, miss_told: bool, now: datetime) -> Iterator[NoticeEvent]:
    timer = after or before
    assert timer is not None, "a change has a timer on one side at least"
    names: dict[str, Any] = {"timer": timer.id, "ticket": timer.ticket, "metric": timer.metric}
    if after is None:
        if miss_told:
            yield TimerMissWithdrawn(**names, met_at=None)
        if timer.cancelled_at is None:
            yield TimerCancelled(**names, cancelled_at=now.replace(microsecond=0))
        return
    if before is None:
        yield TimerStarted(**names, started_at=after.started_at, due_at=after.due_at)
    elif before.due_at != after.due_at and after.clock != "worked":
        why = after.changes[-1].why if after.changes else "history"
        yield TimerRescheduled(**names, old_due_at=before.due_at, new_due_at=after.due_at, why=why)
    if miss_told and before is not None and missed_from(before) != missed_from(after):
        yield TimerMissWithdrawn(**names, met_at=after.met_at)
    if after.met_at is not None and (before is None or before.met_at != after.met_at):
        yield TimerMet(**names, met_at=after.met_at)
    if after.cancelled_at is not None and (before is None or before.cancelled_at != after.cancelled_at):
        yield TimerCancelled(**names, cancelled_at=after.cancelled_at)


def missed_from(timer: Timer) -> datetime | None:
    """The instant at which a timer was missed, or will be if nothing happens; null where it ended in time, or is paused."""
    if timer.missed_at is not None:
        return timer.missed_at
    return None if _ended(timer) or timer.paused_since is not None else timer.due_at


def alarms(timer: Timer) -> tuple[Alarm, ...]:
    """When a timer speaks up by itself; once it has ended it warns no more."""
    missed = missed_from(timer)
    warned = () if _ended(timer) else timer.warnings
    told = [Alarm(timer=timer.id, kind="warned", rule=each.rule, at=each.at) for each in warned]
    if missed is not None:
        told.append(Alarm(timer=timer.id, kind="missed", rule="", at=missed))
    return tuple(told)


def _ended(timer: Timer) -> bool:
    return not (timer.met_at is timer.missed_at is timer.cancelled_at is None)
