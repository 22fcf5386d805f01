"""In which order tickets are taken up, and which can be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from fristwerk_language.events.tickets import Assigned
from tests.ticket_service.domain.conftest import Agreements, GivenTicket
from ticket_service.domain.ticket.state import TicketState
from ticket_service.domain.worklist import is_free, is_workable, sort_key

MORNING = datetime(2026, 6, 19, 7, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def ordered(given: GivenTicket, terms: Agreements) -> Any:
    """The names of tickets in the order of an agreement; each name comes with what its ticket is."""

    def sort(agreement: Any, groups: Any = None, **tickets: Any) -> Any:
        document = terms(agreement) if isinstance(agreement, str) else agreement
        base = given(document, created={"reference": "X", "received_at": MORNING}).ticket
        built = {name: msgspec.structs.replace(base, **changes) for name, changes in tickets.items()}
        return sorted(
            built, key=lambda name: sort_key(built[name], (groups or {}).get(name, built[name].group), document)
        )

    return sort


def test_a_contract_comes_before_none_however_critical(ordered: Callable[..., list[str]]) -> None:
    tickets = {
        "frage": {"group": "no_contract", "severity": "kritisch"},
        "absturz": {"group": "contract", "severity": "niedrig", "received_at": MORNING + timedelta(hours=7)},
    }
    assert ordered("fluxpunkt", **tickets) == ["absturz", "frage"]


def test_the_place_follows_the_present_contract(ordered: Callable[..., list[str]]) -> None:
    tickets = {"old": {"group": "contract"}, "signed_since": {"group": "no_contract", "severity": "kritisch"}}
    assert ordered("fluxpunkt", {"signed_since": "contract"}, **tickets) == ["signed_since", "old"]


def test_within_a_group_priority_then_severity_then_receipt_decide(ordered: Callable[..., list[str]]) -> None:
    tickets = {
        "later": {"group": "contract", "severity": "hoch", "received_at": MORNING + timedelta(minutes=1)},
        "unclassified": {"group": "contract", "severity": None},
        "milder": {"group": "contract", "severity": "mittel"},
        "earlier": {"group": "contract", "severity": "hoch"},
        "boosted": {"group": "contract", "severity": "niedrig", "priority": 1},
    }
    assert ordered("fluxpunkt", **tickets) == ["boosted", "earlier", "later", "milder", "unclassified"]


def test_unclassified_comes_first_where_the_strictest_target_holds_until_then(
    ordered: Callable[..., list[str]],
) -> None:
    tickets = {"critical": {"severity": "kritisch"}, "unclassified": {"severity": None}}
    assert ordered("infoniqa", **tickets) == ["unclassified", "critical"]


def test_the_first_rank_that_fits_counts(ordered: Callable[..., list[str]]) -> None:
    tickets = {
        "normal": {"type": "normal"},
        "quick_normal": {"type": "quick_normal"},
        "urgent": {"type": "normal", "severity": "urgent_fault"},
        "quick_high": {"type": "quick_high"},
        "urgent_quick_high": {"type": "quick_high", "severity": "urgent_fault", "priority": 2},
    }
    assert ordered("digidesk", **tickets) == ["urgent_quick_high", "quick_high", "urgent", "quick_normal", "normal"]


def test_types_may_be_a_key_and_one_not_listed_comes_last(ordered: Callable[..., list[str]], terms: Agreements) -> None:
    agreement = terms("hamburg", worklist={"order": ["type", "received_at"]})
    tickets = {"normal": {"type": "normal"}, "consulting": {"type": "consulting"}, "fault": {"type": "malfunction"}}
    assert ordered(agreement, **tickets) == ["fault", "consulting", "normal"]


def test_a_rank_may_name_group_and_channel(ordered: Callable[..., list[str]], terms: Agreements) -> None:
    rank = [{"group": "contract", "channel": "phone"}, {"channel": "phone"}]
    agreement = terms("fluxpunkt", worklist={"order": ["rank"], "rank": rank})
    tickets = {
        "mail": {"group": "contract", "channel": "email"},
        "caller": {"group": "no_contract", "channel": "phone"},
        "contract_caller": {"group": "contract", "channel": "phone"},
    }
    assert ordered(agreement, **tickets) == ["contract_caller", "caller", "mail"]


@any_of(
    st.lists(
        st.tuples(
            st.sampled_from(["contract", "no_contract"]),
            st.integers(1, 5),
            st.sampled_from(["kritisch", "hoch", "niedrig", None]),
            st.integers(0, 600),
        ),
        min_size=2,
        max_size=8,
    )
)
def test_never_a_lower_group_before_a_higher_one(ordered: Callable[..., list[str]], traits: Any) -> None:
    tickets = {
        f"t{number}": {
            "group": group,
            "priority": priority,
            "severity": severity,
            "received_at": MORNING + timedelta(minutes=minutes),
            "reference": f"R-{number}",
        }
        for number, (group, priority, severity, minutes) in enumerate(traits)
    }
    order = [tickets[name]["group"] for name in ordered("fluxpunkt", **tickets)]
    assert order == sorted(order)


def test_places_under_different_agreements_compare(given: GivenTicket, terms: Agreements) -> None:
    one, other = terms("fluxpunkt"), terms("hamburg", worklist={"order": ["received_at"]})
    sorted([sort_key(given(each).ticket, None, each) for each in (one, other, terms("digidesk"))])


def test_the_vendors_turn_is_workable_and_nothing_else(given: GivenTicket) -> None:
    ticket = given("digidesk").ticket
    workable = {state for state in get_args(TicketState) if is_workable(msgspec.structs.replace(ticket, state=state))}
    assert workable == {"new", "open", "in_progress", "accepted"}


@pytest.mark.parametrize(
    ("events", "free"), [((), True), ((Assigned(agent="queue"),), True), ((Assigned(agent="a"),), False)]
)
def test_a_ticket_of_nobody_or_in_the_queue_is_free(given: GivenTicket, events: Any, free: bool) -> None:
    assert is_free(given("digidesk", *events).ticket) == free


def test_a_waiting_ticket_is_not_free(given: GivenTicket) -> None:
    waiting = msgspec.structs.replace(given("digidesk").ticket, state="waiting_customer")
    assert not is_free(waiting)
