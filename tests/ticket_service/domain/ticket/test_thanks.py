"""A message that staff marks afterwards as one that asks for nothing: the ticket stands as if it had come with the mark."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from fristwerk_language.events import Event, Recorded, tickets
from tests.ticket_service.domain.conftest import RECEIVED_AT, Given, GivenTicket, recorded
from ticket_service.domain.errors import NotFound, NotInThisState
from ticket_service.domain.ticket.commands import MarkNoAnswerNeeded
from ticket_service.domain.ticket.evolve import evolve
from ticket_service.domain.ticket.state import Ticket

RESOLVED_AT = datetime(2026, 6, 5, 8, tzinfo=UTC)
THANKS = tickets.CustomerMessageReceived(channel="portal")
MORE = tickets.CustomerMessageReceived(channel="email")
INFORMATION = tickets.InformationReceived()
REOPENED = tickets.Reopened()
HOUR = timedelta(hours=1)
Told = tuple[Event, ...]
"""The events of one command."""


def history_of(given: GivenTicket, *told: Told) -> tuple[Given, list[Recorded]]:
    """A ticket that was resolved, and what happened after: a command an hour."""
    resolved = [recorded(tickets.Resolved(), 2, RESOLVED_AT)]
    begun = given("infoniqa")
    history = [recorded(_created(begun.ticket), 1, RECEIVED_AT), *resolved]
    for hour, events in enumerate(told, 1):
        for event in events:
            each = recorded(event, len(history) + 1, RESOLVED_AT + hour * HOUR)
            at = msgspec.structs.replace(each.envelope, recorded_at=each.envelope.occurred_at)
            history.append(Recorded(envelope=at, event=event))
    return Given(begun.agreement, folded(history)), history


def _created(ticket: Ticket) -> tickets.TicketCreated:
    names = [name for name in tickets.TicketCreated.__struct_fields__ if name in Ticket.__struct_fields__]
    taken = {name: getattr(ticket, name) for name in names if name != "severity"}
    return tickets.TicketCreated(**taken | {"addons": list(ticket.addons)})


def folded(history: Sequence[Recorded]) -> Ticket:
    ticket: Ticket | None = None
    for each in history:
        ticket = evolve(ticket, each)
    assert ticket is not None
    return ticket


def marked(given: GivenTicket, number: int, *told: Told, by: str = "agent") -> Any:
    ticket, history = history_of(given, *told)
    return ticket.when(MarkNoAnswerNeeded(number=number, reason="Dank"), by=by, history=history)


def test_thanks_for_a_resolution_leave_it_standing(given: GivenTicket) -> None:
    outcome = marked(given, 3, (THANKS, REOPENED))
    outcome.then(tickets.NoAnswerNeeded(message=3, reopening=4, state="resolved", resolved_at=RESOLVED_AT))
    outcome.sealing({"reason": "Dank"})
    ticket = outcome.ticket
    assert (ticket.state, ticket.resolved_at, ticket.reopened_at) == ("resolved", RESOLVED_AT, None)
    assert ticket.last_customer_message_at is None


HARMLESS: list[Event] = [
    tickets.Assigned(agent="agent-3"),
    tickets.Responded(channel="email"),
    tickets.WorkStarted(agent="agent-3"),
    tickets.TimeLogged(entry="e", start=RESOLVED_AT, minutes=5, activity="help", agent="agent-3"),
    tickets.CustomerMessageReceived(channel="email", automatic=True),
    tickets.EscalationRaised(escalation=1, to="support_manager"),
]
REASONS: list[Event] = [
    MORE,
    INFORMATION,
    tickets.InformationRequested(),
    tickets.CallbackRequested(callback=1, purpose="requested"),
    tickets.VoicemailLeft(call="c-1"),
    tickets.AppointmentRequested(appointment=1, kind="training", proposals=[]),
    tickets.CostApprovalRequested(approval=1, estimate_minutes=60),
    tickets.Delivered(system="test"),
]


@pytest.mark.parametrize("event", HARMLESS, ids=lambda each: type(each).__name__)
def test_what_was_done_about_thanks_does_not_keep_the_ticket_open(given: GivenTicket, event: Event) -> None:
    outcome = marked(given, 3, (THANKS, REOPENED), (event,))
    assert outcome.facts[0].event.reopening == 4
    assert outcome.ticket.state == "resolved"


@pytest.mark.parametrize("event", REASONS, ids=lambda each: type(each).__name__)
def test_a_ticket_with_another_reason_to_be_open_stays_so(given: GivenTicket, event: Event) -> None:
    before, _ = history_of(given, (THANKS, REOPENED), (event,))
    outcome = marked(given, 3, (THANKS, REOPENED), (event,))
    assert outcome.facts[0].event.reopening is None
    assert (outcome.ticket.state, outcome.ticket.waits) == (before.ticket.state, before.ticket.waits)
    assert outcome.ticket.state != "resolved"


def test_the_mark_on_the_last_message_that_kept_it_open_resolves_the_ticket_again(given: GivenTicket) -> None:
    first = tickets.NoAnswerNeeded(message=3, state="open", last_customer_message_at=RESOLVED_AT + 2 * HOUR)
    outcome = marked(given, 5, (THANKS, REOPENED), (MORE,), (first,))
    outcome.then(tickets.NoAnswerNeeded(message=5, reopening=4, state="resolved", resolved_at=RESOLVED_AT))


def test_what_staff_has_reopened_or_another_message_stays_open(given: GivenTicket) -> None:
    outcome = marked(given, 4, (REOPENED,), (THANKS,))
    assert (outcome.facts[0].event.reopening, outcome.ticket.state) == (None, "open")
    outcome = marked(given, 5, (MORE, REOPENED), (THANKS,))
    assert (outcome.facts[0].event.reopening, outcome.ticket.state) == (None, "open")
    assert outcome.ticket.last_customer_message_at == RESOLVED_AT + HOUR


def test_a_reopening_is_taken_back_after_the_ticket_was_resolved_or_closed_again(given: GivenTicket) -> None:
    outcome = marked(given, 3, (THANKS, REOPENED), (tickets.Resolved(),), (tickets.Closed(),))
    assert (outcome.facts[0].event.reopening, outcome.ticket.state) == (4, "closed")
    once_more = (THANKS, REOPENED), (tickets.Resolved(),), (MORE, REOPENED)
    assert marked(given, 3, *once_more).ticket.state == "open"
    assert marked(given, 6, *once_more).ticket.resolved_at == RESOLVED_AT + 2 * HOUR


def test_a_reopening_is_taken_back_once(given: GivenTicket) -> None:
    """The second message was written before the resolution and entered after it, so it reopened nothing."""
    first = tickets.NoAnswerNeeded(message=3, reopening=4, state="resolved", resolved_at=RESOLVED_AT)
    outcome = marked(given, 6, (THANKS, REOPENED), (first,), (MORE,))
    assert (outcome.facts[0].event.reopening, outcome.ticket.state) == (None, "resolved")


def test_thanks_that_ended_a_wait_end_none(given: GivenTicket) -> None:
    asked = (REOPENED,), (tickets.InformationRequested(),), (THANKS,)
    outcome = marked(given, 5, *asked)
    assert (outcome.ticket.state, outcome.ticket.waits) == ("waiting_customer", ("waiting_customer",))
    assert marked(given, 5, *asked[:2], (INFORMATION,)).ticket.state == "waiting_customer"


def test_only_a_customers_message_that_asks_for_something_is_marked_and_once(given: GivenTicket) -> None:
    for number in (2, 4, 99):
        marked(given, number, (THANKS, REOPENED)).refused(NotFound, "message-not-found")
    automatic = tickets.CustomerMessageReceived(channel="email", automatic=True)
    marked(given, 3, (automatic,)).refused(NotInThisState, "no-answer-needed")
    first = tickets.NoAnswerNeeded(message=3, reopening=4, state="resolved", resolved_at=RESOLVED_AT)
    marked(given, 3, (THANKS, REOPENED), (first,)).refused(NotInThisState, "no-answer-needed")


AWAITING = [each for each in REASONS if each not in (MORE, INFORMATION)]
STEPS: list[Told] = [
    (THANKS,),
    (MORE,),
    (INFORMATION,),
    *((each,) for each in (*HARMLESS, *AWAITING)),
    (tickets.CostApproved(approval=1),),
    (tickets.AcceptanceRefused(),),
]


@over(steps=st.lists(st.sampled_from(STEPS), max_size=6))
def test_a_mark_afterwards_is_as_good_as_one_at_the_arrival(given: GivenTicket, steps: list[Told]) -> None:
    """Where the message has reopened nothing, the rest of the history is the same either way."""
    told: list[Told] = [(REOPENED,), (tickets.InformationRequested(),), (THANKS,), *steps]
    afterwards = marked(given, 5, *told).ticket
    at_once: list[Told] = [*told[:2], (msgspec.structs.replace(THANKS, needs_answer=False),), *steps]
    ticket, _ = history_of(given, *at_once)
    unlike = {"version", "last_activity_at"}
    for name in set(Ticket.__struct_fields__) - unlike:
        assert getattr(afterwards, name) == getattr(ticket.ticket, name), name
