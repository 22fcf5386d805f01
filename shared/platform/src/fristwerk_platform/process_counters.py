"""Counters of the process as a whole, such as log lines that could not be written; each service's
`/metrics` shows them.

They are kept here and not with a service's own figures because what counts them, the log output and
the server, belongs to the process and exists before any service does.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

LOG_LINES_DROPPED: Final = Counter(
    "fristwerk_log_lines_dropped", "Log lines that could not be written or waited too long", registry=None
)
CONNECTIONS_CLOSED: Final = Counter(
    "fristwerk_connections_closed",
    "Connections that were closed because they passed a limit",
    ["reason"],
    registry=None,
)
DESCRIPTORS_SHORT: Final = Counter(
    "fristwerk_descriptors_short", "Checks that found nearly all file descriptors in use", registry=None
)
TASKS_RESTARTED: Final = Counter(
    "fristwerk_background_tasks_restarted",
    "Background tasks that ended and were started again",
    ["task"],
    registry=None,
)
PROCESS_COUNTERS: Final = (LOG_LINES_DROPPED, CONNECTIONS_CLOSED, DESCRIPTORS_SHORT, TASKS_RESTARTED)
