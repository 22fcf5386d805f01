"""Reading a log: reads that are requested at the same time become one query."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Iterable, Sequence
from functools import partial
from typing import Any, Final, Generic, TypeVar

from fristwerk_platform.event_log.feed_pages import is_full_page
from fristwerk_platform.event_log.interface import (
    ALL,
    FeedLine,
    IdempotencyKey,
    LogUnavailableError,
    StoredAnswer,
    StreamAfter,
    StreamVersion,
)
from fristwerk_platform.event_log.reads import Reads
from fristwerk_platform.event_log.stored_rows import DamagedEventError

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")
MAX_CONCURRENT: Final = 2
"""Queries of one kind that run at the same time; keys that are requested meanwhile wait for the next one."""


class BatchedReads:
    """The half of the port ``EventLog`` that reads what every command asks for: streams, stored answers and names."""

    def __init__(self, reads: Reads, failures: tuple[type[Exception], ...]) -> None:
        """``failures`` is what reading raises where the database is unavailable or broken."""
        self._reads = reads
        self._failures = failures
        self._streams = BatchedQuery(reads.select_streams, (*reads.unstorable, DamagedEventError))
        self._answers = BatchedQuery(reads.select_answers, reads.unstorable)
        self._claimants = BatchedQuery(reads.select_claimants, reads.unstorable)
        self._labelled = BatchedQuery(reads.select_labelled, reads.unstorable)
        self._last = BatchedQuery[None, int](self._ask_last, ())
        self._closed = False

    async def read_stream(self, stream: str, after_version: int = 0, limit: int = ALL) -> list[FeedLine]:
        """See :class:`EventLog`."""
        return await self._read(self._streams.load((stream, after_version, limit)))

    async def read_streams(self, wanted: Sequence[StreamAfter]) -> list[list[FeedLine]]:
        """See :class:`EventLog`."""
        return await self._read(self._streams.load_all(wanted))

    async def stream_pages(
        self, stream: str, after_version: int = 0, limit: int = ALL
    ) -> AsyncIterator[list[FeedLine]]:
        """See :class:`EventLog`."""
        while lines := await self.read_stream(stream, after_version, limit):
            yield lines
            if not is_full_page(lines, limit):
                return
            after_version += len(lines)  # the versions of a stream have no gaps

    async def stored_answer(self, key: IdempotencyKey) -> StoredAnswer | None:
        """See :class:`EventLog`."""
        return await self._read(self._answers.load(key))

    async def claimant(self, claim: str) -> str | None:
        """See :class:`EventLog`."""
        return await self._read(self._claimants.load(claim))

    async def labelled(self, label: str) -> list[StreamVersion]:
        """See :class:`EventLog`."""
        return await self._read(self._labelled.load(label))

    async def labelled_each(self, labels: Sequence[str]) -> list[list[StreamVersion]]:
        """See :class:`EventLog`."""
        return await self._read(self._labelled.load_all(labels))

    async def _ask_last(self, askers: Sequence[None]) -> list[int]:
        return [await self._reads.select_last_position()] * len(askers)

    async def _read(self, query: Coroutine[Any, Any, Result]) -> Result:
        """What the query returns. Raises LogUnavailableError where it fails or the log is closed."""
        if self._closed:
            query.close()
            raise LogUnavailableError("the log is closed")
        try:
            return await query
        except self._failures as error:
            raise LogUnavailableError(f"the log could not be read: {error}") from error


class _Request(Generic[Key, Result]):
    """Keys that are asked for together, and their results once they are there."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self.keys = keys
        self.results: asyncio.Future[list[Result]] = asyncio.get_running_loop().create_future()


class BatchedQuery(Generic[Key, Result]):
    """Coalesces concurrent reads into one query; a lone read is not delayed.

    A query starts after its keys were requested, so each result includes everything that was stored before the request.
    ``query`` gets several keys and returns a result for each, in their order. Where it raises one of ``unstorable``, the content
    of one key is at fault, and each request's keys are queried alone.
    """

    def __init__(
        self,
        query: Callable[[Sequence[Key]], Coroutine[Any, Any, Sequence[Result]]],
        unstorable: tuple[type[Exception], ...],
    ) -> None:
        self._query = query
        self._unstorable = unstorable
        self._pending: list[_Request[Key, Result]] = []
        self._running = 0
        self._scheduled = False

    async def load(self, key: Key) -> Result:
        """The result for a key. Raises what the query raises."""
        return (await self.load_all((key,)))[0]

    async def load_all(self, keys: Sequence[Key]) -> list[Result]:
        """The results for several keys, in their order, from one query. Raises what the query raises."""
        if not keys:
            return []
        request: _Request[Key, Result] = _Request(keys)
        self._pending.append(request)
        self._schedule()
        return await request.results

    def _schedule(self) -> None:
        if not self._scheduled and self._running < MAX_CONCURRENT:
            self._scheduled = True
            # Reads that are requested in the same turn of the event loop join the batch.
            asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        self._scheduled = False
        self._running += 1
        batch, self._pending = self._pending, []
        self._submit(batch).add_done_callback(self._finished)

    def _finished(self, _done: asyncio.Future[Sequence[Result]]) -> None:
        self._running -= 1
        if self._pending:
            self._schedule()

    def _submit(self, batch: Sequence[_Request[Key, Result]]) -> asyncio.Future[Sequence[Result]]:
        keys = dict.fromkeys(key for each in batch for key in each.keys)
        results = asyncio.get_running_loop().create_task(self._query(list(keys)))
        results.add_done_callback(partial(self._deliver, keys, batch))
        return results

    def _deliver(
        self, keys: Iterable[Key], batch: Sequence[_Request[Key, Result]], done: asyncio.Future[Sequence[Result]]
    ) -> None:
        error = done.exception()
        if isinstance(error, self._unstorable) and len(batch) > 1:
            for each in batch:
                self._submit([each])
            return
        found = {} if error else dict(zip(keys, done.result(), strict=True))
        for each in batch:
            if each.results.done():
                continue  # the reader was cancelled
            if error is None:
                each.results.set_result([found[key] for key in each.keys])
            else:
                each.results.set_exception(error)
