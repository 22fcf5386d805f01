"""Ends at once the transaction of a task that was cancelled, on SQLite."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


def end_at_once(engine: AsyncEngine) -> None:
    """Roll back before a connection is closed whose statement was cancelled.

    SQLAlchemy closes such a connection without a rollback, and SQLite keeps a closed connection
    alive while a query of it has rows left that nobody read (``sqlite3_close_v2``). The cancelled
    query is held by the traceback of its own cancellation, so until Python's collector of cycles
    came by, the write lock stayed taken and every other writer failed after ten seconds.
    """

    @event.listens_for(engine.sync_engine, "invalidate")
    def roll_back(connection: Any, _record: Any, _error: BaseException | None) -> None:
        with suppress(sqlite3.Error, ValueError):  # it is closed already
            connection.run_async(lambda driver: asyncio.shield(driver.rollback()))
