"""The course of one exchange: moment by moment through the history, to the timer it left.

At every moment that can move the deadline (severity, type or terms changed, a wait began or ended) it is computed anew from the
original start. A deadline that passed before the next moment was missed, and that stays, whatever comes later.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from sla_service.domain.calendar.calendar import Calendar, CalendarRangeError
from sla_service.domain.calendar.epoch import instant_of
from sla_service.domain.timers.measurements import Ending, Exchange
from sla_service.domain.timers.published_terms import Terms
from sla_service.domain.timers.target import Deadline, Line, Pause, Reason, deadline, measure, warnings
from sla_service.domain.timers.timeline import DONE, Context, History, Mark, Stay
from sla_service.domain.timers.timer import Change, Timer, Wait, Warned

NOT_REACHED: Final = "not_reached"


class Plan(NamedTuple):
    """What holds at a moment: the line, from where it counts, its pauses so far and its deadline (none: it only measures)."""

    context: Context
    line: Line
    calendar: Calendar
    start: Mark
    stays: tuple[Stay, ...]
    pauses: tuple[Pause, ...]
    deadline: Deadline | None

    @property
    def due(self) -> int | None:
        return None if self.deadline is None else self.deadline.due


class Moment(NamedTuple):
    """Something that may move or end an exchange."""

    mark: Mark
    ending: Ending | None = None
    cancels: bool = False


class Outcome(NamedTuple):
    """How an exchange ended, if it did; ``missed`` is the deadline that passed."""

    met: Mark | None = None
    missed: int | None = None
    ended: Mark | None = None
    cancelled: Mark | None = None
    note: str | None = None


def course(exchange: Exchange, history: History, terms: Terms) -> Timer | Reason | None:
    """The timer of an exchange, why there is none, or null where nothing has started it yet. Pure; never asks for now."""
    try:
        return _Course(exchange, history, terms).run()
    except CalendarRangeError:
        return "calendar_range"


class _Course:
    """One run through the moments of an exchange."""

    def __init__(self, exchange: Exchange, history: History, terms: Terms) -> None:
        self.exchange = exchange
        self.history = history
        self.terms = terms
        self.waits = _waits(exchange, history, terms)
        self.moments = _moments(exchange, history, self.waits)
        self.plan: Plan | Reason | None = None
        self.last: Plan | None = None
        self.dropped: Mark | None = None
        self.changes: list[Change] = []

    def run(self) -> Timer | Reason | None:
        self._enter(self.exchange.start)
        outcome = Outcome()
        for moment in self.moments:
            due = self._due_unless_suspended()
            if due is not None and due < moment.mark.at:
                outcome = self._missed(due, moment)
                break
            if moment.cancels:
                outcome = Outcome(cancelled=moment.mark)
                break
            if moment.ending is None:
                self._enter(moment.mark)
            elif isinstance(self.plan, Plan) and _accepted(self.plan, moment.ending):
                outcome = Outcome(
                    met=moment.mark, ended=moment.mark, note=_note(self.exchange, self.plan, moment.ending)
                )
                break
        return self._result(outcome)

    def _result(self, outcome: Outcome) -> Timer | Reason | None:
        plan: Plan | Reason | None = self.plan
        if not isinstance(plan, Plan):
            if self.last is None or self.dropped is None:
                return plan
            plan, outcome = self.last, Outcome(cancelled=self.dropped)
        over = outcome.ended or outcome.cancelled
        if over is not None:
            open_due, plan = plan.due, _closed(plan, over.at)
            if plan.due != open_due:
                self._record(over, open_due, plan.due)
        return _timer(self.exchange, self.history, plan, outcome, tuple(self.changes))

    def _due_unless_suspended(self) -> int | None:
        if not isinstance(self.plan, Plan) or self.plan.deadline is None or self.plan.deadline.suspended:
            return None
        return self.plan.deadline.due

    def _missed(self, due: int, moment: Moment) -> Outcome:
        """Missed before ``moment``; what ended the exchange after all is looked for from there on."""
        assert isinstance(self.plan, Plan), "only a plan has a deadline"
        for each in self.moments:
            if each.mark < moment.mark:
                continue
            if each.cancels:
                break
            if each.ending is not None and _accepted(self.plan, each.ending):
                return Outcome(missed=due, ended=each.mark)
        return Outcome(missed=due)

    def _enter(self, mark: Mark) -> None:
        """Plan anew at ``mark``, and record it if the deadline moved."""
        old = self.plan
        self.plan = self._planned(mark)
        old_due = old.due if isinstance(old, Plan) else None
        if isinstance(self.plan, Plan):
            if self.last is not None and self.plan.due != old_due:
                self._record(mark, old_due, self.plan.due)
            self.last, self.dropped = self.plan, None
        elif isinstance(old, Plan):
            self.dropped = mark
            self._record(mark, old_due, None)

    def _record(self, mark: Mark, old: int | None, new: int | None) -> None:
        self.changes.append(
            Change(
                at=instant_of(mark.at),
                old_due_at=_instant(old),
                new_due_at=_instant(new),
                why=mark.type,
                event=mark.event,
            )
        )

    def _planned(self, mark: Mark) -> Plan | Reason | None:
        context = self.history.context_at(mark)
        created = self.history.created
        levels = self.terms.agreement(created.agreement, context.agreement_version)
        lines = levels.candidates(self.exchange.metric, created, context.severity, context.type)
        if isinstance(lines, str):
            return lines
        calendar = self.terms.calendar(created.calendar, context.calendar_version)
        plans = [
            self._plan(context, line, calendar, start, mark)
            for line in lines
            if (start := _origin(self.exchange, line)) is not None and start <= mark
        ]
        return min(plans, key=_strictness, default=None)

    def _plan(self, context: Context, line: Line, calendar: Calendar, start: Mark, now: Mark) -> Plan:
        stays = tuple(stay for stay in self.waits if _stands_still(line, stay, start, now))
        pauses = tuple(
            (max(stay.since.at, start.at), stay.until.at if stay.until is not None and stay.until <= now else None)
            for stay in stays
        )
        due = None if line.target is None else deadline(calendar, line.target, start.at, pauses)
        return Plan(context, line, calendar, start, stays, pauses, due)


def _waits(exchange: Exchange, history: History, terms: Terms) -> tuple[Stay, ...]:
    """The times, in order, that some clock for this metric might not count."""
    name, versions = history.created.agreement, {context.agreement_version for context in history.contexts}
    states = {state for version in versions for state in terms.agreement(name, version).pauses[exchange.metric]}
    stays = [stay for stay in history.stays if stay.state in states]
    return tuple(sorted((*stays, *exchange.excluded), key=lambda stay: stay.since))


def _moments(exchange: Exchange, history: History, waits: tuple[Stay, ...]) -> tuple[Moment, ...]:
    """Everything after the start of an exchange that may move or end it, in order."""
    moments = [Moment(ending.mark, ending=ending) for ending in exchange.endings]
    moments += [Moment(context.since) for context in history.contexts[1:]]
    if exchange.message is not None:
        moments.append(Moment(exchange.message))
    if exchange.cancelled is not None:
        moments.append(Moment(exchange.cancelled, cancels=True))
    for stay in waits:
        moments.append(Moment(stay.since))
        if stay.until is not None:
            moments.append(Moment(stay.until))
    later = [moment for moment in moments if moment.mark > exchange.start]
    return tuple(sorted(later, key=lambda moment: (moment.mark, moment.cancels or moment.ending is not None)))


def _stands_still(line: Line, stay: Stay, start: Mark, now: Mark) -> bool:
    """Whether, as known ``now``, the line's clock stands still during a stay; it always does while the ticket is done."""
    counts = stay.state in DONE or stay.state in line.pauses
    return counts and stay.since <= now and (stay.until is None or stay.until > start)


def _origin(exchange: Exchange, line: Line) -> Mark | None:
    """From where a line counts: a follow-up's from the answer, the customer's message, or whichever is due earlier."""
    if exchange.metric != "follow_up":
        return exchange.start
    match line.after:
        case "customer_message":
            return exchange.message
        case "agent_response":
            return exchange.answer
        case "both":
            # The same target from an earlier start is never due later, and the answer came before the message.
            return exchange.answer or exchange.message


def _strictness(plan: Plan) -> tuple[bool, int, int]:
    return plan.due is None, plan.due or 0, plan.line.index


def _accepted(plan: Plan, ending: Ending) -> bool:
    """Whether the fact ends the exchange under this plan: a callback wants the right role, and completion unless tries count."""
    if plan.line.completed_by is not None and ending.role not in (None, plan.line.completed_by):
        return False
    in_time = plan.due is None or ending.mark.at <= plan.due
    return ending.completed or (plan.line.attempt_counts and in_time)


def _note(exchange: Exchange, plan: Plan, ending: Ending) -> str | None:
    """``not_reached`` where only attempts that reached nobody were made in time."""
    in_time = [
        each for each in exchange.endings if _accepted(plan, each) and (plan.due is None or each.mark.at <= plan.due)
    ]
    return None if ending.reached or any(each.reached for each in in_time) else NOT_REACHED


def _timer(exchange: Exchange, history: History, plan: Plan, outcome: Outcome, changes: tuple[Change, ...]) -> Timer:
    ended_by = outcome.ended or outcome.cancelled
    line, start, calendar = plan.line, plan.start, plan.calendar
    waits = _counted_waits(plan)
    open_wait = next((wait for wait in waits if wait.until is None), None)
    created, context = history.created, plan.context
    return Timer(
        id=exchange.id,
        ticket=history.ticket,
        metric=exchange.metric,
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
            state=stay.state,
            since=instant_of(since),
            until=_instant(until),
            seconds=0 if until is None else measure(plan.calendar, plan.line.clock, since, until),
            began_by=stay.since.event,
            ended_by=stay.until.event if stay.until is not None and stay.until.at == until else None,
        )
        for stay, (since, until) in zip(plan.stays[:counted], plan.pauses[:counted], strict=True)
    )


def _warnings(plan: Plan, over: int | None) -> tuple[Warned, ...]:
    """The warnings that come, or came before the end."""
    if plan.due is None or not plan.line.warn_at:
        return ()
    planned = warnings(plan.calendar, plan.line, plan.start.at, plan.due, plan.pauses)
    return tuple(Warned(rule=rule, at=instant_of(at)) for rule, at in planned if over is None or at < over)


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else instant_of(seconds)
