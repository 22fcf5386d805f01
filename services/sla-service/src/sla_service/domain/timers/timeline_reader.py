"""From a ticket's recorded events to its timeline: any order and any repetition of them give the
same one.

**Answers** are what the customer sees or hears: ``Responded`` if visible, ``ProgressReported``, a
callback that reached the customer, and a call answered after receipt (it lasted, or was connected,
and was neither lost to the voicemail nor in a failed transfer). Acknowledgements, notes, failed
calls, questions (``InformationRequested``) and what a machine sent or called are none. **Customer
messages** are ``CustomerMessageReceived`` and ``InformationReceived``, but for a machine's and for
thanks, also where staff marked them as such afterwards: then neither the message nor the reopening
that it brought (``NoAnswerNeeded``) has happened as far as timers go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeGuard

import msgspec

from fristwerk_language.events import (
    DecodedEvent,
    Recorded,
    TicketEvent,
    UnknownEvent,
    UnreadableEvent,
    relations,
    streams,
    tickets,
)
from sla_service.domain.calendar.epoch import seconds_of
from sla_service.domain.timers.context_history import ContextHistory
from sla_service.domain.timers.moving_no_timer import MovesNoTimer
from sla_service.domain.timers.ticket_state import standing_after
from sla_service.domain.timers.timeline import (
    Attempt,
    MergedAt,
    Moment,
    PromisedCallback,
    StatePeriod,
    Timeline,
)
from sla_service.domain.timers.work_log import TimeEvent, WorkLog


class NoTicketError(Exception):
    """Raised when a history has no ``TicketCreated``."""

    def __init__(self) -> None:
        super().__init__("The history has no TicketCreated: there is no ticket to measure.")


class UnreadableHistoryError(Exception):
    """Raised when an event cannot be read: without it every timer might be wrong."""

    def __init__(self, recorded: Recorded) -> None:
        super().__init__(f"The event {recorded.envelope.id} ({recorded.envelope.type}) cannot be read.")


def read_timeline(events: Iterable[Recorded]) -> Timeline:
    """The timeline of a ticket's recorded events. Raises NoTicketError, UnreadableHistoryError."""
    return GrowingTimeline(events).timeline()


class GrowingTimeline:
    """A timeline that takes in later events, so that a new event of a long history costs no more than
    the event.
    """

    def __init__(self, events: Iterable[Recorded]) -> None:
        """Raises NoTicketError, UnreadableHistoryError."""
        known = {recorded.envelope.id: recorded for recorded in events}
        for recorded in known.values():
            if isinstance(recorded.event, UnreadableEvent):
                raise UnreadableHistoryError(recorded)
        created = min(
            (recorded for recorded in known.values() if isinstance(recorded.event, tickets.TicketCreated)),
            key=lambda recorded: recorded.envelope.version,
            default=None,
        )
        if created is None:
            raise NoTicketError
        self._known = set(known)
        self._reader = _TimelineReader(created, _without_effect(known.values()))
        self._places = 0
        self._latest: tuple[datetime, int] | None = None
        self._read(recorded for recorded in known.values() if recorded is not created)

    def take(self, later: Sequence[Recorded]) -> bool:
        """Read further events. Returns False, and is of no more use, where one of them cannot simply be
        added: it was read before, belongs before one that was, opens the ticket, takes back what was read
        or is unreadable.
        """
        for recorded in later:
            if recorded.envelope.id in self._known or isinstance(
                recorded.event, tickets.TicketCreated | tickets.NoAnswerNeeded | UnreadableEvent
            ):
                return False
            if self._latest is not None and _order(recorded) < self._latest:
                return False
        self._known.update(recorded.envelope.id for recorded in later)
        self._read(later)
        return True

    @property
    def created(self) -> tickets.TicketCreated:
        """How the ticket was opened."""
        return self._reader.created

    def timeline(self) -> Timeline:
        """What was read."""
        return self._reader.timeline()

    def _read(self, later: Iterable[Recorded]) -> None:
        for recorded in sorted(later, key=_order):
            self._places += 1
            self._reader.read(recorded, self._places)
            self._latest = _order(recorded)


def _without_effect(events: Iterable[Recorded]) -> frozenset[int | None]:
    """The versions of the messages that ask for nothing, and of the reopenings that they brought."""
    marks = [recorded.event for recorded in events if isinstance(recorded.event, tickets.NoAnswerNeeded)]
    return frozenset(version for mark in marks for version in (mark.message, mark.reopening))


def _order(recorded: Recorded) -> tuple[datetime, int]:
    return recorded.envelope.occurred_at, recorded.envelope.version


class _TimelineReader:
    """A timeline in the making, event by event in order of time. Nothing happens to a ticket before
    its receipt.
    """

    def __init__(self, created: Recorded, without_effect: frozenset[int | None]) -> None:
        self.without_effect = without_effect
        assert isinstance(created.event, tickets.TicketCreated), "a timeline begins with the ticket"
        self.created = created.event
        self.ticket = streams.TICKET.subject(created.envelope.stream)
        self.received = Moment(
            seconds_of(created.event.received_at), 0, created.envelope.version, created.envelope.id, "TicketCreated"
        )
        self.contexts = ContextHistory(self.created, self.received)
        self.state_periods = [StatePeriod(state="new", since=self.received)]
        self.answers: list[Moment] = []
        self.messages: list[Moment] = []
        self.endings: list[Moment] = []
        self.requests: dict[int, tuple[Moment, tickets.CallbackRequested]] = {}
        self.attempts: dict[int, list[Attempt]] = {}
        self.calls: list[tuple[Moment, tickets.CallReceived]] = []
        self.lost_calls: set[str] = set()
        self.work_starts: list[Moment] = []
        self.work = WorkLog()
        self.notices: list[Moment] = []
        self.assignments: list[tuple[Moment, str]] = []
        self.merged: MergedAt | None = None
        self.transfers: list[tuple[Moment, str | None]] = []

    def read(self, recorded: Recorded, place: int) -> None:
        event, envelope = recorded.event, recorded.envelope
        if not _is_known(event) or envelope.version in self.without_effect:
            return
        at = max(seconds_of(envelope.occurred_at), self.received.at)
        moment = Moment(at, place, envelope.version, envelope.id, envelope.type)
        self._follow_state(event, moment)
        self._note(event, moment, envelope.actor.role)

    def _note(self, event: TicketEvent, moment: Moment, role: str) -> None:  # noqa: C901, PLR0912 - an arm an event type
        if isinstance(event, TimeEvent):
            self._note_work(moment, event)
            return
        match event:
            case tickets.SeveritySet() | tickets.TypeChanged() | tickets.TermsMigrated() | relations.TicketMoved():
                self.contexts.note(moment, event)
            case tickets.Responded():
                if event.answers:
                    self.answers.append(moment)
            case tickets.ProgressReported():
                self.answers.append(moment)
            case tickets.CustomerMessageReceived(asks=asks):
                if asks:
                    self.messages.append(moment)
            case tickets.InformationReceived():
                self.messages.append(moment)
            case tickets.Resolved() | tickets.Closed():
                self.endings.append(moment)
            case tickets.Assigned(agent=agent):
                self.assignments.append((moment, agent))
            case tickets.Transferred(level=level):
                self.transfers.append((moment, level))
            case tickets.EffortNoticeSent() | tickets.CostApprovalRequested():
                self.notices.append(moment)
            case tickets.WorkStarted():
                self.work_starts.append(moment)
            case tickets.CallReceived():
                if not event.automatic:
                    self.calls.append((moment, event))
            case tickets.CallTransferAttempted():
                if event.result == "connected":
                    self.answers.append(moment)
                else:
                    self.lost_calls.add(event.call)
            case tickets.VoicemailLeft(call=call):
                self.lost_calls.add(call)
            case tickets.CallbackRequested():
                self.requests.setdefault(event.callback, (moment, event))
            case tickets.CallbackAttempted(callback=number, reached=reached):
                self._attempt(number, Attempt(moment=moment, role=role, reached=reached, completed=False))
            case tickets.CallbackCompleted(callback=number):
                self._attempt(number, Attempt(moment=moment, role=role, reached=True, completed=True))
            case _:
                self._ignore(event)

    def _note_work(self, moment: Moment, event: TimeEvent) -> None:
        self.work.note(moment, event)
        if isinstance(event, relations.MergedInto):
            self.endings.append(moment)
            self.merged = self.merged or MergedAt(moment=moment, reference=event.reference)

    def _ignore(self, event: MovesNoTimer) -> None:
        """It moves no timer but by the state it leads to."""

    def _attempt(self, number: int, attempt: Attempt) -> None:
        self.attempts.setdefault(number, []).append(attempt)
        if attempt.reached:
            self.answers.append(attempt.moment)

    def _follow_state(self, event: TicketEvent, moment: Moment) -> None:
        present = self.state_periods[-1]
        state, waits = standing_after(present.state, present.waits, event)
        if (state, waits) != (present.state, present.waits):
            self.state_periods[-1] = msgspec.structs.replace(present, until=moment)
            self.state_periods.append(StatePeriod(state=state, waits=waits, since=moment))

    def _answered_calls(self) -> list[Moment]:
        """A call is its own answer, at its start; the call that brought the report is no answer to
        it.
        """
        answered = []
        for moment, call in self.calls:
            started_at = seconds_of(call.started_at)
            if call.minutes and call.call not in self.lost_calls and started_at > self.received.at:
                answered.append(msgspec.structs.replace(moment, at=started_at))
        return answered

    def timeline(self) -> Timeline:
        return Timeline(
            ticket=self.ticket,
            created=self.created,
            received=self.received,
            contexts=tuple(self.contexts.contexts),
            state_periods=tuple(self.state_periods),
            answers=tuple(sorted(self.answers + self._answered_calls())),
            messages=tuple(self.messages),
            endings=tuple(self.endings),
            callbacks=tuple(
                PromisedCallback(
                    number=event.callback,
                    purpose=event.purpose,
                    requested=moment,
                    attempts=tuple(self.attempts.get(event.callback, ())),
                )
                for moment, event in self.requests.values()
            ),
            work_starts=tuple(self.work_starts),
            work=self.work.entries(),
            notices=tuple(self.notices),
            assignments=tuple(self.assignments),
            transfers=tuple(self.transfers),
            merged=self.merged,
        )


def _is_known(event: DecodedEvent) -> TypeGuard[TicketEvent]:
    """Whether an event of the ticket is of a type that this version knows; a newer one may have
    added others.
    """
    return not isinstance(event, UnknownEvent)
