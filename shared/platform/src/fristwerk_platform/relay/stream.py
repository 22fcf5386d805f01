"""The stream in JetStream that the relay adds to.

RelayError                       the root of what ends a round of the relay; the next one looks again
    StreamUnavailableError       the server did not respond
    NotTheLastError              the stream does not end with the message that was published before
UnusableStreamError              the stream cannot be added to until a person has looked at it
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import nats
import nats.errors
import structlog
from nats.aio.client import Client
from nats.js.api import DiscardPolicy, StorageType, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError

from fristwerk_platform.relay.messages import MESSAGE_ID, POSITION, SUBJECTS, NatsMessage
from fristwerk_platform.subscriptions.partitions import PARTITIONS

EXPECTED_LAST: Final = "Nats-Expected-Last-Msg-Id"
"""The server refuses a message whose predecessor is not the stream's last one."""
NOT_THE_LAST: Final = 10070
"""Error code of the server for that."""
PATIENCE_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 3.0
REPEATED_WITHIN_SECONDS: Final = 120.0
"""So long the server remembers the ids of messages; the fence holds for ever."""
IN_FLIGHT: Final = 256
"""Messages on their way at once."""
_log = structlog.get_logger()


class RelayError(Exception):
    """The root of what ends a round of the relay; the next one looks at the stream again."""


class StreamUnavailableError(RelayError):
    """The server did not respond, or is not ready."""


class NotTheLastError(RelayError):
    """The stream does not end with the message that was published before: another relay adds to it, or its tail is lost."""


class UnusableStreamError(Exception):
    """The stream is not this log's, or does not tell where it ended; the message says what to do."""


class StreamOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the stream is made where there is none."""

    name: str = "FRISTWERK"
    replicas: int = 1
    max_bytes: int = -1
    """The oldest messages go beyond so many bytes; -1 keeps all."""


class StreamEnd(msgspec.Struct, frozen=True):
    """The event with which a stream ends: its position and id; 0 and nothing where the stream is empty."""

    position: int = 0
    id: str = ""


class RelayStream:
    """What the stream has, and how it is added to."""

    def __init__(self, client: Client, stream: JetStreamContext, name: str) -> None:
        self._client = client
        self._stream = stream
        self._name = name

    @property
    def max_bytes(self) -> int:
        """How many bytes the server takes for headers and data of a message."""
        return self._client.max_payload

    async def end(self) -> StreamEnd:
        """The event with which the stream ends. Raises StreamUnavailableError or UnusableStreamError."""
        found = await self._last(SUBJECTS)
        if found is None and await self._has_had_messages():
            raise UnusableStreamError(
                f"The stream {self._name} has no messages any more, so where it ended is not known. Remove it;"
                " it is made again, with the whole log."
            )
        return found or StreamEnd()

    async def ends_of_partitions(self) -> dict[int, int]:
        """The position of the last message of each partition that has one. Raises StreamUnavailableError."""
        found = {each: await self._last(f"fristwerk.*.*.{each}") for each in range(PARTITIONS)}
        return {partition: end.position for partition, end in found.items() if end is not None}

    async def add(self, messages: Sequence[NatsMessage], after: StreamEnd) -> None:
        """Add messages to a stream that ends with ``after``, in their order.

        Several are on their way at once; where one is refused, all that follow it are as well.
        Raises NotTheLastError or StreamUnavailableError; those before may have been added then.
        """
        # Not publish_async of nats-py 2.16, which waits for ever for the answer to what was refused.
        predecessors = [after, *(StreamEnd(each.position, each.id) for each in messages)]
        publishing = [
            asyncio.create_task(self._publish(message, before.id))
            for message, before in zip(messages, predecessors, strict=False)
        ]
        try:
            for each in publishing:
                await each
        except APIError as error:
            if error.err_code == NOT_THE_LAST:
                raise NotTheLastError(f"The stream {self._name} does not end with the event {after.id}.") from error
            raise StreamUnavailableError(str(error)) from error
        except (nats.errors.Error, NoStreamResponseError, OSError) as error:
            raise StreamUnavailableError(f"{type(error).__name__}: {error}") from error
        finally:
            for each in publishing:
                each.cancel()
            await asyncio.gather(*publishing, return_exceptions=True)

    async def _publish(self, message: NatsMessage, before: str) -> None:
        """Tasks begin in the order in which they are made, and what they send leaves in that order."""
        headers = message.headers | ({EXPECTED_LAST: before} if before else {})
        await self._stream.publish(message.subject, message.data, headers=headers)

    async def _last(self, subject: str) -> StreamEnd | None:
        try:
            message = await self._stream.get_last_msg(self._name, subject)
        except NotFoundError:
            return None
        except (nats.errors.Error, OSError) as error:
            raise StreamUnavailableError(f"{type(error).__name__}: {error}") from error
        headers = message.headers or {}
        return StreamEnd(position=int(headers[POSITION]), id=headers[MESSAGE_ID])

    async def _has_had_messages(self) -> bool:
        try:
            return (await self._stream.stream_info(self._name)).state.last_seq > 0
        except (nats.errors.Error, OSError) as error:
            raise StreamUnavailableError(f"{type(error).__name__}: {error}") from error


@asynccontextmanager
async def opened_stream(urls: Sequence[str], options: StreamOptions) -> AsyncIterator[RelayStream]:
    """The stream on the servers at these addresses, made where there is none. Raises StreamUnavailableError.

    A broken connection is made again for as long as it takes; what is asked meanwhile fails.
    """
    client = Client()
    try:
        async with asyncio.timeout(CONNECT_SECONDS):  # by itself it would try for ever
            await client.connect(
                servers=list(urls),
                name="fristwerk-relay",
                max_reconnect_attempts=-1,
                reconnect_time_wait=1,
                connect_timeout=2,
                ping_interval=10,
                error_cb=_report,
            )
        stream = client.jetstream(timeout=PATIENCE_SECONDS)
        await _make(stream, options)
    except (nats.errors.Error, OSError, TimeoutError) as error:
        await client.close()
        raise StreamUnavailableError(f"NATS does not answer: {type(error).__name__}.") from error
    try:
        yield RelayStream(client, stream, options.name)
    finally:
        await client.close()


async def _make(stream: JetStreamContext, options: StreamOptions) -> None:
    """Leaves a stream that there is as it is: whoever runs the servers may have made it."""
    try:
        await stream.stream_info(options.name)
    except NotFoundError:
        await stream.add_stream(
            StreamConfig(
                name=options.name,
                description="Fristwerk's events, for who cannot read the feed itself",
                subjects=[SUBJECTS],
                storage=StorageType.FILE,
                discard=DiscardPolicy.OLD,
                num_replicas=options.replicas,
                max_bytes=options.max_bytes,
                duplicate_window=REPEATED_WITHIN_SECONDS,
                deny_delete=True,
            )
        )


async def _report(error: Exception) -> None:
    """What the connection has to say; the relay finds out by itself what it means."""
    _log.warning("nats_connection", error=f"{type(error).__name__}: {error}")
