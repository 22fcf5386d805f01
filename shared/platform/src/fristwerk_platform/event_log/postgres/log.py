"""The log on PostgreSQL: several processes may write, no reader ever skips, and each hears of what the others append."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Final

import psycopg
from psycopg.sql import SQL, Identifier

from fristwerk_platform.event_log.group_commit import LogMeter
from fristwerk_platform.event_log.interface import LogUnavailableError
from fristwerk_platform.event_log.log import GroupCommitLog
from fristwerk_platform.event_log.postgres.connections import ThreadConnections
from fristwerk_platform.event_log.postgres.recorder import PostgresRecorder
from fristwerk_platform.event_log.stored_rows import ReadColumns

LISTEN_SECONDS: Final = 0.2
"""How often the listener looks whether the log closes."""
RECONNECT_SECONDS: Final = 1.0


class PostgresEventLog(GroupCommitLog):
    """The log in a schema of a database; ``url`` is ``postgresql://user:password@host:port/database``."""

    def __init__(
        self, url: str, schema: str, meter: LogMeter | None = None, read_columns: ReadColumns | None = None
    ) -> None:
        """Make the schema and tables that are missing. Raises LogUnavailableError."""
        self._connections = ThreadConnections(url, schema)
        try:
            recorder = PostgresRecorder(self._connections, read_columns)
            recorder.create_table()
        except psycopg.Error as error:
            self._connections.close()
            raise LogUnavailableError(f"The log {schema} cannot be opened: {str(error).strip()}.") from error
        super().__init__(recorder, meter)
        self._url = url
        self._channel = recorder.channel_name
        self._ended = threading.Event()
        self._listener: threading.Thread | None = None

    async def wait(self, after: int, seconds: float) -> None:
        """See :class:`EventLog`. Woken by other processes' notifications; a lost one costs a second at most."""
        if self._listener is None:
            loop = asyncio.get_running_loop()
            self._listener = threading.Thread(target=self._listen, args=(loop,), name="log-listener", daemon=True)
            self._listener.start()
        await super().wait(after, seconds)

    async def close(self) -> None:
        """See :class:`EventLog`."""
        self._ended.set()
        await super().close()
        if self._listener is not None:
            await asyncio.to_thread(self._listener.join)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """The listener's thread: a notification names the position up to which those who wait may go on."""
        while not self._ended.is_set():
            with suppress(psycopg.Error), psycopg.connect(self._url, autocommit=True) as connection:
                connection.execute(SQL("LISTEN {}").format(Identifier(self._channel)))
                while not self._ended.is_set():
                    for notification in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                        if not self._connections.owns(notification.pid):  # our own appends have woken everybody already
                            with suppress(RuntimeError):  # the loop has ended
                                loop.call_soon_threadsafe(self.notify_waiters, int(notification.payload or 0))
            self._ended.wait(RECONNECT_SECONDS)  # the wait's own poll goes on meanwhile
