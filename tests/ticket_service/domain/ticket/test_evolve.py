"""How events change a ticket, in any order, known or unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints

import msgspec
from hypothesis import given as any_of
from hypothesis import strategies as st

from fristwerk_language.events import TICKETS, Actor, Recorded, UnknownEvent
from fristwerk_language.events.tickets import (
    AppointmentBooked,
    CallbackRequested,
    Closed,
    Responded,
    SeveritySet,
    TicketCreated,
    TimeLogCorrected,
    TimeLogged,
)
from fristwerk_language.examples import example
from ticket_service.domain.ticket.evolve import evolve
from ticket_service.domain.ticket.state import Ticket

AGENT = Actor(id="agent-3", role="agent")
AT = datetime(2026, 6, 3, 8, 0, tzinfo=UTC)
numbers = st.integers(min_value=1, max_value=3)
instants = st.integers(0, 250_000).map(lambda minutes: AT + timedelta(minutes=minutes))


def example_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[msgspec.Struct]:
    """Events of one type, with small numbers and few ids so that they meet each other."""
    hints = get_type_hints(kind)
    fields = {name: st.from_type(hint) for name, hint in hints.items()}
    for name, hint in hints.items():
        if name in {"callback", "appointment", "approval", "escalation"}:
            fields[name] = numbers
        elif name in {"entry", "severity", "agent"}:
            fields[name] = st.sampled_from(["a", "b"])
        elif hint is datetime:
            fields[name] = instants
        elif hint == list[datetime]:
            fields[name] = st.lists(instants, max_size=2)
    return st.builds(kind, **fields)


st.register_type_strategy(datetime, instants)
events = st.one_of(*(example_of(kind) for kind in TICKETS.values()), st.just(UnknownEvent(type="Tomorrow")))
BORN = TicketCreated(
    reference="HAM-7K3Q-9F2M",
    customer="muster",
    agreement="infoniqa",
    agreement_version=1,
    calendar="infoniqa",
    calendar_version=1,
    type="normal",
    channel="email",
    received_at=AT,
    entitled=False,
    entitled_why="no contract is in force on 2026-06-03",
)


def recorded(event: Any, version: int, at: datetime = AT) -> Recorded:
    envelope = msgspec.structs.replace(
        example("TicketCreated").envelope, stream="ticket-t-1", version=version, occurred_at=at, actor=AGENT
    )
    return Recorded(envelope=envelope, event=event)


def grown(*history: Any) -> Ticket:
    ticket: Ticket | None = None
    for version, event in enumerate(history, 1):
        ticket = evolve(ticket, recorded(event, version))
    assert ticket is not None
    return ticket


@any_of(st.lists(st.tuples(events, instants), max_size=12))
def test_no_order_of_events_makes_a_ticket_fail(history: Any) -> None:
    ticket = None
    for version, (event, at) in enumerate(history, 1):
        ticket = evolve(ticket, recorded(event, version, at))
    assert ticket is None or msgspec.json.decode(msgspec.json.encode(ticket), type=Ticket) == ticket


@any_of(st.lists(events, max_size=12))
def test_every_event_after_the_first_counts_its_version(history: Any) -> None:
    assert grown(BORN, *history).version == len(history) + 1


@any_of(st.lists(events.filter(lambda event: type(event).__name__ != "Reopened"), max_size=8))
def test_what_is_closed_stays_closed_until_it_is_reopened(history: Any) -> None:
    assert grown(BORN, Closed(), *history).state == "closed"


def test_before_its_creation_there_is_no_ticket() -> None:
    assert evolve(None, recorded(Responded(channel="email"), 1)) is None


def test_an_unknown_event_changes_nothing_but_the_version() -> None:
    ticket = grown(BORN, SeveritySet(severity="kritisch"))
    after = evolve(ticket, recorded(UnknownEvent(type="Tomorrow"), 3))
    assert after == msgspec.structs.replace(ticket, version=3)


def test_what_speaks_of_a_thing_that_is_not_there_changes_nothing() -> None:
    ticket = grown(BORN, TimeLogCorrected(entry="e-9", minutes=5), AppointmentBooked(appointment=4, start=AT))
    assert (ticket.time_entries, ticket.appointments) == ({}, ())


def test_an_event_told_twice_counts_once() -> None:
    logged = TimeLogged(entry="e-1", start=AT, minutes=5, activity="help", agent="agent-3")
    promised = CallbackRequested(callback=1, purpose="requested")
    ticket = grown(BORN, logged, logged, promised, promised)
    assert (len(ticket.time_entries), len(ticket.callbacks)) == (1, 1)


def test_a_backdated_answer_is_not_the_latest() -> None:
    ticket = evolve(grown(BORN), recorded(Responded(channel="email"), 2, datetime(2026, 6, 5, tzinfo=UTC)))
    earlier: Any = evolve(ticket, recorded(Responded(channel="phone"), 3, datetime(2026, 6, 4, tzinfo=UTC)))
    assert earlier.last_response_at == earlier.last_activity_at == datetime(2026, 6, 5, tzinfo=UTC)


def test_a_ticket_as_json_is_an_answer_with_instants_in_utc() -> None:
    answer = msgspec.json.decode(msgspec.json.encode(grown(BORN, SeveritySet(severity="kritisch"))))
    assert (answer["id"], answer["state"], answer["severity"]) == ("t-1", "new", "kritisch")
    assert answer["received_at"] == "2026-06-03T08:00:00Z"
