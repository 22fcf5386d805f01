"""A member of staff as the events tell it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from fristwerk_language.events.agents import AgentRole


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """The agent is away from ``from`` on and back at ``until``; one that did not take place has no length."""

    number: int
    from_at: datetime = msgspec.field(name="from")
    until_at: datetime = msgspec.field(name="until")
    deputy: str | None = None

    def includes(self, instant: datetime) -> bool:
        """Whether the agent is away then."""
        return self.from_at <= instant < self.until_at

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Whether the agent is away at any instant of ``start`` … ``end`` (half-open)."""
        return max(self.from_at, start) < min(self.until_at, end)


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the directory; ``calendar`` is the agent's own, None where the ones of tickets count."""

    agent: str
    role: AgentRole
    groups: tuple[str, ...] = ()
    department: str | None = None
    site: str | None = None
    languages: tuple[str, ...] = ()
    calendar: str | None = None
    absences: tuple[Absence, ...] = ()

    def absence_at(self, instant: datetime) -> Absence | None:
        """The absence that includes an instant."""
        return next((each for each in self.absences if each.includes(instant)), None)


def stand_in(agent: str, known: Mapping[str, Agent], instant: datetime) -> str | None:
    """Who stands in for an agent then: the deputy, or the deputy's own where that one is away as well.

    None where the agent is there, and where nobody who was named is.
    """
    asked = set[str]()
    name: str | None = agent
    while name is not None and name not in asked:
        asked.add(name)
        entry = known.get(name)
        absence = None if entry is None else entry.absence_at(instant)
        if absence is None:
            return None if name == agent else name
        name = absence.deputy
    return None
