"""Examples of the SLA service's notices: what became of the first response to the payroll ticket."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fristwerk_language.events import notices as facts
from fristwerk_language.events import streams
from fristwerk_language.examples.subjects import PAYROLL, SLA_SERVICE, TIMER, Example, instant

_DUE = instant(6, 5, 7, 30)


def all_examples() -> tuple[Example, ...]:
    """The examples of this family."""
    timer = {"timer": TIMER, "ticket": PAYROLL, "metric": "first_response"}
    received, set_at, answered, detected = (
        instant(6, 3, 14, 30),
        instant(6, 3, 14, 40),
        instant(6, 5, 7),
        instant(6, 5, 7, 31),
    )
    return (
        _notice(1, facts.TimerStarted(**timer, started_at=received, due_at=instant(6, 5, 7, 30)), received),
        _notice(
            2,
            facts.TimerRescheduled(**timer, old_due_at=instant(6, 9, 6), new_due_at=_DUE, why="SeveritySet"),
            set_at,
        ),
        _notice(3, facts.TimerWarned(**timer, rule="75%", warn_at=instant(6, 5, 7)), answered),
        _notice(4, facts.TimerMissed(**timer, due_at=_DUE, missed_at=_DUE, detected_at=detected), _DUE, detected),
        _notice(5, facts.TimerMissWithdrawn(**timer, met_at=answered), answered, instant(6, 5, 8, 10)),
        _notice(6, facts.TimerMet(**timer, met_at=answered), answered, instant(6, 5, 8, 10)),
        _notice(
            1,
            facts.TimerCancelled(
                timer=f"{PAYROLL}:follow_up:1", ticket=PAYROLL, metric="follow_up", cancelled_at=instant(6, 5, 8, 40)
            ),
            instant(6, 5, 8, 40),
        ),
    )


def _notice(version: int, event: Any, at: datetime, entered_at: datetime | None = None) -> Example:
    return Example(
        event=event,
        provider="infoniqa",
        stream=streams.TIMER.stream(event.timer),
        version=version,
        at=at,
        entered_at=entered_at,
        actor=SLA_SERVICE,
    )
