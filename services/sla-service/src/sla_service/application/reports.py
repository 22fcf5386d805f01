"""Reports over many tickets: how promises were kept, and with whom the time was spent.

They are computed on request from timers and histories, page by page, so no table of totals can fall
out of date.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, Literal

import msgspec

from fristwerk_language.terms import Metric, zone
from sla_service.domain.calendar.calendar import Calendar, CalendarRangeError
from sla_service.domain.errors import NotFound
from sla_service.domain.reports.attribution import AttributedTime, attribution
from sla_service.domain.reports.compliance import ComplianceFigures, Observation, figures, observation
from sla_service.domain.reports.period import Period
from sla_service.domain.reports.time_in_state import TimeInState, ownership_end, time_in_state
from sla_service.domain.timers.derivation import derive_timers
from sla_service.domain.timers.published_terms import PublishedTerms, versioned
from sla_service.domain.timers.timeline import Timeline
from sla_service.domain.timers.timeline_reader import read_timeline
from sla_service.domain.timers.timer import Timer, missed_at, state_at, used_seconds
from sla_service.projections.terms_cache import TermsCache
from sla_service.queries.one_ticket import StoredTicket
from sla_service.queries.read_model import ReadModel, TicketFilter

Dimension = Literal["metric", "severity", "customer", "agreement", "month"]


class ComplianceQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which timers to count, by their start, and how to group them; None: all."""

    provider: str
    period: Period
    group_by: Dimension = "metric"
    metric: Metric | None = None
    severity: str | None = None
    customer: str | None = None
    agreement: str | None = None


class ComplianceReport(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of each group, in the order of the groups' names (None first), and of all
    together.
    """

    items: list[tuple[str | None, ComplianceFigures]]
    total: ComplianceFigures


class MissedShares(msgspec.Struct, frozen=True, kw_only=True):
    """Where the time of a missed timer went, from its start to the miss, on its own clock."""

    timer: str
    metric: Metric
    target: str | None
    started_at: datetime
    missed_at: datetime
    shares: tuple[AttributedTime, ...]


class TicketAttribution(msgspec.Struct, frozen=True, kw_only=True):
    """The time per assignee and state from receipt ``until`` the resolution, or now; and the same
    for each missed timer.
    """

    ticket: str
    reference: str
    received_at: datetime
    until: datetime
    items: tuple[TimeInState, ...]
    missed: tuple[MissedShares, ...]


class TimeInStateSum(msgspec.Struct, kw_only=True):
    """The same of several tickets."""

    agent: str | None
    state: str
    tickets: int = 0
    wall_seconds: int = 0
    business_seconds: int = 0


class MissedSum(msgspec.Struct, kw_only=True):
    """Seconds that missed timers of a metric spent; ``counted`` is false for what their pauses left
    out.
    """

    metric: str
    agent: str | None
    state: str
    counted: bool
    timers: int = 0
    seconds: int = 0


class PeriodAttribution(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the tickets received in a period; ``not_attributed`` lie beyond their calendars'
    published years.
    """

    tickets: int
    not_attributed: int
    items: list[TimeInStateSum]
    missed: list[MissedSum]


class Reports:
    """Computes them."""

    def __init__(self, read_model: ReadModel, terms_cache: TermsCache, now: Callable[[], datetime]) -> None:
        self._read_model = read_model
        self._terms_cache = terms_cache
        self._now = now

    async def compliance(self, query: ComplianceQuery) -> ComplianceReport:
        """Met, missed and used time. Tickets that are not entitled count where their agreement only
        measures.
        """
        terms = await self._terms_cache.of(query.provider)
        now = self._now()
        groups: dict[str | None, list[Observation]] = {}
        async for customer, timer in self._timers(query, terms):
            place = zone(terms.agreement(*versioned(timer.terms)).document.timezone)
            if not query.period.holds(timer.started_at, place) or not _wanted(timer, query):
                continue
            used = used_seconds(timer, terms.calendar(*versioned(timer.calendar)), now)
            key = _group(query.group_by, timer, customer, timer.started_at.astimezone(place))
            groups.setdefault(key, []).append(observation(timer, state_at(timer, now), used))
        ordered = sorted(groups.items(), key=lambda each: (each[0] is not None, each[0] or ""))
        return ComplianceReport(
            items=[(key, figures(seen)) for key, seen in ordered],
            total=figures(each for _, seen in ordered for each in seen),
        )

    async def _timers(self, query: ComplianceQuery, terms: PublishedTerms) -> AsyncIterator[tuple[str, Timer]]:
        since, until = query.period.bounds
        wanted = TicketFilter(provider=query.provider, since=since, until=until, customer=query.customer)
        async for page in self._read_model.timers_started(wanted, query.metric):
            for each in page:
                yield each.customer, each.timer
        async for tickets in self._read_model.tickets_received(msgspec.structs.replace(wanted, entitled=False)):
            histories = await self._read_model.histories([each.ticket for each in tickets])
            for ticket in tickets:
                for timer in _measured(read_timeline(histories[ticket.ticket]), terms):
                    yield ticket.customer, timer

    async def of_ticket(self, provider: str, name: str) -> TicketAttribution:
        """The time per assignee and state of one ticket. Raises NotFound, and CalendarRangeError
        beyond the calendar's years.
        """
        ticket = (await self._read_model.ticket(provider, name)).ticket
        if ticket is None:
            raise NotFound("ticket-not-found", f"There is no ticket {name}.")
        timeline = read_timeline(await self._read_model.history(ticket.ticket))
        return _attributed(ticket, timeline, await self._terms_cache.of(provider), self._now())

    async def of_period(self, provider: str, period: Period) -> PeriodAttribution:
        """The same, summed over the tickets received in a period."""
        terms = await self._terms_cache.of(provider)
        since, until = period.bounds
        now = self._now()
        sums = _Sums()
        async for tickets in self._read_model.tickets_received(
            TicketFilter(provider=provider, since=since, until=until)
        ):
            histories = await self._read_model.histories([each.ticket for each in tickets])
            for ticket in tickets:
                timeline = read_timeline(histories[ticket.ticket])
                if period.holds(ticket.received_at, _zone(timeline, terms)):
                    sums.add(ticket, timeline, terms, now)
        return sums.result()


class _Sums:
    """Adds the attributions of tickets up."""

    def __init__(self) -> None:
        self._tickets = 0
        self._not_attributed = 0
        self._items: dict[tuple[str, str], TimeInStateSum] = {}
        self._missed: dict[tuple[str, str, str, bool], MissedSum] = {}

    def add(self, ticket: StoredTicket, timeline: Timeline, terms: PublishedTerms, now: datetime) -> None:
        self._tickets += 1
        try:
            found = _attributed(ticket, timeline, terms, now)
        except CalendarRangeError:
            self._not_attributed += 1
            return
        for each in found.items:
            item = self._items.setdefault(
                (each.agent or "", each.state), TimeInStateSum(agent=each.agent, state=each.state)
            )
            item.tickets += 1
            item.wall_seconds += each.wall_seconds
            item.business_seconds += each.business_seconds
        for missed in found.missed:
            for share in missed.shares:
                key = (missed.metric, share.agent or "", share.state, share.counted)
                empty = MissedSum(metric=missed.metric, agent=share.agent, state=share.state, counted=share.counted)
                total = self._missed.setdefault(key, empty)
                total.timers += 1
                total.seconds += share.seconds

    def result(self) -> PeriodAttribution:
        return PeriodAttribution(
            tickets=self._tickets,
            not_attributed=self._not_attributed,
            items=[self._items[key] for key in sorted(self._items)],
            missed=[self._missed[key] for key in sorted(self._missed)],
        )


def _measured(timeline: Timeline, terms: PublishedTerms) -> list[Timer]:
    """What a ticket that is not entitled took, where its agreement measures without a promise."""
    contexts = tuple(
        msgspec.structs.replace(each, ground=msgspec.structs.replace(each.ground, entitled=True))
        for each in timeline.contexts
    )
    as_entitled = msgspec.structs.replace(timeline, contexts=contexts)
    return [timer for timer in derive_timers(as_entitled, terms).timers if timer.target is None]


def _wanted(timer: Timer, query: ComplianceQuery) -> bool:
    return (
        query.metric in (None, timer.metric)
        and query.severity in (None, timer.severity)
        and query.agreement in (None, versioned(timer.terms)[0])
    )


def _group(by: Dimension, timer: Timer, customer: str, started: datetime) -> str | None:
    match by:
        case "metric":
            return timer.metric
        case "severity":
            return timer.severity
        case "customer":
            return customer
        case "agreement":
            return versioned(timer.terms)[0]
        case "month":
            return f"{started:%Y-%m}"


def _attributed(ticket: StoredTicket, timeline: Timeline, terms: PublishedTerms, now: datetime) -> TicketAttribution:
    until = ownership_end(timeline, now)
    missed = [(timer, at) for timer in ticket.timers if (at := missed_at(timer, now)) is not None]
    return TicketAttribution(
        ticket=ticket.ticket,
        reference=ticket.reference,
        received_at=ticket.received_at,
        until=until,
        items=time_in_state(timeline, _calendar(timeline, terms), until),
        missed=tuple(
            MissedShares(
                timer=timer.id,
                metric=timer.metric,
                target=timer.target,
                started_at=timer.started_at,
                missed_at=at,
                shares=attribution(timer, timeline, terms.calendar(*versioned(timer.calendar)), at),
            )
            for timer, at in missed
        ),
    )


def _calendar(timeline: Timeline, terms: PublishedTerms) -> Calendar:
    return terms.calendar(timeline.ground.calendar, timeline.contexts[-1].calendar_version)


def _zone(timeline: Timeline, terms: PublishedTerms) -> Any:
    context = timeline.contexts[-1]
    return zone(terms.agreement(timeline.ground.agreement, context.agreement_version).document.timezone)
