"""All timers of a ticket: a pure function of its history and its terms, never of now.

A new event never patches a timer. The function runs again over the whole history and the caller writes the difference; so late,
repeated and backdated events, rebuilds and audits take the same path and end in the same state.
"""

from __future__ import annotations

from collections.abc import Iterator

from fristwerk_language.terms import METRICS, Metric
from sla_service.domain.timers.effort import effort_notice
from sla_service.domain.timers.evaluation import course
from sla_service.domain.timers.measurements import exchanges
from sla_service.domain.timers.published_terms import Terms
from sla_service.domain.timers.target import Reason, ServiceLevels
from sla_service.domain.timers.timeline import History
from sla_service.domain.timers.timer import Absent, Timer, TimerSet


def timers(history: History, terms: Terms) -> TimerSet:
    """The timers that a history gives under its terms, by metric and start, and why the others are absent.

    Entitlement is decided at receipt and kept: without it no metric of the agreement has a timer. Raises UnknownTermsError.
    """
    created = history.created
    levels = _levels(history, terms)
    if not created.entitled:
        absent = tuple(Absent(metric=metric, reason="not_entitled") for metric in METRICS if levels.lines[metric])
        return TimerSet(ticket=history.ticket, entitled=False, reason=created.entitled_why, absent=absent)
    found: list[Timer] = []
    missing: list[Absent] = []
    promised = _promised(history, terms)
    for metric in METRICS:
        if metric not in promised:
            missing.append(Absent(metric=metric, reason="not_configured"))
            continue
        outcomes = list(_outcomes(metric, history, terms))
        measured = [each for each in outcomes if isinstance(each, Timer)]
        found += measured
        reason = None if measured else _reason(metric, history, levels, outcomes)
        if reason is not None:
            missing.append(Absent(metric=metric, reason=reason))
    return TimerSet(
        ticket=history.ticket,
        entitled=True,
        reason=created.entitled_why,
        timers=tuple(found),
        absent=tuple(missing),
    )


def _outcomes(metric: Metric, history: History, terms: Terms) -> Iterator[Timer | Reason | None]:
    if metric == "effort_notice":
        yield effort_notice(history, terms)
        return
    for exchange in exchanges(metric, history):
        yield course(exchange, history, terms)


def _promised(history: History, terms: Terms) -> set[Metric]:
    """The metrics for which some line stands in the versions that the ticket is or was measured by."""
    versions = {context.agreement_version for context in history.contexts}
    agreements = [terms.agreement(history.created.agreement, version) for version in versions]
    return {metric for levels in agreements for metric, lines in levels.lines.items() if lines}


def _reason(
    metric: Metric, history: History, levels: ServiceLevels, outcomes: list[Timer | Reason | None]
) -> Reason | None:
    """Why a metric has no timer: what its exchanges say, else whether a line would fit; null where it has yet to start."""
    said: Reason | None = next((each for each in outcomes if isinstance(each, str)), None)
    if said is not None:
        return said
    context = history.contexts[-1]
    lines = levels.candidates(metric, history.created, context.severity, context.type)
    return lines if isinstance(lines, str) else None


def _levels(history: History, terms: Terms) -> ServiceLevels:
    """The promises of the version that now holds."""
    return terms.agreement(history.created.agreement, history.contexts[-1].agreement_version)
