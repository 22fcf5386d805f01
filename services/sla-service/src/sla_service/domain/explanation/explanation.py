"""Why a timer stands as it does: ordered steps as data, from the promise to the result;
``sentences`` puts them in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from fristwerk_language.terms import parse_span
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.calendar.epoch import instant_of
from sla_service.domain.explanation.explanation_steps import ExplanationStep, steps_until, wait_step
from sla_service.domain.explanation.labels import Language
from sla_service.domain.explanation.messages import sentences
from sla_service.domain.timers.published_terms import TermsLookup, versioned
from sla_service.domain.timers.timeline import Timeline
from sla_service.domain.timers.timer import Timer, missed_at, state_at

__all__ = ["ExplanationStep", "Language", "explain", "sentences"]


def explain(timer: Timer, timeline: Timeline, terms: TermsLookup, now: datetime) -> tuple[ExplanationStep, ...]:
    """The steps that led to a timer's deadline, and what became of it at ``now``. Raises
    UnknownTermsError.
    """
    calendar = terms.calendar(*versioned(timer.calendar))
    return (
        *_promise(timer, terms, timeline),
        ExplanationStep(rule="started", at=timer.started_at, event=timer.started_by, text=_start_rule(timer, timeline)),
        *(
            ExplanationStep(rule="rescheduled", at=each.at, event=each.event, text=each.why, change=each)
            for each in timer.changes
        ),
        *_course(timer, timeline, terms, calendar),
        *_deadlines(timer),
        *_result(timer, timeline, now),
    )


def _promise(timer: Timer, terms: TermsLookup, timeline: Timeline) -> Iterator[ExplanationStep]:
    clause = f"agreements/{timer.terms}#{timer.line}"
    levels = terms.agreement(*versioned(timer.terms))
    yield ExplanationStep(
        rule="measure_only" if timer.target is None else "target",
        text=timer.metric,
        target=timer.target,
        severity=levels.document.service_levels[int(timer.line.rpartition("/")[2])].severity,
        calendar=timer.calendar,
        clause=clause,
    )
    if timer.level is not msgspec.UNSET:
        yield ExplanationStep(rule="level", text=timer.level)
    if timer.severity is None and levels.document.unclassified == "strictest":
        yield ExplanationStep(rule="strictest", clause=f"agreements/{timer.terms}#/unclassified")
    if timeline.created.entitled_by_dating:
        yield ExplanationStep(
            rule="dated_back",
            at=timeline.created.received_at,
            event=timeline.received.event,
            text=timeline.created.channel,
        )


def _start_rule(timer: Timer, timeline: Timeline) -> str:
    """The type name of the event the clock counts from."""
    transfers = (moment for moment, _ in timeline.transfers)
    moments = (*transfers, *timeline.answers, *timeline.messages, *(each.requested for each in timeline.callbacks))
    known = {moment.event: moment.type for moment in moments} | {timeline.received.event: timeline.received.type}
    return known.get(timer.started_by, "TimeLogged")


def _course(timer: Timer, timeline: Timeline, terms: TermsLookup, calendar: Calendar) -> tuple[ExplanationStep, ...]:
    """What happened between the start and the deadline; where there is none, the waits alone."""
    if timer.clock == "worked":
        return tuple(_work(timer, timeline, terms))
    if timer.due_at is None or timer.target is None:
        return tuple(map(wait_step, timer.pauses))
    return steps_until(calendar, parse_span(timer.target), timer.started_at, timer.due_at, timer.pauses)


def _work(timer: Timer, timeline: Timeline, terms: TermsLookup) -> Iterator[ExplanationStep]:
    levels = terms.agreement(*versioned(timer.terms))
    for each in timeline.work:
        if levels.billable(timeline.ground, each.activity, each.appointment):
            yield ExplanationStep(
                rule="worked",
                at=instant_of(each.start),
                until=instant_of(each.start + each.seconds),
                seconds=each.seconds,
                event=each.logged.event,
                text=each.activity,
            )


def _deadlines(timer: Timer) -> Iterator[ExplanationStep]:
    if timer.soft_due_at is not None:
        yield ExplanationStep(rule="soft_due", at=timer.soft_due_at)
    for warning in timer.warnings:
        yield ExplanationStep(rule="warning", at=warning.at, text=warning.rule)
    if timer.due_at is not None:
        yield ExplanationStep(rule="due", at=timer.due_at)


def _result(timer: Timer, timeline: Timeline, now: datetime) -> Iterator[ExplanationStep]:
    match state := state_at(timer, now):
        case "met":
            if timer.note is not None:
                yield ExplanationStep(rule="not_reached", at=timer.met_at, event=timer.ended_by)
            yield ExplanationStep(rule=state, at=timer.met_at, event=timer.ended_by)
        case "missed":
            yield ExplanationStep(rule=state, at=missed_at(timer, now), until=timer.ended_at, event=timer.ended_by)
        case "cancelled" if timeline.merged is not None and timeline.merged.moment.event == timer.ended_by:
            yield ExplanationStep(
                rule="merged", at=timer.cancelled_at, event=timer.ended_by, text=timeline.merged.reference
            )
        case "cancelled":
            yield ExplanationStep(rule=state, at=timer.cancelled_at, event=timer.ended_by)
        case "paused":
            yield ExplanationStep(rule=state, at=timer.paused_since)
        case "running":
            yield ExplanationStep(rule=state, at=max(now, timer.started_at))
