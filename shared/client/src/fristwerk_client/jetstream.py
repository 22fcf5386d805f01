"""Following the feed through NATS JetStream, to which ``python -m ticket_service relay`` publishes it.

JetStream tells at once what is new, to as many readers as there are; the feed over HTTP is the
record. A follower begins with the feed, goes on with messages, and reads the feed again wherever
the messages leave something out: they may expire, and a cluster that lost a server may have lost
the last of them.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from hashlib import sha256
from typing import Any, Final, NamedTuple

import httpx
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.client import JetStreamContext

from fristwerk_client.feeds import MAX_EVENTS, Batch, follow

PARTITIONS: Final = 64
QUIET_SECONDS: Final = 30.0
"""After so long without a message the feed is asked whether there was nothing."""
_NEXT_MESSAGE_SECONDS: Final = 0.002
"""What lies there already is part of the same batch."""


class _Read(NamedTuple):
    """What is read of a message: where it stands, and where the one before it does."""

    position: int
    previous: int
    event: dict[str, Any] | None
    """None where it was too large for a message."""


def partition_of(stream: str) -> int:
    """The partition of an event's stream, 0 to 63, as the last part of a message's subject has it."""
    return sha256(stream.encode()).digest()[0] % PARTITIONS


async def follow_jetstream(
    service: httpx.AsyncClient,
    nats: Client,
    after: int,
    *,
    partition: int | None = None,
    stream_name: str = "FRISTWERK",
    quiet_seconds: float = QUIET_SECONDS,
) -> AsyncGenerator[Batch, None]:
    """What came after a position, and whatever comes, exactly once as with :func:`fristwerk_client.feeds.follow`.

    ``partition`` takes one of the 64 parts into which the streams are divided, so that 64 followers, each with a
    position of its own, share the work. ``nats`` is a connected client of nats-py; ``service`` is the client of the
    ticket service as ``AsyncFristwerk.requests`` has it. Raises what ``follow`` raises, and nats-py's errors while the
    first connection is made.
    """
    subject = "fristwerk.>" if partition is None else f"fristwerk.*.*.{partition}"
    subscription = await nats.jetstream().subscribe(
        subject, stream=stream_name, ordered_consumer=True, config=ConsumerConfig(deliver_policy=DeliverPolicy.NEW)
    )
    try:
        missing = True  # what came before the subscription
        while True:
            if missing:
                async for batch in follow(service, after, until_end=True):
                    after = batch.position
                    yield Batch(after, _of_partition(batch.events, partition))
            message = await _next(subscription, quiet_seconds)
            missing = message is None
            events: list[dict[str, Any]] = []
            while message is not None:
                position, previous, event = _read(message, partition)
                if position > after:
                    if event is None or previous > after:
                        missing = True
                        break
                    events.append(event)
                    after = position
                message = await _next(subscription, _NEXT_MESSAGE_SECONDS) if len(events) < MAX_EVENTS else None
            if events:
                yield Batch(after, events)
    finally:
        if not nats.is_closed:
            await subscription.unsubscribe()


async def _next(subscription: JetStreamContext.PushSubscription, seconds: float) -> Msg | None:
    """The next message; None where none came in this time, or the connection is broken for the moment."""
    try:
        return await subscription.next_msg(timeout=seconds)
    except NatsTimeoutError:
        return None


def _read(message: Msg, partition: int | None) -> _Read:
    headers = message.headers or {}
    previous = headers["Fristwerk-Previous-Position" if partition is None else "Fristwerk-Previous-In-Partition"]
    event = json.loads(message.data) if message.data else None
    return _Read(int(headers["ce-sequence"]), int(previous), event)


def _of_partition(events: list[dict[str, Any]], partition: int | None) -> list[dict[str, Any]]:
    return events if partition is None else [each for each in events if partition_of(each["stream"]) == partition]
