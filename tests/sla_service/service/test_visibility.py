"""A customer sees what was promised and what became of it, not how the vendor watches over it."""

from __future__ import annotations

from typing import Any

from sla_service.application.visibility import HIDDEN_STEPS, TIMER_SHOWS
from tests.sla_service.service.conftest import Desk

HIDDEN = {"warnings", "detected_at"}


def as_muster(desk: Desk) -> dict[str, Any]:
    return {"role": "customer", "as_customer": desk.id("muster", "customer")}


async def warned(desk: Desk) -> str:
    """A new ticket, of whose deadline staff will be warned."""
    body = {"customer": desk.id("muster", "customer"), "channel": "email", "subject": "Neu", "severity": "niedrig"}
    ticket = str((await desk.done("/v1/tickets", body))["ticket"]["id"])
    await desk.caught_up()
    return ticket


async def test_every_field_of_a_timer_is_shown_to_a_customer_or_hidden_as_the_table_says(day: Desk) -> None:
    path = f"/v1/tickets/{await warned(day)}/timers"
    later = "2100-01-01T00:00:00Z"
    for query in ({"at": later}, {"known_at": later}):
        (seen,) = (await day.read(path, **as_muster(day), **query))["items"]
        (known,) = (await day.read(path, role="auditor", **query))["items"]
        assert set(known) | {"level"} == TIMER_SHOWS | HIDDEN, "say in the table whether a customer sees it"
        assert known["warnings"], "there is something to hide"
        assert seen == {name: value for name, value in known.items() if name in TIMER_SHOWS}
    (now,) = (await day.read(path, **as_muster(day)))["items"]
    assert set(now) | {"level"} == TIMER_SHOWS, "only a timer of a level names one"


async def test_an_explanation_leaves_out_when_the_vendor_is_warned(day: Desk) -> None:
    path = f"/v1/timers/{await warned(day)}:first_response/explanation"
    seen, known = await day.read(path, **as_muster(day)), await day.read(path, role="agent")
    assert "warning" in {step["rule"] for step in known["steps"]}
    expected = [step for step in known["steps"] if step["rule"] not in HIDDEN_STEPS]
    assert seen["steps"][:-1] == expected[:-1], "all but that it runs, which is dated now"
    assert "Warning" in known["text"]
    assert "Warning" not in seen["text"]
    assert set(seen["timer"]) | {"level"} == TIMER_SHOWS
