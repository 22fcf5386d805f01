"""A program for tests: appends to a log until it is killed, and prints what was acknowledged: stream, version, position."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from itertools import count

from fristwerk_platform.event_log import Answer, EventLog, IdempotencyKey, Keyed, NewEvent, open_log
from fristwerk_platform.settings import read_settings

WRITERS = 4


def keyed(name: str) -> Keyed:
    key = IdempotencyKey(scope="appender", key=name, request_digest=name)
    return Keyed(
        key=key,
        answer=Answer(status=201, body=name.encode(), headers={}),
        stored_at=datetime(2026, 6, 3, tzinfo=UTC),
    )


async def write(log: EventLog, stream: str, limit: int) -> None:
    """Two facts at a time, each pair under a key; goes on where the stream ends."""
    after = len(await log.read_stream(stream))
    for pair in count():
        if limit and pair >= limit:
            return
        versions = (after + 1, after + 2)
        events = [NewEvent(stream=stream, version=each, type="Closed", line=b"{%d}" % each) for each in versions]
        position = await log.append(events, keyed(f"{stream} {after + 2}"))
        after += 2
        os.write(1, f"{stream} {after} {position}\n".encode())


async def main() -> None:
    prefix, limit = sys.argv[1], int(sys.argv[2])
    log = open_log(read_settings(os.environ), "log")
    await asyncio.gather(*(write(log, f"{prefix}-{number}", limit) for number in range(WRITERS)))
    await log.close()


asyncio.run(main())
