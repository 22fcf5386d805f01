"""What a change of a timer is worth telling, and when a timer that nobody touches speaks up by itself.

Each notice exists once per timer and kind: a miss that was noticed is not noticed again, and withdrawn where the history proves
it was none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import msgspec

from shared.events import Event
from shared.events.sla import (
    TimerCancelled,
    TimerMet,
    TimerMissed,
    TimerMissWithdrawn,
    TimerRescheduled,
    TimerStarted,
)
from sla_service.domain.timer import Timer, state_at

Kind = Literal["warned", "missed"]


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """A timer speaks up once ``at`` is reached (``warned``) or has passed (``missed``), unless something happens before."""

    timer: str
    kind: Kind
    rule: str
    at: datetime


def notices(before: Timer | None, after: Timer | None, *, miss_noticed: bool, now: datetime) -> list[Event]:
    """The notices of a change, in order; ``miss_noticed`` says whether the timer's miss was noticed before."""
    return list(_notices(before, after, miss_noticed=miss_noticed, now=now))


def _notices(before: Timer | None, after: Timer | None, *, miss_noticed: bool, now: datetime) -> Iterator[Event]:
    timer = after or before
    assert timer is not None, "a change has a timer on one side at least"
    names: dict[str, Any] = {"timer": timer.id, "ticket": timer.ticket, "metric": timer.metric}
    if after is None:
        if miss_noticed:
            yield TimerMissWithdrawn(**names, met_at=None)
        yield TimerCancelled(**names, cancelled_at=now)
        return
    if before is None:
        yield TimerStarted(**names, started_at=after.started_at, due_at=after.due_at)
    elif before.due_at != after.due_at:
        why = after.changes[-1].why if after.changes else "history"
        yield TimerRescheduled(**names, old_due_at=before.due_at, new_due_at=after.due_at, why=why)
    missed = state_at(after, now) == "missed"
    if miss_noticed and not missed:
        yield TimerMissWithdrawn(**names, met_at=after.met_at)
    if after.missed_at is not None and not miss_noticed:
        yield TimerMissed(**names, due_at=after.due_at, missed_at=after.missed_at, detected_at=now)
    if after.missed_at is None and after.met_at is not None and (before is None or before.met_at != after.met_at):
        yield TimerMet(**names, met_at=after.met_at)
    if after.cancelled_at is not None and (before is None or before.cancelled_at != after.cancelled_at):
        yield TimerCancelled(**names, cancelled_at=after.cancelled_at)


def alarms(timer: Timer) -> tuple[Alarm, ...]:
    """When a timer speaks up by itself; one that ended or is paused does not."""
    ended = (timer.met_at, timer.missed_at, timer.cancelled_at, timer.paused_since)
    if timer.due_at is None or any(instant is not None for instant in ended):
        return ()
    warned = tuple(Alarm(timer=timer.id, kind="warned", rule=each.rule, at=each.at) for each in timer.warnings)
    return (*warned, Alarm(timer=timer.id, kind="missed", rule="", at=timer.due_at))
