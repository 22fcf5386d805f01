"""The course of one exchange: moment by moment through the history, to the timer it left.

At every moment that can move the deadline (severity, type or terms changed, a wait began or ended) it is computed anew from the
original start. A deadline that passed before the next moment was missed, and that stays, whatever comes later.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from sla_service.domain.calendar.calendar import Calendar, CalendarRangeError
from sla_service.domain.calendar.epoch import instant_of
from sla_service.domain.timers.measurements import Ending, Measurement
from sla_service.domain.timers.published_terms import TermsLookup
from sla_service.domain.timers.target import (
    AbsenceReason,
    Deadline,
    Pause,
    ServiceLevelLine,
    deadline,
    measure,
    warnings,
)
from sla_service.domain.timers.timeline import DONE, Moment, StatePeriod, TargetContext, Timeline
from sla_service.domain.timers.timer import Change, PlannedWarning, Timer, Wait

NOT_REACHED: Final = "not_reached"


class Plan(NamedTuple):
    """What holds at a moment: the line, from where it counts, its pauses so far and its deadline (none: it only measures)."""

    context: TargetContext
    line: ServiceLevelLine
    calendar: Calendar
    start: Moment
    state_periods: tuple[StatePeriod, ...]
    pauses: tuple[Pause, ...]
    deadline: Deadline | None

    @property
    def due(self) -> int | None:
        return None if self.deadline is None else self.deadline.due


class Trigger(NamedTuple):
    """Something that may move or end an exchange."""

    moment: Moment
    ending: Ending | None = None
    cancels: bool = False


class TimerOutcome(NamedTuple):
    """How an exchange ended, if it did; ``missed`` is the deadline that passed."""

    met: Moment | None = None
    missed: int | None = None
    ended: Moment | None = None
    cancelled: Moment | None = None
    note: str | None = None


def evaluate(measurement: Measurement, timeline: Timeline, terms: TermsLookup) -> Timer | AbsenceReason | None:
    """The timer of an exchange, why there is none, or null where nothing has started it yet. Pure; never asks for now."""
    try:
        return _Evaluation(measurement, timeline, terms).run()
    except CalendarRangeError:
        return "calendar_range"


class _Evaluation:
    """One run through the moments of an exchange."""

    def __init__(self, measurement: Measurement, timeline: Timeline, terms: TermsLookup) -> None:
        self.measurement = measurement
        self.timeline = timeline
        self.terms = terms
        self.waits = _waits(measurement, timeline, terms)
        self.triggers = _triggers(measurement, timeline, self.waits)
        self.plan: Plan | AbsenceReason | None = None
        self.last: Plan | None = None
        self.dropped: Moment | None = None
        self.changes: list[Change] = []

    def run(self) -> Timer | AbsenceReason | None:
        self._enter(self.measurement.start)
        outcome = TimerOutcome()
        for trigger in self.triggers:
            due = self._due_unless_suspended()
            if due is not None and due < trigger.moment.at:
                outcome = self._missed(due, trigger)
                break
            if trigger.cancels:
                outcome = TimerOutcome(cancelled=trigger.moment)
                break
            if trigger.ending is None:
                self._enter(trigger.moment)
            elif isinstance(self.plan, Plan) and _accepted(self.plan, trigger.ending):
                outcome = TimerOutcome(
                    met=trigger.moment, ended=trigger.moment, note=_note(self.measurement, self.plan, trigger.ending)
                )
                break
        return self._result(outcome)

    def _result(self, outcome: TimerOutcome) -> Timer | AbsenceReason | None:
        plan: Plan | AbsenceReason | None = self.plan
        if not isinstance(plan, Plan):
            if self.last is None or self.dropped is None:
                return plan
            plan, outcome = self.last, TimerOutcome(cancelled=self.dropped)
        over = outcome.ended or outcome.cancelled
        if over is not None:
            open_due, plan = plan.due, _closed(plan, over.at)
            if plan.due != open_due:
                self._record(over, open_due, plan.due)
        return _timer(self.measurement, self.timeline, plan, outcome, tuple(self.changes))

    def _due_unless_suspended(self) -> int | None:
        if not isinstance(self.plan, Plan) or self.plan.deadline is None or self.plan.deadline.suspended:
            return None
        return self.plan.deadline.due

    def _missed(self, due: int, trigger: Trigger) -> TimerOutcome:
        """Missed before ``trigger``; what ended the exchange after all is looked for from there on."""
        assert isinstance(self.plan, Plan), "only a plan has a deadline"
        for each in self.triggers:
            if each.moment < trigger.moment:
                continue
            if each.cancels:
                break
            if each.ending is not None and _accepted(self.plan, each.ending):
                return TimerOutcome(missed=due, ended=each.moment)
        return TimerOutcome(missed=due)

    def _enter(self, moment: Moment) -> None:
        """Plan anew at ``moment``, and record it if the deadline moved."""
        old = self.plan
        self.plan = self._planned(moment)
        old_due = old.due if isinstance(old, Plan) else None
        if isinstance(self.plan, Plan):
            if self.last is not None and self.plan.due != old_due:
                self._record(moment, old_due, self.plan.due)
            self.last, self.dropped = self.plan, None
        elif isinstance(old, Plan):
            self.dropped = moment
            self._record(moment, old_due, None)

    def _record(self, moment: Moment, old: int | None, new: int | None) -> None:
        self.changes.append(
            Change(
                at=instant_of(moment.at),
                old_due_at=_instant(old),
                new_due_at=_instant(new),
                why=moment.type,
                event=moment.event,
            )
        )

    def _planned(self, moment: Moment) -> Plan | AbsenceReason | None:
        context = self.timeline.context_at(moment)
        created = self.timeline.created
        levels = self.terms.agreement(created.agreement, context.agreement_version)
        lines = levels.candidates(self.measurement.metric, created, context.severity, context.type)
        if isinstance(lines, str):
            return lines
        calendar = self.terms.calendar(created.calendar, context.calendar_version)
        plans = [
            self._plan(context, line, calendar, start, moment)
            for line in lines
            if (start := _origin(self.measurement, line)) is not None and start <= moment
        ]
        return min(plans, key=_strictness, default=None)

    def _plan(
        self, context: TargetContext, line: ServiceLevelLine, calendar: Calendar, start: Moment, now: Moment
    ) -> Plan:
        state_periods = tuple(period for period in self.waits if _stands_still(line, period, start, now))
        pauses = tuple(
            (
                max(period.since.at, start.at),
                period.until.at if period.until is not None and period.until <= now else None,
            )
            for period in state_periods
        )
        due = None if line.target is None else deadline(calendar, line.target, start.at, pauses)
        return Plan(context, line, calendar, start, state_periods, pauses, due)


def _waits(measurement: Measurement, timeline: Timeline, terms: TermsLookup) -> tuple[StatePeriod, ...]:
    """The times, in order, that some clock for this metric might not count."""
    name, versions = timeline.created.agreement, {context.agreement_version for context in timeline.contexts}
    states = {state for version in versions for state in terms.agreement(name, version).pauses[measurement.metric]}
    state_periods = [period for period in timeline.state_periods if period.state in states]
    return tuple(sorted((*state_periods, *measurement.excluded), key=lambda period: period.since))


def _triggers(measurement: Measurement, timeline: Timeline, waits: tuple[StatePeriod, ...]) -> tuple[Trigger, ...]:
    """Everything after the start of an exchange that may move or end it, in order."""
    triggers = [Trigger(ending.moment, ending=ending) for ending in measurement.endings]
    triggers += [Trigger(context.since) for context in timeline.contexts[1:]]
    if measurement.message is not None:
        triggers.append(Trigger(measurement.message))
    if measurement.cancelled is not None:
        triggers.append(Trigger(measurement.cancelled, cancels=True))
    for period in waits:
        triggers.append(Trigger(period.since))
        if period.until is not None:
            triggers.append(Trigger(period.until))
    later = [trigger for trigger in triggers if trigger.moment > measurement.start]
    return tuple(sorted(later, key=lambda trigger: (trigger.moment, trigger.cancels or trigger.ending is not None)))


def _stands_still(line: ServiceLevelLine, period: StatePeriod, start: Moment, now: Moment) -> bool:
    """Whether, as known ``now``, the line's clock stands still during a stay; it always does while the ticket is done."""
    counts = period.state in DONE or period.state in line.pauses
    return counts and period.since <= now and (period.until is None or period.until > start)


def _origin(measurement: Measurement, line: ServiceLevelLine) -> Moment | None:
    """From where a line counts: a follow-up's from the answer, the customer's message, or whichever is due earlier."""
    if measurement.metric != "follow_up":
        return measurement.start
    match line.after:
        case "customer_message":
            return measurement.message
        case "agent_response":
            return measurement.answer
        case "both":
            # The same target from an earlier start is never due later, and the answer came before the message.
            return measurement.answer or measurement.message


def _strictness(plan: Plan) -> tuple[bool, int, int]:
    return plan.due is None, plan.due or 0, plan.line.index


def _accepted(plan: Plan, ending: Ending) -> bool:
    """Whether the fact ends the exchange under this plan: a callback wants the right role, and completion unless tries count."""
    if plan.line.completed_by is not None and ending.role not in (None, plan.line.completed_by):
        return False
    in_time = plan.due is None or ending.moment.at <= plan.due
    return ending.completed or (plan.line.attempt_counts and in_time)


def _note(measurement: Measurement, plan: Plan, ending: Ending) -> str | None:
    """``not_reached`` where only attempts that reached nobody were made in time."""
    in_time = [
        each
        for each in measurement.endings
        if _accepted(plan, each) and (plan.due is None or each.moment.at <= plan.due)
    ]
    return None if ending.reached or any(each.reached for each in in_time) else NOT_REACHED


def _timer(
    measurement: Measurement, timeline: Timeline, plan: Plan, outcome: TimerOutcome, changes: tuple[Change, ...]
) -> Timer:
    ended_by = outcome.ended or outcome.cancelled
    line, start, calendar = plan.line, plan.start, plan.calendar
    waits = _counted_waits(plan)
    open_wait = next((wait for wait in waits if wait.until is None), None)
    created, context = timeline.created, plan.context
    return Timer(
        id=measurement.id,
        ticket=timeline.ticket,
        metric=measurement.metric,
        started_at=instant_of(start.at),
        target=None if line.target is None else str(line.target),
        clock=line.clock,
        due_at=_instant(plan.due),
        soft_due_at=None if line.soft is None else instant_of(deadline(calendar, line.soft, start.at, plan.pauses).due),
        warnings=_warnings(plan, None if ended_by is None else ended_by.at),
        met_at=None if outcome.met is None else instant_of(outcome.met.at),
        missed_at=_instant(outcome.missed),
        cancelled_at=None if outcome.cancelled is None else instant_of(outcome.cancelled.at),
        ended_at=None if outcome.ended is None else instant_of(outcome.ended.at),
        paused_seconds=sum(wait.seconds for wait in waits),
        paused_since=None if open_wait is None else open_wait.since,
        pauses=waits,
        target_seconds=None if line.target is None or line.clock == "business_days" else line.target.amount,
        calendar=calendar.label,
        terms=f"{created.agreement}@{context.agreement_version}",
        line=line.pointer,
        severity=context.severity,
        note=outcome.note,
        started_by=start.event,
        ended_by=None if ended_by is None else ended_by.event,
        changes=changes,
    )


def _closed(plan: Plan, over: int) -> Plan:
    """The plan once the timer is over at ``over``: a pause that still went on has cost what it cost until then."""
    if all(until is not None for _, until in plan.pauses):
        return plan
    pauses = tuple((since, max(since, over) if until is None else until) for since, until in plan.pauses)
    target = plan.line.target
    due = None if target is None else deadline(plan.calendar, target, plan.start.at, pauses)
    return plan._replace(pauses=pauses, deadline=due)


def _counted_waits(plan: Plan) -> tuple[Wait, ...]:
    """The waits that moved the deadline, or, where there is none, all of them."""
    counted = len(plan.pauses) if plan.deadline is None else len(plan.deadline.paused)
    return tuple(
        Wait(
            state=period.state,
            since=instant_of(since),
            until=_instant(until),
            seconds=0 if until is None else measure(plan.calendar, plan.line.clock, since, until),
            began_by=period.since.event,
            ended_by=period.until.event if period.until is not None and period.until.at == until else None,
        )
        for period, (since, until) in zip(plan.state_periods[:counted], plan.pauses[:counted], strict=True)
    )


def _warnings(plan: Plan, over: int | None) -> tuple[PlannedWarning, ...]:
    """The warnings that come, or came before the end."""
    if plan.due is None or not plan.line.warn_at:
        return ()
    planned = warnings(plan.calendar, plan.line, plan.start.at, plan.due, plan.pauses)
    return tuple(PlannedWarning(rule=rule, at=instant_of(at)) for rule, at in planned if over is None or at < over)


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else instant_of(seconds)
