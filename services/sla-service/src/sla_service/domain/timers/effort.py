"""The effort notice: billable work may go on beyond its worked minutes only once the customer has been told.

Counted in logged work, not in time; entries that run side by side count side by side. Used up exactly is not missed: the miss is
the instant from which billable work goes on beyond it without a notice. What is worked while the ticket is done asks for none.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from fristwerk_language.terms import Percent, Span
from sla_service.domain.calendar.epoch import instant_of
from sla_service.domain.timers.published_terms import Terms
from sla_service.domain.timers.target import Line, Reason
from sla_service.domain.timers.timeline import Context, History, Mark, Work
from sla_service.domain.timers.timer import Timer, Warned


class Stretch(NamedTuple):
    """``[start, end)`` in which ``workers`` entries ran side by side, after ``worked`` seconds of work before it."""

    start: int
    end: int
    workers: int
    worked: int

    @property
    def worked_at_end(self) -> int:
        return self.worked + (self.end - self.start) * self.workers

    def instant_of(self, seconds: int) -> int:
        """The instant at which ``seconds`` were worked in all, this stretch's start at the earliest."""
        return self.start + max(0, seconds - self.worked) // self.workers


def effort_notice(history: History, terms: Terms) -> Timer | Reason | None:
    """The timer of the effort notice, why there is none, or null while no billable work is logged."""
    work = [each for each in history.work if _billable(history, terms, each)]
    if not work:
        line = _line(history, terms, history.contexts[-1])
        return None if isinstance(line, Line) else line
    stretches = tuple(_stretches(work, _cuts(history)))
    missed = next(_beyond_the_limit(history, terms, stretches), None)
    told = next((mark for mark in history.notices if missed is None or mark.at <= missed), None)
    if told is not None:
        return _timer(history, terms, work, stretches, told=told)
    if missed is not None:
        late = history.notices[0] if history.notices else None
        return _timer(history, terms, work, stretches, missed=missed, late=late)
    return _timer(history, terms, work, stretches)


def _timer(
    history: History,
    terms: Terms,
    work: list[Work],
    stretches: tuple[Stretch, ...],
    *,
    told: Mark | None = None,
    missed: int | None = None,
    late: Mark | None = None,
) -> Timer | Reason:
    context = _context(history, told.at if told else missed)
    line = _line(history, terms, context)
    if not isinstance(line, Line):
        return line
    assert line.target is not None, "an effort notice has a target"
    done = history.done
    cancelled = done[-1].since if done and done[-1].until is None and told is None and missed is None else None
    start, end = work[0].start, told or late
    ended_by = end or cancelled
    return Timer(
        id=f"{history.ticket}:effort_notice",
        ticket=history.ticket,
        metric="effort_notice",
        started_at=instant_of(start),
        target=str(line.target),
        clock="worked",
        due_at=None if missed is None else instant_of(missed),
        warnings=_warnings(line, line.target, stretches, None if end is None else end.at),
        met_at=None if told is None else instant_of(max(told.at, start)),
        missed_at=None if missed is None else instant_of(missed),
        cancelled_at=None if cancelled is None else instant_of(cancelled.at),
        ended_at=None if end is None else instant_of(max(end.at, start)),
        worked_seconds=_worked(work, None if end is None else end.at),
        target_seconds=line.target.amount,
        calendar=terms.calendar(history.created.calendar, context.calendar_version).label,
        terms=f"{history.created.agreement}@{context.agreement_version}",
        line=line.pointer,
        severity=context.severity,
        started_by=work[0].logged.event,
        ended_by=None if ended_by is None else ended_by.event,
    )


def _warnings(line: Line, target: Span, stretches: tuple[Stretch, ...], end: int | None) -> tuple[Warned, ...]:
    """The warnings that the logged work has reached; a span before the limit is counted in worked time, like the limit."""
    reached = []
    for rule in line.warn_at:
        percent = rule.percent if isinstance(rule, Percent) else None
        seconds = target.amount * percent // 100 if percent else max(0, target.amount - _seconds(rule))
        at = next((each.instant_of(seconds) for each in stretches if each.worked_at_end >= seconds), None)
        if at is not None and (end is None or at < end):
            reached.append(Warned(rule=str(rule), at=instant_of(at)))
    return tuple(reached)


def _seconds(rule: Span | Percent) -> int:
    return rule.amount if isinstance(rule, Span) and rule.clock != "business_days" else 0


def _beyond_the_limit(history: History, terms: Terms, stretches: tuple[Stretch, ...]) -> Iterator[int]:
    """The instants from which work went on beyond the limit then in force, while the ticket was not done."""
    for stretch in stretches:
        if any(
            stay.since.at <= stretch.start and (stay.until is None or stretch.start < stay.until.at)
            for stay in history.done
        ):
            continue
        line = _line(history, terms, _context(history, stretch.start))
        if isinstance(line, Line) and line.target is not None and stretch.worked_at_end > line.target.amount:
            yield stretch.instant_of(line.target.amount)


def _stretches(work: list[Work], cuts: set[int]) -> Iterator[Stretch]:
    """The work cut at every start and end of an entry and at ``cuts``, times without work left out."""
    joining = dict.fromkeys(cuts, 0)
    for each in work:
        joining[each.start] = joining.get(each.start, 0) + 1
        joining[each.start + each.seconds] = joining.get(each.start + each.seconds, 0) - 1
    edges = sorted(joining)
    worked = workers = 0
    for start, end in pairwise(edges):
        workers += joining[start]
        if workers:
            yield Stretch(start, end, workers, worked)
            worked += (end - start) * workers


def _cuts(history: History) -> set[int]:
    """The instants at which the limit may change: another context, or done and reopened."""
    cuts = {context.since.at for context in history.contexts}
    for stay in history.done:
        cuts.add(stay.since.at)
        if stay.until is not None:
            cuts.add(stay.until.at)
    return cuts


def _worked(work: list[Work], until: int | None) -> int:
    return sum(each.seconds if until is None else min(each.seconds, max(0, until - each.start)) for each in work)


def _context(history: History, at: int | None) -> Context:
    """The context in force at an instant; without one, the latest."""
    found = [context for context in history.contexts if at is None or context.since.at <= at]
    return found[-1] if found else history.contexts[0]


def _line(history: History, terms: Terms, context: Context) -> Line | Reason:
    """The line in force; while the strictest holds, the one with the fewest minutes."""
    levels = terms.agreement(history.created.agreement, context.agreement_version)
    lines = levels.candidates("effort_notice", history.created, context.severity, context.type)
    if isinstance(lines, str):
        return lines
    return min(lines, key=lambda line: line.target.amount if line.target else 0)


def _billable(history: History, terms: Terms, work: Work) -> bool:
    context = history.context_at(work.logged)
    return terms.agreement(history.created.agreement, context.agreement_version).billable(
        history.created, work.activity
    )
