"""Duplicates, links and split matters: what becomes of both tickets, and when it is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest

from fristwerk_language.events.relations import (
    CarriedEntry,
    DuplicateMerged,
    LinkKind,
    MergedInto,
    SplitFrom,
    SplitOff,
    TicketLinked,
    TicketUnlinked,
)
from fristwerk_language.events.tickets import (
    AppointmentBooked,
    AppointmentHeld,
    AppointmentRequested,
    CallbackCompleted,
    CallbackRequested,
    CostApprovalRequested,
    CostApproved,
    Delivered,
    EscalationClosed,
    EscalationRaised,
    Resolved,
    TimeLogCorrected,
    TimeLogged,
)
from tests.ticket_service.domain.conftest import GivenTicket
from ticket_service.domain.errors import NotAcceptable, NotInThisState
from ticket_service.domain.ticket.commands import GiveFeedback, Link, LogTime, Merge, ReceiveMessage, Split, Unlink
from ticket_service.domain.ticket.possible_commands import TicketMergedError
from ticket_service.domain.ticket.relations import OPPOSITE, counterpart
from ticket_service.domain.ticket.state import Ticket, TicketLink, TimeEntry

AT = datetime(2026, 6, 9, 8, 0, tzinfo=UTC)
FIRST = "HAM-1111-1111"


def logged(entry: str, minutes: int = 20, appointment: int | None = None) -> TimeLogged:
    return TimeLogged(entry=entry, start=AT, minutes=minutes, activity="help", agent="agent-3", appointment=appointment)


def carried(entry: str, minutes: int = 20) -> CarriedEntry:
    return CarriedEntry(entry=entry, start=AT, minutes=minutes, activity="help", agent="agent-3")


@pytest.fixture
def first(given: GivenTicket) -> Ticket:
    """The ticket that the other one is a duplicate of."""
    return msgspec.structs.replace(given("hamburg").ticket, id="t-0", reference=FIRST)


MERGE = Merge(into="t-0", reason="dieselbe Störung")


def test_a_duplicate_is_closed_and_its_reason_sealed(given: GivenTicket, first: Ticket) -> None:
    outcome = given("hamburg").when(MERGE, other=first)
    outcome.then(MergedInto(ticket="t-0", reference=FIRST)).sealing({"reason": "dieselbe Störung"})
    assert (outcome.ticket.state, outcome.ticket.merged_into) == ("closed", "t-0")
    assert outcome.ticket.closed_at is not None
    assert outcome.ticket.links == (TicketLink(kind="duplicate_of", ticket="t-0", reference=FIRST),)


def test_the_time_of_a_duplicate_goes_with_its_last_minutes_and_preparation_stays(
    given: GivenTicket, first: Ticket
) -> None:
    steps = (
        logged("e-1"),
        TimeLogCorrected(entry="e-1", minutes=15),
        logged("e-2"),
        TimeLogCorrected(entry="e-2", minutes=0),
        logged("e-3", appointment=1),
    )
    ticket = given("hamburg", *steps)
    [fact] = counterpart(ticket.ticket, MERGE)
    assert fact.event == DuplicateMerged(ticket="t-1", reference="HAM-7K3Q-9F2M", entries=[carried("e-1", 15)])
    assert set(ticket.when(MERGE, other=first).ticket.time_entries) == {"e-3"}


def test_the_first_ticket_has_the_time_since_it_was_worked(given: GivenTicket) -> None:
    brought = DuplicateMerged(ticket="t-2", reference="HAM-2", entries=[carried("e-1")])
    ticket = given("hamburg", brought).ticket
    assert ticket.time_entries["e-1"] == TimeEntry(
        entry="e-1", start=AT, minutes=20, activity="help", agent="agent-3", source="agent", from_ticket="t-2"
    )
    assert ticket.work_started_at == AT
    assert ticket.links == (TicketLink(kind="duplicate", ticket="t-2", reference="HAM-2"),)
    assert given("hamburg", DuplicateMerged(ticket="t-2", reference="HAM-2")).ticket.work_started_at is None


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [({"id": "t-1"}, "/into"), ({"customer": "bedarf"}, "/into"), ({"merged_into": "t-9"}, "/into")],
    ids=["into itself", "into another customer's", "into a duplicate"],
)
def test_a_merge_is_refused(given: GivenTicket, first: Ticket, changed: Any, pointer: str) -> None:
    other = msgspec.structs.replace(first, **changed)
    given("hamburg").when(MERGE, other=other).refused(NotAcceptable, "not-acceptable", pointer)


def test_a_merge_says_why(given: GivenTicket, first: Ticket) -> None:
    command = Merge(into="t-0", reason=" ")
    given("hamburg").when(command, other=first).refused(NotAcceptable, "not-acceptable", "/reason")


@pytest.mark.parametrize(
    ("steps", "settled", "named"),
    [
        (CallbackRequested(callback=1, purpose="requested"), CallbackCompleted(callback=1), "the callback 1"),
        (
            (
                AppointmentRequested(appointment=1, kind="review", proposals=[AT]),
                AppointmentBooked(appointment=1, start=AT),
            ),
            AppointmentHeld(appointment=1),
            "the appointment 1",
        ),
        (CostApprovalRequested(approval=1, estimate_minutes=30), CostApproved(approval=1), "the cost approval 1"),
        (EscalationRaised(escalation=1, to="manager"), EscalationClosed(escalation=1), "the escalation 1"),
        (Delivered(system="test"), Resolved(), "the acceptance of what was delivered"),
    ],
    ids=["callback", "appointment", "costs", "escalation", "acceptance"],
)
def test_what_is_promised_or_awaited_on_a_duplicate_is_settled_first(
    given: GivenTicket, first: Ticket, steps: Any, settled: Any, named: str
) -> None:
    before = given("hamburg", *(steps if isinstance(steps, tuple) else (steps,)))
    refusal = before.when(MERGE, other=first).refused(NotInThisState, "duplicate-not-settled")
    assert named in refusal.detail
    assert before.having(settled).when(MERGE, other=first).refusal is None


@pytest.mark.parametrize(
    "command",
    [
        ReceiveMessage(channel="email", text="?"),
        ReceiveMessage(channel="email", text="Danke", needs_answer=False),
        LogTime(entry="e-9", start=AT, minutes=5, activity="help", agent="agent-3"),
        GiveFeedback(score=5),
        MERGE,
    ],
    ids=["message", "thanks", "time", "feedback", "merge"],
)
def test_nothing_happens_to_a_duplicate_any_more(given: GivenTicket, first: Ticket, command: Any) -> None:
    outcome = given("hamburg", MergedInto(ticket="t-0", reference=FIRST)).when(command, other=first)
    refusal = outcome.refused(TicketMergedError, "ticket-merged")
    assert isinstance(refusal, TicketMergedError)
    assert refusal.into == "t-0"


def test_a_link_stands_on_both_tickets_with_opposite_kinds(given: GivenTicket, first: Ticket) -> None:
    ticket = given("hamburg")
    outcome = ticket.when(Link(to="t-0", kind="causes"), other=first)
    outcome.then(TicketLinked(ticket="t-0", reference=FIRST, kind="causes"))
    [opposite] = counterpart(ticket.ticket, Link(to="t-0", kind="causes"))
    assert opposite.event == TicketLinked(ticket="t-1", reference="HAM-7K3Q-9F2M", kind="caused_by")
    assert outcome.ticket.links == (TicketLink(kind="causes", ticket="t-0", reference=FIRST),)


def test_every_kind_of_link_has_an_opposite_whose_opposite_it_is() -> None:
    assert set(OPPOSITE) == set(get_args(LinkKind))
    assert all(OPPOSITE[OPPOSITE[kind]] == kind for kind in OPPOSITE)


def test_a_link_is_made_once_and_taken_back_once(given: GivenTicket, first: Ticket) -> None:
    linked = given("hamburg", TicketLinked(ticket="t-0", reference=FIRST, kind="blocks"))
    linked.when(Link(to="t-0", kind="blocks"), other=first).refused(NotAcceptable, "not-acceptable", "/to")
    assert linked.when(Link(to="t-0", kind="related"), other=first).refusal is None
    taken_back = linked.when(Unlink(to="t-0", kind="blocks"), other=first)
    taken_back.then(TicketUnlinked(ticket="t-0", reference=FIRST, kind="blocks"))
    assert taken_back.ticket.links == ()
    [opposite] = counterpart(linked.ticket, Unlink(to="t-0", kind="blocks"))
    assert opposite.event == TicketUnlinked(ticket="t-1", reference="HAM-7K3Q-9F2M", kind="blocked_by")
    linked.when(Unlink(to="t-0", kind="causes"), other=first).refused(NotAcceptable, "not-acceptable", "/to")


def test_a_ticket_is_not_linked_to_itself(given: GivenTicket) -> None:
    ticket = given("hamburg")
    command = Link(to="t-1", kind="related")
    ticket.when(command, other=ticket.ticket).refused(NotAcceptable, "not-acceptable", "/to")


def test_a_split_takes_the_named_time_with_it(given: GivenTicket) -> None:
    ticket = given("hamburg", logged("e-1"), logged("e-2"))
    command = Split(
        new_ticket="t-5",
        new_reference="HAM-5",
        subject="Toner",
        description="",
        entries=["e-2", "e-2"],
        reason="zwei Anliegen",
    )
    outcome = ticket.when(command)
    outcome.then(SplitOff(ticket="t-5", reference="HAM-5", entries=["e-2"])).sealing({"reason": "zwei Anliegen"})
    assert set(outcome.ticket.time_entries) == {"e-1"}
    assert outcome.ticket.links == (TicketLink(kind="split_off", ticket="t-5", reference="HAM-5"),)
    [origin] = counterpart(ticket.ticket, command)
    assert origin.event == SplitFrom(ticket="t-1", reference="HAM-7K3Q-9F2M", entries=[carried("e-2")])
    new = given("hamburg", origin.event).ticket
    assert set(new.time_entries) == {"e-2"}
    assert new.links == (TicketLink(kind="split_from", ticket="t-1", reference="HAM-7K3Q-9F2M"),)


def test_a_split_names_a_subject_a_reason_and_time_that_can_go(given: GivenTicket) -> None:
    ticket = given("hamburg", logged("e-1", appointment=1))
    command = Split(subject="", description="", entries=["e-9", "e-1"], reason="")
    ticket.when(command).refused(NotAcceptable, "not-acceptable", "/subject", "/reason", "/entries/0", "/entries/1")


def test_carried_time_keeps_who_did_it_where_the_entry_or_its_ticket_says(given: GivenTicket) -> None:
    steps = (logged("e-1"), msgspec.structs.replace(logged("e-2"), performer="employee"))
    ticket = given("hamburg", *steps, created={"fields": {"performer": "partner"}})
    [fact] = counterpart(ticket.ticket, MERGE)
    assert isinstance(fact.event, DuplicateMerged)
    assert [each.performer for each in fact.event.entries] == ["partner", "employee"]


def test_a_repeated_fact_links_once(given: GivenTicket) -> None:
    linked = TicketLinked(ticket="t-0", reference=FIRST, kind="related")
    assert len(given("hamburg", linked, linked).ticket.links) == 1


def test_a_merge_before_the_receipt_is_refused(given: GivenTicket, first: Ticket) -> None:
    ticket = given("hamburg")
    at = ticket.ticket.received_at - timedelta(minutes=1)
    ticket.when(MERGE, other=first, at=at).refused(NotAcceptable, "not-acceptable", "/occurred_at")
