"""One line in the log for each request: what was asked, by whom, how it ended and how long it took.

No path, no query, no body.

A share of the requests is enough where there are many. Which ones follows from the correlation id,
so a request that one service logs is logged by every service that it reaches. What failed or took
long is logged in any case.
"""

from __future__ import annotations

from typing import Any, Final, Protocol
from zlib import crc32

import structlog
from starlette.types import Scope

from fristwerk_platform.http.tracing import Tracing
from fristwerk_platform.settings import Settings

SLOW_SECONDS: Final = 1.0
"""A request that takes longer is logged in any case, unless it waits for events."""
LOGGING_REQUESTS: Final = frozenset({"debug", "info"})
"""The levels of the log that have a line for each request."""
FAILED: Final = 500
"""The first status that says that the service failed, not who asked."""
WAITING: Final = frozenset({"read_events", "stream_events"})
"""Operations that are open for as long as nothing happens."""
QUIET: Final = frozenset({"/health/live", "/health/ready", "/metrics"})
"""What is asked every few seconds by those who watch; only its failures are worth a line."""
_HASHES: Final = 1 << 32
_log = structlog.get_logger()


class RequestObserver(Protocol):
    """Who is told of each request once it is answered."""

    def note(self, scope: Scope, correlation_id: str, status: int | None, seconds: float) -> None:
        """``status`` None: nobody was left to answer."""
        ...


def request_observers(settings: Settings, service: str) -> list[RequestObserver]:
    """The log where its level has requests, and traces where the settings name a collector.

    Raises SettingsError where their extra is not installed.
    """
    observers: list[RequestObserver] = []
    if settings.log_level in LOGGING_REQUESTS:
        observers.append(RequestLog(settings.log_requests))
    if settings.otlp_endpoint is not None:
        observers.append(Tracing(settings.otlp_endpoint, service))
    return observers


class RequestLog:
    """Writes the lines.

    ``share`` of the requests, from 0 to 1, are logged although nothing is remarkable about them.
    """

    def __init__(self, share: float = 1.0) -> None:
        self._below = round(share * _HASHES)

    def note(self, scope: Scope, correlation_id: str, status: int | None, seconds: float) -> None:
        """Log an answered request if it is remarkable or one of the share."""
        operation = getattr(scope.get("route"), "name", None)
        if not self._wanted(scope["path"], operation, correlation_id, status, seconds):
            return
        state: dict[str, Any] = scope["state"]
        principal = state.get("principal")
        _log.info(
            "request",
            method=scope["method"],
            operation=operation,
            status=status,
            problem=state.get("problem"),
            provider=None if principal is None else principal.provider,
            role=None if principal is None else principal.role,
            seconds=seconds,
        )

    def _wanted(
        self, path: str, operation: str | None, correlation_id: str, status: int | None, seconds: float
    ) -> bool:
        if status is not None and status >= FAILED:
            return True
        if path in QUIET:
            return False
        if seconds > SLOW_SECONDS and operation not in WAITING:
            return True
        return crc32(correlation_id.encode()) < self._below
