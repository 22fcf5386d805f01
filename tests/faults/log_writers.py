"""A program for tests: several writers append to one log on PostgreSQL; with ``--unlocked`` the locks are taken out."""

from __future__ import annotations

import argparse
import asyncio
import os
import re

from psycopg.sql import SQL, Composed

from fristwerk_platform.event_log import NewEvent
from fristwerk_platform.event_log.postgres.log import PostgresEventLog
from fristwerk_platform.event_log.postgres.recorder import PostgresRecorder


async def write(log: PostgresEventLog, stream: str, events: int) -> None:
    for version in range(1, events + 1):
        await log.append([NewEvent(stream=stream, version=version, type="Closed", line=b"{}")])


def take_the_lock_out(log: PostgresEventLog) -> None:
    """Both ways to append: the transaction of several statements, and the one statement."""
    recorder = log._recorder
    assert isinstance(recorder, PostgresRecorder)
    recorder._sql = {**recorder._sql, "begin": Composed([SQL("BEGIN")])}
    statements = log._in_loop.sql
    log._in_loop.sql = {
        name: re.sub(r"pg_advisory_xact_lock\(.*?\)\)\)", "1)", text) for name, text in statements.items()
    }


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--writers", type=int, required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--unlocked", action="store_true")
    options = parser.parse_args()
    log = PostgresEventLog(os.environ["FRISTWERK_DATABASE_URL"], "log")
    if options.unlocked:
        take_the_lock_out(log)
    streams = [f"{options.name}-{number}" for number in range(options.writers)]
    await asyncio.gather(*(write(log, stream, options.events) for stream in streams))
    await log.close()


if __name__ == "__main__":
    asyncio.run(main())
