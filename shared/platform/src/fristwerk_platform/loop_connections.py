"""Connections to PostgreSQL in the event loop: what runs for every request goes neither through threads nor through a pool.

A few read, each a question at a time outside of transactions. One that breaks is replaced with the next question.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import asyncpg

READING: Final = 3
"""Connections that read at most."""
CONNECT_SECONDS: Final = 5.0
WAIT_SECONDS: Final = 10.0
"""How long a question waits for one of the connections."""
PING_AFTER_SECONDS: Final = 10.0
"""The server is asked before a connection is used that was idle for longer: a firewall may have dropped it, and told
nobody.
"""
PING_SECONDS: Final = 1.0
"""A connection that takes longer to answer is replaced."""
PLANNED_ONCE: Final = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
"""Every read has one good plan, by an index. To plan it for the values of each request, which the server would prefer since it
takes every list for ten long, costs more than to run it; and a plan that is kept must not rest on a table's being short now.
"""
FAILURES: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What the driver raises."""
Rows = Sequence[Any]


class LoopConnections:
    """Connections of one event loop, opened when they are needed."""

    def __init__(self, url: str, *, statement_seconds: float | None, server_settings: Mapping[str, str]) -> None:
        """A statement that takes longer than ``statement_seconds`` fails."""
        self._url = url
        self._statement_seconds = statement_seconds
        self._server_settings = server_settings
        self._idle: list[tuple[asyncpg.Connection, float]] = []
        """Connections, and since when by the monotonic clock."""
        self._open: set[asyncpg.Connection] = set()
        self._free = asyncio.Semaphore(READING)
        self._closed = False

    async def fetch(self, statement: str, *arguments: Any) -> Rows:
        """The rows of a question; it is asked again over a new connection where the old one turns out to be broken.

        Raises one of ``FAILURES``.
        """
        if self._free.locked():
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        else:
            await self._free.acquire()
        try:
            connection = await self._to_read()
            try:
                return await self._asked(connection, statement, arguments)
            except FAILURES:
                if not connection.is_closed():
                    raise
            return await self._asked(await self.connect(PLANNED_ONCE), statement, arguments)
        finally:
            self._free.release()

    async def connect(self, planning: Mapping[str, str] | None = None) -> asyncpg.Connection:
        """One more connection, which is closed with the others. Raises one of ``FAILURES``."""
        connection: asyncpg.Connection = await asyncpg.connect(
            self._url,
            timeout=CONNECT_SECONDS,
            command_timeout=self._statement_seconds,
            server_settings={**self._server_settings, **(planning or {})},
        )
        if self._closed:
            connection.terminate()
            raise asyncpg.InterfaceError("the connections are closed")
        self._open = {connection, *(each for each in self._open if not each.is_closed())}
        return connection

    def owns(self, process: int) -> bool:
        """Whether the server's process with that id serves one of these connections."""
        return any(process == each.get_server_pid() for each in self._open if not each.is_closed())

    async def close(self) -> None:
        """Let go of all connections; none is opened any more."""
        self._closed = True
        for each in self._open:
            if not each.is_closed():
                each.terminate()
        self._open.clear()

    async def _to_read(self) -> asyncpg.Connection:
        while self._idle:
            connection, since = self._idle.pop()
            if connection.is_closed():
                continue
            if time.monotonic() - since <= PING_AFTER_SECONDS or await _answers(connection):
                return connection
        return await self.connect(PLANNED_ONCE)

    async def _asked(self, connection: asyncpg.Connection, statement: str, arguments: Sequence[Any]) -> Rows:
        try:
            rows: Rows = await connection.fetch(statement, *arguments)
        finally:
            # Also where the question was cancelled: the driver has the server give it up, and waits for that before the next.
            if not connection.is_closed():
                self._idle.append((connection, time.monotonic()))
        return rows


async def _answers(connection: asyncpg.Connection) -> bool:
    """Whether it does. It is closed where it does not, or where nobody waits for that any more."""
    answered = False
    try:
        with suppress(*FAILURES):
            await connection.execute("SELECT 1", timeout=PING_SECONDS)
            answered = True
    finally:
        if not answered:
            connection.terminate()
    return answered
