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
from sla_service.domain.timers.published_terms import TermsLookup
from sla_service.domain.timers.target import AbsenceReason, ServiceLevelLine
from sla_service.domain.timers.timeline import Moment, TargetContext, Timeline, Work
from sla_service.domain.timers.timer import PlannedWarning, Timer


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


def effort_notice(timeline: Timeline, terms: TermsLookup) -> Timer | AbsenceReason | None:
    """The timer of the effort notice, why there is none, or null while no billable work is logged."""
    work = [each for each in timeline.work if _billable(timeline, terms, each)]
    if not work:
        line = _service_level_line(timeline, terms, timeline.contexts[-1])
        return None if isinstance(line, ServiceLevelLine) else line
    stretches = tuple(_stretches(work, _cuts(timeline)))
    missed = next(_beyond_the_limit(timeline, terms, stretches), None)
    told = next((moment for moment in timeline.notices if missed is None or moment.at <= missed), None)
    if told is not None:
        return _timer(timeline, terms, work, stretches, told=told)
    if missed is not None:
        late = timeline.notices[0] if timeline.notices else None
        return _timer(timeline, terms, work, stretches, missed=missed, late=late)
    return _timer(timeline, terms, work, stretches)


def _timer(
    timeline: Timeline,
    terms: TermsLookup,
    work: list[Work],
    stretches: tuple[Stretch, ...],
    *,
    told: Moment | None = None,
    missed: int | None = None,
    late: Moment | None = None,
) -> Timer | AbsenceReason:
    context = _context(timeline, told.at if told else missed)
    line = _service_level_line(timeline, terms, context)
    if not isinstance(line, ServiceLevelLine):
        return line
    assert line.target is not None, "an effort notice has a target"
    done = timeline.done
    cancelled = done[-1].since if done and done[-1].until is None and told is None and missed is None else None
    start, end = work[0].start, told or late
    ended_by = end or cancelled
    return Timer(
        id=f"{timeline.ticket}:effort_notice",
        ticket=timeline.ticket,
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
        calendar=terms.calendar(timeline.created.calendar, context.calendar_version).label,
        terms=f"{timeline.created.agreement}@{context.agreement_version}",
        line=line.pointer,
        severity=context.severity,
        started_by=work[0].logged.event,
        ended_by=None if ended_by is None else ended_by.event,
    )


def _warnings(
    line: ServiceLevelLine, target: Span, stretches: tuple[Stretch, ...], end: int | None
) -> tuple[PlannedWarning, ...]:
    """The warnings that the logged work has reached; a span before the limit is counted in worked time, like the limit."""
    reached = []
    for rule in line.warn_at:
        percent = rule.percent if isinstance(rule, Percent) else None
        seconds = target.amount * percent // 100 if percent else max(0, target.amount - _seconds(rule))
        at = next((each.instant_of(seconds) for each in stretches if each.worked_at_end >= seconds), None)
        if at is not None and (end is None or at < end):
            reached.append(PlannedWarning(rule=str(rule), at=instant_of(at)))
    return tuple(reached)


def _seconds(rule: Span | Percent) -> int:
    return rule.amount if isinstance(rule, Span) and rule.clock != "business_days" else 0


def _beyond_the_limit(timeline: Timeline, terms: TermsLookup, stretches: tuple[Stretch, ...]) -> Iterator[int]:
    """The instants from which work went on beyond the limit then in force, while the ticket was not done."""
    for stretch in stretches:
        if any(
            period.since.at <= stretch.start and (period.until is None or stretch.start < period.until.at)
            for period in timeline.done
        ):
            continue
        line = _service_level_line(timeline, terms, _context(timeline, stretch.start))
        if (
            isinstance(line, ServiceLevelLine)
            and line.target is not None
            and stretch.worked_at_end > line.target.amount
        ):
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


def _cuts(timeline: Timeline) -> set[int]:
    """The instants at which the limit may change: another context, or done and reopened."""
    cuts = {context.since.at for context in timeline.contexts}
    for period in timeline.done:
        cuts.add(period.since.at)
        if period.until is not None:
            cuts.add(period.until.at)
    return cuts


def _worked(work: list[Work], until: int | None) -> int:
    return sum(each.seconds if until is None else min(each.seconds, max(0, until - each.start)) for each in work)


def _context(timeline: Timeline, at: int | None) -> TargetContext:
    """The context in force at an instant; without one, the latest."""
    found = [context for context in timeline.contexts if at is None or context.since.at <= at]
    return found[-1] if found else timeline.contexts[0]


def _service_level_line(
    timeline: Timeline, terms: TermsLookup, context: TargetContext
) -> ServiceLevelLine | AbsenceReason:
    """The line in force; while the strictest holds, the one with the fewest minutes."""
    levels = terms.agreement(timeline.created.agreement, context.agreement_version)
    lines = levels.candidates("effort_notice", timeline.created, context.severity, context.type)
    if isinstance(lines, str):
        return lines
    return min(lines, key=lambda line: line.target.amount if line.target else 0)


def _billable(timeline: Timeline, terms: TermsLookup, work: Work) -> bool:
    context = timeline.context_at(work.logged)
    return terms.agreement(timeline.created.agreement, context.agreement_version).billable(
        timeline.created, work.activity
    )
