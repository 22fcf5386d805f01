"""Questions about timers: the stored derivation, what it says at an instant, and the arithmetic for
other systems.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from fristwerk_language.terms import Span, parse_span
from fristwerk_platform.auth import Principal
from sla_service.application.visibility import step_is_seen_by, timer_seen_by
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.errors import NotAcceptable, NotFound, Parked
from sla_service.domain.explanation.explanation import explain
from sla_service.domain.explanation.explanation_steps import ExplanationStep, deadline_with_steps
from sla_service.domain.explanation.labels import Language
from sla_service.domain.explanation.messages import sentences
from sla_service.domain.timers.derivation import derive_timers
from sla_service.domain.timers.published_terms import PublishedTerms, UnknownTermsError, versioned
from sla_service.domain.timers.shown_timer import shown
from sla_service.domain.timers.timeline_reader import NoTicketError, read_timeline
from sla_service.domain.timers.timer import TimerSet
from sla_service.projections.terms_cache import TermsCache
from sla_service.queries.one_ticket import StoredTicket, TicketReading
from sla_service.queries.read_model import ReadModel, TimerFilter


class Timers:
    """Questions about timers."""

    def __init__(self, read_model: ReadModel, terms_cache: TermsCache, now: Callable[[], datetime]) -> None:
        self._read_model = read_model
        self._terms_cache = terms_cache
        self.now = now

    async def of_ticket(
        self, principal: Principal, name: str, at: datetime | None, known_at: datetime | None
    ) -> dict[str, Any]:
        """The ticket's timers now, or by what had occurred and was known at an instant. Raises
        NotFound.
        """
        reading = await self._read_model.ticket(principal.provider, name)
        ticket = _visible(principal, name, reading)
        now = at or known_at or self.now()
        found: StoredTicket | TimerSet = ticket
        detected = reading.detected
        if at is not None or known_at is not None:
            found = await self._derived(ticket, at, known_at)
            detected = await self._read_model.detected([timer.id for timer in found.timers])
        terms = await self._terms_cache.of(ticket.provider, reading.published)
        known, seen = known_at or now, timer_seen_by(principal)
        items = [shown(timer, terms, now, _if_before(detected.get(timer.id), known)) for timer in found.timers]
        return {
            "ticket": ticket.ticket,
            "entitled": found.entitled,
            "reason": found.reason,
            "items": [*map(seen, items)],
            "absent": found.absent,
        }

    async def listed(self, query: TimerFilter) -> list[dict[str, Any]]:
        """Timers of all tickets."""
        found = await self._read_model.timers(query)
        terms = await self._terms_cache.of(query.provider)
        detected = await self._read_model.detected([timer.id for timer in found])
        return [shown(timer, terms, query.now, detected.get(timer.id)) for timer in found]

    async def explained(self, principal: Principal, timer_id: str, lang: Language) -> dict[str, Any]:
        """Why a timer stands as it does: steps as data, each with its sentence. Raises NotFound."""
        timer = await self._read_model.timer(principal.provider, timer_id)
        if timer is None or not await self._may_see(principal, timer.ticket):
            raise NotFound("timer-not-found", f"There is no timer {timer_id}.")
        terms = await self._terms_cache.of(principal.provider)
        now = self.now()
        explained = explain(timer, read_timeline(await self._read_model.history(timer.ticket)), terms, now)
        steps = [each for each in explained if step_is_seen_by(principal, each)]
        items, text = with_sentences(steps, lang, terms.calendar(*versioned(timer.calendar)))
        detected = await self._read_model.detected([timer.id])
        body = shown(timer, terms, now, detected.get(timer.id))
        return {"timer": timer_seen_by(principal)(body), "language": lang, "steps": items, "text": text}

    async def computed(self, principal: Principal, calendar: str, start: datetime, target: str) -> dict[str, Any]:
        """A deadline for another system, with its steps. Raises NotFound, NotAcceptable or
        CalendarRangeError.
        """
        span = _span(target)
        found = _named_calendar(await self._terms_cache.of(principal.provider), calendar, start)
        try:
            due_at, steps = deadline_with_steps(found, span, start)
        except OverflowError as error:
            sentence = "the deadline would lie beyond the year 9999"
            raise NotAcceptable(
                "target", f"The target cannot be computed: {sentence}.", [("/target", sentence)]
            ) from error
        items, _ = with_sentences(steps, "en", found)
        return {"calendar": found.label, "start": start, "target": str(span), "due_at": due_at, "steps": items}

    async def _may_see(self, principal: Principal, ticket: str) -> bool:
        try:
            _visible(principal, ticket, await self._read_model.ticket(principal.provider, ticket))
        except NotFound:
            return False
        return True

    async def _derived(self, ticket: StoredTicket, at: datetime | None, known_at: datetime | None) -> TimerSet:
        events = [
            each
            for each in await self._read_model.history(ticket.ticket)
            if (at is None or each.envelope.occurred_at <= at)
            and (known_at is None or each.envelope.recorded_at <= known_at)
        ]
        try:
            return derive_timers(read_timeline(events), await self._terms_cache.of(ticket.provider))
        except NoTicketError:
            raise NotFound("ticket-not-found", f"There was no ticket {ticket.ticket} then.") from None


def _visible(principal: Principal, name: str, reading: TicketReading) -> StoredTicket:
    """The ticket. Raises NotFound, and Parked for one whose timers are not to be relied on."""
    ticket, parked = reading.ticket, reading.parked
    known = ticket or parked
    if known is None or (principal.role == "customer" and known.customer != principal.belongs_to):
        raise NotFound("ticket-not-found", f"There is no ticket {name}.")
    if parked is not None:
        since = f"{parked.since:%Y-%m-%dT%H:%M:%SZ}"
        sentence = (
            f"The timers of ticket {name} cannot be derived since {since}; it is tried again with its next event."
        )
        raise Parked("ticket-parked", sentence)
    assert ticket is not None, "one of the two is known"
    return ticket


def with_sentences(
    steps: Sequence[ExplanationStep], lang: Language, calendar: Calendar
) -> tuple[list[dict[str, Any]], str]:
    """Steps as data, each with its sentence in the calendar's local time; and all sentences as one
    text.
    """
    lines = sentences(steps, lang, calendar.hours.zone)
    items = [msgspec.to_builtins(step) | {"sentence": line} for step, line in zip(steps, lines, strict=True)]
    return items, " ".join(lines)


def _if_before(instant: datetime | None, known: datetime) -> datetime | None:
    return instant if instant is not None and instant <= known else None


def _named_calendar(terms: PublishedTerms, name: str, instant: datetime) -> Calendar:
    """The calendar ``name`` in its version in force at an instant, or ``name@version``. Raises NotFound."""
    try:
        return terms.calendar(*versioned(name)) if "@" in name else terms.calendar_at(name, instant)
    except (UnknownTermsError, ValueError) as error:
        raise NotFound("calendar-not-found", f"There is no calendar {name!r}.") from error


def _span(target: str) -> Span:
    try:
        span = parse_span(target)
    except ValueError as error:
        raise NotAcceptable("target", f"The target cannot be computed: {error}.", [("/target", str(error))]) from error
    if span.clock == "worked":
        sentence = "worked minutes count logged work, not time"
        raise NotAcceptable("target", f"The target cannot be computed: {sentence}.", [("/target", sentence)])
    return span
