"""An agreement's service levels: which line of them fits a ticket, and whether its work is
billable.

The first line that fits a metric wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

from fristwerk_language.events.tickets import TicketCreated
from fristwerk_language.terms import (
    METRICS,
    AgreementDocument,
    Clock,
    Metric,
    Percent,
    ServiceLevel,
    Span,
)
from fristwerk_language.terms.coverage import is_charged_preparation, match_coverage

AbsenceReason = Literal["not_configured", "severity_not_set", "not_entitled", "service_not_covered", "calendar_range"]
"""``not_configured``: no line is for such a ticket; ``severity_not_set``: one will be, once it has a severity."""


class NotApplicable(NamedTuple):
    """A metric has no timer, and why."""

    reason: AbsenceReason


class ServiceLevelLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the service levels; ``index`` is its place, ``warn_at`` its own warnings or else
    the agreement's.
    """

    index: int
    metric: Metric
    severity: str | None
    type: str | None
    group: str | None
    channel: str | None
    site: str | None
    plan: str | None
    addon: str | None
    target: Span | None
    soft: Span | None
    after: Literal["customer_message", "agent_response", "both"]
    pauses: frozenset[str]
    completed_by: str | None
    attempt_counts: bool
    counts_from: Literal["start", "change"]
    warn_at: tuple[Span | Percent, ...]
    calendar: str | None
    level: str | None

    @property
    def clock(self) -> Clock:
        """The clock on which time is counted; a line that only measures counts business time."""
        return "business" if self.target is None else self.target.clock

    @property
    def pointer(self) -> str:
        """The JSON pointer to the line in the agreement's document."""
        return f"/service_levels/{self.index}"

    def fits(self, ticket: TicketCreated, type_: str) -> bool:
        """Whether all keys that the line names fit, but for the severity."""
        return (
            (self.type is None or self.type == type_)
            and (self.addon is None or self.addon in ticket.addons)
            and (self.group is None or self.group == ticket.group)
            and (self.channel is None or self.channel == ticket.channel)
            and (self.site is None or self.site == ticket.site)
            and (self.plan is None or self.plan == ticket.plan)
        )


class ServiceLevels(msgspec.Struct, frozen=True):
    """An agreement's document, its lines sorted by metric, the states in which some line of a
    metric pauses, and the levels that its lines name, in their order.
    """

    document: AgreementDocument
    lines: dict[Metric, tuple[ServiceLevelLine, ...]]
    pauses: dict[Metric, frozenset[str]]
    levels: dict[Metric, tuple[str, ...]]

    def candidates(
        self, metric: Metric, ticket: TicketCreated, severity: str | None, type_: str, level: str | None = None
    ) -> tuple[ServiceLevelLine, ...] | NotApplicable:
        """The lines of which one holds, for the whole or for a ``level``, or why none does.

        More than one only while a ticket has no severity and the agreement says ``unclassified:
        strictest``: one for each severity of the scale; the one with the earliest deadline holds.
        """
        if not self._covers(type_):
            return NotApplicable("service_not_covered")
        by_level = bool(self.levels[metric])
        lines = [
            line for line in self.lines[metric] if line.fits(ticket, type_) and (not by_level or line.level == level)
        ]
        if severity is None and self.document.unclassified == "strictest":
            return self._of_any_severity(lines) or NotApplicable("not_configured")
        if (line := _first(lines, severity)) is not None:
            return (line,)
        will_fit = severity is None and self._of_any_severity(lines)
        return NotApplicable("severity_not_set" if will_fit else "not_configured")

    def _of_any_severity(self, lines: Iterable[ServiceLevelLine]) -> tuple[ServiceLevelLine, ...]:
        """The lines that would hold with one of the scale's severities."""
        found = (_first(lines, each.id) for each in self.document.severities)
        return tuple({line.index: line for line in found if line is not None}.values())

    def billable(
        self, ticket: TicketCreated, activity: str, appointment: int | None = None, performer: str | None = None
    ) -> bool:
        """Whether work of an activity is billable: the first line of ``billing.coverage`` that
        fits, else it is; not what only a late cancellation is charged by.
        """
        covered = match_coverage(self.document, activity, ticket, performer)
        return covered.billable and not is_charged_preparation(self.document, activity, appointment)

    def _covers(self, type_: str) -> bool:
        services = self.document.services
        if services is None:
            return True
        ticket_type = self.document.ticket_type(type_)
        return ticket_type is None or ticket_type.service is None or ticket_type.service in services


def service_levels(document: AgreementDocument) -> ServiceLevels:
    """The promises of an agreement."""
    every = [_service_level_line(index, level, document) for index, level in enumerate(document.service_levels)]
    lines = {metric: tuple(line for line in every if line.metric == metric) for metric in METRICS}
    pauses = {metric: frozenset(state for line in lines[metric] for state in line.pauses) for metric in METRICS}
    levels = {
        metric: tuple(dict.fromkeys(line.level for line in lines[metric] if line.level is not None))
        for metric in METRICS
    }
    return ServiceLevels(document, lines, pauses, levels)


def _first(lines: Iterable[ServiceLevelLine], severity: str | None) -> ServiceLevelLine | None:
    for line in lines:
        if line.severity is None or line.severity == severity:
            return line
    return None


def _service_level_line(index: int, level: ServiceLevel, document: AgreementDocument) -> ServiceLevelLine:
    warn_at = document.warn_at if level.warn_at is None else level.warn_at
    return ServiceLevelLine(
        index=index,
        metric=level.metric,
        severity=level.severity,
        type=level.type,
        group=level.group,
        channel=level.channel,
        site=level.site,
        plan=level.plan,
        addon=level.addon,
        target=level.target,
        soft=level.soft,
        after=level.after,
        pauses=frozenset(level.pausing_states),
        completed_by=level.completed_by,
        attempt_counts=level.attempt_counts,
        counts_from=level.counts_from,
        warn_at=() if level.target is None else tuple(warn_at),
        calendar=level.calendar,
        level=level.level,
    )
