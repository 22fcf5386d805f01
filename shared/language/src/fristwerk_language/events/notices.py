"""Notices of the SLA service (its own feed): what happened to a timer. Each exists once per timer and kind of change."""

from __future__ import annotations

from datetime import datetime

import msgspec


class TimerStarted(msgspec.Struct, frozen=True, kw_only=True):
    timer: str
    ticket: str
    metric: str
    started_at: datetime
    due_at: datetime | None = None


class TimerRescheduled(msgspec.Struct, frozen=True, kw_only=True):
    """``why`` is the type name of the fact that moved the deadline."""

    timer: str
    ticket: str
    metric: str
    old_due_at: datetime | None = None
    new_due_at: datetime | None = None
    why: str


class TimerWarned(msgspec.Struct, frozen=True, kw_only=True):
    """``rule`` is the agreement's warning: ``75%`` or a span before the deadline; ``soft``: its soft target passed."""

    timer: str
    ticket: str
    metric: str
    rule: str
    warn_at: datetime


class TimerMet(msgspec.Struct, frozen=True, kw_only=True):
    timer: str
    ticket: str
    metric: str
    met_at: datetime


class TimerMissed(msgspec.Struct, frozen=True, kw_only=True):
    """Missed at ``missed_at``, noticed at ``detected_at``, however late the worker was."""

    timer: str
    ticket: str
    metric: str
    due_at: datetime | None = None
    missed_at: datetime
    detected_at: datetime


class TimerMissWithdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """A fact entered later proved the timer met after all; the earlier notice stays visible."""

    timer: str
    ticket: str
    metric: str
    met_at: datetime | None = None


class TimerCancelled(msgspec.Struct, frozen=True, kw_only=True):
    timer: str
    ticket: str
    metric: str
    cancelled_at: datetime


NoticeEvent = (
    TimerStarted | TimerRescheduled | TimerWarned | TimerMet | TimerMissed | TimerMissWithdrawn | TimerCancelled
)
