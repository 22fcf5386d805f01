"""What holds for every command: who may give it, in which states, at which instants, and that nothing personal leaks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest

from fristwerk_language.events.relations import TicketLinked
from fristwerk_language.events.tickets import (
    Accepted,
    AppointmentBooked,
    AppointmentRequested,
    CallbackRequested,
    Closed,
    CostApprovalRequested,
    CustomerMessageReceived,
    Delivered,
    EscalationRaised,
    EscalationTaskAdded,
    InformationRequested,
    ReleasedToProduction,
    RemoteSessionStarted,
    Reopened,
    Resolved,
    Responded,
    SeveritySet,
    TimeLogged,
    WorkStarted,
)
from fristwerk_language.examples import example
from tests.ticket_service.domain.conftest import Agreements, GivenTicket, elsewhere, recorded
from ticket_service.domain.errors import NotAcceptable, NotAllowed, NotFound, NotInThisState
from ticket_service.domain.ticket import commands
from ticket_service.domain.ticket.commands import AgreementRecord, CallTransfer, Command, DecisionRecord
from ticket_service.domain.ticket.evolve import evolve
from ticket_service.domain.ticket.possible_commands import POSSIBLE_IN
from ticket_service.domain.ticket.state import Ticket, TicketState

SECRET = "Anna Muster, +41 41 000 00 01"
AT = datetime(2026, 6, 9, 8, 0, tzinfo=UTC)
ON_BEHALF = DecisionRecord(contact=SECRET, channel="phone", at=AT)

EXAMPLES: dict[type[Command], Command] = {
    type(example): example
    for example in (
        commands.SetSeverity(severity="normal"),
        commands.ChangeType(type="quick_high"),
        commands.ChangePriority(
            priority=1, reason=SECRET, agreement=AgreementRecord(contact=SECRET, channel="phone", at=AT)
        ),
        commands.Assign(agent="agent-9"),
        commands.Transfer(department="hardware", reason=SECRET),
        commands.ReceiveMessage(channel="email", text=SECRET),
        commands.MarkNoAnswerNeeded(number=2, reason=SECRET),
        commands.Respond(channel="email", text=SECRET),
        commands.ReportProgress(channel="email", text=SECRET),
        commands.RequestInformation(question=SECRET),
        commands.ReceiveInformation(text=SECRET),
        commands.StartWork(agent="agent-3"),
        commands.LogTime(entry="e-9", start=AT, minutes=20, activity="help", agent="agent-3", note=SECRET),
        commands.CorrectTime(entry="e-1", minutes=15, reason=SECRET),
        commands.SendEffortNotice(text=SECRET),
        commands.RequestCallback(purpose=SECRET),
        commands.AttemptCallback(number=1, reached=False),
        commands.CompleteCallback(number=1, text=SECRET),
        commands.RequestAppointment(kind="review", proposals=(AT + timedelta(days=20),)),
        commands.BookAppointment(
            number=1,
            start=AT + timedelta(days=20),
            agreed=AgreementRecord(contact=SECRET, channel="phone", at=AT),
        ),
        commands.CancelAppointment(number=1, by="customer", reason=SECRET),
        commands.RecordAppointmentOutcome(number=2, outcome="held"),
        commands.RequestCostApproval(estimate_minutes=120, text=SECRET),
        commands.DecideCost(number=1, approved=True, on_behalf=ON_BEHALF),
        commands.Deliver(system="test", text=SECRET),
        commands.Accept(accepted=True, text=SECRET, on_behalf=ON_BEHALF),
        commands.Release(),
        commands.CommunicateNumber(classification="hardware", channel="phone"),
        commands.Escalate(to="manager", text=SECRET),
        commands.CloseEscalation(number=1, outcome=SECRET, contact=SECRET),
        commands.AssignEscalation(number=1, agent="m-2"),
        commands.AddEscalationTask(number=1, text=SECRET),
        commands.CompleteEscalationTask(number=1, text=SECRET),
        commands.StartRemoteSession(agent="agent-3"),
        commands.StopRemoteSession(number=1, entry="e-11", minutes=20),
        commands.Resolve(text=SECRET),
        commands.Reopen(reason=SECRET),
        commands.Merge(into="t-2", reason=SECRET),
        commands.Move(customer="bedarf", reason=SECRET),
        commands.Link(to="t-2", kind="related"),
        commands.Unlink(to="t-2", kind="causes"),
        commands.Split(subject="Toner", description="", entries=["e-1"], reason=SECRET),
        commands.Close(accept=["open_escalations", "undecided_approvals", "held_minutes", "undecided_charges"]),
        commands.GiveFeedback(score=5, text=SECRET),
        commands.MigrateTerms(agreement_version=2, reason="Neue Fassung"),
        commands.AttachCall(
            call="call-1",
            entry="e-10",
            from_number=SECRET,
            started_at=AT,
            minutes=4,
            transfer=CallTransfer(to="specialist", result="failed"),
            voicemail=SECRET,
        ),
    )
}

PREPARED = (
    SeveritySet(severity="normal"),
    TimeLogged(entry="e-1", start=AT, minutes=10, activity="help", agent="agent-3"),
    CallbackRequested(callback=1, purpose="requested"),
    AppointmentRequested(appointment=1, kind="review", proposals=[AT]),
    AppointmentRequested(appointment=2, kind="review", proposals=[AT]),
    AppointmentBooked(appointment=2, start=AT),
    EscalationRaised(escalation=1, to="manager"),
    EscalationRaised(escalation=2, to="manager"),
    EscalationTaskAdded(task=1, escalation=2),
    RemoteSessionStarted(session=1, agent="agent-4"),
    Delivered(system="test"),
    Accepted(),
    ReleasedToProduction(),
    Resolved(),
    Reopened(),
    TicketLinked(ticket="t-2", reference="HAM-2222-2222", kind="causes"),
)
"""A ticket on which every example finds what it speaks of; it is open, and a delivery has been accepted."""

INTO: dict[TicketState, tuple[msgspec.Struct, ...]] = {
    "new": (),
    "open": (Responded(channel="email"),),
    "in_progress": (WorkStarted(agent="agent-3"),),
    "waiting_customer": (InformationRequested(),),
    "waiting_approval": (CostApprovalRequested(approval=1, estimate_minutes=90),),
    "awaiting_acceptance": (Delivered(system="test"),),
    "accepted": (Delivered(system="test"), Accepted()),
    "resolved": (Resolved(),),
    "closed": (Resolved(), Closed()),
}
CREATED: Any = example("TicketCreated").event
OPENED: Any = evolve(None, recorded(CREATED, 1, AT))
OTHER: Ticket = msgspec.structs.replace(OPENED, id="t-2", reference="HAM-2222-2222", customer="muster")
MESSAGE = CustomerMessageReceived(channel="email")
LOOKED_UP: dict[str, Any] = {
    "newest_agreement_version": 2,
    "newest_calendar_version": 1,
    "other": OTHER,
    "history": [recorded(CREATED, 1, AT), recorded(MESSAGE, 2, AT)],
}


@pytest.fixture(autouse=True)
def somewhere_else(terms: Agreements) -> None:
    """Where a ticket is moved to."""
    LOOKED_UP["destination"] = elsewhere(terms("digidesk"))


RELATIONS = {"Merge", "Move", "Link", "Unlink", "Split"}
"""How tickets belong together, and whose they are, can be said at any time."""
ANY_STATE = {"LogTime", "CorrectTime", "GiveFeedback", "StopRemoteSession"}
HANDLING = {"AssignEscalation", "AddEscalationTask", "CompleteEscalationTask"}
"""An escalation is cleared also once its ticket is closed."""
BY_CUSTOMERS = {
    "ReceiveMessage",
    "ReceiveInformation",
    "RequestAppointment",
    "CancelAppointment",
    "DecideCost",
    "Accept",
    "GiveFeedback",
    "Reopen",
}


def ready_for(given: GivenTicket, kind: type[Command], agreement: str = "digidesk") -> Any:
    """A ticket in a state in which the command is possible."""
    if kind is commands.DecideCost:
        return given(agreement, *PREPARED, *INTO["waiting_approval"])
    if kind is commands.Merge:  # a ticket on which nobody waits for anything
        return given(agreement, *INTO["open"])
    state = next(each for each in get_args(TicketState)[1:] if each in POSSIBLE_IN[kind])
    return given(agreement, *PREPARED, *INTO[state])


def by_the_customer(command: Command) -> Command:
    """The command as a customer gives it: in person."""
    names = command.__struct_fields__
    return msgspec.structs.replace(command, on_behalf=None) if "on_behalf" in names else command


def test_there_is_an_example_of_every_command() -> None:
    assert set(EXAMPLES) == set(get_args(Command)) == set(POSSIBLE_IN)


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_an_agent_may_give_every_command(given: GivenTicket, kind: Any) -> None:
    outcome = ready_for(given, kind).when(EXAMPLES[kind], **LOOKED_UP)
    assert outcome.refusal is None
    assert outcome.facts


@pytest.mark.parametrize("role", ["specialist", "manager"])
@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_specialists_and_managers_may_give_every_command_but_one_the_agreement_reserves(
    given: GivenTicket, kind: Any, role: str
) -> None:
    refusal = ready_for(given, kind).when(EXAMPLES[kind], by=role, **LOOKED_UP).refusal
    assert (refusal is None) == (kind is not commands.SetSeverity)


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_a_customer_may_give_only_its_own_commands(given: GivenTicket, kind: Any) -> None:
    outcome = ready_for(given, kind).when(by_the_customer(EXAMPLES[kind]), by="customer", **LOOKED_UP)
    if kind.__name__ in BY_CUSTOMERS:
        assert outcome.refusal is None
    else:
        assert isinstance(outcome.refusal, NotAllowed)


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_a_customer_finds_no_ticket_of_another_company(given: GivenTicket, kind: Any) -> None:
    outcome = ready_for(given, kind).when(by_the_customer(EXAMPLES[kind]), by="customer", customer="bedarf")
    outcome.refused(NotFound, "ticket-not-found")


@pytest.mark.parametrize("role", ["admin", "auditor", "billing", "service", "nobody"])
@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_other_roles_may_give_none_but_administrators_migrate_terms(given: GivenTicket, kind: Any, role: str) -> None:
    refusal = ready_for(given, kind).when(EXAMPLES[kind], by=role, **LOOKED_UP).refusal
    if role == "admin" and kind is commands.MigrateTerms:
        assert refusal is None
    else:
        assert isinstance(refusal, NotAllowed)


@pytest.mark.parametrize("state", get_args(TicketState))
@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_a_command_in_another_state_is_refused_saying_what_would_be_possible(
    given: GivenTicket, kind: Any, state: Any
) -> None:
    ticket = given("digidesk", *INTO[state])
    assert ticket.ticket.state == state
    outcome = ticket.when(EXAMPLES[kind], **LOOKED_UP)
    if state not in POSSIBLE_IN[kind]:
        assert isinstance(outcome.refusal, NotInThisState)
        assert "Possible are: " in outcome.refusal.detail
        assert kind.word not in outcome.refusal.detail.split("Possible are: ")[1].rstrip(".").split(", ")
    elif isinstance(outcome.refusal, NotInThisState):
        assert "Possible are: " not in outcome.refusal.detail


def test_closed_takes_only_feedback_corrections_late_entries_escalations_marks_and_reopening(
    given: GivenTicket,
) -> None:
    possible = {kind.__name__ for kind, states in POSSIBLE_IN.items() if "closed" in states} - RELATIONS
    assert possible == ANY_STATE | HANDLING | {"Escalate", "CloseEscalation", "Reopen", "MarkNoAnswerNeeded"}
    refusal = given("digidesk", *INTO["closed"]).when(EXAMPLES[commands.Respond])
    detail = refusal.refused(NotInThisState, "ticket-already-closed").detail
    assert detail == (
        "The ticket HAM-7K3Q-9F2M is closed; responses is not possible now. "
        "Possible are: time-entries, time-entries/{entry}/corrections, remote-sessions/{n}/end, escalations, "
        "escalations/{n}/closing, escalations/{n}/assignment, escalations/{n}/tasks, escalation-tasks/{n}/completion, "
        "reopening, feedback, messages/{n}/no-answer-needed, merge, links, links/removal, split, move."
    )


def test_a_customer_hears_only_of_what_a_customer_may_do(given: GivenTicket) -> None:
    outcome = given("digidesk", *INTO["closed"]).when(commands.ReceiveMessage(channel="email", text="?"), by="customer")
    assert outcome.refused(NotInThisState, "ticket-already-closed").detail.endswith("Possible are: feedback.")


@pytest.mark.parametrize("kind", [kind for kind, states in POSSIBLE_IN.items() if "closed" in states])
def test_time_feedback_and_reopening_are_taken_when_closed(given: GivenTicket, kind: Any) -> None:
    before = () if kind is commands.Merge else PREPARED
    assert given("digidesk", *before, *INTO["closed"]).when(EXAMPLES[kind], **LOOKED_UP).refusal is None


@pytest.mark.parametrize("state", get_args(TicketState))
@pytest.mark.parametrize("name", sorted(ANY_STATE))
def test_time_and_feedback_are_taken_in_any_state(given: GivenTicket, name: Any, state: Any) -> None:
    command = EXAMPLES[getattr(commands, name)]
    assert given("digidesk", *PREPARED, *INTO[state]).when(command).refusal is None


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_nothing_happens_before_the_ticket_was_received(given: GivenTicket, kind: Any) -> None:
    ticket = ready_for(given, kind)
    at = ticket.ticket.received_at - timedelta(seconds=1)
    ticket.when(EXAMPLES[kind], at=at).refused(NotAcceptable, "not-acceptable", "/occurred_at")


def test_an_answer_may_come_at_the_very_receipt(given: GivenTicket) -> None:
    ticket = given("digidesk")
    assert ticket.when(EXAMPLES[commands.Respond], at=ticket.ticket.received_at).refusal is None


def test_nothing_happens_more_than_a_minute_ahead_of_the_clock(given: GivenTicket) -> None:
    now = datetime(2026, 7, 31, 12, 0, tzinfo=UTC)
    command = EXAMPLES[commands.Respond]
    assert given("digidesk").when(command, at=now + timedelta(seconds=60)).refusal is None
    given("digidesk").when(command, at=now + timedelta(seconds=61)).refused(
        NotAcceptable, "not-acceptable", "/occurred_at"
    )


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_nothing_personal_stands_in_an_event(given: GivenTicket, kind: Any) -> None:
    outcome = ready_for(given, kind).when(EXAMPLES[kind], **LOOKED_UP)
    given_texts = msgspec.json.encode(EXAMPLES[kind]).count(SECRET.encode())
    stored = b"".join(msgspec.json.encode(fact.event) for fact in outcome.facts)
    sealed = b"".join(msgspec.json.encode(fact.personal) for fact in outcome.facts)
    assert SECRET.encode() not in stored
    assert sealed.count(SECRET.encode()) >= given_texts, "nothing personal is lost either"
    assert SECRET.encode() not in msgspec.json.encode(outcome.ticket)
