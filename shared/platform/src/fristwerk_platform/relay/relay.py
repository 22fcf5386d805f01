"""From a feed into a stream, one line after the other, each fenced by the one before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog

from fristwerk_platform.http import Stopping
from fristwerk_platform.relay.messages import NatsMessage, Previous, as_message, position_and_id
from fristwerk_platform.relay.progress import RelayProgress
from fristwerk_platform.relay.stream import (
    IN_FLIGHT,
    NotTheLastError,
    RelayError,
    RelayStream,
    StreamEnd,
    StreamOptions,
    StreamUnavailableError,
    UnusableStreamError,
    opened_stream,
)
from fristwerk_platform.subscriptions import Feed, SourceUnavailableError
from fristwerk_platform.unless_ended import EndedError, unless_ended

WAIT_SECONDS: Final = 10.0
"""So long a page of the feed is waited for; then it is asked whether the stream still has its end."""
PAUSE_SECONDS: Final = 1.0
STAND_BY_SECONDS: Final = 5.0
"""A stream that grows in this time has another relay, which is left alone."""
_log = structlog.get_logger()


class Relay:
    """Adds what a feed has to a stream, until it is told to stop. Several may run: one works, the others stand by."""

    def __init__(self, feed: Feed, stream: RelayStream, log: str, progress: RelayProgress) -> None:
        self._feed = feed
        self._stream = stream
        self._log = log
        self._progress = progress

    async def run(self, stopping: Stopping) -> None:
        """Until ``stopping`` is set. Raises UnusableStreamError, which nothing but a person can mend."""
        while not stopping.is_set():
            try:
                await self._follow(stopping)
            except EndedError:
                return
            except NotTheLastError:
                await self._stand_by(stopping)
            except (RelayError, SourceUnavailableError) as error:
                self._progress.interrupted(error)
                _log.warning("relay_interrupted", error=str(error))
                await _rest(stopping, PAUSE_SECONDS)

    async def _follow(self, stopping: Stopping) -> None:
        """From where the stream ends, for as long as nothing goes wrong. Raises EndedError, RelayError and
        UnusableStreamError.
        """
        end = await self._stream.end()
        await self._be_the_same_log(end)
        partitions = await self._stream.ends_of_partitions()
        self._progress.reached(end)
        _log.info("relay_began", after=end.position)
        while not stopping.is_set():
            page = await unless_ended(self._feed.page(end.position, IN_FLIGHT, WAIT_SECONDS), stopping.wait())
            self._progress.heard(page.last)
            if page.lines:
                messages = self._messages(page.lines, end, partitions)
                await self._stream.add(messages, end)
                self._progress.added(messages)
                end = StreamEnd(messages[-1].position, messages[-1].id)
                partitions |= {each.partition: each.position for each in messages}
            elif (found := await self._stream.end()) != end:
                _log.warning("stream_ends_elsewhere", expected=end.position, found=found.position)
                return

    def _messages(self, lines: Sequence[bytes], end: StreamEnd, partitions: dict[int, int]) -> list[NatsMessage]:
        messages: list[NatsMessage] = []
        before, by_partition = end.position, dict(partitions)
        for line in lines:
            message = as_message(
                line, log=self._log, previous=Previous(before, by_partition), max_bytes=self._stream.max_bytes
            )
            messages.append(message)
            before = by_partition[message.partition] = message.position
        return messages

    async def _be_the_same_log(self, end: StreamEnd) -> None:
        """Positions of a log that was restored mean other events from some position on."""
        if end.position == 0:
            return
        page = await self._feed.page(end.position - 1, 1, 0)
        if not page.lines or position_and_id(page.lines[0]) != (end.position, end.id):
            raise UnusableStreamError(
                f"The stream ends with the event {end.id} at position {end.position}, which this log does not have"
                " there. Remove the stream; it is made again, with the whole log."
            )

    async def _stand_by(self, stopping: Stopping) -> None:
        """While another relay adds to the stream."""
        with suppress(RelayError):
            before = await self._stream.end()
            await _rest(stopping, STAND_BY_SECONDS)
            while not stopping.is_set() and (found := await self._stream.end()) != before:
                before = found
                self._progress.stands_by(does=True)
                self._progress.reached(found)
                await _rest(stopping, STAND_BY_SECONDS)
        self._progress.stands_by(does=False)


async def relay_until_stopped(
    feed: Feed, servers: Sequence[str], options: StreamOptions, log: str, progress: RelayProgress, stopping: Stopping
) -> None:
    """Connect and relay, as soon as the servers are ready. Raises UnusableStreamError."""
    while not stopping.is_set():
        try:
            async with opened_stream(servers, options) as stream:
                await Relay(feed, stream, log, progress).run(stopping)
        except StreamUnavailableError as error:
            progress.interrupted(error)
            _log.warning("relay_interrupted", error=str(error))
            await _rest(stopping, PAUSE_SECONDS)


async def _rest(stopping: Stopping, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
