"""All timers of a ticket: a pure function of its history and its terms, never of now.

A new event never patches a timer. The function runs again over the whole history and the caller
writes the difference; so late, repeated and backdated events, rebuilds and audits take the same
path and end in the same state.
"""

from __future__ import annotations

from collections.abc import Iterator

from fristwerk_language.terms import METRICS, Metric
from sla_service.domain.timers.effort import effort_notice
from sla_service.domain.timers.evaluation import evaluate
from sla_service.domain.timers.metric_outcome import Evaluated
from sla_service.domain.timers.published_terms import TermsLookup
from sla_service.domain.timers.service_levels import AbsenceReason, NotApplicable, ServiceLevels
from sla_service.domain.timers.spans_to_measure import level_measurements, measurements
from sla_service.domain.timers.timeline import Timeline
from sla_service.domain.timers.timer import AbsentTimer, Timer, TimerSet


def derive_timers(timeline: Timeline, terms: TermsLookup) -> TimerSet:
    """The timers that a history gives under its terms, by metric and start, and why the others are
    absent.

    Entitlement is decided at receipt and kept: without it no metric of the agreement has a timer. A
    ticket that was moved is entitled or not with each of its customers. Raises UnknownTermsError.
    """
    ground = timeline.ground
    levels = _levels(timeline, terms)
    if not any(context.ground.entitled for context in timeline.contexts):
        absent = tuple(AbsentTimer(metric=metric, reason="not_entitled") for metric in METRICS if levels.lines[metric])
        return TimerSet(ticket=timeline.ticket, entitled=False, reason=ground.entitled_why, absent=absent)
    found: list[Timer] = []
    missing: list[AbsentTimer] = []
    promised = _promised(timeline, terms)
    for metric in METRICS:
        if metric not in promised:
            missing.append(AbsentTimer(metric=metric, reason="not_configured"))
            continue
        evaluated = list(_evaluated(metric, timeline, terms))
        measured = [found for found in evaluated if isinstance(found, Timer)]
        found += measured
        reason = None if measured else _reason(metric, timeline, levels, evaluated)
        if reason is not None:
            missing.append(AbsentTimer(metric=metric, reason=reason))
    return TimerSet(
        ticket=timeline.ticket,
        entitled=ground.entitled,
        reason=ground.entitled_why,
        timers=tuple(found),
        absent=tuple(missing),
    )


def _evaluated(metric: Metric, timeline: Timeline, terms: TermsLookup) -> Iterator[Evaluated]:
    if metric == "effort_notice":
        yield effort_notice(timeline, terms)
        return
    found = measurements(metric, timeline)
    if levels := _levels_named(metric, timeline, terms):
        found = (*found, *level_measurements(timeline, levels))
    for measurement in found:
        yield evaluate(measurement, timeline, terms)


def _levels_named(metric: Metric, timeline: Timeline, terms: TermsLookup) -> tuple[str, ...]:
    """The levels with a target of their own in the versions that the ticket is or was measured by."""
    versions = dict.fromkeys((each.ground.agreement, each.agreement_version) for each in timeline.contexts)
    return tuple(dict.fromkeys(level for each in versions for level in terms.agreement(*each).levels[metric]))


def _promised(timeline: Timeline, terms: TermsLookup) -> set[Metric]:
    """The metrics for which some line stands in the versions that the ticket is or was measured by."""
    versions = {(context.ground.agreement, context.agreement_version) for context in timeline.contexts}
    agreements = [terms.agreement(*each) for each in versions]
    return {metric for levels in agreements for metric, lines in levels.lines.items() if lines}


def _reason(
    metric: Metric, timeline: Timeline, levels: ServiceLevels, evaluated: list[Evaluated]
) -> AbsenceReason | None:
    """Why a metric has no timer: what its measurements say, else whether a line would fit; None if
    it has yet to start.
    """
    for found in evaluated:
        if isinstance(found, NotApplicable):
            return found.reason
    context = timeline.contexts[-1]
    lines = levels.candidates(metric, context.ground, context.severity, context.type)
    return lines.reason if isinstance(lines, NotApplicable) else None


def _levels(timeline: Timeline, terms: TermsLookup) -> ServiceLevels:
    """The promises of the version that now holds."""
    return terms.agreement(timeline.ground.agreement, timeline.contexts[-1].agreement_version)
