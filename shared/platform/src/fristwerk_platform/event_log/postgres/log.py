"""The log on PostgreSQL: several processes may write, no reader ever skips, and each hears of what the others append."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import psycopg

from fristwerk_platform.event_log.group_commit import GroupCommitter, LogMeter, LoopCommitter
from fristwerk_platform.event_log.interface import LogUnavailableError
from fristwerk_platform.event_log.log import GroupCommitLog
from fristwerk_platform.event_log.postgres.connections import ThreadConnections
from fristwerk_platform.event_log.postgres.in_loop import InLoop
from fristwerk_platform.event_log.postgres.log_connections import LogConnections
from fristwerk_platform.event_log.postgres.recorder import PostgresRecorder
from fristwerk_platform.event_log.reads import Reads
from fristwerk_platform.event_log.stored_rows import ReadColumns
from fristwerk_platform.loop_connections import FAILURES

RECONNECT_SECONDS: Final = 1.0


class PostgresEventLog(GroupCommitLog):
    """The log in a schema of a database; ``url`` is ``postgresql://user:password@host:port/database``."""

    def __init__(
        self, url: str, schema: str, meter: LogMeter | None = None, read_columns: ReadColumns | None = None
    ) -> None:
        """Make the schema and tables that are missing. Raises LogUnavailableError."""
        self._thread_connections = ThreadConnections(url, schema)
        try:
            recorder = PostgresRecorder(self._thread_connections, read_columns)
            recorder.create_table()
        except psycopg.Error as error:
            raise LogUnavailableError(f"The log {schema} cannot be opened: {str(error).strip()}.") from error
        finally:
            self._thread_connections.close()  # each of the log's threads opens its own
        self._connections = LogConnections(url, schema)
        self._in_loop = InLoop(self._connections, recorder, read_columns, self.note_appended)
        self._channel = recorder.channel_name
        self._listening: asyncio.Task[None] | None = None
        super().__init__(recorder, meter, threads=1)

    def _ways(self, meter: LogMeter | None) -> tuple[GroupCommitter, Reads]:
        return LoopCommitter(self._in_loop.insert_group, self.notify_waiters, meter), self._in_loop

    async def wait(self, after: int, seconds: float) -> None:
        """See :class:`EventLog`. Woken by other processes' notifications; a lost one costs a second at most."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        await super().wait(after, seconds)

    async def close(self) -> None:
        """See :class:`EventLog`."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await super().close()
        await self._in_loop.close()

    async def _listen(self) -> None:
        """A notification names the position up to which those who wait may go on."""
        while True:
            with suppress(*FAILURES):  # the wait's own poll goes on meanwhile
                await self._connections.listen(self._channel, self._notified)
            await asyncio.sleep(RECONNECT_SECONDS)

    def _notified(self, process: int, payload: str) -> None:
        own = self._connections.owns(process) or self._thread_connections.owns(process)
        if not own:  # our own appends have woken everybody already
            self.notify_waiters(int(payload))
