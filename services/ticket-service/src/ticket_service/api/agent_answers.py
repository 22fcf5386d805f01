"""What the operations on agents answer, as types that describe it for OpenAPI; no answer passes through them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from fristwerk_language.events.agents import AgentRole
from ticket_service.api.answers import CommandAnswer
from ticket_service.domain.agent.state import Absence, Agent


class AgentRead(msgspec.Struct):
    """An entry of the directory, with until when the agent is away now, and who stands in."""

    agent: str
    version: int
    role: AgentRole
    groups: list[str]
    department: str | None
    site: str | None
    languages: list[str]
    calendar: str | None
    absences: list[Absence]
    absent_until: datetime | None
    stand_in: str | None


class AgentAnswer(msgspec.Struct):
    """One agent."""

    agent: AgentRead


class AgentPage(msgspec.Struct):
    """Agents, by their ids."""

    items: list[AgentRead]


class AgentChanged(CommandAnswer):
    """The agent after the command."""

    agent: Agent


class FreeTime(msgspec.Struct):
    """An appointment may begin and end anywhere within."""

    start: datetime
    end: datetime


class FreeTimesAnswer(msgspec.Struct):
    """Free times in order, up to ``until``."""

    items: list[FreeTime]
    until: datetime
