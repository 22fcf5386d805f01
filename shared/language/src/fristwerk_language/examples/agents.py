"""Examples of members of staff: one who works mornings, was away in June and came back a day early."""

from __future__ import annotations

from typing import Any

from fristwerk_language.events import streams
from fristwerk_language.events.agents import AbsenceEnded, AbsenceEntered, AgentRegistered
from fristwerk_language.examples.subjects import ADMIN, Example, instant


def all_examples() -> tuple[Example, ...]:
    """The examples of this family."""

    def about(version: int, event: Any, at: Any) -> Example:
        stream = streams.agent_stream("liveagent", "eva")
        return Example(event=event, provider="liveagent", stream=stream, version=version, at=at, actor=ADMIN)

    registered = AgentRegistered(
        agent="eva",
        role="agent",
        groups=["dedicated"],
        department="support",
        site="berlin",
        languages=["de", "en"],
        calendar="mornings",
    )
    away = AbsenceEntered(agent="eva", absence=1, from_at=instant(6, 15, 7), until_at=instant(6, 20, 7), deputy="tom")
    back = AbsenceEnded(agent="eva", absence=1, at=instant(6, 19, 7))
    return (
        about(1, registered, instant(6, 1, 8)),
        about(2, away, instant(6, 12, 9)),
        about(3, back, instant(6, 18, 14)),
    )
