"""Instants as whole seconds: between aware UTC datetimes at the edges and integers inside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)


def seconds_of(instant: datetime) -> int:
    """Whole seconds since 1970-01-01T00:00Z, fractions cut off; ``instant`` carries its zone."""
    return (instant - EPOCH) // _SECOND


def instant_of(seconds: int) -> datetime:
    """The UTC datetime of an integer instant."""
    return EPOCH + timedelta(seconds=seconds)
