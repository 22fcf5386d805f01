"""Every timer and every notice computed again from the ticket's history and the terms of its contract."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from fristwerk_language.events import NoticeEvent, Recorded, decode_tolerantly, streams
from fristwerk_language.events.notices import (
    TimerCancelled,
    TimerMet,
    TimerMissed,
    TimerMissWithdrawn,
    TimerRescheduled,
    TimerStarted,
    TimerWarned,
)
from fristwerk_language.events.tickets import TicketCreated
from fristwerk_proof.bundles import NOTICES, TIMERS
from fristwerk_verify.comparing import as_shown, first_difference, text
from fristwerk_verify.findings import CheckStep
from fristwerk_verify.lines import LineStore
from fristwerk_verify.reading import Bundle
from sla_service.domain.timers.derivation import derive_timers
from sla_service.domain.timers.notices import missed_from
from sla_service.domain.timers.published_terms import PublishedTerms
from sla_service.domain.timers.shown_timer import shown
from sla_service.domain.timers.timeline_reader import read_timeline
from sla_service.domain.timers.timer import Timer, TimerSet

LATE: Final = timedelta(minutes=15)
"""A miss that is younger need not have been announced when the bundle was made."""


class Told(msgspec.Struct):
    """What the notices said of a timer, the last word on each."""

    due_at: datetime | None = None
    started: bool = False
    met_at: datetime | None = None
    cancelled_at: datetime | None = None
    missed: TimerMissed | None = None
    version: int = 0
    last: str = ""
    warned: dict[str, datetime] = {}


def read_notices(bundle: Bundle, step: CheckStep) -> Mapping[str, Told]:
    """The notices by timer; each stream of them has no gap."""
    found: defaultdict[str, Told] = defaultdict(Told)
    for number, line in enumerate(bundle.lines(NOTICES), start=1):
        step.count("notices")
        try:
            recorded = decode_tolerantly(line)
        except (msgspec.MsgspecError, RecursionError) as error:
            step.found("line-unreadable", log="notices", number=number, error=str(error))
            continue
        event, envelope = recorded.event, recorded.envelope
        if not isinstance(event, NoticeEvent) or envelope.stream != streams.TIMER.stream(event.timer):
            step.found("notice-of-nothing", number=number, type=envelope.type)
            continue
        told = found[event.timer]
        if envelope.version != told.version + 1 or envelope.provider != bundle.manifest.provider:
            step.found("notice-version", number=number, timer=event.timer, version=envelope.version)
        told.version = envelope.version
        _hear(told, event)
    return found


def _hear(told: Told, event: NoticeEvent) -> None:
    told.last = type(event).__name__
    match event:
        case TimerStarted(due_at=due_at):
            told.started, told.due_at, told.cancelled_at, told.met_at = True, due_at, None, None
        case TimerRescheduled(new_due_at=due_at):
            told.due_at = due_at
        case TimerMet(met_at=met_at):
            told.met_at = met_at
        case TimerCancelled(cancelled_at=cancelled_at):
            told.cancelled_at = cancelled_at
        case TimerMissed():
            told.missed = event
        case TimerMissWithdrawn(met_at=met_at):
            told.missed = None
            told.met_at = met_at or told.met_at
        case TimerWarned(rule=rule, warn_at=warn_at):
            told.warned = told.warned | {rule: warn_at}


class TimerCheck:
    """Compares what the SLA service shows and announced with what the histories give."""

    def __init__(
        self,
        bundle: Bundle,
        store: LineStore,
        terms: PublishedTerms,
        told: Mapping[str, Told],
        steps: Sequence[CheckStep],
    ) -> None:
        self._bundle = bundle
        self._store = store
        self._terms = terms
        self._told = told
        self._timers, self._notices = steps
        self._known_at = datetime.fromisoformat(bundle.manifest.known_at)
        self._left = set(told)

    def run(self) -> None:
        """Every ticket, every timer, every notice."""
        tickets = {
            stream for stream in self._store.streams() if streams.TICKET.includes(stream) and self._was_known(stream)
        }
        for number, line in enumerate(self._bundle.lines(TIMERS), start=1):
            try:
                claim = json.loads(line)
                stream = streams.TICKET.stream(str(claim["ticket"]))
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                self._timers.found("line-unreadable", log="claims/timers", number=number, error=str(error))
                continue
            if stream not in tickets:
                self._timers.found("claim-of-nothing", what="ticket", name=claim["ticket"], number=number)
                continue
            tickets.discard(stream)
            self._ticket(stream, claim)
        for stream in sorted(tickets):
            self._timers.found("claim-missing", what="ticket", name=streams.TICKET.subject(stream))
        for timer in sorted(self._left):
            told = self._told[timer]
            if told.started and told.cancelled_at is None and not self._is_later(timer):
                self._notices.found("notice-of-no-timer", timer=timer)

    def _ticket(self, stream: str, claim: dict[str, Any]) -> None:
        self._timers.count("tickets")
        history = [each for each in self._store.history(stream) if each.recorded_at <= self._known_at]
        try:
            derived = derive_timers(read_timeline(history), self._terms)
        except Exception as error:  # noqa: BLE001 - the service refuses such a ticket, and so must this
            if "refused" not in claim:
                self._timers.found("ticket-not-derivable", ticket=claim["ticket"], error=str(error)[:300])
            return
        self._timers.count("timers", len(derived.timers))
        expected = as_shown(self._shown(derived))
        difference = first_difference(claim.get("shown"), expected)
        if difference is not None:
            self._timers.found(
                "timer-differs", ticket=claim["ticket"], last=history[-1].position, **_fields(difference)
            )
        for timer in derived.timers:
            self._left.discard(timer.id)
            self._announced(timer, history)

    def _shown(self, derived: TimerSet) -> dict[str, Any]:
        items = []
        for timer in derived.timers:
            told = self._told.get(timer.id)
            detected = told.missed.detected_at if told and told.missed else None
            known = detected if detected is not None and detected <= self._known_at else None
            items.append(shown(timer, self._terms, self._known_at, known))
        return {
            "ticket": derived.ticket,
            "entitled": derived.entitled,
            "reason": derived.reason,
            "items": items,
            "absent": derived.absent,
        }

    def _announced(self, timer: Timer, history: Sequence[Recorded]) -> None:
        """What was announced last is what the history gives, unless the ticket went on after the bundle's instant."""
        told = self._told.get(timer.id)
        if len(history) < self._store.newest(history[-1].stream):
            return
        if told is None or not told.started:
            self._notices.found("notice-missing", timer=timer.id, what="TimerStarted")
            return
        pairs = [
            ("due_at", told.due_at if timer.clock != "worked" else timer.due_at, timer.due_at),
            ("met_at", told.met_at, timer.met_at),
            ("cancelled_at", told.cancelled_at, timer.cancelled_at),
        ]
        missed = missed_from(timer)
        if told.missed is not None or (missed is not None and missed < self._known_at - LATE):
            pairs.append(("missed_at", None if told.missed is None else told.missed.missed_at, missed))
        for field, announced, computed in pairs:
            if announced != computed:
                self._notices.found(
                    "notice-differs",
                    timer=timer.id,
                    field=field,
                    shown=text(_at(announced)),
                    computed=text(_at(computed)),
                )
        warnings = {each.rule: each.at for each in timer.warnings}
        for rule, at in told.warned.items():
            if warnings.get(rule, timer.soft_due_at) != at and not self._was_planned(timer, rule, at, history):
                self._notices.found(
                    "notice-differs",
                    timer=timer.id,
                    field=f"warned {rule}",
                    shown=text(_at(at)),
                    computed=text(_at(warnings.get(rule))),
                )

    def _was_planned(self, timer: Timer, rule: str, at: datetime, history: Sequence[Recorded]) -> bool:
        """Whether a warning was due then before the ticket went on: what was said stays said, the deadline moves on."""
        for end in range(1, len(history)):
            try:
                derived = derive_timers(read_timeline(history[:end]), self._terms)
            except Exception:  # noqa: BLE001, S112 - a beginning that cannot be derived planned nothing
                continue
            for each in derived.timers:
                if each.id == timer.id and at in {
                    each.soft_due_at,
                    *(one.at for one in each.warnings if one.rule == rule),
                }:
                    return True
        return False

    def _was_known(self, stream: str) -> bool:
        first = self._store.first(stream)
        return isinstance(first.event, TicketCreated) and first.recorded_at <= self._known_at

    def _is_later(self, timer: str) -> bool:
        """Whether a timer's ticket went on, or began, after the bundle's instant."""
        history = self._store.history(streams.TICKET.stream(timer.partition(":")[0]))
        return not history or history[-1].recorded_at > self._known_at


def _fields(difference: Any) -> dict[str, str]:
    return {"field": difference.field, "shown": difference.shown, "computed": difference.computed}


def _at(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")
