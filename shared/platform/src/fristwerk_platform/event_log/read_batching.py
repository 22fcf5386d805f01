"""Reads of the log that are requested at the same time become one query."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")
MAX_CONCURRENT: Final = 2
"""Queries of one kind that run at the same time; keys that are requested meanwhile wait for the next one."""


class BatchedQuery(Generic[Key, Result]):
    """Coalesces concurrent reads into one query; a lone read is not delayed.

    A query starts after its keys were requested, so each result includes everything that was stored before the request.
    ``query`` gets several keys and returns a result for each, in their order. Where it raises one of ``unstorable``, the content
    of one key is at fault, and each key is queried alone.
    """

    def __init__(
        self,
        query: Callable[[Sequence[Key]], Coroutine[Any, Any, Sequence[Result]]],
        unstorable: tuple[type[Exception], ...],
    ) -> None:
        self._query = query
        self._unstorable = unstorable
        self._pending: dict[Key, list[asyncio.Future[Result]]] = {}
        self._running = 0
        self._scheduled = False

    async def load(self, key: Key) -> Result:
        """The result for a key. Raises what the query raises."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._pending.setdefault(key, []).append(future)
        self._schedule()
        return await future

    def _schedule(self) -> None:
        if not self._scheduled and self._running < MAX_CONCURRENT:
            self._scheduled = True
            # Reads that are requested in the same turn of the event loop join the batch.
            asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        self._scheduled = False
        self._running += 1
        batch, self._pending = self._pending, {}
        self._submit(batch).add_done_callback(self._finished)

    def _finished(self, _done: asyncio.Future[Sequence[Result]]) -> None:
        self._running -= 1
        if self._pending:
            self._schedule()

    def _submit(self, batch: Mapping[Key, Sequence[asyncio.Future[Result]]]) -> asyncio.Future[Sequence[Result]]:
        results = asyncio.get_running_loop().create_task(self._query(list(batch)))
        results.add_done_callback(partial(self._deliver, batch))
        return results

    def _deliver(
        self, batch: Mapping[Key, Sequence[asyncio.Future[Result]]], done: asyncio.Future[Sequence[Result]]
    ) -> None:
        error = done.exception()
        if isinstance(error, self._unstorable) and len(batch) > 1:
            for key, futures in batch.items():
                self._submit({key: futures})
            return
        for number, futures in enumerate(batch.values()):
            for future in futures:
                if future.done():
                    continue  # the reader was cancelled
                if error is None:
                    future.set_result(done.result()[number])
                else:
                    future.set_exception(error)
