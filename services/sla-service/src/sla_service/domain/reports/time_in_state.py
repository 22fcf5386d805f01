"""How long a ticket lay with whom, and in which state."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import msgspec

from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.calendar.epoch import instant_of, seconds_of
from sla_service.domain.timers.timeline import DONE, History, State


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """The time a ticket lay with ``agent`` (null: nobody yet) in ``state``: around the clock, and within opening hours."""

    agent: str | None
    state: State
    wall_seconds: int
    business_seconds: int


def lay_until(history: History, now: datetime) -> datetime:
    """Until when the ticket lay with anybody: its last resolution, if that still holds, else ``now``."""
    last = history.stays[-1]
    done = history.done[-1].since.at if last.state in DONE else seconds_of(now)
    return instant_of(max(history.received.at, min(done, seconds_of(now))))


def holdings(history: History, calendar: Calendar, until: datetime) -> tuple[Holding, ...]:
    """The shares from receipt to ``until``, by agent and state, in the order they first occurred.

    Raises CalendarRangeError where the calendar's published years do not reach.
    """
    start, end = history.received.at, seconds_of(until)
    marks = [mark.at for mark, _ in history.assignments] + [stay.since.at for stay in history.stays]
    spent: dict[tuple[str | None, State], tuple[int, int]] = {}
    for begin, finish in pairwise(sorted({start, end, *(at for at in marks if start < at < end)})):
        key = _agent(history, begin), _state(history, begin)
        wall, business = spent.get(key, (0, 0))
        spent[key] = wall + finish - begin, business + calendar.business_time_between(begin, finish)
    return tuple(
        Holding(agent=agent, state=state, wall_seconds=wall, business_seconds=business)
        for (agent, state), (wall, business) in spent.items()
    )


def _agent(history: History, at: int) -> str | None:
    return next((agent for mark, agent in reversed(history.assignments) if mark.at <= at), None)


def _state(history: History, at: int) -> State:
    return next(stay.state for stay in reversed(history.stays) if stay.since.at <= at)
