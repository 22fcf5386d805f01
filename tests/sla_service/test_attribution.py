"""Where the time of a timer went: with whom, and in which state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fristwerk_language.events.tickets import Assigned, InformationReceived, InformationRequested
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.reports.attribution import attribution
from sla_service.domain.timers.timeline_reader import read_timeline

HOUR = 3600


def test_a_misss_time_is_shared_by_agent_and_state_on_the_timers_clock(
    agreed: Callable[..., Any], calendars: Callable[[str], Calendar]
) -> None:
    ticket = agreed({"metric": "resolution", "target": "8 business hours"})("2026-06-05 15:00")
    ticket.at("2026-06-05 16:00", Assigned(agent="agent-1")).at("2026-06-08 10:00", InformationRequested())
    ticket.at("2026-06-08 12:00", InformationReceived()).at("2026-06-08 15:00", Assigned(agent="agent-2"))
    timer = ticket.timer("resolution")
    shares = attribution(timer, read_timeline(ticket.recorded), calendars("digidesk"), timer.due_at)
    assert [(each.agent, each.state, each.seconds, each.counted) for each in shares] == [
        ("agent-1", "open", 5 * HOUR, True),
        ("agent-1", "waiting_customer", 2 * HOUR, False),
        ("agent-2", "open", 2 * HOUR, True),
        (None, "new", 1 * HOUR, True),
    ]
    assert sum(each.seconds for each in shares if each.counted) == timer.target_seconds
