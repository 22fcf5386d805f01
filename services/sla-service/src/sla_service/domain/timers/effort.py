"""The effort notice: billable work may go on beyond its worked minutes only once the customer has
been notified.

Counted in logged work, not in time; entries that run side by side count side by side. Used up
exactly is not missed: the miss is the instant from which billable work goes on beyond it without a
notice. What is worked while the ticket is done asks for none.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from fristwerk_language.terms import Percent, Span
from sla_service.domain.calendar.epoch import instant_of
from sla_service.domain.timers.metric_outcome import (
    Cancelled,
    Evaluated,
    Met,
    Missed,
    NotStarted,
    Pending,
    TimerOutcome,
    end_of,
)
from sla_service.domain.timers.published_terms import TermsLookup
from sla_service.domain.timers.service_levels import NotApplicable, ServiceLevelLine
from sla_service.domain.timers.timeline import TargetContext, Timeline, WorkEntry
from sla_service.domain.timers.timer import PlannedWarning, Timer


class Stretch(NamedTuple):
    """``[start, end)`` in which ``workers`` entries ran side by side, after ``worked`` seconds of
    work before it.
    """

    start: int
    end: int
    workers: int
    worked: int

    @property
    def worked_at_end(self) -> int:
        return self.worked + (self.end - self.start) * self.workers

    def instant_of(self, seconds: int) -> int:
        """The instant at which ``seconds`` were worked in all, this stretch's start at the
        earliest.
        """
        return self.start + max(0, seconds - self.worked) // self.workers


def effort_notice(timeline: Timeline, terms: TermsLookup) -> Evaluated:
    """The timer of the effort notice, why there is none, or that no billable work is logged yet."""
    work = [entry for entry in timeline.work if _billable(timeline, terms, entry)]
    if not work:
        line = _line_in_force(terms, timeline.contexts[-1])
        return NotStarted() if isinstance(line, ServiceLevelLine) else line
    stretches = tuple(_stretches(work, _cuts(timeline)))
    outcome = _outcome(timeline, next(_beyond_the_limit(timeline, terms, stretches), None))
    return _timer(timeline, terms, work, stretches, outcome)


def _outcome(timeline: Timeline, missed: int | None) -> TimerOutcome:
    """Met by a notice up to the instant ``missed``; where there is no miss, cancelled once the
    ticket is done.
    """
    in_time = next((moment for moment in timeline.notices if missed is None or moment.at <= missed), None)
    if in_time is not None:
        return Met(in_time)
    if missed is not None:
        return Missed(missed, timeline.notices[0] if timeline.notices else None)
    done = timeline.done
    return Cancelled(done[-1].since) if done and done[-1].until is None else Pending()


def _timer(
    timeline: Timeline,
    terms: TermsLookup,
    work: list[WorkEntry],
    stretches: tuple[Stretch, ...],
    outcome: TimerOutcome,
) -> Timer | NotApplicable:
    context = _context(timeline, _decided_at(outcome))
    line = _line_in_force(terms, context)
    if not isinstance(line, ServiceLevelLine):
        return line
    assert line.target is not None, "an effort notice has a target"
    ended_by = end_of(outcome)
    notice = None if isinstance(outcome, Cancelled) else ended_by
    start = work[0].start
    return Timer(
        id=f"{timeline.ticket}:effort_notice",
        ticket=timeline.ticket,
        metric="effort_notice",
        started_at=instant_of(start),
        target=str(line.target),
        clock="worked",
        due_at=instant_of(outcome.due) if isinstance(outcome, Missed) else None,
        warnings=_warnings(line, line.target, stretches, None if notice is None else notice.at),
        met_at=instant_of(max(outcome.moment.at, start)) if isinstance(outcome, Met) else None,
        missed_at=instant_of(outcome.due) if isinstance(outcome, Missed) else None,
        cancelled_at=instant_of(outcome.moment.at) if isinstance(outcome, Cancelled) else None,
        ended_at=None if notice is None else instant_of(max(notice.at, start)),
        worked_seconds=_worked(work, None if notice is None else notice.at),
        target_seconds=line.target.amount,
        calendar=terms.calendar(context.ground.calendar, context.calendar_version).label,
        terms=f"{context.ground.agreement}@{context.agreement_version}",
        line=line.pointer,
        severity=context.severity,
        started_by=work[0].logged.event,
        ended_by=None if ended_by is None else ended_by.event,
    )


def _decided_at(outcome: TimerOutcome) -> int | None:
    """The instant whose terms count; None: those in force last."""
    match outcome:
        case Met(moment=moment):
            return moment.at
        case Missed(due=due):
            return due
        case Cancelled() | Pending():
            return None


def _warnings(
    line: ServiceLevelLine, target: Span, stretches: tuple[Stretch, ...], end: int | None
) -> tuple[PlannedWarning, ...]:
    """The warnings that the logged work has reached; a span before the limit is counted in worked
    time, like the limit.
    """
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
    """The instants from which work went on beyond the limit then in force, while the ticket was not
    done.
    """
    for stretch in stretches:
        if any(
            period.since.at <= stretch.start and (period.until is None or stretch.start < period.until.at)
            for period in timeline.done
        ):
            continue
        line = _line_in_force(terms, _context(timeline, stretch.start))
        if (
            isinstance(line, ServiceLevelLine)
            and line.target is not None
            and stretch.worked_at_end > line.target.amount
        ):
            yield stretch.instant_of(line.target.amount)


def _stretches(work: list[WorkEntry], cuts: set[int]) -> Iterator[Stretch]:
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


def _worked(work: list[WorkEntry], until: int | None) -> int:
    return sum(each.seconds if until is None else min(each.seconds, max(0, until - each.start)) for each in work)


def _context(timeline: Timeline, at: int | None) -> TargetContext:
    """The context in force at an instant; without one, the latest."""
    found = [context for context in timeline.contexts if at is None or context.since.at <= at]
    return found[-1] if found else timeline.contexts[0]


def _line_in_force(terms: TermsLookup, context: TargetContext) -> ServiceLevelLine | NotApplicable:
    """The line in force; while the strictest holds, the one with the fewest minutes."""
    ground = context.ground
    if not ground.entitled:
        return NotApplicable("not_entitled")
    levels = terms.agreement(ground.agreement, context.agreement_version)
    lines = levels.candidates("effort_notice", ground, context.severity, context.type)
    if isinstance(lines, NotApplicable):
        return lines
    return min(lines, key=lambda line: line.target.amount if line.target else 0)


def _billable(timeline: Timeline, terms: TermsLookup, work: WorkEntry) -> bool:
    context = timeline.context_at(work.logged)
    return terms.agreement(context.ground.agreement, context.agreement_version).billable(
        context.ground, work.activity, work.appointment, work.performer
    )
