"""The errors that mean the storage does not answer at the moment: none is the command's fault, and
all of them pass.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from fristwerk_platform.event_log import LogUnavailableError
from fristwerk_platform.read_models import DatabaseUnavailableError

STORAGE_FAILURES: Final = (
    LogUnavailableError,
    DatabaseUnavailableError,
    OperationalError,
    InterfaceError,
    PoolTimeoutError,
    ConnectionError,
)
