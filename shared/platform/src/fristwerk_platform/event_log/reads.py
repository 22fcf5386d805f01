"""What is read for every request, as the event loop asks for it: by threads, unless a log can do without them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol, TypeVar

from fristwerk_platform.event_log.interface import (
    FeedLine,
    IdempotencyKey,
    LogUnavailableError,
    StoredAnswer,
    StreamAfter,
    StreamVersion,
)
from fristwerk_platform.event_log.recorder import Recorder

Result = TypeVar("Result")
READERS: Final = 4
"""Threads, where they do all the reading."""


class Reads(Protocol):
    """The reads that happen all the time; see :class:`Recorder` for what each returns."""

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """What they raise where the database is unavailable or broken."""
        ...

    @property
    def unstorable(self) -> tuple[type[Exception], ...]:
        """What they raise for the content of one key of several."""
        ...

    async def select_streams(self, wanted: Sequence[StreamAfter]) -> list[list[FeedLine]]: ...

    async def select_feed(self, after: int, limit: int) -> list[FeedLine]: ...

    async def select_last_position(self) -> int: ...

    async def select_answers(self, keys: Sequence[IdempotencyKey]) -> list[StoredAnswer | None]: ...

    async def select_claimants(self, claims: Sequence[str]) -> list[str | None]: ...

    async def select_labelled(self, labels: Sequence[str]) -> list[list[StreamVersion]]: ...


class ReaderThreads:
    """A few threads that ask the recorder; see :class:`Reads`."""

    def __init__(self, recorder: Recorder, threads: int) -> None:
        self._recorder = recorder
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="log-reader")
        self.failures = recorder.failures
        self.unstorable = recorder.unstorable

    async def ask(self, query: Callable[[], Result]) -> Result:
        """What the query returns in a thread. Raises what it raises."""
        try:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, query)
        except RuntimeError:  # the threads have ended
            raise LogUnavailableError("the log is closed") from None
        return await asked

    async def select_streams(self, wanted: Sequence[StreamAfter]) -> list[list[FeedLine]]:
        return await self.ask(lambda: self._recorder.select_streams(wanted))

    async def select_feed(self, after: int, limit: int) -> list[FeedLine]:
        return await self.ask(lambda: self._recorder.select_feed(after, limit))

    async def select_last_position(self) -> int:
        return await self.ask(self._recorder.select_last_position)

    async def select_answers(self, keys: Sequence[IdempotencyKey]) -> list[StoredAnswer | None]:
        return await self.ask(lambda: self._recorder.select_answers(keys))

    async def select_claimants(self, claims: Sequence[str]) -> list[str | None]:
        return await self.ask(lambda: self._recorder.select_claimants(claims))

    async def select_labelled(self, labels: Sequence[str]) -> list[list[StreamVersion]]:
        return await self.ask(lambda: self._recorder.select_labelled(labels))

    async def close(self) -> None:
        """End the threads."""
        await asyncio.to_thread(self._threads.shutdown)
