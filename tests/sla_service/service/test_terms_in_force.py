"""Terms are published ahead: a question is answered with those in force at the instant it is about, not with the newest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fristwerk_language.terms import read_yaml
from fristwerk_local.terminal_output import TERMS
from tests.sla_service.service.conftest import Desk

JUNE = {"from": "2026-06-01", "until": "2026-06-30"}
LATER = {"valid_from": "2099-01-01"}


def document(name: str) -> dict[str, Any]:
    read: dict[str, Any] = read_yaml(TERMS.joinpath(*f"{name}.yaml".split("/")).read_bytes())
    return read


async def simulation(desk: Desk, body: dict[str, Any]) -> dict[str, Any]:
    answer = await desk.post("/v1/simulations", JUNE | body, "manager", service="sla")
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["simulation"]
    return found


async def test_a_simulation_uses_for_each_ticket_what_was_in_force_at_its_receipt(day: Desk) -> None:
    """What is announced for later is tried by its version only."""
    agreement = document("agreements/infoniqa") | LATER
    agreement["service_levels"][1]["target"] = "8 business hours"
    await day.put("/v1/agreements/infoniqa", agreement)
    literal = document("calendars/infoniqa-literal") | {"calendar": "infoniqa"} | LATER
    await day.put("/v1/calendars/infoniqa", literal)
    await day.caught_up()
    by_name = await simulation(day, {"agreement": "infoniqa", "calendars": {"infoniqa": "infoniqa"}})
    assert (by_name["agreement"], by_name["calendars"]) == ("infoniqa", {"infoniqa": "infoniqa"})
    assert (by_name["differ"], by_name["tickets"]) == (0, 5)
    assert (await simulation(day, {"agreement": "infoniqa@2"}))["differ"] > 0
    assert (await simulation(day, {"calendar": "infoniqa@2"}))["differ"] == 1


async def test_a_deadline_counts_on_the_calendar_in_force_at_its_start(day: Desk) -> None:
    calendar = {"calendar": "infoniqa", "timezone": "Europe/Zurich", "years": "2090-2100", "valid_from": "2099-01-01"}
    await day.put("/v1/calendars/infoniqa", calendar | {"hours": {"mon-sun": ["10:00-12:00"]}})
    await day.caught_up()
    asked = {"calendar": "infoniqa", "target": "1 business hours"}
    now = await day.post("/v1/deadlines", asked | {"start": "2026-06-02T08:00:00Z"}, service="sla")
    assert (now.json()["calendar"], now.json()["due_at"]) == ("infoniqa@1", "2026-06-02T09:00:00Z")
    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    soon = await day.post("/v1/deadlines", asked | {"start": tomorrow.isoformat()}, service="sla")
    assert soon.json()["calendar"] == "infoniqa@1", "it was published, and comes into force later"
    later = await day.post("/v1/deadlines", asked | {"start": "2099-06-02T06:00:00Z"}, service="sla")
    assert (later.json()["calendar"], later.json()["due_at"]) == ("infoniqa@2", "2099-06-02T09:00:00Z")
    named = await day.post(
        "/v1/deadlines", asked | {"calendar": "infoniqa@2", "start": "2026-06-02T08:00:00Z"}, service="sla"
    )
    assert named.status_code == 422
