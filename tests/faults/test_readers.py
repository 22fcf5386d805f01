"""Readers that follow positions never skip an event, however many processes write; without the table lock they do."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Composed

from fristwerk_platform.event_log import NewEvent
from fristwerk_platform.event_log.postgres.log import PostgresEventLog
from fristwerk_platform.event_log.postgres.recorder import PostgresRecorder

WRITERS = Path(__file__).with_name("log_writers.py")
READER = Path(__file__).with_name("log_reader.py")
PROCESSES, WRITERS_EACH, READERS = 4, 4, 4
UNLOCKED = Composed([SQL("BEGIN")])
SHORT, LONG = 4_000, 20_000


async def started(url: str, program: Path, *arguments: object) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(program),
        *map(str, arguments),
        env=os.environ | {"FRISTWERK_DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE,
    )


async def followed(url: str, events: int, *options: str) -> list[int]:
    """How many events each of the readers saw that followed while the writers wrote so many."""
    readers = [await started(url, READER, events) for _ in range(READERS)]
    for reader in readers:
        assert reader.stdout is not None
        assert await reader.stdout.readline() == b"reading\n"
    each = events // PROCESSES // WRITERS_EACH
    counts = ("--writers", WRITERS_EACH, "--events", each, *options)
    writers = [await started(url, WRITERS, f"writer-{number}", *counts) for number in range(PROCESSES)]
    assert [await writer.wait() for writer in writers] == [0] * PROCESSES
    seen = [int((await reader.communicate())[0]) for reader in readers]
    with psycopg.connect(url) as connection:
        stored = connection.execute("SELECT count(*) FROM log.stored_events").fetchone()
    assert stored == (events,)
    return seen


async def test_readers_never_skip(postgres_url: str, promise: Any, *, long: bool) -> None:
    events = LONG if long else SHORT
    seen = await followed(postgres_url, events)

    assert seen == [events] * READERS
    promise.figures = (
        f"{PROCESSES * WRITERS_EACH} writers in {PROCESSES} processes, {READERS} readers, {events:,} events: 0 skipped"
    )


async def test_without_the_lock_readers_do_skip(postgres_url: str, promise: Any, *, long: bool) -> None:
    if not long:
        pytest.skip("left to chance; its deterministic sibling runs always")
    seen = await followed(postgres_url, LONG, "--unlocked")

    assert sum(seen) < LONG * READERS
    promise.figures = f"the same with the lock taken out: {LONG * READERS - sum(seen):,} skipped"


@pytest.mark.parametrize("locked", [True, False], ids=["locked", "unlocked"])
async def test_a_commit_overtaken_by_another_is_skipped_unless_the_table_is_locked(
    postgres_url: str, *, locked: bool
) -> None:
    """A writer that takes its time begins as the log does, and the log appends meanwhile."""
    log = PostgresEventLog(postgres_url, "log")
    recorder = log._recorder
    assert isinstance(recorder, PostgresRecorder)
    if not locked:
        recorder._sql = {**recorder._sql, "begin": UNLOCKED}
    slow = await psycopg.AsyncConnection.connect(postgres_url, autocommit=True)
    await slow.execute(recorder._sql["begin"])
    await slow.execute(
        "INSERT INTO log.stored_events (originator_id, originator_version, topic, state) VALUES (%s, 1, 'Closed', '{}')",
        ("ticket-slow",),
    )
    fast = NewEvent(stream="ticket-fast", version=1, type="Closed", line=b"{}")
    overtaking = asyncio.create_task(log.append([fast]))
    await asyncio.wait([overtaking], timeout=0.3 if locked else 30)
    first = await log.read_feed(0, 10)
    await slow.execute("COMMIT")
    await overtaking
    second = await log.read_feed(first[-1].position if first else 0, 10)

    assert len(first) + len(second) == (2 if locked else 1)
    await slow.close()
    await log.close()
