"""Time per assignee and state."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import msgspec

from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.calendar.epoch import instant_of, seconds_of
from sla_service.domain.timers.ticket_state import DONE, TicketState
from sla_service.domain.timers.timeline import Timeline


class TimeInState(msgspec.Struct, frozen=True, kw_only=True):
    """How long ``agent`` (None: nobody yet) had the ticket in ``state``: around the clock, and
    within opening hours.
    """

    agent: str | None
    state: TicketState
    wall_seconds: int
    business_seconds: int


def ownership_end(timeline: Timeline, now: datetime) -> datetime:
    """Until when somebody had the ticket: its last resolution, if that still holds, else ``now``."""
    last = timeline.state_periods[-1]
    done = timeline.done[-1].since.at if last.state in DONE else seconds_of(now)
    return instant_of(max(timeline.received.at, min(done, seconds_of(now))))


def time_in_state(timeline: Timeline, calendar: Calendar, until: datetime) -> tuple[TimeInState, ...]:
    """The shares from receipt to ``until``, by agent and state, in the order they first occurred.

    Raises CalendarRangeError where the calendar's published years do not reach.
    """
    start, end = timeline.received.at, seconds_of(until)
    moments = [moment.at for moment, _ in timeline.assignments] + [period.since.at for period in timeline.state_periods]
    spent: dict[tuple[str | None, TicketState], tuple[int, int]] = {}
    for begin, finish in pairwise(sorted({start, end, *(at for at in moments if start < at < end)})):
        key = _agent(timeline, begin), _state(timeline, begin)
        wall, business = spent.get(key, (0, 0))
        spent[key] = wall + finish - begin, business + calendar.business_time_between(begin, finish)
    return tuple(
        TimeInState(agent=agent, state=state, wall_seconds=wall, business_seconds=business)
        for (agent, state), (wall, business) in spent.items()
    )


def _agent(timeline: Timeline, at: int) -> str | None:
    return next((agent for moment, agent in reversed(timeline.assignments) if moment.at <= at), None)


def _state(timeline: Timeline, at: int) -> TicketState:
    return next(period.state for period in reversed(timeline.state_periods) if period.since.at <= at)
