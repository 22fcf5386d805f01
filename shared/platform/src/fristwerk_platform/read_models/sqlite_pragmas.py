"""How SQLite keeps a file: settings of each connection, by what the file is for."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import aiosqlite  # services on PostgreSQL start without it

REBUILDABLE: Final = ("journal_mode=WAL", "synchronous=NORMAL")
"""For read models: they are derived from the log, so a tail that a power cut loses is only
replayed.
"""
DURABLE: Final = ("journal_mode=WAL", "synchronous=FULL")
"""For what was signed: on the disk once stored, and no reader holds up a writer."""
IRREPLACEABLE: Final = ("journal_mode=DELETE", "synchronous=FULL", "secure_delete=ON")
"""For keys: on the disk once stored, and off the disk once deleted."""
BUSY_SECONDS: Final = 10
"""How long a connection waits for another's lock."""
_AGAIN_SECONDS: Final = 0.01
_PRIMARY: Final = 0xFF
"""The part of an error's code that says what kind it is (https://sqlite.org/rescode.html)."""


async def set_pragmas(driver: aiosqlite.Connection, pragmas: Sequence[str]) -> None:
    """Set them on a new connection.

    Of several that make a file at once, each may keep the others from the lock that the journal of
    WAL needs. SQLite refuses at once then, whatever the timeout, as waiting could last for ever.
    """
    ends_at = time.monotonic() + BUSY_SECONDS
    for pragma in (f"busy_timeout={BUSY_SECONDS * 1000}", *pragmas):
        while not await _is_set(driver, pragma, last_try=time.monotonic() > ends_at):  # noqa: ASYNC110 - a lock tells nobody
            await asyncio.sleep(_AGAIN_SECONDS)


async def _is_set(driver: aiosqlite.Connection, pragma: str, *, last_try: bool) -> bool:
    try:
        async with driver.execute(f"PRAGMA {pragma}"):
            return True
    except sqlite3.OperationalError as error:
        if last_try or error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY:
            raise
        return False
