"""A customer sees the matter, not the vendor's house: every event type and every field of it, against one table."""

from __future__ import annotations

import inspect
import re
from typing import Any, get_args

import msgspec
import pytest

from fristwerk_language.events.tickets import TicketEvent
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.contract.visibility import CONTRACT_SHOWS
from ticket_service.domain.ticket import state, visibility
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.ticket.visibility import (
    CUSTOMER_SEES,
    CUSTOMER_SEES_NOT,
    PARTS_SHOW,
    TICKET_SHOWS,
    event_for_customer,
    line_for_customer,
)

STAFF_ONLY = {"agent", "note", "group", "asked_for", "priority"}
"""Fields that tell of the vendor's house wherever they stand."""
TICKET_HIDES = {
    "priority",
    "priority_rule",
    "group",
    "assignee",
    "department",
    "level",
    "last_activity_at",
    "links",
    "moves",
    "escalation_tasks",
}
PARTS_HIDE: dict[type[msgspec.Struct], set[str]] = {
    state.TimeEntry: {"agent"},
    state.Callback: {"completed_by"},
    state.Appointment: {"agent"},
    state.RemoteSession: {"agent"},
}
SHOWN_WHOLE = {state.Acknowledgement, state.CostApproval, state.Delivery, state.Escalation}
NO_PART_OF_WHAT_IS_SHOWN = {state.EscalationTask, state.KeptAppointment, state.TicketLink, state.TicketMove, Ticket}
TYPES = {each.__name__: each for each in get_args(TicketEvent)}


def personal_fields(kind: type[Any]) -> set[str]:
    """What the type says of its personal part: ``Personal: {"text", "agreement": {"contact"}}``."""
    said = re.search(r"Personal: ``\{(.*?)\}``", inspect.getdoc(kind) or "", re.DOTALL)
    return set(re.findall(r'"(\w+)"', re.sub(r"\{.*?\}", "", said[1]))) if said else set()


def opened(name: str, role: str = "agent") -> dict[str, Any]:
    """An event of the type with every field that it can have."""
    kind = TYPES[name]
    fields = dict.fromkeys(kind.__struct_fields__, "x") | {"visible": True}
    return {
        "type": name,
        "actor": {"id": "a-1", "role": role},
        "correlation_id": "r-1",
        "data": fields,
        "personal": dict.fromkeys({*personal_fields(kind), "added later"}, "x"),
    }


@pytest.mark.parametrize("name", TYPES)
def test_somebody_has_decided_on_every_event_and_every_field(name: str) -> None:
    kind = TYPES[name]
    assert (kind in CUSTOMER_SEES) != (kind in CUSTOMER_SEES_NOT), f"say in one table whether a customer sees {name}"
    if kind in CUSTOMER_SEES:
        rule = CUSTOMER_SEES[kind]
        assert not rule.data & rule.hidden_data
        assert rule.data | rule.hidden_data == set(kind.__struct_fields__)
        assert not rule.personal & rule.hidden_personal
        assert rule.personal | rule.hidden_personal == personal_fields(kind)
        assert rule.own_only or not (rule.data | rule.personal) & STAFF_ONLY


@pytest.mark.parametrize("role", ["agent", "specialist", "manager", "admin", "service", "customer"])
@pytest.mark.parametrize("name", TYPES)
def test_every_field_of_every_event_is_shown_to_a_customer_or_hidden_as_the_table_says(name: str, role: str) -> None:
    event = opened(name, role)
    seen, rule = event_for_customer(event), CUSTOMER_SEES.get(TYPES[name])
    line = line_for_customer(msgspec.json.encode(event))
    assert seen == (None if line is None else msgspec.json.decode(line)), "the same in histories and in answers"
    if rule is None or (rule.own_only and role != "customer"):
        assert seen is None
        return
    assert seen is not None
    assert set(seen["data"]) - ({"visible"} - rule.data) == rule.data
    assert set(seen["personal"] or ()) == rule.personal
    assert seen["actor"] == (event["actor"] if role == "customer" else visibility.VENDOR)
    assert seen["correlation_id"] == (event["correlation_id"] if role == "customer" else None)


@pytest.mark.parametrize("name", TYPES)
def test_a_sealed_part_stays_only_where_a_customer_may_see_anything_of_it(name: str) -> None:
    seen = event_for_customer(opened(name, "customer") | {"personal": "fw1.sealed"})
    rule = CUSTOMER_SEES.get(TYPES[name])
    if rule is not None:
        assert seen is not None
        assert seen["personal"] == ("fw1.sealed" if rule.personal else None)


def test_a_note_among_staff_is_hidden() -> None:
    note = opened("Responded")
    assert event_for_customer(note | {"data": {"channel": "email", "visible": False}}) is None


def test_an_event_that_nobody_decided_on_is_hidden() -> None:
    added = {"type": "AddedLater", "actor": {"id": "c-1", "role": "customer"}, "data": {"x": 1}, "personal": None}
    assert event_for_customer(added) is None


def test_somebody_has_decided_on_every_field_of_a_ticket_its_parts_and_its_contract() -> None:
    assert not TICKET_SHOWS & TICKET_HIDES
    assert set(Ticket.__struct_fields__) == TICKET_SHOWS | TICKET_HIDES
    assert CONTRACT_SHOWS | {"group"} == set(Contract.__struct_encode_fields__)
    assert PARTS_SHOW.keys() == PARTS_HIDE.keys()
    for kind, hidden in PARTS_HIDE.items():
        assert PARTS_SHOW[kind] | hidden == set(kind.__struct_fields__)
    parts = {each for each in vars(state).values() if isinstance(each, type) and issubclass(each, msgspec.Struct)}
    assert parts == PARTS_SHOW.keys() | SHOWN_WHOLE | NO_PART_OF_WHAT_IS_SHOWN, "a part that nobody decided on"
