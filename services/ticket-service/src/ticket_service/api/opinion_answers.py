"""What the operations on surveys and suggestions answer, as types that describe it for OpenAPI; no answer passes through
them.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from ticket_service.application.opinions import ScoreRow


class SurveyRead(msgspec.Struct):
    """A survey with its words; null once the person was forgotten."""

    number: int
    channel: str
    planned_for: date | None
    agent: str | None
    held_at: datetime | None
    called_off_at: datetime | None
    score: int | None
    agreement: str | None
    open: bool
    text: str | None
    contact: str | None
    reason: str | None
    customer: str | msgspec.UnsetType = msgspec.UNSET


class SuggestionRead(msgspec.Struct):
    """A suggestion with its words; null once the person was forgotten."""

    number: int
    made_at: datetime
    ticket: str | None
    outcome: Literal["taken_up", "declined"] | None
    decided_at: datetime | None
    open: bool
    text: str | None
    contact: str | None
    reason: str | None
    customer: str | msgspec.UnsetType = msgspec.UNSET


class Surveys(msgspec.Struct):
    """Surveys, by customer and number."""

    items: list[SurveyRead]


class Suggestions(msgspec.Struct):
    """Suggestions, by customer and number."""

    items: list[SuggestionRead]


class ScoreReport(msgspec.Struct):
    """A row for each group."""

    items: list[ScoreRow]
