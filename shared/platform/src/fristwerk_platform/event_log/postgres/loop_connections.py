"""Connections to PostgreSQL in the event loop: what runs for every request changes no threads.

One connection appends, one after the other, and hears what other processes append; a few read. One that breaks is replaced
with the next question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import asyncpg

from fristwerk_platform.event_log.postgres.connections import CONNECT_SECONDS, LOCK_TIMEOUT_SECONDS, SILENCE_SECONDS

READING: Final = 3
"""Connections that read at most."""
FAILURES: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What the driver raises."""
UNSTORABLE: Final = (ValueError, TypeError, OverflowError, asyncpg.DataError)
"""What it raises for the content of one read."""
Rows = Sequence[Any]


class LoopConnections:
    """Connections of one event loop, opened when they are needed."""

    def __init__(self, url: str, schema: str) -> None:
        self._url = url
        self._schema = schema
        self._idle: list[asyncpg.Connection] = []
        self._open: set[asyncpg.Connection] = set()
        self._free = asyncio.Semaphore(READING)
        self._appending: asyncpg.Connection | None = None
        self._connecting = asyncio.Lock()

    async def fetch(self, statement: str, *arguments: Any) -> Rows:
        """The rows of a question; it is asked again over a new connection where the old one turns out to be broken.

        Raises one of ``FAILURES``.
        """
        async with self._free:
            connection = await self._to_read()
            try:
                return await self._asked(connection, statement, arguments)
            except FAILURES:
                if not connection.is_closed():
                    raise
            return await self._asked(await self._connect(), statement, arguments)

    async def appending(self) -> asyncpg.Connection:
        """The connection that appends. Raises one of ``FAILURES``."""
        if self._appending is None or self._appending.is_closed():
            async with self._connecting:
                if self._appending is None or self._appending.is_closed():
                    self._appending = await self._connect()
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

    def owns(self, process: int) -> bool:
        """Whether the server's process with that id serves one of these connections."""
        return any(process == each.get_server_pid() for each in self._open if not each.is_closed())

    async def close(self) -> None:
        """Let go of all connections."""
        for each in self._open:
            if not each.is_closed():
                each.terminate()
        self._open.clear()

    async def _to_read(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await self._connect()

    async def _asked(self, connection: asyncpg.Connection, statement: str, arguments: Sequence[Any]) -> Rows:
        try:
            rows: Rows = await connection.fetch(statement, *arguments)
        finally:
            if not connection.is_closed():
                self._idle.append(connection)
        return rows

    async def _connect(self) -> asyncpg.Connection:
        self._open = {each for each in self._open if not each.is_closed()}
        connection: asyncpg.Connection = await asyncpg.connect(
            self._url,
            timeout=CONNECT_SECONDS,
            command_timeout=LOCK_TIMEOUT_SECONDS + SILENCE_SECONDS,
            server_settings={
                "application_name": f"fristwerk {self._schema}",
                "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
            },
        )
        self._open.add(connection)
        return connection
