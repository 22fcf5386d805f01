"""The ticket service and the SLA service each hold the table of transitions (decision 0009); it is the same table."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fristwerk_language.events import TICKETS, Recorded, tickets
from fristwerk_language.examples import examples
from sla_service.domain.timers import ticket_state
from sla_service.domain.timers.timeline_reader import read_timeline
from ticket_service.domain.ticket import lifecycle
from ticket_service.domain.ticket.evolve import evolve
from ticket_service.domain.ticket.state import TicketState

CREATED = examples()["TicketCreated"]
LATER: list[Any] = [each.event for name, each in examples().items() if name in TICKETS and name != "TicketCreated"]
IN_ANY_ORDER = [each for each in LATER if not isinstance(each, tickets.NoAnswerNeeded)]
"""A mark says of an earlier message what it leads to: ``test_clocks_and_worklist_agree`` compares those of possible histories."""


def story(events: Any) -> Any:
    """A ticket's recorded events in order: one a minute."""
    told = [CREATED]
    for number, event in enumerate(events, start=1):
        envelope = msgspec.structs.replace(
            CREATED.envelope,
            id=f"event-{number}",
            type=type(event).__name__,
            version=number + 1,
            occurred_at=CREATED.envelope.occurred_at + timedelta(minutes=number),
        )
        told.append(Recorded(envelope=envelope, event=event))
    return told


def test_there_is_an_example_of_every_event_that_a_ticket_may_have() -> None:
    assert len(LATER) == len(TICKETS) - 1


def test_both_know_the_same_states() -> None:
    assert get_args(TicketState) == get_args(ticket_state.TicketState)


def test_every_event_leads_from_every_state_to_the_same_one() -> None:
    differing = {
        (state, type(event).__name__): (lifecycle.state_after(state, event), ticket_state.state_after(state, event))
        for state in get_args(TicketState)
        for event in LATER
        if lifecycle.state_after(state, event) != ticket_state.state_after(state, event)
    }
    assert differing == {}


@given(st.lists(st.sampled_from(IN_ANY_ORDER), max_size=40))
def test_any_history_in_order_goes_through_the_same_states(events: Any) -> None:
    told = story(events)
    ticket: Any = None
    states: list[str] = []
    for each in told:
        ticket = evolve(ticket, each)
        if not states or states[-1] != ticket.state:
            states.append(ticket.state)
    assert [period.state for period in read_timeline(told).state_periods] == states
