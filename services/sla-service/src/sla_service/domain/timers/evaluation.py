"""Evaluates one measurement, trigger by trigger through the timeline, to the timer it leaves.

At every moment that can move the deadline (severity, type or terms changed, a wait began or ended)
it is planned anew from the original start. A deadline that passed before the next moment was
missed, and that stays, whatever comes later.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from sla_service.domain.calendar.calendar import CalendarRangeError
from sla_service.domain.calendar.epoch import instant_of
from sla_service.domain.timers.deadline_plan import DeadlinePlan, DeadlinePlanner
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
from sla_service.domain.timers.service_levels import NotApplicable
from sla_service.domain.timers.spans_to_measure import Ending, Measurement
from sla_service.domain.timers.target import deadline, measure, warnings
from sla_service.domain.timers.timeline import Moment, StatePeriod, Timeline
from sla_service.domain.timers.timer import OTHER_LEVEL, DeadlineChange, PlannedWarning, Timer, Wait


class Replan(NamedTuple):
    """Something changed that the deadline may depend on."""

    moment: Moment


class Finish(NamedTuple):
    """A fact that ends the measurement, if the plan then in force accepts it."""

    moment: Moment
    ending: Ending


class Cancel(NamedTuple):
    """There is nothing left to measure."""

    moment: Moment


Trigger = Replan | Finish | Cancel


class Running(NamedTuple):
    """A plan is in force."""

    plan: DeadlinePlan


class Dropped(NamedTuple):
    """``plan`` was in force until ``since``, when no line fitted the ticket any longer."""

    plan: DeadlinePlan
    since: Moment


Planned = Running | Dropped
EvaluationState = NotStarted | NotApplicable | Planned


def evaluate(measurement: Measurement, timeline: Timeline, terms: TermsLookup) -> Evaluated:
    """The timer of a measurement, why there is none, or that it has not started. Pure: it never
    asks for now.
    """
    try:
        return _Evaluation(measurement, timeline, terms).run()
    except CalendarRangeError:
        return NotApplicable("calendar_range")


class _Evaluation:
    """One pass over the triggers of a measurement."""

    def __init__(self, measurement: Measurement, timeline: Timeline, terms: TermsLookup) -> None:
        self.measurement = measurement
        self.timeline = timeline
        self.planner = DeadlinePlanner(measurement, timeline, terms)
        self.triggers = _triggers(measurement, timeline, self.planner.waits)
        self.state: EvaluationState = NotStarted()
        self.changes: list[DeadlineChange] = []

    def run(self) -> Evaluated:
        self._replan(self.measurement.start)
        outcome = self._outcome()
        match self.state:
            case NotStarted() | NotApplicable():
                return self.state
            case Dropped(plan=plan, since=since):
                return self._ended(plan, Cancelled(since))
            case Running(plan=plan):
                return self._ended(plan, outcome)

    def _outcome(self) -> TimerOutcome:
        for position, trigger in enumerate(self.triggers):
            due = self.state.plan.due_unless_suspended if isinstance(self.state, Running) else None
            if due is not None and due < trigger.moment.at:
                return Missed(due, self._end_after(position))
            match trigger:
                case Replan():
                    self._replan(trigger.moment)
                case Cancel():
                    return Cancelled(trigger.moment)
                case Finish():
                    if isinstance(self.state, Running) and self.state.plan.accepts(trigger.ending):
                        return Met(trigger.moment, self.state.plan.note(self.measurement, trigger.ending))
        return Pending()

    def _end_after(self, position: int) -> Moment | None:
        """What ended a missed measurement after all, among the triggers from ``position`` on."""
        assert isinstance(self.state, Running), "only a plan has a deadline"
        for trigger in self.triggers[position:]:
            if isinstance(trigger, Cancel):
                return None
            if isinstance(trigger, Finish) and self.state.plan.accepts(trigger.ending):
                return trigger.moment
        return None

    def _replan(self, moment: Moment) -> None:
        """Plan anew at ``moment``, and record it if the deadline moved."""
        before, planned = self.state, self.planner.plan_at(moment)
        if isinstance(planned, DeadlinePlan):
            old_due = before.plan.due if isinstance(before, Running) else None
            if planned.due != old_due and isinstance(before, Planned):
                self._record(moment, old_due, planned.due)
            self.state = Running(planned)
        elif isinstance(before, Running):
            self._record(moment, before.plan.due, None)
            self.state = Dropped(before.plan, moment)
        elif not isinstance(before, Dropped):
            self.state = planned

    def _record(self, moment: Moment, old: int | None, new: int | None) -> None:
        self.changes.append(
            DeadlineChange(
                at=instant_of(moment.at),
                old_due_at=_instant(old),
                new_due_at=_instant(new),
                why=moment.type,
                event=moment.event,
            )
        )

    def _ended(self, plan: DeadlinePlan, outcome: TimerOutcome) -> Timer:
        """The timer; what ended it closes a pause that still went on, which may move the deadline a
        last time.
        """
        end = end_of(outcome)
        if end is not None:
            open_due, plan = plan.due, plan.closed_at(end.at)
            if plan.due != open_due:
                self._record(end, open_due, plan.due)
        return _timer(self.measurement, self.timeline, plan, outcome, tuple(self.changes))


def _triggers(measurement: Measurement, timeline: Timeline, waits: tuple[StatePeriod, ...]) -> tuple[Trigger, ...]:
    """Everything after the start of a measurement that may move or end it, in order; changes come
    before endings.
    """
    triggers: list[Trigger] = [Finish(ending.moment, ending) for ending in measurement.endings]
    triggers += [Replan(context.since) for context in timeline.contexts[1:]]
    if measurement.message is not None:
        triggers.append(Replan(measurement.message))
    if measurement.cancelled is not None:
        triggers.append(Cancel(measurement.cancelled))
    for wait in waits:
        triggers.append(Replan(wait.since))
        if wait.until is not None:
            triggers.append(Replan(wait.until))
    later = [trigger for trigger in triggers if trigger.moment > measurement.start]
    return tuple(sorted(later, key=lambda trigger: (trigger.moment, not isinstance(trigger, Replan))))


def _timer(
    measurement: Measurement,
    timeline: Timeline,
    plan: DeadlinePlan,
    outcome: TimerOutcome,
    changes: tuple[DeadlineChange, ...],
) -> Timer:
    end = end_of(outcome)
    line, start, calendar = plan.line, plan.start, plan.calendar
    waits = _counted_waits(plan)
    open_wait = next((wait for wait in waits if wait.until is None), None)
    context = plan.context
    return Timer(
        id=measurement.id,
        ticket=timeline.ticket,
        metric=measurement.metric,
        started_at=instant_of(start.at),
        target=None if line.target is None else str(line.target),
        clock=line.clock,
        due_at=_instant(plan.due),
        soft_due_at=_soft_due_at(plan),
        warnings=_warnings(plan, None if end is None else end.at),
        met_at=instant_of(outcome.moment.at) if isinstance(outcome, Met) else None,
        missed_at=instant_of(outcome.due) if isinstance(outcome, Missed) else None,
        cancelled_at=instant_of(outcome.moment.at) if isinstance(outcome, Cancelled) else None,
        ended_at=None if end is None or isinstance(outcome, Cancelled) else instant_of(end.at),
        paused_seconds=sum(wait.seconds for wait in waits),
        paused_since=None if open_wait is None else open_wait.since,
        pauses=waits,
        target_seconds=None if line.target is None or line.clock == "business_days" else line.target.amount,
        calendar=calendar.label,
        terms=f"{context.ground.agreement}@{context.agreement_version}",
        line=line.pointer,
        severity=context.severity,
        level=measurement.level or msgspec.UNSET,
        note=outcome.note if isinstance(outcome, Met) else None,
        started_by=start.event,
        ended_by=None if end is None else end.event,
        changes=changes,
    )


def _soft_due_at(plan: DeadlinePlan) -> datetime | None:
    """When the soft target is due: never after the binding one."""
    if plan.line.soft is None:
        return None
    soft = deadline(plan.calendar, plan.line.soft, plan.start.at, plan.pauses).due
    return instant_of(soft if plan.due is None else min(soft, plan.due))


def _counted_waits(plan: DeadlinePlan) -> tuple[Wait, ...]:
    """The waits that moved the deadline, or, where there is none, all of them."""
    counted = len(plan.pauses) if plan.deadline is None else len(plan.deadline.paused)
    return tuple(
        Wait(
            state=OTHER_LEVEL if period.away else period.state,
            since=instant_of(since),
            until=_instant(until),
            seconds=0 if until is None else measure(plan.calendar, plan.line.clock, since, until),
            began_by=period.since.event,
            ended_by=period.until.event if period.until is not None and period.until.at == until else None,
        )
        for period, (since, until) in zip(plan.waits[:counted], plan.pauses[:counted], strict=True)
    )


def _warnings(plan: DeadlinePlan, end: int | None) -> tuple[PlannedWarning, ...]:
    """The warnings that come, or came before the end."""
    if plan.due is None or not plan.line.warn_at:
        return ()
    planned = warnings(plan.calendar, plan.line, plan.start.at, plan.due, plan.pauses)
    return tuple(PlannedWarning(rule=rule, at=instant_of(at)) for rule, at in planned if end is None or at < end)


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else instant_of(seconds)
