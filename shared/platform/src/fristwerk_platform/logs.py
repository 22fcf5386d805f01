"""Structured logs: one JSON object a line on standard error, with the correlation id and without personal data."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def configure_logs(level: str, service: str) -> None:
    """Send structlog's and the libraries' messages to standard error as JSON lines."""
    number = logging.getLevelNamesMapping()[level.upper()]
    # The process's own: loggers keep it, and what ``sys.stderr`` is replaced with for a while is closed some day.
    out = sys.__stderr__ or sys.stderr
    shared_steps: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared_steps, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_steps,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
