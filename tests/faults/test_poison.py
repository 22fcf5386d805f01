"""An event that nobody can read stops its own ticket at most: the others go on, and health says what is set aside."""

from __future__ import annotations

from typing import Any

from fristwerk_language.events import read_line
from fristwerk_local.client import Client, staff
from fristwerk_platform.event_log import NewEvent, open_log
from fristwerk_platform.settings import Settings


async def poison(settings: Settings, ticket: str) -> None:
    """Append to the ticket's stream an event of a known type that has lost its content."""
    log = open_log(settings, "tickets-log")
    lines = await log.read_stream(f"ticket-{ticket}")
    last, envelope = lines[-1].line, read_line(lines[-1].line)
    version = envelope.version
    first_part, _, _ = last.partition(b'"data":')
    line = (
        first_part.replace(b'"version":%d' % version, b'"version":%d' % (version + 1)) + b'"data":17,"personal":null}'
    )
    await log.append([NewEvent(stream=f"ticket-{ticket}", version=version + 1, type=envelope.type, line=line)])
    await log.close()


async def test_a_poison_event_stops_one_ticket_and_not_the_service(stack: Any, open_office: Any, promise: Any) -> None:
    office = open_office(Client(stack.clients, stack.issue), 1)
    await office.open()
    await office.ticket()
    poisoned = office.tickets[0]

    await poison(stack.settings, poisoned)
    await office.ticket()

    assert await office.client.caught_up(20)
    others = await office.client.get("sla", f"/v1/tickets/{office.tickets[1]}/timers", staff("agent", "office"))
    assert {timer["metric"] for timer in others["items"]} >= {"first_response", "resolution"}
    health = (await stack.clients["sla"].get("/health/ready")).json()
    assert health["status"] == "degraded"
    assert any("1 of the tickets" in (each["detail"] or "") for each in health["dependencies"].values())
    promise.figures = "1 ticket set aside, the others go on, health says degraded"
