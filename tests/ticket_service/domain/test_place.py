"""Why a ticket stands where it stands: the first key that differs, in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from tests.ticket_service.domain.conftest import Agreements, GivenTicket
from ticket_service.domain.place import FIRST, Ranked, why_there
from ticket_service.domain.worklist import placed, sort_key

MORNING = datetime(2026, 6, 19, 7, 0, tzinfo=UTC)
OwnRanked = Callable[..., Ranked]


@pytest.fixture(scope="session")
def ranked(given: GivenTicket, terms: Agreements) -> OwnRanked:
    """A ticket as it is ranked, with the reference named first."""

    def build(agreement: Any, reference: str, group: str | None = None, **changes: Any) -> Ranked:
        document = terms(agreement) if isinstance(agreement, str) else agreement
        ticket = given(document, created={"reference": reference, "received_at": MORNING}).ticket
        changed = msgspec.structs.replace(ticket, **changes)
        return Ranked(ticket=placed(changed, 1), group=group or changed.group, agreement=document)

    return build


@pytest.mark.parametrize(
    ("before", "own", "sentence"),
    [
        (
            {"group": "contract", "severity": "niedrig"},
            {"group": "no_contract", "severity": "kritisch"},
            "group: contract comes before no_contract",
        ),
        ({"priority": 1}, {"priority": 3}, "priority: 1 comes before 3"),
        ({"severity": "kritisch"}, {"severity": None}, "severity: kritisch comes before none yet"),
        (
            {},
            {"received_at": MORNING + timedelta(hours=1)},
            "received_at: 2026-06-19T07:00:00Z comes before 2026-06-19T08:00:00Z",
        ),
    ],
)
def test_the_key_that_differs_is_named(ranked: OwnRanked, before: Any, own: Any, sentence: str) -> None:
    shared = {"group": "contract", "severity": "hoch"}
    front, behind = ranked("fluxpunkt", "A", **(shared | before)), ranked("fluxpunkt", "B", **(shared | own))
    assert why_there(behind, front) == f"A stands before it by {sentence}."


def test_the_first_has_nothing_before_it_and_the_reference_decides_last(ranked: OwnRanked) -> None:
    one, other = ranked("fluxpunkt", "A"), ranked("fluxpunkt", "B")
    assert why_there(one, None) == FIRST
    assert why_there(other, one) == "A stands before it by its reference alone: both are equal in all else."


def test_a_rank_is_named_by_its_line(ranked: OwnRanked) -> None:
    urgent, normal = ranked("digidesk", "A", type="quick_high"), ranked("digidesk", "B", type="normal")
    assert why_there(normal, urgent) == "A stands before it by rank: line 1 comes before line 4."


def test_orders_of_two_agreements_are_told_apart(ranked: OwnRanked, terms: Agreements) -> None:
    other = terms("hamburg", worklist={"order": ["received_at"]})
    why = why_there(ranked(other, "B"), ranked("fluxpunkt", "A", group="contract"))
    assert why == (
        "A stands before it by the orders of two agreements: group contract comes before received_at 2026-06-19T07:00:00Z."
    )


TICKETS_OWN = ("priority", "severity", "received_at")
REFERENCE = "its reference alone"
TRAITS = st.fixed_dictionaries(
    {
        "group": st.sampled_from(["contract", "no_contract"]),
        "priority": st.integers(1, 3),
        "severity": st.sampled_from(["kritisch", "hoch", None]),
        "received_at": st.integers(0, 2).map(lambda minutes: MORNING + timedelta(minutes=minutes)),
    }
)


@any_of(TRAITS, TRAITS)
def test_what_is_named_is_what_the_order_rests_on(ranked: OwnRanked, one: Any, other: Any) -> None:
    tickets = [ranked("fluxpunkt", "A", **one), ranked("fluxpunkt", "B", **other)]
    front, behind = sorted(tickets, key=lambda each: sort_key(each.ticket, each.group, each.agreement))
    named = why_there(behind, front).split(" stands before it by ")[1].split(":")[0]
    values = [
        {"group": each.group} | {name: getattr(each.ticket, name) for name in TICKETS_OWN} for each in (front, behind)
    ]
    equal = {name for name in values[0] if values[0][name] == values[1][name]}
    order = front.agreement.worklist.order
    assert named == next((name for name in order if name not in equal), REFERENCE)
