"""The clocks of a ticket that was moved: the other terms hold from then on, what was decided before stays."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from fristwerk_language.events.relations import TicketMoved
from fristwerk_language.events.tickets import Resolved
from sla_service.domain.explanation.explanation import explain, sentences
from sla_service.domain.reports.scenario import Scenario
from sla_service.domain.timers.derivation import derive_timers
from sla_service.domain.timers.timeline_reader import read_timeline
from sla_service.domain.timers.timer import Timer, state_at
from sla_service.projections.projector import derived_ticket
from sla_service.projections.stored_tickets import StoredTimer
from sla_service.projections.writer import timer_writes

Agreed = Callable[..., Any]
NOW = datetime.fromisoformat("2026-06-30T00:00Z")
RESPONSE = {"metric": "first_response", "target": "2 business hours"}
RESOLUTION = {"metric": "resolution", "target": "8 business hours"}
EFFORT = {"metric": "effort_notice", "target": "60 worked minutes"}


def to(agreement: str = "other", **changes: Any) -> TicketMoved:
    facts: dict[str, Any] = {
        "reference": "TST-0000-0001",
        "from_customer": "c-1",
        "from_contract": "k-1",
        "customer": "c-2",
        "sealed_for": "c-2",
        "contract": "k-2",
        "agreement": agreement,
        "agreement_version": 1,
        "calendar": "digidesk",
        "calendar_version": 1,
        "type": "normal",
        "entitled": True,
        "entitled_by": "contract",
        "entitled_why": "The other contract is in force.",
    }
    return TicketMoved(**(facts | changes))


@pytest.fixture
def filed(agreed: Agreed) -> Callable[..., Any]:
    """A ticket under an agreement with two hours to answer, beside another one with four."""

    def opened(**created: Any) -> Any:
        slower = RESPONSE | {"target": "4 business hours"}
        agreed(slower, RESOLUTION | {"target": "16 business hours"}, EFFORT, agreement="other")
        return agreed(RESPONSE, RESOLUTION, EFFORT)("2026-06-08 10:00", **created)

    return opened


def told(timer: Timer) -> tuple[str | None, ...]:
    end = timer.ended_at or timer.cancelled_at
    return state_at(timer, NOW), *(None if each is None else f"{each:%d %H:%M}" for each in (timer.due_at, end))


def test_a_running_clock_has_the_other_target_from_its_start(filed: Any) -> None:
    ticket = filed().at("2026-06-08 11:00", to()).answer("2026-06-08 13:30")
    timer = ticket.timer("first_response")
    assert told(timer) == ("met", "08 12:00", "08 11:30")
    assert timer.terms == "other@1"
    assert [(each.why, f"{each.old_due_at:%H:%M}", f"{each.new_due_at:%H:%M}") for each in timer.changes] == [
        ("TicketMoved", "10:00", "12:00")
    ]


def test_what_was_met_or_missed_before_stays(filed: Any) -> None:
    met = filed().answer("2026-06-08 10:30").at("2026-06-08 11:00", to())
    assert told(met.timer("first_response")) == ("met", "08 10:00", "08 08:30")
    assert met.timer("first_response").terms == "test@1"
    missed = filed().at("2026-06-08 12:30", to()).answer("2026-06-08 13:00")
    assert told(missed.timer("first_response")) == ("missed", "08 10:00", "08 11:00")


def test_where_nothing_is_owed_the_clocks_end_with_the_move(filed: Any) -> None:
    ticket = filed().answer("2026-06-08 10:30")
    ticket.at("2026-06-08 11:00", to(entitled=False, entitled_by=None, entitled_why="no contract is in force"))
    assert told(ticket.timer("resolution"))[::2] == ("cancelled", "08 09:00")
    assert told(ticket.timer("first_response"))[0] == "met"
    measured = ticket.measured()
    assert (measured.entitled, measured.reason) == (False, "no contract is in force")
    ticket.work("2026-06-08 12:00", 90)
    assert ticket.timers("effort_notice") == []


def test_where_something_is_owed_now_the_clocks_count_from_the_receipt(filed: Any) -> None:
    ticket = filed(entitled=False, entitled_by=None).at("2026-06-08 11:00", to())
    assert told(ticket.timer("first_response"))[:2] == ("missed", "08 12:00")
    assert ticket.measured().entitled
    never = filed(entitled=False, entitled_by=None)
    assert never.measured().timers == ()


def test_severity_and_type_are_those_of_the_move(agreed: Agreed) -> None:
    agreed(RESPONSE | {"severity": "low"}, agreement="other")
    ticket = agreed(RESPONSE)("2026-06-08 10:00").severity("2026-06-08 10:05", "high")
    ticket.at("2026-06-08 11:00", to(severity="low"))
    assert ticket.timer("first_response").severity == "low"


def test_the_explanation_says_that_the_ticket_was_moved(filed: Any) -> None:
    ticket = filed().at("2026-06-08 11:00", to()).answer("2026-06-08 13:30")
    steps = explain(ticket.timer("first_response"), read_timeline(ticket.recorded), ticket.terms, NOW)
    assert steps[0].clause == "agreements/other@1#/service_levels/0"
    said = " ".join(sentences(steps, "de", ticket.zone))
    assert "Ticket zu einem anderen Kunden oder Vertrag verschoben; die Frist wechselt" in said


def test_the_row_of_a_ticket_names_its_present_customer_and_is_written_anew(filed: Any) -> None:
    ticket = filed()
    before = derived_ticket(ticket.recorded, ticket.terms)
    assert (before.customer, before.agreement, before.moved) == ("c-1", "test", False)
    ticket.at("2026-06-08 11:00", to())
    after = derived_ticket(ticket.recorded, ticket.terms)
    assert (after.customer, after.agreement, after.moved) == ("c-2", "other", True)


def test_rows_of_timers_that_stay_the_same_are_written_anew_with_the_new_customer(filed: Any) -> None:
    ticket = filed().answer("2026-06-08 10:30").at("2026-06-08 11:00", Resolved())
    before = derived_ticket(ticket.recorded, ticket.terms)
    first, _ = timer_writes([before], {})
    rows = {row["timer"]: row for row in first[0].rows}
    kept = {"t-1": {name: StoredTimer(row["document"], row["place"]) for name, row in rows.items()}}
    again, _ = timer_writes([before], kept)
    assert list(again[0].rows) == []
    ticket.at("2026-06-09 11:00", to())
    moved, changes = timer_writes([derived_ticket(ticket.recorded, ticket.terms)], kept)
    assert {row["customer"] for row in moved[0].rows} == {"c-2"}
    assert {row["timer"] for row in moved[0].rows} >= {"t-1:first_response", "t-1:resolution"}
    assert all(change.timer not in {"t-1:first_response", "t-1:resolution"} for change in changes)


def test_what_if_starts_from_where_the_ticket_is(filed: Any) -> None:
    ticket = filed().at("2026-06-08 11:00", to())
    timeline = read_timeline(ticket.recorded)
    assert Scenario().timers(timeline, ticket.terms) == derive_timers(timeline, ticket.terms)


def test_in_whatever_order_the_events_arrive_the_timers_are_the_same(filed: Any) -> None:
    ticket = filed().work("2026-06-08 10:30", 30).at("2026-06-08 11:00", to()).answer("2026-06-08 13:30")
    ticket.at("2026-06-08 14:00", to("test", customer="c-3")).at("2026-06-08 15:00", Resolved())
    expected = ticket.measured()
    order = random.Random(5)  # noqa: S311 - an order, nothing secret
    for _ in range(20):
        shuffled = ticket.recorded * 2
        order.shuffle(shuffled)
        assert derive_timers(read_timeline(shuffled), ticket.terms) == expected
