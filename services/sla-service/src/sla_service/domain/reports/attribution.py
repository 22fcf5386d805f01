"""Where the time of a timer went: seconds per assignee and state."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import msgspec

from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.calendar.epoch import seconds_of
from sla_service.domain.timers.target import measure
from sla_service.domain.timers.ticket_state import TicketState
from sla_service.domain.timers.timeline import Timeline
from sla_service.domain.timers.timer import Timer


class AttributedTime(msgspec.Struct, frozen=True, kw_only=True):
    """``seconds`` on the timer's clock in which ``agent`` (None: nobody yet) had the ticket in
    ``state``.

    ``counted`` is false for what a pause left out of the timer.
    """

    agent: str | None
    state: TicketState
    seconds: int
    counted: bool


def attribution(timer: Timer, timeline: Timeline, calendar: Calendar, until: datetime) -> tuple[AttributedTime, ...]:
    """The shares from the timer's start to ``until`` (such as its miss), the largest first.

    Worked minutes are attributed by elapsed time. Raises CalendarRangeError.
    """
    start, end = seconds_of(timer.started_at), seconds_of(until)
    clock = "wall" if timer.clock == "worked" else timer.clock
    shares: dict[tuple[str | None, TicketState, bool], int] = {}
    edges = sorted({start, end, *(edge for edge in _edges(timer, timeline) if start < edge < end)})
    for begin, finish in pairwise(edges):
        key = (_agent(timeline, begin), _state(timeline, begin), not _paused(timer, begin))
        shares[key] = shares.get(key, 0) + measure(calendar, clock, begin, finish)
    found = [
        AttributedTime(agent=agent, state=state, seconds=seconds, counted=counted)
        for (agent, state, counted), seconds in shares.items()
        if seconds
    ]
    return tuple(sorted(found, key=lambda share: -share.seconds))


def _edges(timer: Timer, timeline: Timeline) -> set[int]:
    edges = {moment.at for moment, _ in timeline.assignments} | {period.since.at for period in timeline.state_periods}
    for pause in timer.pauses:
        edges.add(seconds_of(pause.since))
        if pause.until is not None:
            edges.add(seconds_of(pause.until))
    return edges


def _agent(timeline: Timeline, at: int) -> str | None:
    return next((agent for moment, agent in reversed(timeline.assignments) if moment.at <= at), None)


def _state(timeline: Timeline, at: int) -> TicketState:
    return next((period.state for period in reversed(timeline.state_periods) if period.since.at <= at), "new")


def _paused(timer: Timer, at: int) -> bool:
    return any(
        seconds_of(pause.since) <= at and (pause.until is None or at < seconds_of(pause.until))
        for pause in timer.pauses
    )
