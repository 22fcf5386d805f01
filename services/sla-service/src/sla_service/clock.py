"""The clock of the SLA service, and the ids that are made of it: the only place where the time is read."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from fristwerk_language.events import new_event_id


def now() -> datetime:
    """The service's clock."""
    return datetime.now(UTC)


def new_id() -> str:
    """A time-ordered id (UUIDv7)."""
    return new_event_id(now(), os.urandom(10))
