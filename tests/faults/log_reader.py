"""A program for tests: follows a log on PostgreSQL by position until so many events were read or none comes any more."""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import pairwise

from fristwerk_platform.event_log.postgres.log import PostgresEventLog

PATIENCE_SECONDS = 5.0
"""After the last event; the writers may take longer to begin."""
BEGINNING_SECONDS = 60.0
PAGE = 50


async def main() -> None:
    wanted = int(sys.argv[1])
    log = PostgresEventLog(os.environ["FRISTWERK_DATABASE_URL"], "log")
    position, seen = 0, 0
    os.write(1, b"reading\n")
    while seen < wanted:
        await log.wait(position, PATIENCE_SECONDS if seen else BEGINNING_SECONDS)
        lines = await log.read_feed(position, PAGE)
        if not lines:
            break
        assert all(before.position < after.position for before, after in pairwise(lines))
        position, seen = lines[-1].position, seen + len(lines)
    await log.close()
    os.write(1, b"%d\n" % seen)


asyncio.run(main())
