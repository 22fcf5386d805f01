"""Cases that tell a ticket's life: another system's policy and events as an agreement and events of
ours, then the same timers.

States that pause become a wait for an approval, which pauses what the policy says and starts no
exchange; a state that means done becomes a resolution.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from fristwerk_cases.sla.fields import Fields, MalformedCaseError
from fristwerk_language.events import Actor, Envelope, Event, Recorded, tickets, type_name
from fristwerk_language.terms import AgreementDocument, Metric, agreement_document
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.calendar.epoch import instant_of, seconds_of
from sla_service.domain.timers.derivation import derive_timers
from sla_service.domain.timers.service_levels import ServiceLevels, service_levels
from sla_service.domain.timers.timeline_reader import NoTicketError, read_timeline
from sla_service.domain.timers.timer import Timer, used_seconds

DONE: Final = frozenset({"closed", "resolved", "solved", "done", "merged", "removed"})
_METRICS: Final[tuple[Metric, ...]] = ("first_response", "next_response", "resolution")


class _CaseTerms:
    """The one agreement and the one calendar of a case."""

    def __init__(self, document: AgreementDocument, calendar: Calendar) -> None:
        self._levels = service_levels(document)
        self._calendar = calendar

    def agreement(self, name: str, version: int) -> ServiceLevels:  # noqa: ARG002 - there is but one
        return self._levels

    def calendar(self, name: str, version: int) -> Calendar:  # noqa: ARG002 - there is but one
        return self._calendar

    line_calendar = calendar


def story_answers(fields: Fields, calendar: Calendar) -> dict[str, Any]:
    """What the timers of a told ticket say as of the case's ``as_of``; minutes are whole ones,
    instants whole seconds.
    """
    policy = Fields(f"{fields.place}, its policy", fields.mapping("policy"))
    as_of = fields.instant("as_of")
    told = [Fields(f"{fields.place}, event {number}", each) for number, each in enumerate(fields.sequence("events"), 1)]
    recorded = list(_recorded([each for each in told if each.instant("at") <= as_of], policy))
    try:
        ticket = read_timeline(recorded)
    except NoTicketError:
        raise MalformedCaseError(f"{fields.place} tells of no ticket_created up to its 'as_of'") from None
    found = derive_timers(ticket, _CaseTerms(_agreement(policy), calendar)).timers
    return _answers(
        {metric: [timer for timer in found if timer.metric == metric] for metric in _METRICS}, calendar, as_of
    )


def _answers(found: dict[Metric, list[Timer]], calendar: Calendar, as_of: int) -> dict[str, Any]:
    now = instant_of(as_of)
    answers: dict[str, Any] = {}
    running = []
    for metric, of_metric in found.items():
        last = of_metric[-1] if of_metric else None
        due = _running_due(last)
        used = _minutes(last, calendar, now)
        answers |= {f"{metric}_due": due, f"{metric}_minutes": used, f"{metric}_left_minutes": _left(last, used)}
        running += [] if due is None else [due]
    answered = [timer for timer in found["next_response"] if timer.ended_at is not None]
    longest = max(answered, key=lambda timer: _minutes(timer, calendar, now) or 0, default=None)
    used = _minutes(longest, calendar, now)
    answers |= {"longest_response_minutes": used, "longest_response_left_minutes": _left(longest, used)}
    return answers | {"next_deadline": min(running, default=None)}


def _running_due(timer: Timer | None) -> int | None:
    """The deadline that runs; null once it has ended and while it is paused."""
    if timer is None or timer.due_at is None:
        return None
    over = timer.ended_at or timer.cancelled_at or timer.paused_since
    return None if over is not None else seconds_of(timer.due_at)


def _minutes(timer: Timer | None, calendar: Calendar, now: datetime) -> int | None:
    used = None if timer is None else used_seconds(timer, calendar, now)
    return None if used is None else used // 60


def _left(timer: Timer | None, used_minutes: int | None) -> int | None:
    if timer is None or timer.target_seconds is None or used_minutes is None:
        return None
    return timer.target_seconds // 60 - used_minutes


def _agreement(policy: Fields) -> AgreementDocument:
    lines = []
    for metric in _METRICS:
        minutes = policy.data.get(f"{metric}_min")
        if minutes is not None:
            minutes = policy.count(f"{metric}_min")
        line = {"measure_only": True} if minutes is None else {"target": f"{minutes} business minutes"}
        lines.append({"metric": metric, "pauses_in": ["waiting_approval"], **line})
    try:
        return agreement_document(
            {
                "agreement": "case",
                "timezone": "UTC",
                "currency": "EUR",
                "calendar": "case",
                "severities": [{"id": "normal", "name": "Normal"}],
                "channels": ["email"],
                "service_levels": lines,
            }
        )
    except ValueError as error:
        raise MalformedCaseError(f"{policy.place}: {error}") from error


def _recorded(told: list[Fields], policy: Fields) -> Iterator[Recorded]:
    """The told events as events of ours, in order of time; several of ours may stand for one of
    theirs.
    """
    pausing = frozenset(policy.sequence("pause_states") if policy.data.get("pause_states") is not None else ())
    told = sorted(told, key=lambda fields: fields.instant("at"))
    states = [_state(each) for each in told]
    present = "running"
    version = 0
    for number, each in enumerate(told):
        events = _facts(each)
        if (state := states[number]) is not None:
            following = _meaning(state, pausing, [later for later in states[number + 1 :] if later is not None])
            events += _transition(present, following)
            present = following
        for event in events:
            version += 1
            yield _record(event, version, each.instant("at"))


def _facts(told: Fields) -> list[Event]:
    match kind := told.text("type"):
        case "ticket_created":
            return [_created(told.instant("at"))]
        case "agent_message":
            return [tickets.Responded(channel="email")]
        case "customer_message":
            return [tickets.CustomerMessageReceived(channel="email")]
        case "state_changed":
            return []
        case _:
            raise MalformedCaseError(f"{told.place} is of an unknown type {kind!r}")


def _state(told: Fields) -> str | None:
    """The state that an event puts the ticket in, if any."""
    key = "to" if "to" in told.data else "state"
    match told.text("type"):
        case "state_changed":
            return told.text(key)
        case "ticket_created" if key in told.data:
            return told.text(key)
        case _:
            return None


def _meaning(state: str, pausing: frozenset[object], later: list[str]) -> str:
    """What another system's state means here: it runs, it is paused, or it is done.

    One that pauses and means done is a pause if the ticket is taken up again: then every clock goes
    on where it stopped.
    """
    taken_up_again = any(each not in DONE for each in later)
    if state in DONE and not (state in pausing and taken_up_again):
        return "done"
    return "paused" if state in pausing else "running"


def _transition(present: str, following: str) -> list[Event]:
    if present == following:
        return []
    if following == "done":
        return [tickets.Resolved()]
    reopened: list[Event] = [tickets.Reopened()] if present == "done" else []
    if following == "paused":
        return [*reopened, tickets.CostApprovalRequested(approval=1, estimate_minutes=1)]
    return reopened or [tickets.CostApproved(approval=1)]


def _created(received_at: int) -> tickets.TicketCreated:
    return tickets.TicketCreated(
        reference="case",
        customer="case",
        agreement="case",
        agreement_version=1,
        calendar="case",
        calendar_version=1,
        type="normal",
        channel="email",
        received_at=instant_of(received_at),
        entitled=True,
        entitled_by="contract",
        entitled_why="The case says so.",
    )


def _record(event: Event, version: int, at: int) -> Recorded:
    envelope = Envelope(
        id=str(version),
        type=type_name(event),
        schema=1,
        provider="case",
        stream="ticket-case",
        version=version,
        occurred_at=instant_of(at),
        recorded_at=instant_of(at),
        actor=Actor(id="case", role="agent"),
        correlation_id=None,
        causation_id=None,
        data=msgspec.Raw(b"{}"),
        personal=None,
    )
    return Recorded(envelope=envelope, event=event)
