"""What runs for every request on PostgreSQL, in the event loop; what it cannot do, the recorder's threads do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import asyncpg
import psycopg

from fristwerk_platform.array_literals import array_literal
from fristwerk_platform.event_log.conflicts import has_rivals
from fristwerk_platform.event_log.feed_pages import PAGE_BYTES, all_harmless, harmless_bytes
from fristwerk_platform.event_log.group_commit import Append, AppendOutcome
from fristwerk_platform.event_log.index import index_change
from fristwerk_platform.event_log.interface import FeedLine, IdempotencyKey, StoredAnswer, StreamAfter, StreamVersion
from fristwerk_platform.event_log.postgres.columns import (
    append_arguments,
    by_key,
    by_label,
    columns_of,
    last_positions,
)
from fristwerk_platform.event_log.postgres.log_connections import UNSTORABLE, LogConnections
from fristwerk_platform.event_log.postgres.recorder import PostgresRecorder
from fristwerk_platform.event_log.stored_rows import ReadColumns, feed_lines
from fristwerk_platform.loop_connections import FAILURES

REFUSED: Final = (asyncpg.DivisionByZeroError, asyncpg.UniqueViolationError)
"""One of the appends cannot be stored, or could not be as far as the statement saw."""


class InLoop:
    """The way of what is asked often; see :class:`Reads`."""

    failures = (*FAILURES, psycopg.Error)
    unstorable = UNSTORABLE

    def __init__(
        self,
        connections: LogConnections,
        recorder: PostgresRecorder,
        read_columns: ReadColumns | None,
        on_appended: Callable[[Sequence[FeedLine]], None],
    ) -> None:
        """``on_appended`` gets the lines of a group with their positions, once they are durable."""
        self._connections = connections
        self._recorder = recorder
        self._read_columns = read_columns
        self._on_appended = on_appended
        self.sql = recorder.statements_in_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log-writer")

    async def insert_group(self, group: Sequence[Append]) -> Sequence[AppendOutcome]:
        """Store the group in one durable statement, where one of them can be; returns an outcome for each append."""
        maybe_stored = False
        if not has_rivals(group):
            try:
                return await self._insert_together(group)
            except asyncpg.LockNotAvailableError:
                raise
            except (*REFUSED, *UNSTORABLE):
                pass
            except FAILURES:
                maybe_stored = True
        asking = asyncio.get_running_loop().run_in_executor
        return await asking(self._thread, lambda: self._recorder.insert_group(group, again=maybe_stored))

    async def _insert_together(self, group: Sequence[Append]) -> list[AppendOutcome]:
        change = index_change(group)
        arguments = append_arguments(group, change)
        connection = await self._connections.appending()
        _, positions, _ = await connection.fetchrow(self.sql["append_indexed" if change else "append"], *arguments)
        lines = (new.line for each in group for new in each.events)
        self._on_appended([*map(FeedLine, positions, lines)])
        return last_positions(positions, group)

    async def select_streams(self, wanted: Sequence[StreamAfter]) -> list[list[FeedLine]]:
        """See :class:`Recorder`."""
        found: list[list[FeedLine]] = [[] for _ in wanted]
        asked = map(array_literal, zip(*wanted, strict=True))
        rows = await self._connections.fetch(self.sql["streams"], *asked, PAGE_BYTES)
        lines = feed_lines([row[1:] for row in rows], self._read_columns)
        for row, line in zip(rows, lines, strict=True):
            found[row[0] - 1].append(line)
        return found

    async def select_feed(self, after: int, limit: int) -> list[FeedLine]:
        """See :class:`Recorder`."""
        rows = await self._connections.fetch(self.sql["feed"], harmless_bytes(limit), after, limit)
        if not all_harmless(rows):
            rows = await self._connections.fetch(self.sql["feed_page"], after, limit, PAGE_BYTES)
        return feed_lines(rows, self._read_columns)

    async def select_last_position(self) -> int:
        """See :class:`Recorder`."""
        return (await self._connections.fetch(self.sql["last"]))[0][0] or 0

    async def select_answers(self, keys: Sequence[IdempotencyKey]) -> list[StoredAnswer | None]:
        """See :class:`Recorder`."""
        answers = by_key(await self._connections.fetch(self.sql["answers"], *map(array_literal, columns_of(keys))))
        return [answers.get((key.scope, key.key)) for key in keys]

    async def select_claimants(self, claims: Sequence[str]) -> list[str | None]:
        """See :class:`Recorder`."""
        rows = await self._connections.fetch(self.sql["claimants"], array_literal(claims))
        return [stream for _, stream in rows]

    async def select_labelled(self, labels: Sequence[str]) -> list[list[StreamVersion]]:
        """See :class:`Recorder`."""
        return by_label(await self._connections.fetch(self.sql["labelled"], array_literal(labels)), len(labels))

    async def close(self) -> None:
        """Close all connections, once what was accepted is written."""
        await asyncio.to_thread(self._thread.shutdown)
        await self._connections.close()
