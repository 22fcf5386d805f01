"""Questions about timers: the stored derivation, what it says at an instant, and the arithmetic for other systems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from shared.auth import Principal
from shared.terms import Span, parse_span
from sla_service.domain.derivation import derivation
from sla_service.domain.errors import NotAcceptable, NotFound
from sla_service.domain.explanation import explain
from sla_service.domain.history import NoTicketError, history
from sla_service.domain.sentences import sentences
from sla_service.domain.terms import PublishedTerms, UnknownTermsError
from sla_service.domain.timer import Timer, TimerSet, missed_at, remaining_seconds, state_at
from sla_service.domain.timers import timers
from sla_service.domain.wording import Language
from sla_service.read_model import ReadModel, StoredTicket, TimerQuery


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """Everything wired (see ``app``)."""

    now: Callable[[], datetime]
    deadlines: Deadlines


class TermsShelf:
    """Each provider's terms, compiled once; read again when a ticket rests on a version published since."""

    def __init__(self, read_model: ReadModel) -> None:
        self._read_model = read_model
        self._kept: dict[str, PublishedTerms] = {}

    async def of(self, provider: str, needed: Sequence[Timer] = ()) -> PublishedTerms:
        """The provider's terms, with every version that the timers rest on."""
        kept = self._kept.get(provider)
        if kept is None or not all(_knows(kept, timer) for timer in needed):
            kept = self._kept[provider] = await self._read_model.published_terms(provider)
        return kept


def _knows(terms: PublishedTerms, timer: Timer) -> bool:
    try:
        terms.calendar(*_versioned(timer.calendar))
        terms.agreement(*_versioned(timer.terms))
    except UnknownTermsError:
        return False
    return True


class Deadlines:
    """Questions about timers."""

    def __init__(self, read_model: ReadModel, shelf: TermsShelf, now: Callable[[], datetime]) -> None:
        self._read_model = read_model
        self._shelf = shelf
        self._now = now

    async def of_ticket(
        self, principal: Principal, name: str, at: datetime | None, known_at: datetime | None
    ) -> dict[str, Any]:
        """The ticket's timers now, or by what had occurred and was known at an instant. Raises NotFound."""
        ticket = await self._visible(principal, name)
        now = at or self._now()
        found: StoredTicket | TimerSet = ticket
        if at is not None or known_at is not None:
            found = await self._derived(ticket, at, known_at)
        terms = await self._shelf.of(ticket.provider, found.timers)
        detected = await self._read_model.detected([timer.id for timer in found.timers])
        return {
            "ticket": ticket.ticket,
            "entitled": found.entitled,
            "reason": found.reason,
            "items": [shown(timer, terms, now, detected.get(timer.id)) for timer in found.timers],
            "absent": found.absent,
        }

    async def listed(self, query: TimerQuery) -> list[dict[str, Any]]:
        """Timers of all tickets."""
        found = await self._read_model.timers(query)
        terms = await self._shelf.of(query.provider, found)
        detected = await self._read_model.detected([timer.id for timer in found])
        return [shown(timer, terms, query.now, detected.get(timer.id)) for timer in found]

    async def explained(self, principal: Principal, timer_id: str, lang: Language) -> dict[str, Any]:
        """Why a timer stands as it does: steps as data, each with its sentence. Raises NotFound."""
        timer = await self._read_model.timer(principal.provider, timer_id)
        if timer is None:
            raise NotFound("timer-not-found", f"There is no timer {timer_id}.")
        await self._visible(principal, timer.ticket)
        terms = await self._shelf.of(principal.provider, [timer])
        now = self._now()
        steps = explain(timer, history(await self._read_model.history(timer.ticket)), terms, now)
        calendar = terms.calendar(*_versioned(timer.calendar))
        told = sentences(steps, lang, calendar.hours.zone)
        items = [msgspec.to_builtins(step) | {"sentence": text} for step, text in zip(steps, told, strict=True)]
        return {"timer": shown(timer, terms, now, None), "language": lang, "steps": items, "text": " ".join(told)}

    async def computed(self, principal: Principal, calendar: str, start: datetime, target: str) -> dict[str, Any]:
        """A deadline for another system, with its steps. Raises NotFound, NotAcceptable or CalendarRangeError."""
        span = _span(target)
        terms = await self._read_model.published_terms(principal.provider)
        name, version = _versioned(calendar) if "@" in calendar else (calendar, terms.newest_calendar(calendar))
        try:
            found = terms.calendar(name, version)
        except UnknownTermsError as error:
            raise NotFound("calendar-not-found", str(error)) from error
        due_at, steps = derivation(found, span, start)
        told = sentences(steps, "en", found.hours.zone)
        items = [msgspec.to_builtins(step) | {"sentence": text} for step, text in zip(steps, told, strict=True)]
        return {"calendar": f"{name}@{version}", "start": start, "target": str(span), "due_at": due_at, "steps": items}

    async def _visible(self, principal: Principal, name: str) -> StoredTicket:
        ticket = await self._read_model.ticket(principal.provider, name)
        if ticket is None or (principal.role == "customer" and ticket.customer != principal.customer):
            raise NotFound("ticket-not-found", f"There is no ticket {name}.")
        return ticket

    async def _derived(self, ticket: StoredTicket, at: datetime | None, known_at: datetime | None) -> TimerSet:
        events = [
            each
            for each in await self._read_model.history(ticket.ticket)
            if (at is None or each.envelope.occurred_at <= at)
            and (known_at is None or each.envelope.recorded_at <= known_at)
        ]
        try:
            return timers(history(events), await self._shelf.of(ticket.provider, ticket.timers))
        except NoTicketError:
            raise NotFound("ticket-not-found", f"There was no ticket {ticket.ticket} then.") from None


def shown(timer: Timer, terms: PublishedTerms, now: datetime, detected_at: datetime | None) -> dict[str, Any]:
    """A timer as the contract shows it, as of ``now``; ``detected_at`` is when its miss was noticed."""
    calendar = terms.calendar(*_versioned(timer.calendar))
    body: dict[str, Any] = msgspec.to_builtins(timer)
    body["state"] = state_at(timer, now)
    body["missed_at"] = missed_at(timer, now)
    body["remaining_seconds"] = remaining_seconds(timer, calendar, now)
    body["detected_at"] = detected_at
    return body


def _span(target: str) -> Span:
    try:
        span = parse_span(target)
    except ValueError as error:
        raise NotAcceptable("target", f"The target cannot be computed: {error}.", [("/target", str(error))]) from error
    if span.clock == "worked":
        sentence = "worked minutes count logged work, not time"
        raise NotAcceptable("target", f"The target cannot be computed: {sentence}.", [("/target", sentence)])
    return span


def _versioned(name: str) -> tuple[str, int]:
    name, _, version = name.rpartition("@")
    return name, int(version)
