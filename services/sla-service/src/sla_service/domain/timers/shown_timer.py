"""A timer as the contract shows it: what it holds, and what it says at an instant."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from sla_service.domain.timers.published_terms import PublishedTerms, versioned
from sla_service.domain.timers.timer import Timer, missed_at, remaining_seconds, state_at


def shown(timer: Timer, terms: PublishedTerms, now: datetime, detected_at: datetime | None) -> dict[str, Any]:
    """A timer as the contract shows it, as of ``now``; ``detected_at`` is when its miss was
    noticed.
    """
    calendar = terms.calendar(*versioned(timer.calendar))
    body: dict[str, Any] = msgspec.to_builtins(timer)
    body["state"] = state_at(timer, now)
    body["missed_at"] = missed_at(timer, now)
    body["remaining_seconds"] = remaining_seconds(timer, calendar, now)
    body["detected_at"] = detected_at if body["state"] == "missed" else None
    return body
