"""Counters of the process as a whole, such as log lines that could not be written; each service's `/metrics` shows them.

They are kept here and not with a service's own figures because what counts them, the log output and the server, belongs to the
process and exists before any service does.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

LOG_LINES_DROPPED: Final = Counter(
    "fristwerk_log_lines_dropped", "Log lines that could not be written or waited too long", registry=None
)
PROCESS_COUNTERS: Final = (LOG_LINES_DROPPED,)
