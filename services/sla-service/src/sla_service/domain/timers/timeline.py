"""What a ticket's events mean for its clocks: any order and any repetition of them give the same history.

**Answers** that the customer sees: ``Responded`` if visible, ``ProgressReported``, a callback that reached the customer, a call
answered after receipt (it lasted, or was connected, and was neither lost to the voicemail nor in a failed transfer).
Acknowledgements, notes, failed calls and questions (``InformationRequested``) are none.
**Customer messages**: ``CustomerMessageReceived`` and ``InformationReceived``.
States follow section 4 of the contract; an event that cannot lead anywhere from the present state leaves it alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from fristwerk_language.events import DecodedEvent, Recorded, UnreadableEvent, streams, tickets
from sla_service.domain.calendar.epoch import seconds_of

State = Literal[
    "new",
    "open",
    "in_progress",
    "waiting_customer",
    "waiting_approval",
    "awaiting_acceptance",
    "accepted",
    "resolved",
    "closed",
]
DONE: Final[frozenset[State]] = frozenset({"resolved", "closed"})


class NoTicketError(Exception):
    """Raised when events tell of a ticket that was never created."""

    def __init__(self) -> None:
        super().__init__("The history has no TicketCreated: there is no ticket to measure.")


class UnreadableHistoryError(Exception):
    """Raised when an event cannot be read: without it every clock might be wrong."""

    def __init__(self, each: Recorded) -> None:
        super().__init__(f"The event {each.envelope.id} ({each.envelope.type}) cannot be read.")


class Moment(msgspec.Struct, frozen=True, order=True):
    """When a fact took effect. Marks sort by instant, then by their place in the history; ``type`` is the event's name."""

    at: int
    place: int
    version: int
    event: str
    type: str


class TargetContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a target is looked up by, from ``since`` on."""

    since: Moment
    severity: str | None
    type: str
    agreement_version: int
    calendar_version: int


class StatePeriod(msgspec.Struct, frozen=True, kw_only=True):
    """How long the ticket was in a state; no end: it still is."""

    state: State
    since: Moment
    until: Moment | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A call back: by whom, and whether it reached the customer or completed the callback."""

    moment: Moment
    role: str
    reached: bool
    completed: bool


class Callback(msgspec.Struct, frozen=True, kw_only=True):
    """A promised call, with its tries in order."""

    number: int
    purpose: Literal["failed_transfer", "voicemail", "requested"]
    requested: Moment
    attempts: tuple[Attempt, ...]


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """A time entry after its last correction: ``seconds`` from ``start`` on."""

    entry: str
    start: int
    seconds: int
    activity: str
    logged: Moment


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as its clocks see it; every sequence is in order of time.

    ``assignments`` pair a mark with the agent; ``endings`` are the marks of ``Resolved`` and ``Closed``; ``notices`` those of
    ``EffortNoticeSent`` and ``CostApprovalRequested``.
    """

    ticket: str
    created: tickets.TicketCreated
    received: Moment
    contexts: tuple[TargetContext, ...]
    state_periods: tuple[StatePeriod, ...]
    answers: tuple[Moment, ...]
    messages: tuple[Moment, ...]
    endings: tuple[Moment, ...]
    callbacks: tuple[Callback, ...]
    work_starts: tuple[Moment, ...]
    work: tuple[Work, ...]
    notices: tuple[Moment, ...]
    assignments: tuple[tuple[Moment, str], ...]

    def context_at(self, moment: Moment) -> TargetContext:
        """The context in force at a mark."""
        found = self.contexts[0]
        for context in self.contexts[1:]:
            if context.since > moment:
                break
            found = context
        return found

    @property
    def done(self) -> tuple[StatePeriod, ...]:
        """The times in which the ticket was resolved or closed; a closing right after a resolution is one of them."""
        result: list[StatePeriod] = []
        for period in self.state_periods:
            if period.state not in DONE:
                continue
            first = result.pop() if result and result[-1].until == period.since else period
            result.append(msgspec.structs.replace(first, until=period.until))
        return tuple(result)


def read_timeline(events: Iterable[Recorded]) -> Timeline:
    """The history that a ticket's recorded events tell. Raises NoTicketError, UnreadableHistoryError."""
    known = {each.envelope.id: each for each in events}.values()
    for each in known:
        if isinstance(each.event, UnreadableEvent):
            raise UnreadableHistoryError(each)
    created = min(
        (each for each in known if isinstance(each.event, tickets.TicketCreated)),
        key=lambda each: each.envelope.version,
        default=None,
    )
    if created is None:
        raise NoTicketError
    reading = _Reading(created)
    later = [each for each in known if each is not created]
    later.sort(key=lambda each: (each.envelope.occurred_at, each.envelope.version))
    for place, each in enumerate(later, start=1):
        reading.read(each, place)
    return reading.timeline()


def state_after(state: State, event: DecodedEvent) -> State:
    """The state in which an event leaves a ticket (contract, section 4)."""
    match event:
        case tickets.Reopened():
            return "open" if state in DONE else state
        case tickets.Closed():
            return "closed"
        case tickets.Resolved():
            return state if state == "closed" else "resolved"
        case _:
            return state if state in DONE else _active_after(state, event)


def _active_after(state: State, event: DecodedEvent) -> State:  # noqa: PLR0911 - one answer a row of the contract's table
    match event:
        case tickets.Assigned() | tickets.Responded():
            return "open" if state == "new" else state
        case tickets.TimeLogged():
            return "in_progress" if state in {"new", "open"} else state
        case tickets.WorkStarted() | tickets.AcceptanceRefused():
            return "in_progress"
        case tickets.InformationRequested():
            return "waiting_customer"
        case tickets.InformationReceived() | tickets.CustomerMessageReceived():
            return "open" if state == "waiting_customer" else state
        case tickets.CostApprovalRequested():
            return "waiting_approval"
        case tickets.CostApproved() | tickets.CostRejected():
            return "in_progress" if state == "waiting_approval" else state
        case tickets.Delivered():
            return "awaiting_acceptance"
        case tickets.Accepted():
            return "accepted"
        case _:
            return state


class _Reading:
    """A history while it is read, event by event in order of time. Nothing happens to a ticket before its receipt."""

    def __init__(self, created: Recorded) -> None:
        assert isinstance(created.event, tickets.TicketCreated), "a history begins with the ticket"
        self.created = created.event
        self.ticket = streams.TICKET.subject(created.envelope.stream)
        self.received = Moment(
            seconds_of(created.event.received_at), 0, created.envelope.version, created.envelope.id, "TicketCreated"
        )
        self.contexts = [
            TargetContext(
                since=self.received,
                severity=created.event.severity,
                type=created.event.type,
                agreement_version=created.event.agreement_version,
                calendar_version=created.event.calendar_version,
            )
        ]
        self.state_periods = [StatePeriod(state="new", since=self.received)]
        self.answers: list[Moment] = []
        self.messages: list[Moment] = []
        self.endings: list[Moment] = []
        self.requests: dict[int, tuple[Moment, tickets.CallbackRequested]] = {}
        self.attempts: dict[int, list[Attempt]] = {}
        self.calls: list[tuple[Moment, tickets.CallReceived]] = []
        self.lost_calls: set[str] = set()
        self.work_starts: list[Moment] = []
        self.logged: dict[str, tuple[Moment, tickets.TimeLogged]] = {}
        self.corrections: dict[str, int] = {}
        self.notices: list[Moment] = []
        self.assignments: list[tuple[Moment, str]] = []

    def read(self, recorded: Recorded, place: int) -> None:
        event, envelope = recorded.event, recorded.envelope
        at = max(seconds_of(envelope.occurred_at), self.received.at)
        moment = Moment(at, place, envelope.version, envelope.id, envelope.type)
        self._follow_state(event, moment)
        match event:
            case tickets.SeveritySet(severity=severity):
                self._change_context(moment, severity=severity)
            case tickets.TypeChanged(type=type_):
                self._change_context(moment, type=type_)
            case tickets.TermsMigrated():
                self._change_context(
                    moment, agreement_version=event.agreement_version, calendar_version=event.calendar_version
                )
            case tickets.Responded(visible=True) | tickets.ProgressReported():
                self.answers.append(moment)
            case tickets.CustomerMessageReceived() | tickets.InformationReceived():
                self.messages.append(moment)
            case tickets.Resolved() | tickets.Closed():
                self.endings.append(moment)
            case tickets.Assigned(agent=agent):
                self.assignments.append((moment, agent))
            case tickets.EffortNoticeSent() | tickets.CostApprovalRequested():
                self.notices.append(moment)
            case _:
                self._read_work(event, moment)
                self._read_calls(event, moment, envelope.actor.role)

    def _read_work(self, event: DecodedEvent, moment: Moment) -> None:
        match event:
            case tickets.WorkStarted():
                self.work_starts.append(moment)
            case tickets.TimeLogged():
                self.logged.setdefault(event.entry, (moment, event))
            case tickets.TimeLogCorrected():
                self.corrections[event.entry] = event.minutes
            case _:
                pass

    def _read_calls(self, event: DecodedEvent, moment: Moment, role: str) -> None:
        match event:
            case tickets.CallReceived():
                self.calls.append((moment, event))
            case tickets.CallTransferAttempted(result="connected"):
                self.answers.append(moment)
            case tickets.CallTransferAttempted(call=call) | tickets.VoicemailLeft(call=call):
                self.lost_calls.add(call)
            case tickets.CallbackRequested():
                self.requests.setdefault(event.callback, (moment, event))
            case tickets.CallbackAttempted(callback=number, reached=reached):
                self._try(number, Attempt(moment=moment, role=role, reached=reached, completed=False))
            case tickets.CallbackCompleted(callback=number):
                self._try(number, Attempt(moment=moment, role=role, reached=True, completed=True))
            case _:
                pass

    def _try(self, number: int, attempt: Attempt) -> None:
        self.attempts.setdefault(number, []).append(attempt)
        if attempt.reached:
            self.answers.append(attempt.moment)

    def _change_context(self, moment: Moment, **changes: object) -> None:
        self.contexts.append(msgspec.structs.replace(self.contexts[-1], since=moment, **changes))

    def _follow_state(self, event: DecodedEvent, moment: Moment) -> None:
        present = self.state_periods[-1]
        state = state_after(present.state, event)
        if state != present.state:
            self.state_periods[-1] = msgspec.structs.replace(present, until=moment)
            self.state_periods.append(StatePeriod(state=state, since=moment))

    def _answered_calls(self) -> list[Moment]:
        """A call is its own answer, at its start; the call that brought the report is no answer to it."""
        answered = []
        for moment, call in self.calls:
            started_at = seconds_of(call.started_at)
            if call.minutes and call.call not in self.lost_calls and started_at > self.received.at:
                answered.append(msgspec.structs.replace(moment, at=started_at))
        return answered

    def _work(self) -> list[Work]:
        """What was worked; an entry corrected to nothing was none."""
        work = []
        for moment, event in self.logged.values():
            minutes = self.corrections.get(event.entry, event.minutes)
            if minutes > 0:
                start = seconds_of(event.start)
                work.append(
                    Work(entry=event.entry, start=start, seconds=minutes * 60, activity=event.activity, logged=moment)
                )
        return sorted(work, key=lambda each: (each.start, each.logged))

    def timeline(self) -> Timeline:
        return Timeline(
            ticket=self.ticket,
            created=self.created,
            received=self.received,
            contexts=tuple(self.contexts),
            state_periods=tuple(self.state_periods),
            answers=tuple(sorted(self.answers + self._answered_calls())),
            messages=tuple(self.messages),
            endings=tuple(self.endings),
            callbacks=tuple(
                Callback(
                    number=event.callback,
                    purpose=event.purpose,
                    requested=moment,
                    attempts=tuple(self.attempts.get(event.callback, ())),
                )
                for moment, event in self.requests.values()
            ),
            work_starts=tuple(self.work_starts),
            work=tuple(self._work()),
            notices=tuple(self.notices),
            assignments=tuple(self.assignments),
        )
