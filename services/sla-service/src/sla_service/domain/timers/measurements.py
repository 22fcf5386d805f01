"""What there is to measure: for every metric, the exchanges that a history holds, each with what may start and end it.

A second question while one waits moves nothing; each exchange keeps its own result. An exchange is known by the version of the
event that opened it, so that a fact entered late never renames another.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from fristwerk_language.terms import Metric
from sla_service.domain.timers.timeline import Callback, History, Mark, Stay


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that may end an exchange. For a callback: who tried, whether the customer was reached, whether it is completed."""

    mark: Mark
    role: str | None = None
    reached: bool = True
    completed: bool = True


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to measure, open from ``start`` on.

    ``answer`` and ``message`` are, for a follow-up, the answer and the customer's first message it may count from;
    ``excluded`` are times that no clock of it counts.
    """

    id: str
    metric: Metric
    start: Mark
    answer: Mark | None = None
    message: Mark | None = None
    endings: tuple[Ending, ...] = ()
    cancelled: Mark | None = None
    excluded: tuple[Stay, ...] = ()


def exchanges(metric: Metric, history: History) -> tuple[Exchange, ...]:
    """The exchanges of a metric, in order; effort notices are counted by ``effort``."""
    found = _KINDS.get(metric)
    return () if found is None else tuple(found(history))


def _first_response(history: History) -> Iterator[Exchange]:
    end = _next(history.answers, history.received)
    yield _exchange(history, "first_response", history.received, end=end)


def _next_response(history: History) -> Iterator[Exchange]:
    """From the oldest unanswered customer message, the ticket itself included, to the next answer."""
    waiting: Mark | None = history.received
    while waiting is not None:
        answer = _next(history.answers, waiting)
        exchange = _exchange(history, "next_response", waiting, end=answer, number=waiting.version)
        yield exchange
        closed = min((mark for mark in (answer, exchange.cancelled) if mark is not None), default=None)
        waiting = None if closed is None else _next(history.messages, closed)


def _follow_up(history: History) -> Iterator[Exchange]:
    """From each answer to the next. One given when all was done opens nothing; the customer's next message does."""
    answers = frozenset(history.answers)
    position = history.answers[0] if answers else None
    while position is not None:
        message = _next(history.messages, position)
        following = _next(history.answers, position)
        if position in answers and not _is_done(history, position):
            answer, start = position, position
            cancelled = _next(history.endings, position)
        elif message is not None and (following is None or message < following):
            answer, start = None, message
            cancelled = _next(history.endings, message)
        else:
            position = following
            continue
        closed = min((mark for mark in (following, cancelled) if mark is not None), default=None)
        if message is not None and closed is not None and message > closed:
            message = None
        exchange = _exchange(history, "follow_up", start, end=following, number=start.version)
        yield msgspec.structs.replace(exchange, answer=answer, message=message)
        position = closed


def _callback(history: History) -> Iterator[Exchange]:
    for callback in history.callbacks:
        if callback.purpose != "voicemail":
            exchange = _exchange(history, "callback", callback.requested, end=None, number=callback.number)
            yield msgspec.structs.replace(exchange, endings=_tries(callback))


def _processing_started(history: History) -> Iterator[Exchange]:
    """To the first work, or the start of the first logged entry; work for a report cannot start before it."""
    starts = list(history.work_starts)
    starts += [msgspec.structs.replace(each.logged, at=max(each.start, history.received.at)) for each in history.work]
    yield _exchange(history, "processing_started", history.received, end=min(starts, default=None))


def _resolution(history: History) -> Iterator[Exchange]:
    """To the resolution that still holds; the time until a reopening is excluded."""
    done = history.done
    holds = bool(done) and done[-1].until is None
    yield Exchange(
        id=f"{history.ticket}:resolution",
        metric="resolution",
        start=history.received,
        endings=(Ending(mark=done[-1].since),) if holds else (),
        excluded=done[:-1] if holds else done,
    )


_KINDS: Final[dict[Metric, Callable[[History], Iterator[Exchange]]]] = {
    "first_response": _first_response,
    "next_response": _next_response,
    "follow_up": _follow_up,
    "callback": _callback,
    "processing_started": _processing_started,
    "resolution": _resolution,
}


def _exchange(
    history: History, metric: Metric, start: Mark, *, end: Mark | None, number: int | None = None
) -> Exchange:
    return Exchange(
        id=f"{history.ticket}:{metric}" if number is None else f"{history.ticket}:{metric}:{number}",
        metric=metric,
        start=start,
        endings=() if end is None else (Ending(mark=end),),
        cancelled=_next(history.endings, start),
    )


def _tries(callback: Callback) -> tuple[Ending, ...]:
    return tuple(
        Ending(mark=each.mark, role=each.role, reached=each.reached, completed=each.completed)
        for each in callback.tries
        if each.mark > callback.requested
    )


def _next(marks: tuple[Mark, ...], after: Mark) -> Mark | None:
    index = bisect_right(marks, after)
    return marks[index] if index < len(marks) else None


def _is_done(history: History, mark: Mark) -> bool:
    return any(stay.since <= mark and (stay.until is None or mark < stay.until) for stay in history.done)
