"""Who must act: whatever happens to a ticket, a clock of the vendor's runs exactly while the worklist has the ticket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from fristwerk_language.events import Actor, Envelope, Recorded, tickets, type_name
from fristwerk_language.events.terms import AgreementPublished
from fristwerk_language.terms import agreement_document, calendar_document, canonical
from sla_service.domain.timers.derivation import derive_timers
from sla_service.domain.timers.notices import SOFT, alarms_of
from sla_service.domain.timers.published_terms import PublishedTerms
from sla_service.domain.timers.timeline_reader import read_timeline
from ticket_service.domain.errors import Refusal
from ticket_service.domain.ticket import commands
from ticket_service.domain.ticket.decide import decide
from ticket_service.domain.ticket.decision_context import Caller, Context
from ticket_service.domain.ticket.evolve import evolve
from ticket_service.domain.ticket.lifecycle import DONE
from ticket_service.holidays import materialise

RECEIVED_AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
CALENDAR = calendar_document(
    {"calendar": "always", "timezone": "UTC", "hours": {"mon-sun": ["00:00-24:00"]}, "years": "2026-2027"}
)
AGREEMENT = agreement_document(
    {
        "agreement": "test",
        "timezone": "UTC",
        "currency": "EUR",
        "calendar": "always",
        "severities": [{"id": "high", "name": "High"}],
        "channels": ["email", "phone"],
        "calls": {"transfer_to": "specialist"},
        "voicemail": {"creates": "callback"},
        "escalation": {"contact": "manager", "at_any_time": True},
        "cost_approval": {"after_minutes": 600},
        "service_levels": [
            {"metric": metric, "target": "80000 hours", "soft": "200 hours", "warn_at": ["50%"]}
            for metric in ("first_response", "next_response", "follow_up", "processing_started", "resolution")
        ]
        + [{"metric": "callback", "target": "80000 hours", "completed_by": "specialist"}],
    }
)
CREATED = tickets.TicketCreated(
    reference="TST-0000-0001", customer="c-1", agreement="test", agreement_version=1, calendar="always",
    calendar_version=1, type="normal", channel="email", received_at=RECEIVED_AT, entitled=True, entitled_why="contract",
)  # fmt: skip
RECORD = commands.DecisionRecord(contact="Anna", channel="phone", at=RECEIVED_AT)
CLOSE = commands.Close(accept=["open_escalations", "undecided_approvals", "held_minutes", "undecided_charges"])
COMMANDS = [
    commands.Assign(agent="agent-1"),
    commands.ReceiveMessage(channel="email", text="?"),
    commands.ReceiveMessage(channel="email", text="Danke", needs_answer=False),
    commands.ReceiveMessage(channel="email", text="Abwesend", automatic=True),
    *(commands.MarkNoAnswerNeeded(number=number) for number in range(2, 9)),
    commands.Respond(channel="email", text="!"),
    commands.Respond(channel="email", text="Notiz", visible=False),
    commands.Respond(channel="email", text="Eingang", automatic=True),
    commands.ReportProgress(channel="email", text="!"),
    commands.RequestInformation(question="?"),
    commands.ReceiveInformation(text="!"),
    commands.StartWork(agent="agent-1"),
    commands.RequestCallback(purpose="?"),
    commands.AttemptCallback(number=1, reached=True),
    commands.CompleteCallback(number=1, text="!"),
    commands.RequestCostApproval(estimate_minutes=60, text="?"),
    commands.DecideCost(number=1, approved=True, on_behalf=RECORD),
    commands.Deliver(system="test", text="!"),
    commands.Accept(accepted=True, on_behalf=RECORD),
    commands.Accept(accepted=False, on_behalf=RECORD),
    commands.Resolve(text="!"),
    commands.Reopen(reason="?"),
    CLOSE,
    commands.GiveFeedback(score=5),
    commands.Escalate(to="manager", text="!"),
    commands.CloseEscalation(number=1),
    *(
        commands.AttachCall(call="c-1", entry="e-1", from_number="1", started_at=RECEIVED_AT, minutes=3, **more)
        for more in (
            {},
            {"voicemail": "?"},
            {"automatic": True},
            {"transfer": commands.CallTransfer(to="specialist", result="failed")},
        )
    ),
]


@pytest.fixture(scope="module")
def terms() -> PublishedTerms:
    agreement = AgreementPublished(name="test", version=1, document=canonical(AGREEMENT), digest="sha256:0")
    return PublishedTerms([agreement, materialise(CALENDAR, 1)])


def happened(event: Any, version: int, at: datetime) -> Recorded:
    envelope = Envelope(
        id=f"e-{version}", type=type_name(event), schema=1, provider="p", stream="ticket-t-1", version=version,
        occurred_at=at, recorded_at=at, actor=Actor(id="1", role="agent"), correlation_id=None, causation_id=None,
        data=msgspec.Raw(b"{}"), personal=None,
    )  # fmt: skip
    return Recorded(envelope=envelope, event=event)


def check(terms: PublishedTerms, story: Any) -> None:
    history = [happened(CREATED, 1, RECEIVED_AT)]
    ticket, at = evolve(None, history[0]), RECEIVED_AT
    timers = derive_timers(read_timeline(history), terms).timers
    running = [each.id for each in timers if each.ended_at is None and each.cancelled_at is None]
    for command, minutes, by_customer in story:
        at += timedelta(minutes=minutes)
        caller = Caller(id="1", role="customer", customer="c-1") if by_customer else Caller(id="1", role="agent")
        given = (
            msgspec.structs.replace(command, on_behalf=None)
            if by_customer and hasattr(command, "on_behalf")
            else command
        )
        assert ticket is not None
        try:
            surroundings = Context(now=at, occurred_at=at, actor=caller, agreement=AGREEMENT, history=history)
            facts = decide(ticket, given, surroundings)
        except Refusal:
            continue
        before = running
        for fact in facts:
            history.append(happened(fact.event, len(history) + 1, at))
            ticket = evolve(ticket, history[-1])
        timers = derive_timers(read_timeline(history), terms).timers
        running = [each.id for each in timers if each.ended_at is None and each.cancelled_at is None]
        assert not isinstance(given, commands.Escalate | commands.CloseEscalation) or running == before
        for each in timers:
            warned = [alarm.at for alarm in alarms_of(each) if alarm.rule == SOFT]
            assert all(each.due_at is not None and at <= each.due_at for at in warned), "never after the binding one"
        assert ticket is not None
        assert bool(running) == (ticket.state not in DONE), (ticket.state, running)
        now = read_timeline(history).state_periods[-1]
        assert (now.state, now.waits) == (ticket.state, ticket.waits)


BEFORE: list[list[commands.Command]] = [
    [],
    [commands.StartWork(agent="agent-1")],
    [commands.RequestInformation(question="?")],
    [commands.RequestCostApproval(estimate_minutes=60, text="?")],
    [commands.Deliver(system="test", text="!")],
    [commands.Resolve(text="!")],
    [commands.Resolve(text="!"), CLOSE],
    [commands.Resolve(text="!"), commands.ReceiveMessage(channel="email", text="Danke")],
    [commands.RequestInformation(question="?"), commands.ReceiveMessage(channel="email", text="Danke")],
]


@pytest.mark.parametrize("before", BEFORE, ids=lambda before: "+".join(each.word for each in before) or "new")
@pytest.mark.parametrize("by_customer", [False, True])
def test_in_every_state_every_command_leaves_both_agreeing(
    terms: PublishedTerms, before: Any, by_customer: bool
) -> None:
    for command in COMMANDS:
        check(terms, [*((each, 1, False) for each in before), (command, 60, by_customer)])


@over(
    story=st.lists(
        st.tuples(st.sampled_from(COMMANDS), st.sampled_from([1, 60, 60 * 24, 60 * 24 * 15]), st.booleans()),
        max_size=25,
    )
)
def test_a_clock_runs_exactly_while_the_ticket_is_not_done(terms: PublishedTerms, story: Any) -> None:
    """The targets are years away, so that no clock ends by being missed."""
    check(terms, story)
