"""Questions to the log that are asked at the same time become one query: one hop to a reader's thread for all who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Final, Generic, TypeVar

from fristwerk_platform.event_log.interface import LogUnavailableError

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")
AT_ONCE: Final = 2
"""Queries of one kind under way at the same time; what is asked meanwhile waits for the next."""


class BatchedQuery(Generic[Key, Found]):
    """Questions of one kind; who asks alone waits for nobody.

    Each is put to the database after it was asked, so that its reply knows everything that was stored before.
    ``query`` replies to several questions in their order, called in a thread of the executor. Where it raises one of
    ``unstorable``, the fault lies in the question of one, and each is put alone.
    """

    def __init__(
        self,
        executor: Executor,
        query: Callable[[Sequence[Key]], Sequence[Found]],
        unstorable: tuple[type[Exception], ...],
    ) -> None:
        self._executor = executor
        self._query = query
        self._unstorable = unstorable
        self._waiting: dict[Key, list[asyncio.Future[Found]]] = {}
        self._under_way = 0
        self._scheduled = False

    async def ask(self, question: Key) -> Found:
        """The reply. Raises what the query raises."""
        future: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(question, []).append(future)
        self._schedule()
        return await future

    def _schedule(self) -> None:
        if not self._scheduled and self._under_way < AT_ONCE:
            self._scheduled = True
            # Whoever is ready to ask in this turn of the loop comes along.
            asyncio.get_running_loop().call_soon(self._put)

    def _put(self) -> None:
        self._scheduled = False
        self._under_way += 1
        waiting, self._waiting = self._waiting, {}
        self._send(waiting).add_done_callback(self._next)

    def _next(self, _done: asyncio.Future[Sequence[Found]]) -> None:
        self._under_way -= 1
        if self._waiting:
            self._schedule()

    def _send(self, waiting: Mapping[Key, Sequence[asyncio.Future[Found]]]) -> asyncio.Future[Sequence[Found]]:
        loop = asyncio.get_running_loop()
        try:
            replies = loop.run_in_executor(self._executor, self._query, list(waiting))
        except RuntimeError:  # the executor takes nothing more
            replies = loop.create_future()
            replies.set_exception(LogUnavailableError("the log is closed"))
        replies.add_done_callback(partial(self._deliver, waiting))
        return replies

    def _deliver(
        self,
        waiting: Mapping[Key, Sequence[asyncio.Future[Found]]],
        done: asyncio.Future[Sequence[Found]],
    ) -> None:
        error = done.exception()
        if isinstance(error, self._unstorable) and len(waiting) > 1:
            for question, futures in waiting.items():
                self._send({question: futures})
            return
        for number, futures in enumerate(waiting.values()):
            for future in futures:
                if future.done():
                    continue  # who asked has gone away
                if error is None:
                    future.set_result(done.result()[number])
                else:
                    future.set_exception(error)
