"""The log's connections in the event loop: one appends, one append after the other, and hears what other processes append; a
few read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import asyncpg

from fristwerk_platform.array_literals import NULLS
from fristwerk_platform.event_log.postgres.connections import LOCK_TIMEOUT_SECONDS, SILENCE_SECONDS
from fristwerk_platform.loop_connections import LoopConnections

UNSTORABLE: Final = (ValueError, TypeError, OverflowError, asyncpg.DataError)
"""What the driver raises for the content of one read."""


class LogConnections(LoopConnections):
    """Connections to the log in a schema."""

    def __init__(self, url: str, schema: str) -> None:
        settings = {"application_name": f"fristwerk {schema}", "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s", **NULLS}
        super().__init__(url, statement_seconds=LOCK_TIMEOUT_SECONDS + SILENCE_SECONDS, server_settings=settings)
        self._appending: asyncpg.Connection | None = None
        self._connecting = asyncio.Lock()

    async def appending(self) -> asyncpg.Connection:
        """The connection that appends. Raises one of ``FAILURES``."""
        if self._appending is None or self._appending.is_closed():
            async with self._connecting:
                if self._appending is None or self._appending.is_closed():
                    self._appending = await self.connect()
        return self._appending

    async def listen(self, channel: str, call: Callable[[int, str], None]) -> None:
        """Call with the server's process and what it notifies, until the connection ends. Raises one of ``FAILURES``."""
        connection = await self.appending()
        ended = asyncio.Event()

        def notified(_connection: object, process: int, _channel: str, payload: object) -> None:
            call(process, str(payload))

        connection.add_termination_listener(lambda _connection: ended.set())
        await connection.add_listener(channel, notified)
        await ended.wait()
