"""Readers that follow positions never skip an event, however many processes write; without the locks they do."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest

from fristwerk_platform.event_log import NewEvent, VersionConflictError
from fristwerk_platform.event_log.group_commit import Append
from fristwerk_platform.event_log.postgres.columns import append_arguments
from fristwerk_platform.event_log.postgres.log import PostgresEventLog
from fristwerk_platform.event_log.postgres.recorder import PostgresRecorder
from tests.faults.log_writers import take_the_lock_out

WRITERS = Path(__file__).with_name("log_writers.py")
READER = Path(__file__).with_name("log_reader.py")
PROCESSES, WRITERS_EACH, READERS = 4, 4, 4
SHORT, LONG = 4_000, 20_000


def arguments(stream: str, version: int) -> list[list[bytes] | str]:
    """What the log's statement is given to append one event."""
    loop = asyncio.get_running_loop()
    event = NewEvent(stream=stream, version=version, type="Closed", line=b"{}")
    return append_arguments([Append([event], None, loop, loop.create_future())], None)


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


@pytest.mark.parametrize("in_one_statement", [True, False], ids=["one statement", "a transaction"])
@pytest.mark.parametrize("locked", [True, False], ids=["locked", "unlocked"])
async def test_a_commit_overtaken_by_another_is_skipped_unless_writers_lock(
    postgres_url: str, *, locked: bool, in_one_statement: bool
) -> None:
    """A writer that takes its time begins in one of the log's two ways, and the log appends meanwhile."""
    log = PostgresEventLog(postgres_url, "log")
    recorder = log._recorder
    assert isinstance(recorder, PostgresRecorder)
    if not locked:
        take_the_lock_out(log)
    slow = await asyncpg.connect(postgres_url)
    if in_one_statement:
        await slow.execute("BEGIN")
        await slow.fetch(log._in_loop.sql["append"], *arguments("ticket-slow", 1))
    else:
        await slow.execute(recorder._sql["begin"].as_string(None))
        await slow.execute(
            "INSERT INTO log.stored_events (originator_id, originator_version, topic, state) "
            "VALUES ('ticket-slow', 1, 'Closed', '{}')"
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


async def test_who_waited_for_the_lock_sees_what_was_stored_meanwhile(postgres_url: str) -> None:
    """The statement looks up versions as of before it waited; what it then stores must fit what there is all the same."""
    log = PostgresEventLog(postgres_url, "log")
    slow = await asyncpg.connect(postgres_url)
    for version, wanted in ((1, 2), (3, 3)):
        await slow.execute("BEGIN")
        await slow.fetch(log._in_loop.sql["append"], *arguments("ticket-1", version))
        appending = asyncio.create_task(
            log.append([NewEvent(stream="ticket-1", version=wanted, type="Closed", line=b"{}")])
        )
        await asyncio.wait([appending], timeout=0.3)
        assert not appending.done()
        await slow.execute("COMMIT")
        if wanted == version:
            with pytest.raises(VersionConflictError):
                await appending
        else:
            await appending

    assert len(await log.read_stream("ticket-1")) == 3
    await slow.close()
    await log.close()
