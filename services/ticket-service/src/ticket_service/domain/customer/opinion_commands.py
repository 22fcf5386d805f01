"""The commands about what customers say of the service: surveys and suggestions."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec


class PlanSurvey(msgspec.Struct, frozen=True, kw_only=True):
    """The customer is to be asked by a channel for surveys, on a day, by somebody."""

    channel: str
    planned_for: date | None = None
    agent: str | None = None


class HoldSurvey(msgspec.Struct, frozen=True, kw_only=True):
    """The customer was asked; ``channel`` and ``agent`` where they are others than planned, ``contact`` is who answered."""

    number: int
    agent: str
    channel: str | None = None
    score: int | None = None
    text: str | None = None
    contact: str | None = None


class CallOffSurvey(msgspec.Struct, frozen=True, kw_only=True):
    """The customer is not asked."""

    number: int
    reason: str


class MakeSuggestion(msgspec.Struct, frozen=True, kw_only=True):
    """What the customer would like to be otherwise; ``ticket`` is the id of the one where it said so."""

    text: str
    ticket: str | None = None


class DecideSuggestion(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it is taken up; declining has a reason."""

    number: int
    outcome: Literal["taken_up", "declined"]
    reason: str | None = None
