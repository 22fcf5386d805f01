"""Of a ticket's timers the one that a list shows: what has to happen next, or what happened last."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec

from fristwerk_language.terms import Metric
from sla_service.domain.timers.timer import Timer, TimerState, state_at

BEFORE_EVERYTHING: Final = datetime.min.replace(tzinfo=UTC)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class NextDeadline(msgspec.Struct, frozen=True, kw_only=True):
    """A timer as a list shows it. ``state`` is what the history says, whatever the time is: one that
    is ``running`` is missed once ``due_at`` has passed, and whoever shows it decides that. ``due_at``
    is None where worked minutes are counted and not used up yet.
    """

    timer: str
    metric: Metric
    state: TimerState
    started_at: datetime
    due_at: datetime | None
    ended_at: datetime | None


def next_deadline(timers: Iterable[Timer]) -> NextDeadline | None:
    """The timer that nothing has ended yet with the earliest deadline, one that runs before one that
    is paused; where all have ended, the one that ended last; None where there was none but cancelled
    ones. Pure: it does not depend on the time.
    """
    known = [each for each in timers if each.cancelled_at is None]
    if waiting := [each for each in known if each.ended_at is None and each.met_at is None]:
        return _shown(min(waiting, key=_urgency))
    return _shown(max(known, key=lambda each: (_end(each), each.id))) if known else None


def _urgency(timer: Timer) -> tuple[bool, datetime, str]:
    return timer.paused_since is not None, timer.due_at or _NEVER, timer.id


def _end(timer: Timer) -> datetime:
    return timer.ended_at or timer.met_at or timer.started_at


def _shown(timer: Timer) -> NextDeadline:
    return NextDeadline(
        timer=timer.id,
        metric=timer.metric,
        state=state_at(timer, BEFORE_EVERYTHING),
        started_at=timer.started_at,
        due_at=timer.due_at,
        ended_at=timer.ended_at or timer.met_at,
    )
