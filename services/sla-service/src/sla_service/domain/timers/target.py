"""When a target is due, and when its warnings come.

Pauses are measured on the target's own clock: outside opening hours they cost nothing on a business
clock. Instants are whole seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fristwerk_language.terms import Clock, Percent, Span
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.timers.service_levels import ServiceLevelLine

Pause = tuple[int, int | None]
"""From when to when a clock stands still, in instants; no end: it still does."""


class Deadline(NamedTuple):
    """When a target is due. ``paused`` holds, for each pause that began before it, the seconds it
    cost on the clock.

    ``suspended``: the last of those pauses goes on, so that the deadline moves as long as it does.
    """

    due: int
    paused: tuple[int, ...] = ()
    suspended: bool = False


def measure(calendar: Calendar, clock: Clock, start: int, end: int) -> int:
    """The seconds that a clock counts from ``start`` to ``end``; on a calendar of business days its
    business time.
    """
    return end - start if clock == "wall" else calendar.business_time_between(start, end)


def deadline(
    calendar: Calendar, span: Span, start: int, pauses: Sequence[Pause] = (), *, end_of_business_day: bool = False
) -> Deadline:
    """When ``span`` has passed since ``start``, leaving out ``pauses`` (sorted, not overlapping).

    Business days come first (to the day's last closing with ``end_of_business_day``), then the
    paused business time is added. Raises CalendarRangeError.
    """
    due = _advance(calendar, span, start, end_of_business_day=end_of_business_day)
    paused: list[int] = []
    for pause_start, pause_end in pauses:
        if pause_start >= due:
            break
        if pause_end is None:
            return Deadline(due, (*paused, 0), suspended=True)
        cost = measure(calendar, span.clock, max(start, pause_start), max(start, pause_end))
        paused.append(cost)
        if cost:
            due = due + cost if span.clock == "wall" else calendar.add_business_time(due, cost)
    return Deadline(due, tuple(paused))


def warnings(
    calendar: Calendar, line: ServiceLevelLine, start: int, due: int, pauses: Sequence[Pause]
) -> tuple[tuple[str, int], ...]:
    """The line's warnings as (rule, instant), in the target's own clock; none comes before that
    clock starts.

    Warnings that a pause still going on holds back are left out.
    """
    assert line.target is not None, "what only measures does not warn"
    result = []
    for rule in line.warn_at:
        at = _warning(calendar, line.target, rule, start, due, pauses)
        if at is not None:
            result.append((str(rule), at))
    return tuple(result)


def time_before(calendar: Calendar, clock: Clock, due: int, seconds: int, pauses: Sequence[Pause]) -> int:
    """The last instant from which ``seconds`` of a clock, without ``pauses``, pass until ``due``."""
    at = due - seconds if clock == "wall" else calendar.subtract_business_time(due, seconds)
    for pause_start, pause_end in reversed(pauses):
        if pause_end is None or pause_start >= due:
            continue
        if pause_end <= at:
            break
        cost = measure(calendar, clock, pause_start, min(pause_end, due))
        at = at - cost if clock == "wall" else calendar.subtract_business_time(at, cost)
    return at


def _advance(calendar: Calendar, span: Span, start: int, *, end_of_business_day: bool) -> int:
    match span.clock:
        case "wall":
            return start + span.amount
        case "business":
            return calendar.add_business_time(start, span.amount)
        case "business_days":
            return calendar.add_business_days(start, span.amount, end_of_business_day=end_of_business_day)
        case "worked":
            raise AssertionError("worked minutes are counted by effort, not by time")


def _warning(
    calendar: Calendar, target: Span, rule: Span | Percent, start: int, due: int, pauses: Sequence[Pause]
) -> int | None:
    clock: Clock = "wall" if target.clock == "wall" else "business"
    first = start if clock == "wall" else calendar.next_opening(start)
    if isinstance(rule, Percent):
        amount = target.amount
        if target.clock == "business_days":
            amount = measure(calendar, clock, start, due) - sum(
                measure(calendar, clock, max(start, begin), min(due, end))
                for begin, end in pauses
                if end and begin < due
            )
        reached = deadline(calendar, Span(clock, amount * rule.percent // 100), start, pauses)
        return None if reached.suspended else reached.due
    if rule.clock == "business_days":
        return max(first, calendar.add_business_days(due, -rule.amount))
    at = max(first, time_before(calendar, clock, due, rule.amount, pauses))
    suspended_since = next((begin for begin, end in pauses if end is None), None)
    return None if suspended_since is not None and at > suspended_since else at
