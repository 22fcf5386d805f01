"""Which line of an agreement fits a ticket, and when its target is due.

The first line that fits a metric wins. Pauses are measured on the target's own clock: outside opening hours they cost nothing
on a business clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from fristwerk_language.events.tickets import TicketCreated
from fristwerk_language.terms import METRICS, AgreementDocument, Clock, Metric, Percent, ServiceLevel, Span
from fristwerk_language.terms.coverage import match_coverage
from sla_service.domain.calendar.calendar import Calendar

AbsenceReason = Literal["not_configured", "not_entitled", "service_not_covered", "calendar_range"]
Pause = tuple[int, int | None]
"""From when to when a clock stands still, in instants; no end: it still does."""


class ServiceLevelLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the service levels; ``index`` is its place, ``warn_at`` its own warnings or else the agreement's."""

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
    warn_at: tuple[Span | Percent, ...]

    @property
    def clock(self) -> Clock:
        """The clock on which time is counted; a line that only measures counts business time."""
        return "business" if self.target is None else self.target.clock

    @property
    def pointer(self) -> str:
        """The JSON pointer to the line in the agreement's document."""
        return f"/service_levels/{self.index}"

    def fits(self, ticket: TicketCreated, severity: str | None, type_: str) -> bool:
        """Whether all keys that the line names fit."""
        return (
            (self.severity is None or self.severity == severity)
            and (self.type is None or self.type == type_)
            and (self.addon is None or self.addon in ticket.addons)
            and (self.group is None or self.group == ticket.group)
            and (self.channel is None or self.channel == ticket.channel)
            and (self.site is None or self.site == ticket.site)
            and (self.plan is None or self.plan == ticket.plan)
        )


class ServiceLevels(msgspec.Struct, frozen=True):
    """An agreement's document, its lines sorted by metric, and the states in which some line of a metric pauses."""

    document: AgreementDocument
    lines: dict[Metric, tuple[ServiceLevelLine, ...]]
    pauses: dict[Metric, frozenset[str]]

    def candidates(
        self, metric: Metric, ticket: TicketCreated, severity: str | None, type_: str
    ) -> tuple[ServiceLevelLine, ...] | AbsenceReason:
        """The lines of which one holds, or why none does.

        More than one only while a ticket has no severity and the agreement says ``unclassified: strictest``: one for each
        severity of the scale; the one with the earliest deadline holds.
        """
        lines = self.lines[metric]
        if not self._covers(type_):
            return "service_not_covered"
        if severity is None and self.document.unclassified == "strictest":
            found: dict[int, ServiceLevelLine] = {}
            for each in self.document.severities:
                if line := _first(lines, ticket, each.id, type_):
                    found.setdefault(line.index, line)
            return tuple(found.values()) or "not_configured"
        line = _first(lines, ticket, severity, type_)
        return "not_configured" if line is None else (line,)

    def billable(self, ticket: TicketCreated, activity: str) -> bool:
        """Whether work of an activity is billable: the first line of ``billing.coverage`` that fits, else it is."""
        return match_coverage(self.document, activity, ticket).billable

    def _covers(self, type_: str) -> bool:
        services = self.document.services
        if services is None:
            return True
        ticket_type = self.document.ticket_type(type_)
        return ticket_type is None or ticket_type.service is None or ticket_type.service in services


class Deadline(NamedTuple):
    """When a target is due. ``paused`` holds, for each pause that began before it, the seconds it cost on the clock.

    ``suspended``: the last of those pauses goes on, so that the deadline moves as long as it does.
    """

    due: int
    paused: tuple[int, ...] = ()
    suspended: bool = False


def service_levels(document: AgreementDocument) -> ServiceLevels:
    """The promises of an agreement."""
    every = [_service_level_line(index, level, document) for index, level in enumerate(document.service_levels)]
    lines = {metric: tuple(line for line in every if line.metric == metric) for metric in METRICS}
    pauses = {metric: frozenset(state for line in lines[metric] for state in line.pauses) for metric in METRICS}
    return ServiceLevels(document, lines, pauses)


def measure(calendar: Calendar, clock: Clock, start: int, end: int) -> int:
    """The seconds that a clock counts from ``start`` to ``end``; on a calendar of business days its business time."""
    return end - start if clock == "wall" else calendar.business_time_between(start, end)


def deadline(
    calendar: Calendar, span: Span, start: int, pauses: Sequence[Pause] = (), *, end_of_business_day: bool = False
) -> Deadline:
    """When ``span`` has passed since ``start``, leaving out ``pauses`` (sorted, not overlapping).

    Business days come first (to the day's last closing with ``end_of_business_day``), then the paused business time is added.
    Raises CalendarRangeError.
    """
    due = _advance(calendar, span, start, end_of_business_day=end_of_business_day)
    paused: list[int] = []
    for pause_start, pause_end in pauses:
        if pause_start >= due:
            break
        if pause_end is None:
            return Deadline(due, (*paused, 0), suspended=True)
        cost = measure(calendar, span.clock, max(start, pause_start), max(start, pause_end))
        paused.append(cost)
        if cost:
            due = due + cost if span.clock == "wall" else calendar.add_business_time(due, cost)
    return Deadline(due, tuple(paused))


def warnings(
    calendar: Calendar, line: ServiceLevelLine, start: int, due: int, pauses: Sequence[Pause]
) -> tuple[tuple[str, int], ...]:
    """The line's warnings as (rule, instant), in the target's own clock; none comes before that clock starts.

    Warnings that a pause still going on holds back are left out.
    """
    assert line.target is not None, "what only measures does not warn"
    result = []
    for rule in line.warn_at:
        at = _warning(calendar, line.target, rule, start, due, pauses)
        if at is not None:
            result.append((str(rule), at))
    return tuple(result)


def time_before(calendar: Calendar, clock: Clock, due: int, seconds: int, pauses: Sequence[Pause]) -> int:
    """The last instant from which ``seconds`` of a clock, without ``pauses``, pass until ``due``."""
    at = due - seconds if clock == "wall" else calendar.subtract_business_time(due, seconds)
    for pause_start, pause_end in reversed(pauses):
        if pause_end is None or pause_start >= due:
            continue
        if pause_end <= at:
            break
        cost = measure(calendar, clock, pause_start, min(pause_end, due))
        at = at - cost if clock == "wall" else calendar.subtract_business_time(at, cost)
    return at


def _advance(calendar: Calendar, span: Span, start: int, *, end_of_business_day: bool) -> int:
    match span.clock:
        case "wall":
            return start + span.amount
        case "business":
            return calendar.add_business_time(start, span.amount)
        case "business_days":
            return calendar.add_business_days(start, span.amount, end_of_business_day=end_of_business_day)
        case "worked":
            raise AssertionError("worked minutes are counted by effort, not by time")


def _warning(
    calendar: Calendar, target: Span, rule: Span | Percent, start: int, due: int, pauses: Sequence[Pause]
) -> int | None:
    clock: Clock = "wall" if target.clock == "wall" else "business"
    first = start if clock == "wall" else calendar.next_opening(start)
    if isinstance(rule, Percent):
        amount = target.amount
        if target.clock == "business_days":
            amount = measure(calendar, clock, start, due) - sum(
                measure(calendar, clock, max(start, begin), min(due, end))
                for begin, end in pauses
                if end and begin < due
            )
        reached = deadline(calendar, Span(clock, amount * rule.percent // 100), start, pauses)
        return None if reached.suspended else reached.due
    if rule.clock == "business_days":
        return max(first, calendar.add_business_days(due, -rule.amount))
    at = max(first, time_before(calendar, clock, due, rule.amount, pauses))
    suspended_since = next((begin for begin, end in pauses if end is None), None)
    return None if suspended_since is not None and at > suspended_since else at


def _first(
    lines: Iterable[ServiceLevelLine], ticket: TicketCreated, severity: str | None, type_: str
) -> ServiceLevelLine | None:
    return next((line for line in lines if line.fits(ticket, severity, type_)), None)


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
        warn_at=() if level.target is None else tuple(warn_at),
    )
