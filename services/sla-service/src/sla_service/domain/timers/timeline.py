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

from fristwerk_language.events import Event, Recorded, UnreadableEvent, tickets
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
_STREAM: Final = "ticket-"


class NoTicketError(Exception):
    """Raised when events tell of a ticket that was never created."""

    def __init__(self) -> None:
        super().__init__("The history has no TicketCreated: there is no ticket to measure.")


class UnreadableHistoryError(Exception):
    """Raised when an event cannot be read: without it every clock might be wrong."""

    def __init__(self, each: Recorded) -> None:
        super().__init__(f"The event {each.envelope.id} ({each.envelope.type}) cannot be read.")


class Mark(msgspec.Struct, frozen=True, order=True):
    """When a fact took effect. Marks sort by instant, then by their place in the history; ``type`` is the event's name."""

    at: int
    place: int
    version: int
    event: str
    type: str


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a target is looked up by, from ``since`` on."""

    since: Mark
    severity: str | None
    type: str
    agreement_version: int
    calendar_version: int


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """How long the ticket was in a state; no end: it still is."""

    state: State
    since: Mark
    until: Mark | None = None


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """A call back: by whom, and whether it reached the customer or completed the callback."""

    mark: Mark
    role: str
    reached: bool
    completed: bool


class Callback(msgspec.Struct, frozen=True, kw_only=True):
    """A promised call, with its tries in order."""

    number: int
    purpose: Literal["failed_transfer", "voicemail", "requested"]
    requested: Mark
    tries: tuple[Try, ...]


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """A time entry after its last correction: ``seconds`` from ``start`` on."""

    entry: str
    start: int
    seconds: int
    activity: str
    logged: Mark


class History(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as its clocks see it; every sequence is in order of time.

    ``assignments`` pair a mark with the agent; ``endings`` are the marks of ``Resolved`` and ``Closed``; ``notices`` those of
    ``EffortNoticeSent`` and ``CostApprovalRequested``.
    """

    ticket: str
    created: tickets.TicketCreated
    received: Mark
    contexts: tuple[Context, ...]
    stays: tuple[Stay, ...]
    answers: tuple[Mark, ...]
    messages: tuple[Mark, ...]
    endings: tuple[Mark, ...]
    callbacks: tuple[Callback, ...]
    work_starts: tuple[Mark, ...]
    work: tuple[Work, ...]
    notices: tuple[Mark, ...]
    assignments: tuple[tuple[Mark, str], ...]

    def context_at(self, mark: Mark) -> Context:
        """The context in force at a mark."""
        found = self.contexts[0]
        for context in self.contexts[1:]:
            if context.since > mark:
                break
            found = context
        return found

    @property
    def done(self) -> tuple[Stay, ...]:
        """The times in which the ticket was resolved or closed; a closing right after a resolution is one of them."""
        result: list[Stay] = []
        for stay in self.stays:
            if stay.state not in DONE:
                continue
            first = result.pop() if result and result[-1].until == stay.since else stay
            result.append(msgspec.structs.replace(first, until=stay.until))
        return tuple(result)


def history(events: Iterable[Recorded]) -> History:
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
    return reading.history()


def state_after(state: State, event: Event) -> State:
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


def _active_after(state: State, event: Event) -> State:  # noqa: PLR0911 - one answer a row of the contract's table
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
        self.ticket = created.envelope.stream.removeprefix(_STREAM)
        self.received = Mark(
            seconds_of(created.event.received_at), 0, created.envelope.version, created.envelope.id, "TicketCreated"
        )
        self.contexts = [
            Context(
                since=self.received,
                severity=created.event.severity,
                type=created.event.type,
                agreement_version=created.event.agreement_version,
                calendar_version=created.event.calendar_version,
            )
        ]
        self.stays = [Stay(state="new", since=self.received)]
        self.answers: list[Mark] = []
        self.messages: list[Mark] = []
        self.endings: list[Mark] = []
        self.requests: dict[int, tuple[Mark, tickets.CallbackRequested]] = {}
        self.tries: dict[int, list[Try]] = {}
        self.calls: list[tuple[Mark, tickets.CallReceived]] = []
        self.lost_calls: set[str] = set()
        self.work_starts: list[Mark] = []
        self.logged: dict[str, tuple[Mark, tickets.TimeLogged]] = {}
        self.corrections: dict[str, int] = {}
        self.notices: list[Mark] = []
        self.assignments: list[tuple[Mark, str]] = []

    def read(self, recorded: Recorded, place: int) -> None:
        event, envelope = recorded.event, recorded.envelope
        at = max(seconds_of(envelope.occurred_at), self.received.at)
        mark = Mark(at, place, envelope.version, envelope.id, envelope.type)
        self._follow_state(event, mark)
        match event:
            case tickets.SeveritySet(severity=severity):
                self._change_context(mark, severity=severity)
            case tickets.TypeChanged(type=type_):
                self._change_context(mark, type=type_)
            case tickets.TermsMigrated():
                self._change_context(
                    mark, agreement_version=event.agreement_version, calendar_version=event.calendar_version
                )
            case tickets.Responded(visible=True) | tickets.ProgressReported():
                self.answers.append(mark)
            case tickets.CustomerMessageReceived() | tickets.InformationReceived():
                self.messages.append(mark)
            case tickets.Resolved() | tickets.Closed():
                self.endings.append(mark)
            case tickets.Assigned(agent=agent):
                self.assignments.append((mark, agent))
            case tickets.EffortNoticeSent() | tickets.CostApprovalRequested():
                self.notices.append(mark)
            case _:
                self._read_work(event, mark)
                self._read_calls(event, mark, envelope.actor.role)

    def _read_work(self, event: Event, mark: Mark) -> None:
        match event:
            case tickets.WorkStarted():
                self.work_starts.append(mark)
            case tickets.TimeLogged():
                self.logged.setdefault(event.entry, (mark, event))
            case tickets.TimeLogCorrected():
                self.corrections[event.entry] = event.minutes
            case _:
                pass

    def _read_calls(self, event: Event, mark: Mark, role: str) -> None:
        match event:
            case tickets.CallReceived():
                self.calls.append((mark, event))
            case tickets.CallTransferAttempted(result="connected"):
                self.answers.append(mark)
            case tickets.CallTransferAttempted(call=call) | tickets.VoicemailLeft(call=call):
                self.lost_calls.add(call)
            case tickets.CallbackRequested():
                self.requests.setdefault(event.callback, (mark, event))
            case tickets.CallbackAttempted(callback=number, reached=reached):
                self._try(number, Try(mark=mark, role=role, reached=reached, completed=False))
            case tickets.CallbackCompleted(callback=number):
                self._try(number, Try(mark=mark, role=role, reached=True, completed=True))
            case _:
                pass

    def _try(self, number: int, attempt: Try) -> None:
        self.tries.setdefault(number, []).append(attempt)
        if attempt.reached:
            self.answers.append(attempt.mark)

    def _change_context(self, mark: Mark, **changes: object) -> None:
        self.contexts.append(msgspec.structs.replace(self.contexts[-1], since=mark, **changes))

    def _follow_state(self, event: Event, mark: Mark) -> None:
        present = self.stays[-1]
        state = state_after(present.state, event)
        if state != present.state:
            self.stays[-1] = msgspec.structs.replace(present, until=mark)
            self.stays.append(Stay(state=state, since=mark))

    def _answered_calls(self) -> list[Mark]:
        """A call is its own answer, at its start; the call that brought the report is no answer to it."""
        answered = []
        for mark, call in self.calls:
            started_at = seconds_of(call.started_at)
            if call.minutes and call.call not in self.lost_calls and started_at > self.received.at:
                answered.append(msgspec.structs.replace(mark, at=started_at))
        return answered

    def _work(self) -> list[Work]:
        """What was worked; an entry corrected to nothing was none."""
        work = []
        for mark, event in self.logged.values():
            minutes = self.corrections.get(event.entry, event.minutes)
            if minutes > 0:
                start = seconds_of(event.start)
                work.append(
                    Work(entry=event.entry, start=start, seconds=minutes * 60, activity=event.activity, logged=mark)
                )
        return sorted(work, key=lambda each: (each.start, each.logged))

    def history(self) -> History:
        return History(
            ticket=self.ticket,
            created=self.created,
            received=self.received,
            contexts=tuple(self.contexts),
            stays=tuple(self.stays),
            answers=tuple(sorted(self.answers + self._answered_calls())),
            messages=tuple(self.messages),
            endings=tuple(self.endings),
            callbacks=tuple(
                Callback(
                    number=event.callback,
                    purpose=event.purpose,
                    requested=mark,
                    tries=tuple(self.tries.get(event.callback, ())),
                )
                for mark, event in self.requests.values()
            ),
            work_starts=tuple(self.work_starts),
            work=tuple(self._work()),
            notices=tuple(self.notices),
            assignments=tuple(self.assignments),
        )
