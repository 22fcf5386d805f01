"""Why a timer stands as it does: ordered steps as data, from the promise to the result; ``sentences`` puts them in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from fristwerk_language.terms import parse_span
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.calendar.epoch import instant_of
from sla_service.domain.explanation.explanation_steps import Step, steps_until, wait_step
from sla_service.domain.explanation.labels import Language
from sla_service.domain.explanation.messages import sentences
from sla_service.domain.timers.published_terms import Terms
from sla_service.domain.timers.timeline import History
from sla_service.domain.timers.timer import Timer, missed_at, state_at

__all__ = ["Language", "Step", "explain", "sentences"]


def explain(timer: Timer, history: History, terms: Terms, now: datetime) -> tuple[Step, ...]:
    """The steps that led to a timer's deadline, and what became of it at ``now``. Raises UnknownTermsError."""
    calendar = terms.calendar(history.created.calendar, _version(timer.calendar))
    return (
        *_promise(timer, terms, history),
        Step(rule="started", at=timer.started_at, event=timer.started_by, text=_start_rule(timer, history)),
        *(Step(rule="rescheduled", at=each.at, event=each.event, text=each.why, change=each) for each in timer.changes),
        *_course(timer, history, terms, calendar),
        *_deadlines(timer),
        *_result(timer, now),
    )


def _promise(timer: Timer, terms: Terms, history: History) -> Iterator[Step]:
    clause = f"agreements/{timer.terms}#{timer.line}"
    levels = terms.agreement(history.created.agreement, _version(timer.terms))
    yield Step(
        rule="measure_only" if timer.target is None else "target",
        text=timer.metric,
        target=timer.target,
        severity=levels.document.service_levels[int(timer.line.rpartition("/")[2])].severity,
        calendar=timer.calendar,
        clause=clause,
    )
    if timer.severity is None and levels.document.unclassified == "strictest":
        yield Step(rule="strictest", clause=f"agreements/{timer.terms}#/unclassified")


def _start_rule(timer: Timer, history: History) -> str:
    """The type name of the event the clock counts from."""
    marks = (*history.answers, *history.messages, *(each.requested for each in history.callbacks))
    known = {mark.event: mark.type for mark in marks} | {history.received.event: history.received.type}
    return known.get(timer.started_by, "TimeLogged")


def _course(timer: Timer, history: History, terms: Terms, calendar: Calendar) -> tuple[Step, ...]:
    """What happened between the start and the deadline; where there is none, the waits alone."""
    if timer.clock == "worked":
        return tuple(_work(timer, history, terms))
    if timer.due_at is None or timer.target is None:
        return tuple(map(wait_step, timer.pauses))
    return steps_until(calendar, parse_span(timer.target), timer.started_at, timer.due_at, timer.pauses)


def _work(timer: Timer, history: History, terms: Terms) -> Iterator[Step]:
    levels = terms.agreement(history.created.agreement, _version(timer.terms))
    for each in history.work:
        if levels.billable(history.created, each.activity):
            yield Step(
                rule="worked",
                at=instant_of(each.start),
                until=instant_of(each.start + each.seconds),
                seconds=each.seconds,
                event=each.logged.event,
                text=each.activity,
            )


def _deadlines(timer: Timer) -> Iterator[Step]:
    if timer.soft_due_at is not None:
        yield Step(rule="soft_due", at=timer.soft_due_at)
    for warning in timer.warnings:
        yield Step(rule="warning", at=warning.at, text=warning.rule)
    if timer.due_at is not None:
        yield Step(rule="due", at=timer.due_at)


def _result(timer: Timer, now: datetime) -> Iterator[Step]:
    match state := state_at(timer, now):
        case "met":
            if timer.note is not None:
                yield Step(rule="not_reached", at=timer.met_at, event=timer.ended_by)
            yield Step(rule=state, at=timer.met_at, event=timer.ended_by)
        case "missed":
            yield Step(rule=state, at=missed_at(timer, now), until=timer.ended_at, event=timer.ended_by)
        case "cancelled":
            yield Step(rule=state, at=timer.cancelled_at, event=timer.ended_by)
        case "paused":
            yield Step(rule=state, at=timer.paused_since)
        case "running":
            yield Step(rule=state, at=max(now, timer.started_at))


def _version(label: str) -> int:
    return int(label.rpartition("@")[2])
