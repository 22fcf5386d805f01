"""Properties over all metrics: the order in which facts arrive changes nothing, and what is missed stays missed."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fristwerk_language.events import Event, Recorded, tickets
from fristwerk_language.terms import METRICS, zone
from sla_service.domain.explanation.explanation import explain, sentences
from sla_service.domain.timers.derivation import derive_timers
from sla_service.domain.timers.published_terms import PublishedTerms
from sla_service.domain.timers.timeline_reader import GrowingTimeline, read_timeline
from sla_service.domain.timers.timer import Timer, TimerSet, missed_at, state_at

LINES: list[dict[str, Any]] = [
    {"metric": "first_response", "severity": "high", "target": "1 business hours", "soft": "30 minutes"},
    {"metric": "first_response", "target": "1 business days", "warn_at": ["50%", "2 business hours"]},
    {"metric": "next_response", "type": "quick", "target": "3 hours", "pauses_in": ["waiting_customer"]},
    {"metric": "next_response", "target": "90 business minutes"},
    {"metric": "follow_up", "severity": "high", "target": "2 business hours", "after": "both"},
    {"metric": "follow_up", "type": "quick", "target": "4 hours", "after": "agent_response"},
    {"metric": "follow_up", "target": "1 business days"},
    {"metric": "callback", "target": "2 business hours", "completed_by": "specialist", "attempt_counts": True},
    {"metric": "processing_started", "target": "4 business hours"},
    {"metric": "resolution", "severity": "low", "measure_only": True},
    {"metric": "resolution", "target": "6 business hours"},
    {"metric": "effort_notice", "target": "60 worked minutes"},
]
MIGRATED = [
    line | {"target": "1 business hours"} if line.get("target", "").endswith("hours") else line for line in LINES
]
WORK = ("processing_started", "effort_notice")
END_OF_TIME = datetime(2100, 1, 1, tzinfo=UTC)
RECEIVED_AT = "2026-06-05 14:00"


def facts() -> st.SearchStrategy[tuple[Event, str]]:
    """A fact about a ticket, and the role that told it."""
    plain: list[Event] = [
        tickets.Responded(channel="email"),
        tickets.Responded(channel="email", visible=False),
        tickets.ProgressReported(channel="email"),
        tickets.CustomerMessageReceived(channel="email"),
        tickets.InformationRequested(),
        tickets.InformationReceived(),
        tickets.SeveritySet(severity="high"),
        tickets.SeveritySet(severity="low"),
        tickets.TypeChanged(type="quick"),
        tickets.TypeChanged(type="normal"),
        tickets.Assigned(agent="agent-2"),
        tickets.WorkStarted(agent="agent-2"),
        tickets.CallbackRequested(callback=1, purpose="requested"),
        tickets.CallbackAttempted(callback=1, reached=False),
        tickets.CallbackCompleted(callback=1),
        tickets.EffortNoticeSent(),
        tickets.CostApprovalRequested(approval=1, estimate_minutes=90),
        tickets.CostApproved(approval=1),
        tickets.Delivered(system="test"),
        tickets.AcceptanceRefused(),
        tickets.Accepted(),
        tickets.Resolved(),
        tickets.Reopened(),
        tickets.Closed(),
        tickets.TermsMigrated(agreement_version=2, calendar_version=1, reason="renewed"),
        tickets.TimeLogCorrected(entry="w-1", minutes=10),
    ]
    return st.tuples(st.sampled_from(plain), st.sampled_from(["agent", "specialist"]))


stories = st.lists(st.tuples(st.integers(1, 7 * 24 * 60), facts(), st.sampled_from([0, 0, 0, 25, 50])), max_size=14)
loosely = settings(max_examples=120, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def opened(agreed: Callable[..., Any]) -> Callable[[], Any]:
    agreed(*MIGRATED, version=2, unclassified="strictest")
    open_ticket = agreed(*LINES, unclassified="strictest")
    return lambda: open_ticket(RECEIVED_AT)


def tell(
    opened: Callable[[], Any], story: list[Any], *, backdated: bool = False
) -> tuple[list[Recorded], PublishedTerms]:
    """The story as recorded events, each at its own minute; some minutes of work are logged with some of them.

    Told in order of time, or, where ``backdated``, in the order in which they were drawn.
    """
    ticket = opened()
    start = ticket.recorded[0].event.received_at
    told = {minute: (event, role, worked) for minute, (event, role), worked in story}
    for minute in list(told) if backdated else sorted(told):
        event, role, worked = told[minute]
        moment = start + timedelta(minutes=minute)
        ticket.at(moment.isoformat(), event, role)
        if worked:
            entry = tickets.TimeLogged(
                entry=f"w-{minute % 3}", start=moment, minutes=worked, activity="help", agent="a"
            )
            ticket.at((moment + timedelta(seconds=30)).isoformat(), entry)
    return ticket.recorded, ticket.terms


def measured(recorded: list[Recorded], terms: PublishedTerms) -> TimerSet:
    return derive_timers(read_timeline(recorded), terms)


@settings.get_profile("order of arrival")
@given(st.data())
def test_shuffled_repeated_and_delayed_histories_give_the_same_timers(
    opened: Callable[[], Any], promise: Any, data: st.DataObject
) -> None:
    recorded, terms = tell(opened, data.draw(stories), backdated=data.draw(st.booleans()))
    arrived = recorded * data.draw(st.integers(1, 3))
    random.Random(data.draw(st.integers(0, 2**16))).shuffle(arrived)  # noqa: S311 - an order, not a secret
    assert measured(arrived, terms) == measured(recorded, terms)
    promise.count += 1
    promise.figures = f"{promise.count:,} histories in another order, up to three times: 0 differences"


@loosely
@given(st.data())
def test_a_timeline_that_grew_is_the_one_read_at_once_or_says_that_it_must_be_read_anew(
    opened: Callable[[], Any], data: st.DataObject
) -> None:
    recorded, _ = tell(opened, data.draw(stories), backdated=data.draw(st.booleans()))
    known = data.draw(st.integers(1, len(recorded)))
    growing = GrowingTimeline(recorded[:known])
    while known < len(recorded):
        until = data.draw(st.integers(known + 1, len(recorded)))
        in_order = all(
            earlier.envelope.occurred_at <= later.envelope.occurred_at
            for earlier in recorded[1:known]
            for later in recorded[known:until]
        )
        assert growing.take(recorded[known:until]) == in_order
        if not in_order:
            growing = GrowingTimeline(recorded[:until])
        known = until
        assert growing.timeline() == read_timeline(recorded[:known])
    assert not growing.take(recorded[-1:]), "it was read already"


@loosely
@given(st.data())
def test_what_was_entered_late_counts_as_if_it_had_been_entered_at_once(
    opened: Callable[[], Any], data: st.DataObject
) -> None:
    story = data.draw(stories)
    at_once, terms = tell(opened, story)
    late, _ = tell(opened, story, backdated=True)
    assert [nameless(timer) for timer in measured(late, terms).timers] == [
        nameless(timer) for timer in measured(at_once, terms).timers
    ]


def nameless(timer: Timer) -> Timer:
    """The timer without the names that events get from the order of their entry."""
    return msgspec.structs.replace(
        timer,
        id="",
        started_by="",
        ended_by=None,
        pauses=tuple(msgspec.structs.replace(each, began_by="", ended_by=None) for each in timer.pauses),
        changes=tuple(msgspec.structs.replace(each, event="") for each in timer.changes),
    )


@loosely
@given(st.data())
def test_a_miss_stays_whatever_happens_later(opened: Callable[[], Any], data: st.DataObject) -> None:
    recorded, terms = tell(opened, data.draw(stories))
    final = {timer.id: timer for timer in measured(recorded, terms).timers}
    for number in range(1, len(recorded)):
        now = recorded[number].envelope.occurred_at
        for timer in measured(recorded[:number], terms).timers:
            if timer.metric not in WORK and state_at(timer, now - timedelta(seconds=1)) == "missed":
                assert missed_at(final[timer.id], END_OF_TIME) == timer.due_at


@loosely
@given(st.data())
def test_every_timer_is_consistent_in_itself(opened: Callable[[], Any], data: st.DataObject) -> None:
    recorded, terms = tell(opened, data.draw(stories))
    found = measured(recorded, terms)
    assert len({timer.id for timer in found.timers}) == len(found.timers)
    assert not {each.metric for each in found.absent} & {timer.metric for timer in found.timers}
    for timer in found.timers:
        ends = [timer.met_at, timer.missed_at, timer.cancelled_at]
        assert sum(end is not None for end in ends) <= 1
        assert timer.missed_at in (None, timer.due_at)
        assert timer.paused_seconds == sum(pause.seconds for pause in timer.pauses)
        assert timer.paused_since is None or not any(ends)
        if timer.met_at is not None:
            assert timer.due_at is None or timer.started_at <= timer.met_at <= timer.due_at
        if timer.missed_at is not None and timer.ended_at is not None:
            assert timer.ended_at > timer.missed_at or timer.metric == "effort_notice"
        if timer.changes and timer.cancelled_at is None:
            assert timer.changes[-1].new_due_at == timer.due_at


def test_the_lines_promise_every_metric() -> None:
    assert {line["metric"] for line in LINES} == set(METRICS)


@loosely
@given(st.data())
def test_explanations_account_for_every_second_of_the_target(opened: Callable[[], Any], data: st.DataObject) -> None:
    recorded, terms = tell(opened, data.draw(stories))
    told = read_timeline(recorded)
    for timer in derive_timers(told, terms).timers:
        steps = explain(timer, told, terms, END_OF_TIME)
        assert all(sentences(steps, language, zone("Europe/Berlin")) for language in ("de", "en"))
        if timer.due_at is not None and timer.paused_since is None and timer.clock in ("wall", "business"):
            used = sum(step.seconds or 0 for step in steps if step.rule in ("open", "elapsed"))
            assert used == timer.target_seconds
            assert [step.at for step in steps if step.rule == "due"] == [timer.due_at]
