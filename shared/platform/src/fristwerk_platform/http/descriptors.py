"""File descriptors: how many connections may have, and a warning before they run out."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Final

from fristwerk_platform.process_counters import DESCRIPTORS_SHORT
from fristwerk_platform.rare_warning import RareWarning

KEPT: Final = 100
"""Descriptors that connections leave to databases, logs and calls to other services."""
SHORT_OF: Final = 0.95
_OPEN: Final = Path("/proc/self/fd")


class Descriptors:
    """Those of the process."""

    def __init__(self) -> None:
        self._short = RareWarning("descriptors_running_out")

    def spare(self) -> int:
        """How many connections may have."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return 10**9 if soft == resource.RLIM_INFINITY else max(16, soft - KEPT)

    def check(self) -> None:
        """Warn, and count, where nearly all are in use."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY or not _OPEN.is_dir():
            return
        used = len(os.listdir(_OPEN))  # noqa: PTH208 - names are enough, a thousand paths are not needed
        if used >= soft * SHORT_OF:
            DESCRIPTORS_SHORT.inc()
            self._short.note(used=used, limit=soft)
