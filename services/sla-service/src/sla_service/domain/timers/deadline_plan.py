"""The plan that holds at a moment: which line of the agreement counts, from where, what it leaves
out, and when it is due.
"""

from __future__ import annotations

from typing import NamedTuple

from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.timers.levels import between, clipped
from sla_service.domain.timers.metric_outcome import NotStarted
from sla_service.domain.timers.published_terms import TermsLookup
from sla_service.domain.timers.service_levels import NotApplicable, ServiceLevelLine
from sla_service.domain.timers.spans_to_measure import Ending, Measurement
from sla_service.domain.timers.target import Deadline, Pause, deadline
from sla_service.domain.timers.ticket_state import DONE
from sla_service.domain.timers.timeline import Moment, StatePeriod, TargetContext, Timeline
from sla_service.domain.timers.timer import TimerNote


class DeadlinePlan(NamedTuple):
    """A line in force, and the deadline it gives; without a target it only measures and has no
    deadline.

    ``pauses`` are the parts of ``waits``, one each, in which the clock stood still since ``start``,
    as known at the moment of the plan.
    """

    context: TargetContext
    line: ServiceLevelLine
    calendar: Calendar
    start: Moment
    waits: tuple[StatePeriod, ...]
    pauses: tuple[Pause, ...]
    deadline: Deadline | None

    @property
    def due(self) -> int | None:
        return None if self.deadline is None else self.deadline.due

    @property
    def due_unless_suspended(self) -> int | None:
        """The deadline, unless a pause is holding it back."""
        return None if self.deadline is None or self.deadline.suspended else self.deadline.due

    def accepts(self, ending: Ending) -> bool:
        """Whether the fact ends the measurement.

        A callback needs the right role, and completion unless the line counts attempts in time.
        """
        if self.line.completed_by is not None and ending.role not in (None, self.line.completed_by):
            return False
        return ending.completed or (self.line.attempt_counts and self._in_time(ending))

    def note(self, measurement: Measurement, ending: Ending) -> TimerNote | None:
        """``not_reached`` where only attempts that reached nobody were made in time."""
        in_time = [each for each in measurement.endings if self.accepts(each) and self._in_time(each)]
        return None if ending.reached or any(each.reached for each in in_time) else "not_reached"

    def closed_at(self, over: int) -> DeadlinePlan:
        """The plan of a timer that is over at ``over``: a pause that still went on has cost what it
        cost until then.
        """
        if all(until is not None for _, until in self.pauses):
            return self
        pauses = tuple((since, max(since, over) if until is None else until) for since, until in self.pauses)
        target = self.line.target
        due = None if target is None else deadline(self.calendar, target, self.start.at, pauses)
        return self._replace(pauses=pauses, deadline=due)

    def _in_time(self, ending: Ending) -> bool:
        return self.due is None or ending.moment.at <= self.due


class DeadlinePlanner:
    """Plans a measurement anew at each moment; ``waits`` are the periods, in order, that some line
    might not count.
    """

    def __init__(self, measurement: Measurement, timeline: Timeline, terms: TermsLookup) -> None:
        self._measurement = measurement
        self._timeline = timeline
        self._terms = terms
        self.waits = _waits(measurement, timeline, terms)

    def plan_at(self, moment: Moment) -> DeadlinePlan | NotApplicable | NotStarted:
        """The plan by what was known at ``moment``; of several lines the strictest. Raises
        CalendarRangeError.
        """
        context = self._timeline.context_at(moment)
        created = context.ground
        if not created.entitled:
            return NotApplicable("not_entitled")
        levels = self._terms.agreement(created.agreement, context.agreement_version)
        lines = levels.candidates(
            self._measurement.metric, created, context.severity, context.type, self._measurement.level
        )
        if isinstance(lines, NotApplicable):
            return lines
        calendar = self._terms.calendar(created.calendar, context.calendar_version)
        plans = [
            self._plan(context, line, self._calendar(line, context) or calendar, start, moment)
            for line in lines
            if (start := self._start(line, moment)) is not None and start <= moment
        ]
        if len(plans) == 1:
            return plans[0]
        return min(plans, key=_strictness, default=NotStarted())

    def _calendar(self, line: ServiceLevelLine, context: TargetContext) -> Calendar | None:
        """The line's own calendar, if it names one: its first version where the ticket recorded none."""
        if line.calendar is None:
            return None
        return self._terms.line_calendar(line.calendar, context.line_calendars.get(line.calendar, 1))

    def _start(self, line: ServiceLevelLine, moment: Moment) -> Moment | None:
        """From where a line counts at a moment: the original start, or the change of type or severity
        that brought the ticket to it.
        """
        start = _start(self._measurement, line)
        if start is None or line.counts_from == "start":
            return start
        return max(start, _changed_to(self._timeline, line, moment))

    def _plan(
        self, context: TargetContext, line: ServiceLevelLine, calendar: Calendar, start: Moment, now: Moment
    ) -> DeadlinePlan:
        waits = tuple(period for period in self.waits if _stands_still(line, period, start, now))
        pauses = tuple(
            (max(wait.since.at, start.at), wait.until.at if wait.until is not None and wait.until <= now else None)
            for wait in waits
        )
        due = None if line.target is None else deadline(calendar, line.target, start.at, pauses)
        return DeadlinePlan(context, line, calendar, start, waits, pauses, due)


def _waits(measurement: Measurement, timeline: Timeline, terms: TermsLookup) -> tuple[StatePeriod, ...]:
    versions = {(context.ground.agreement, context.agreement_version) for context in timeline.contexts}
    states = {state for each in versions for state in terms.agreement(*each).pauses[measurement.metric]}
    waits = [period for period in timeline.state_periods if states & {period.state, *period.waits}]
    excluded = [*waits, *measurement.excluded]
    if measurement.visits:
        excluded = [*clipped(excluded, measurement.visits), *between(measurement.visits)]
    return tuple(sorted(excluded, key=lambda period: period.since))


def _stands_still(line: ServiceLevelLine, period: StatePeriod, start: Moment, now: Moment) -> bool:
    """Whether, as known ``now``, the line's clock stands still in a period; it always does while
    the ticket is done.
    """
    pauses = period.away or period.state in DONE or not line.pauses.isdisjoint({period.state, *period.waits})
    return pauses and period.since <= now and (period.until is None or period.until > start)


def _changed_to(timeline: Timeline, line: ServiceLevelLine, moment: Moment) -> Moment:
    """Since when the ticket has had the type and the severity that a line names."""
    since = timeline.contexts[0].since
    fitted = True
    for context in timeline.contexts:
        if context.since > moment:
            break
        fits = line.type in (None, context.type) and line.severity in (None, context.severity)
        if fits and not fitted:
            since = context.since
        fitted = fits
    return since


def _start(measurement: Measurement, line: ServiceLevelLine) -> Moment | None:
    """From where a line counts: a follow-up's from the answer, the customer's message, or whichever
    is due earlier.
    """
    if measurement.metric != "follow_up":
        return measurement.start
    match line.after:
        case "customer_message":
            return measurement.message
        case "agent_response":
            return measurement.answer
        case "both":
            # The same target from an earlier start is never due later, and the answer came before
            # the message.
            return measurement.answer or measurement.message


def _strictness(plan: DeadlinePlan) -> tuple[bool, int, int]:
    return plan.due is None, plan.due or 0, plan.line.index
