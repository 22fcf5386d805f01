"""A warning that somebody outside can cause as often as they like, and that is logged once a minute
with how often it was.
"""

from __future__ import annotations

import time
from typing import Final

import structlog

PAUSE_SECONDS: Final = 60.0
_log = structlog.get_logger()


class RareWarning:
    """The first occurrence is logged at once; the next line is a minute later at the earliest and
    counts those between.
    """

    def __init__(self, event: str) -> None:
        self._event = event
        self._times = 0
        self._logged_at: float | None = None

    def note(self, **details: object) -> None:
        """Count one occurrence; the line carries the details of the one that causes it."""
        self._times += 1
        now = time.monotonic()
        if self._logged_at is None or now - self._logged_at >= PAUSE_SECONDS:
            _log.warning(self._event, times=self._times, **details)
            self._times, self._logged_at = 0, now
