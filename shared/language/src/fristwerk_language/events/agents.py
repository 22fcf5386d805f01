"""Facts about the vendor's people (streams ``agent-…``): what they do, when they work, and when they are away.

Nothing here tells more of a person than the id that every other event names.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

AgentRole = Literal["agent", "specialist", "manager"]


class AgentRegistered(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff stands in the directory; once more, this is the newer entry.

    ``calendar`` is the published calendar by which the agent works; null: appointments go by the calendars of tickets.
    ``languages`` as ``de`` or ``de-CH``.
    """

    agent: str
    role: AgentRole
    groups: list[str] = []
    department: str | None = None
    site: str | None = None
    languages: list[str] = []
    calendar: str | None = None


class AbsenceEntered(msgspec.Struct, frozen=True, kw_only=True):
    """The agent is away from ``from`` on and back at ``until``; meanwhile ``deputy`` stands in, null: nobody.

    Absences count from 1 within their agent.
    """

    agent: str
    absence: int
    from_at: datetime = msgspec.field(name="from")
    until_at: datetime = msgspec.field(name="until")
    deputy: str | None = None


class AbsenceEnded(msgspec.Struct, frozen=True, kw_only=True):
    """The agent is back at ``at``, earlier than was entered; at the beginning of the absence: it did not take place."""

    agent: str
    absence: int
    at: datetime


AgentEvent = AgentRegistered | AbsenceEntered | AbsenceEnded
