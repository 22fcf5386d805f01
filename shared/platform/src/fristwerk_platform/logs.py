"""Structured logs: one JSON object a line on standard error, with the correlation id and without
personal data.

Writing a line never raises and never waits: what cannot be put into JSON or written is dropped and
counted.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from fristwerk_platform.log_output import LogOutput
from fristwerk_platform.process_counters import LOG_LINES_DROPPED


def configure_logs(level: str, service: str) -> None:
    """Send structlog's and the libraries' messages to standard error as JSON lines."""
    number = logging.getLevelNamesMapping()[level.upper()]
    # The process's own: loggers keep it, and what ``sys.stderr`` is replaced with for a while is
    # closed some day.
    out = LogOutput(sys.__stderr__)
    shared_steps: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared_steps, _render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(out),  # type: ignore[arg-type]  # it writes and flushes
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = _Handler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_steps,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)


_with_exception = structlog.processors.format_exc_info
_as_json = structlog.processors.JSONRenderer()


def _render(logger: WrappedLogger, method: str, line: EventDict) -> str | bytes:
    """The line as JSON. Raises DropEvent, which structlog takes as "write nothing", for what has no
    representation.
    """
    try:
        return _as_json(logger, method, _with_exception(logger, method, line))
    except Exception as error:
        LOG_LINES_DROPPED.inc()
        raise structlog.DropEvent from error


class _Handler(logging.StreamHandler[Any]):
    """Counts a record that cannot be put into words, where logging would print a traceback to
    standard error itself.
    """

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - logging's name and signature
        if not isinstance(sys.exc_info()[1], structlog.DropEvent):
            LOG_LINES_DROPPED.inc()
