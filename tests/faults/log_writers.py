"""A program for tests: several writers append to one log on PostgreSQL; with ``--unlocked`` the table lock is taken out."""

from __future__ import annotations

import argparse
import asyncio
import os

from psycopg.sql import SQL, Composed

from fristwerk_platform.event_log import NewEvent
from fristwerk_platform.event_log.postgres.log import PostgresEventLog
from fristwerk_platform.event_log.postgres.recorder import PostgresRecorder


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
    log = PostgresEventLog(os.environ["FRISTWERK_DATABASE_URL"], "log")
    if options.unlocked:
        recorder = log._recorder
        assert isinstance(recorder, PostgresRecorder)
        recorder._sql = {**recorder._sql, "begin": Composed([SQL("BEGIN")])}
    streams = [f"{options.name}-{number}" for number in range(options.writers)]
    await asyncio.gather(*(write(log, stream, options.events) for stream in streams))
    await log.close()


asyncio.run(main())
