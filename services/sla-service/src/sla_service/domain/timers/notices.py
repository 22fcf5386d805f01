"""Which notices a change of a timer asks for, and the alarms that announce a warning or a miss when
nothing happens.

Each notice exists once per timer and kind. A miss is always announced by its alarm, so that misses
come in the order of their deadlines however late the watch was; an announced one is withdrawn where
the history proves that it was none, or was another.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal

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

AlarmKind = Literal["warned", "missed"]
SOFT: Final = "soft"
"""The rule of the warning that a soft target has passed."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Fires once ``at`` has passed, unless the timer changes before; ``rule`` is that of a warning,
    ``soft`` for a soft target, else empty.
    """

    timer: str
    kind: AlarmKind
    rule: str
    at: datetime


def notices(before: Timer | None, after: Timer | None, *, miss_announced: bool, now: datetime) -> list[NoticeEvent]:
    """The notices of a change, in order; ``miss_announced`` says whether the miss of ``before`` was
    announced.

    ``now`` is when a timer that the history no longer knows was cancelled; nothing else depends on
    it.
    """
    return list(_notices(before, after, miss_announced=miss_announced, now=now))


def _notices(
    before: Timer | None, after: Timer | None, *, miss_announced: bool, now: datetime
) -> Iterator[NoticeEvent]:
    timer = after or before
    assert timer is not None, "a change has a timer on one side at least"
    name, ticket, metric = timer.id, timer.ticket, timer.metric
    if after is None:
        if miss_announced:
            yield TimerMissWithdrawn(timer=name, ticket=ticket, metric=metric, met_at=None)
        if timer.cancelled_at is None:
            yield TimerCancelled(timer=name, ticket=ticket, metric=metric, cancelled_at=now.replace(microsecond=0))
        return
    if before is None:
        yield TimerStarted(timer=name, ticket=ticket, metric=metric, started_at=after.started_at, due_at=after.due_at)
    elif before.due_at != after.due_at and after.clock != "worked":
        why = after.changes[-1].why if after.changes else "history"
        yield TimerRescheduled(
            timer=name, ticket=ticket, metric=metric, old_due_at=before.due_at, new_due_at=after.due_at, why=why
        )
    if miss_announced and before is not None and missed_from(before) != missed_from(after):
        yield TimerMissWithdrawn(timer=name, ticket=ticket, metric=metric, met_at=after.met_at)
    if after.met_at is not None and (before is None or before.met_at != after.met_at):
        yield TimerMet(timer=name, ticket=ticket, metric=metric, met_at=after.met_at)
    if after.cancelled_at is not None and (before is None or before.cancelled_at != after.cancelled_at):
        yield TimerCancelled(timer=name, ticket=ticket, metric=metric, cancelled_at=after.cancelled_at)


def missed_from(timer: Timer) -> datetime | None:
    """The instant at which a timer was missed, or will be if nothing happens; None where it ended
    in time, or is paused.
    """
    if timer.missed_at is not None:
        return timer.missed_at
    return None if _ended(timer) or timer.paused_since is not None else timer.due_at


def alarms_of(timer: Timer) -> tuple[Alarm, ...]:
    """The alarms of a timer; once it has ended it warns no more."""
    missed = missed_from(timer)
    warned = [] if _ended(timer) else [(each.rule, each.at) for each in timer.warnings]
    if (soft := _soft_warning(timer)) is not None:
        warned.append((SOFT, soft))
    coming = [Alarm(timer=timer.id, kind="warned", rule=rule, at=at) for rule, at in warned]
    if missed is not None:
        coming.append(Alarm(timer=timer.id, kind="missed", rule="", at=missed))
    return tuple(coming)


def _soft_warning(timer: Timer) -> datetime | None:
    """When a soft target passes, unless the timer ends before or a pause that goes on holds it back."""
    soft = timer.soft_due_at
    if soft is None or _ended(timer) or (timer.paused_since is not None and soft > timer.paused_since):
        return None
    return soft


def _ended(timer: Timer) -> bool:
    return not (timer.met_at is timer.missed_at is timer.cancelled_at is None)
