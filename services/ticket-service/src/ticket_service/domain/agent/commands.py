"""The commands about a member of staff: one frozen struct each, named in the imperative."""

from __future__ import annotations

from datetime import datetime

import msgspec

from fristwerk_language.events.agents import AgentRole


class RegisterAgent(msgspec.Struct, frozen=True, kw_only=True):
    """The whole entry of an agent: what is left out is no longer so."""

    agent: str
    role: AgentRole
    groups: list[str] = []
    department: str | None = None
    site: str | None = None
    languages: list[str] = []
    calendar: str | None = None


class EnterAbsence(msgspec.Struct, frozen=True, kw_only=True):
    """The agent is away from an instant on until another."""

    from_at: datetime
    until_at: datetime
    deputy: str | None = None


class EndAbsence(msgspec.Struct, frozen=True, kw_only=True):
    """The agent is back earlier; None: now."""

    absence: int
    at: datetime | None = None
