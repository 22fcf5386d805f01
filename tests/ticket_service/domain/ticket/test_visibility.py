"""A customer sees the matter, not the vendor's house: every event type and every field of it, against one table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from fristwerk_language.events import TYPE_NAMES
from fristwerk_language.events.tickets import TicketEvent
from ticket_service.domain.ticket.visibility import CUSTOMER_SEES, for_customer

PAGE = (Path(__file__).parents[4] / "docs" / "reference" / "visibility.md").read_text("utf-8")
HIDDEN = {
    "PriorityDerived",
    "PriorityChanged",
    "Assigned",
    "Transferred",
    "CallTransferAttempted",
    "EscalationRaised",
    "EscalationClosed",
}
STAFF_ONLY = {"agent", "note", "group", "asked_for"}
"""Fields that tell of the vendor's house wherever they stand."""
TYPES = {each.__name__: each for each in get_args(TicketEvent)}


def opened(name: str) -> dict[str, Any]:
    kind = TYPES[name]
    shown = CUSTOMER_SEES.get(kind)
    fields = dict.fromkeys(kind.__struct_fields__, "x") | {"visible": True}
    known = set() if shown is None else shown.personal
    return {"type": name, "data": fields, "personal": dict.fromkeys({*known, "note", "reason of the house"}, "x")}


@pytest.mark.parametrize("name", TYPES)
def test_every_field_of_every_event_is_shown_to_a_customer_or_hidden_as_the_table_says(name: str) -> None:
    seen = for_customer(opened(name))
    if name in HIDDEN:
        assert seen is None
        return
    assert seen is not None, f"{name} is in no table: say whether a customer sees it"
    shown = CUSTOMER_SEES[TYPES[name]]
    assert shown.data <= set(TYPES[name].__struct_fields__), "the table names fields that there are"
    assert set(seen["data"]) == shown.data
    assert set(seen["personal"] or ()) == shown.personal
    assert not (set(seen["data"]) | set(seen["personal"] or ())) & STAFF_ONLY


def test_a_note_among_staff_is_hidden() -> None:
    note = opened("Responded")
    assert for_customer(note | {"data": {"channel": "email", "visible": False}}) is None


def test_an_event_that_nobody_decided_on_is_hidden() -> None:
    assert for_customer({"type": "AddedLater", "data": {"x": 1}, "personal": None}) is None


def test_the_page_says_what_the_table_says() -> None:
    rows = {
        name: [set(re.findall(r"`(\w+)`", cell)) for cell in cells.split("|")]
        for name, cells in re.findall(r"^\| `(\w+)` \| (.*?) \|$", PAGE, re.MULTILINE)
    }
    table = {TYPE_NAMES[kind]: [set(shown.data), set(shown.personal)] for kind, shown in CUSTOMER_SEES.items()}
    assert rows == table
