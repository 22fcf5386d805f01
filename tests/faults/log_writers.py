"""A program for tests: several writers append to one log on PostgreSQL; with ``--unlocked`` the table lock is taken out."""

from __future__ import annotations

import argparse
import asyncio
import os
from typing import Any

from psycopg.sql import SQL

from fristwerk_platform.event_log import NewEvent
from fristwerk_platform.event_log.postgres.log import PostgresEventLog


async def write(log: PostgresEventLog, stream: str, events: int) -> None:
    for version in range(1, events + 1):
        await log.append([NewEvent(stream=stream, version=version, type="Closed", line=b"{}")])


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--writers", type=int, required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--unlocked", action="store_true")
    options = parser.parse_args()
    log: Any = PostgresEventLog(os.environ["FRISTWERK_DATABASE_URL"], "log")
    if options.unlocked:
        log._recorder._begin = SQL("BEGIN")
    streams = [f"{options.name}-{number}" for number in range(options.writers)]
    await asyncio.gather(*(write(log, stream, options.events) for stream in streams))
    await log.close()


asyncio.run(main())
