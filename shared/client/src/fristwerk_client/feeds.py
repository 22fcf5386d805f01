"""Following a service's feed: batches of events, each with the position that the caller stores with their effects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any, Final, NamedTuple

import httpx

from fristwerk_client.problems import raise_for_problem

MAX_EVENTS: Final = 1_000
MAX_WAIT_SECONDS: Final = 25.0
_NEXT: Final = "Fristwerk-Next-Position"
_LAST: Final = "Fristwerk-Last-Position"
_BEYOND_THE_WAIT_SECONDS: Final = 30.0
_BEYOND_EVERY_POSITION: Final = 2**62


class Batch(NamedTuple):
    """Events in the order of their positions, and the position to go on after once they are applied."""

    position: int
    events: list[dict[str, Any]]
    """As the description has them by their ``type``, so ``TicketCreatedEvent.from_dict(event)`` has types.

    Empty where everything up to the position was somebody else's or filtered away.
    """


class FeedShortenedError(Exception):
    """The feed ends before the position that the follower stored: it was restored from an older backup, or is another one."""


async def follow(
    service: httpx.AsyncClient,
    after: int,
    *,
    event_type: str | None = None,
    stream: str | None = None,
    limit: int = MAX_EVENTS,
    wait_seconds: float = MAX_WAIT_SECONDS,
    until_end: bool = False,
) -> AsyncGenerator[Batch, None]:
    """What came after a position and, unless ``until_end``, whatever comes; with ``async for position, events in``.

    Exactly once means: the caller writes what follows from a batch and its position **in one transaction**, and starts anew
    with the position that is stored. Killed at any moment, it has both or neither. The next batch is asked for when the last
    one was taken, so one that was not applied is not passed over. What cannot share a transaction, such as a mail, takes
    ``event["id"]`` as the key that makes a repetition harmless.

    ``service`` is the client of a service as ``AsyncFristwerk.requests`` has it; an answer that is lost is asked for again.
    Raises ProblemError, FeedShortenedError, and httpx.TransportError where the service stays away.
    """
    filters = {name: each for name, each in {"type": event_type, "stream": stream}.items() if each is not None}
    wait = 0.0  # at first, so that a feed that is too short is noticed at once
    while True:
        page = await service.get(
            "/v1/events",
            params={"after": after, "limit": limit, "wait": wait, **filters},
            timeout=wait + _BEYOND_THE_WAIT_SECONDS,
        )
        raise_for_problem(page)
        last = int(page.headers[_LAST])
        if last < after:
            raise FeedShortenedError(f"The feed ends at {last}; this follower has applied events up to {after}.")
        position = int(page.headers[_NEXT])
        if position > after:
            after = position
            yield Batch(position, [json.loads(line) for line in page.content.splitlines()])
            if until_end and position >= last:
                return
        elif until_end:
            return
        else:
            wait = wait_seconds
            await asyncio.sleep(0)  # a service that is stopping does not hold the request


async def last_position(service: httpx.AsyncClient) -> int:
    """The position of the feed's newest event, 0 while there is none: where a follower begins that wants new ones alone."""
    page = await service.get("/v1/events", params={"after": _BEYOND_EVERY_POSITION, "limit": 1})
    raise_for_problem(page)
    return int(page.headers[_LAST])
