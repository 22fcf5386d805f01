"""What there is to measure: the measurements of every metric on a timeline, each with what may
start and end it.

A second question while one waits moves nothing; each measurement keeps its own result. A
measurement is known by the version of the event that started it, so that a fact entered late never
renames another.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from fristwerk_language.terms import Metric
from sla_service.domain.timers.levels import Visit, visits_of
from sla_service.domain.timers.timeline import Moment, PromisedCallback, StatePeriod, Timeline


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that may end a measurement. For a callback: who tried, whether the customer was
    reached, whether it is completed.
    """

    moment: Moment
    role: str | None = None
    reached: bool = True
    completed: bool = True


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to measure, open from ``start`` on.

    Of a measurement of a ``level`` only the time of its ``visits`` counts.

    ``answer`` and ``message`` are, for a follow-up, the answer and the customer's first message it
    may count from; ``excluded`` are times that no clock of it counts.
    """

    id: str
    metric: Metric
    start: Moment
    answer: Moment | None = None
    message: Moment | None = None
    endings: tuple[Ending, ...] = ()
    cancelled: Moment | None = None
    excluded: tuple[StatePeriod, ...] = ()
    level: str | None = None
    visits: tuple[Visit, ...] = ()


def measurements(metric: Metric, timeline: Timeline) -> tuple[Measurement, ...]:
    """The measurements of a metric, in order; effort notices are measured by ``effort``."""
    found = _KINDS.get(metric)
    return () if found is None else tuple(found(timeline))


def level_measurements(timeline: Timeline, levels: Sequence[str]) -> Iterator[Measurement]:
    """Of every level at which the ticket was: from its arrival until it went on to another one, or was
    resolved there. A return goes on with what was used.
    """
    [whole] = _resolution(timeline)
    for level in levels:
        visits = visits_of(level, timeline, levels)
        if not visits:
            continue
        left = visits[-1].until
        ends = [each for each in (left, *(ending.moment for ending in whole.endings)) if each is not None]
        yield msgspec.structs.replace(
            whole,
            id=f"{timeline.ticket}:resolution:level:{level}",
            start=visits[0].since,
            endings=(Ending(moment=min(ends)),) if ends else (),
            level=level,
            visits=visits,
        )


def _first_response(timeline: Timeline) -> Iterator[Measurement]:
    end = _next(timeline.answers, timeline.received)
    yield _measurement(timeline, "first_response", timeline.received, end=end)


def _next_response(timeline: Timeline) -> Iterator[Measurement]:
    """From the oldest unanswered customer message, the ticket itself included, to the next answer."""
    waiting: Moment | None = timeline.received
    while waiting is not None:
        answer = _next(timeline.answers, waiting)
        measurement = _measurement(timeline, "next_response", waiting, end=answer, number=waiting.version)
        yield measurement
        closed = min((moment for moment in (answer, measurement.cancelled) if moment is not None), default=None)
        waiting = None if closed is None else _next(timeline.messages, closed)


def _follow_up(timeline: Timeline) -> Iterator[Measurement]:
    """From each answer to the next. One given when all was done opens nothing; the customer's next
    message does.
    """
    answers = frozenset(timeline.answers)
    position = timeline.answers[0] if answers else None
    while position is not None:
        message = _next(timeline.messages, position)
        following = _next(timeline.answers, position)
        if position in answers and not _is_done(timeline, position):
            answer, start = position, position
            cancelled = _next(timeline.endings, position)
        elif message is not None and (following is None or message < following):
            answer, start = None, message
            cancelled = _next(timeline.endings, message)
        else:
            position = following
            continue
        closed = min((moment for moment in (following, cancelled) if moment is not None), default=None)
        if message is not None and closed is not None and message > closed:
            message = None
        measurement = _measurement(timeline, "follow_up", start, end=following, number=start.version)
        yield msgspec.structs.replace(measurement, answer=answer, message=message)
        position = closed


def _callback(timeline: Timeline) -> Iterator[Measurement]:
    for callback in timeline.callbacks:
        if callback.purpose != "voicemail":
            measurement = _measurement(timeline, "callback", callback.requested, end=None, number=callback.number)
            yield msgspec.structs.replace(measurement, endings=_attempts(callback))


def _processing_started(timeline: Timeline) -> Iterator[Measurement]:
    """To the first work, or the start of the first logged entry; work for a report cannot start
    before it.
    """
    starts = list(timeline.work_starts)
    starts += [msgspec.structs.replace(each.logged, at=max(each.start, timeline.received.at)) for each in timeline.work]
    yield _measurement(timeline, "processing_started", timeline.received, end=min(starts, default=None))


def _resolution(timeline: Timeline) -> Iterator[Measurement]:
    """To the resolution that still holds; the time until a reopening is excluded. A merge resolves
    nothing.
    """
    done = timeline.done
    holds = bool(done) and done[-1].until is None
    merged = None if timeline.merged is None else timeline.merged.moment
    resolved = holds and done[-1].since != merged
    yield Measurement(
        id=f"{timeline.ticket}:resolution",
        metric="resolution",
        start=timeline.received,
        endings=(Ending(moment=done[-1].since),) if resolved else (),
        cancelled=merged,
        excluded=done[:-1] if holds else done,
    )


_KINDS: Final[dict[Metric, Callable[[Timeline], Iterator[Measurement]]]] = {
    "first_response": _first_response,
    "next_response": _next_response,
    "follow_up": _follow_up,
    "callback": _callback,
    "processing_started": _processing_started,
    "resolution": _resolution,
}


def _measurement(
    timeline: Timeline, metric: Metric, start: Moment, *, end: Moment | None, number: int | None = None
) -> Measurement:
    return Measurement(
        id=f"{timeline.ticket}:{metric}" if number is None else f"{timeline.ticket}:{metric}:{number}",
        metric=metric,
        start=start,
        endings=() if end is None else (Ending(moment=end),),
        cancelled=_next(timeline.endings, start),
    )


def _attempts(callback: PromisedCallback) -> tuple[Ending, ...]:
    return tuple(
        Ending(moment=each.moment, role=each.role, reached=each.reached, completed=each.completed)
        for each in callback.attempts
        if each.moment > callback.requested
    )


def _next(moments: tuple[Moment, ...], after: Moment) -> Moment | None:
    index = bisect_right(moments, after)
    return moments[index] if index < len(moments) else None


def _is_done(timeline: Timeline, moment: Moment) -> bool:
    return any(period.since <= moment and (period.until is None or moment < period.until) for period in timeline.done)
