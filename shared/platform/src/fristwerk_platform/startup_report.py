"""The one line that a service logs when it starts: what runs, where it listens, on which data, with
which keys, what is on.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Final
from urllib.parse import urlsplit

import structlog

from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys

OPTIONS: Final = ("follow_in_partitions", "customers_may_date", "otlp_endpoint", "issuers_file")
"""Settings that switch something on that is off by default."""
_log = structlog.get_logger()


def report_start(settings: Settings, *, service: str, port: int, schema: Mapping[str, str]) -> None:
    """Log the line; ``schema`` is the newest revision of each database that the program knows.

    Raises KeyFileError.
    """
    _log.info(
        "starting",
        version=version(f"fristwerk-{service}"),
        python=platform.python_version(),
        listens=f"http://{settings.host}:{port}",
        ticket_service=settings.ticket_url,
        database=database_name(settings),
        schema=dict(schema),
        keys={"file": str(settings.keys), "tokens": load_keys(settings.keys).key_id},
        on=[name for name in OPTIONS if getattr(settings, name)],
    )


def database_name(settings: Settings) -> str:
    """Where the data lie, without user and password."""
    if settings.database_url is None:
        return f"SQLite files in {settings.var.absolute()}"
    parts = urlsplit(settings.database_url)
    return f"postgresql://{parts.hostname}:{parts.port or 5432}{parts.path}"
