"""The event log under kill -9, with several processes on one file, and on a full disk."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from fristwerk_platform.event_log import (
    EventLog,
    FeedLine,
    IdempotencyKey,
    LogUnavailableError,
    NewEvent,
    SqliteEventLog,
)
from fristwerk_platform.event_log.sqlite import SqliteRecorder
from fristwerk_platform.settings import Settings

APPENDER = Path(__file__).with_name("appender.py")
KILLS = 3
LOCKED_ATTEMPTS = 3

Fact = Callable[..., NewEvent]
Start = Callable[..., "subprocess.Popen[str]"]
Acknowledged = dict[str, list[tuple[int, int]]]
"""Per stream the versions that were acknowledged, each with its position."""


@pytest.fixture
def start(database_settings: Settings) -> Iterator[Start]:
    """Starts a process that appends to the test's log; none outlives the test."""
    started: list[subprocess.Popen[str]] = []
    surroundings = os.environ | {"FRISTWERK_VAR": str(database_settings.var)}
    if database_settings.database_url is not None:
        surroundings["FRISTWERK_DATABASE_URL"] = database_settings.database_url

    def start_one(prefix: str, *, pairs: int = 0) -> subprocess.Popen[str]:
        command = [sys.executable, str(APPENDER), prefix, str(pairs)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=surroundings))  # noqa: S603
        return started[-1]

    yield start_one
    for process in started:
        process.kill()
        process.communicate()


def read_acknowledged(process: subprocess.Popen[str], lines: int | None = None) -> Acknowledged:
    """What the process printed: so many lines, or all until its end. A line cut off by the kill counts for nothing."""
    assert process.stdout is not None
    found: Acknowledged = {}
    read = 0
    while (lines is None or read < lines) and (line := process.stdout.readline()).endswith("\n"):
        stream, version, position = line.split()
        found.setdefault(stream, []).append((int(version), int(position)))
        read += 1
    return found


async def check(log: EventLog, acknowledged: Acknowledged) -> None:
    """What was acknowledged is there, at its position; every stream has no gap; keys and events were stored together."""
    for stream, answers in acknowledged.items():
        lines = await log.read_stream(stream)
        assert [each.line for each in lines] == [b"{%d}" % version for version in range(1, len(lines) + 1)]
        assert [lines[version - 1].position for version, _ in answers] == [position for _, position in answers]
        versions = range(1, len(lines) + 3)
        used = [version for version in versions if await log.stored_answer(_key(f"{stream} {version}")) is not None]
        assert used == list(range(2, len(lines) + 1, 2))


def _key(name: str) -> IdempotencyKey:
    return IdempotencyKey(scope="appender", key=name, request_digest=name)


async def test_what_was_acknowledged_outlives_kill_9(open_log: Callable[[], EventLog], start: Start) -> None:
    acknowledged: Acknowledged = {}
    for kill in range(KILLS):
        process = start("ticket")
        before = await asyncio.to_thread(read_acknowledged, process, random.Random(kill).randint(20, 200))  # noqa: S311
        process.kill()
        rest = await asyncio.to_thread(read_acknowledged, process)
        for part in (before, rest):
            for stream, answers in part.items():
                acknowledged.setdefault(stream, []).extend(answers)

    assert len(acknowledged) > 1
    await check(open_log(), acknowledged)


async def test_two_processes_append_to_one_file_and_a_reader_skips_nothing(
    open_log: Callable[[], EventLog], fact: Fact, start: Start
) -> None:
    pairs, own_writers, each_writes = 40, 4, 40
    total = 4 * 2 * pairs + own_writers * each_writes
    log = open_log()

    async def write(stream: str) -> None:
        for version in range(1, each_writes + 1):
            await log.append([fact(stream, version)])

    async def follow() -> list[FeedLine]:
        seen: list[FeedLine] = []
        while len(seen) < total:
            await log.wait(seen[-1].position if seen else 0, 5)
            seen += await log.read_feed(seen[-1].position if seen else 0, 7)
        return seen

    process = start("theirs", pairs=pairs)
    first = await asyncio.to_thread(read_acknowledged, process, 1)
    async with asyncio.timeout(20), asyncio.TaskGroup() as together:
        following = together.create_task(follow())
        acknowledging = together.create_task(asyncio.to_thread(read_acknowledged, process))
        for number in range(own_writers):
            together.create_task(write(f"ours-{number}"))
    seen, rest = following.result(), acknowledging.result()

    assert seen == await log.read_feed(0, total + 1)
    for stream, answers in first.items():
        rest[stream] = answers + rest.get(stream, [])
    assert sum(len(answers) for answers in rest.values()) == 4 * pairs
    await check(log, rest)


async def test_a_wait_notices_what_another_process_appended(
    open_log: Callable[[], EventLog], start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.event_log.log.POLL_SECONDS", 0.1)
    log = open_log()
    waiting = asyncio.create_task(log.wait(0, 20))

    process = start("theirs", pairs=1)
    await asyncio.to_thread(read_acknowledged, process, 1)

    async with asyncio.timeout(2):
        await waiting


async def test_a_file_that_another_process_just_makes_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite reports that lock at once, whatever the timeout: of four processes that start together one often fails."""
    makes_table = SqliteRecorder.create_table
    attempts = []

    def locked_at_first(recorder: SqliteRecorder) -> None:
        attempts.append(recorder)
        if len(attempts) < LOCKED_ATTEMPTS:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        makes_table(recorder)

    monkeypatch.setattr(SqliteRecorder, "create_table", locked_at_first)
    log = SqliteEventLog(tmp_path / "log.db")

    assert len(attempts) == LOCKED_ATTEMPTS
    assert await log.last_position() == 0
    await log.close()


@contextmanager
def small_disk(folder: Path, kibibytes: int) -> Iterator[Callable[[], None]]:
    """The folder as a disk that is soon full, and what makes space: a small tmpfs for root, a limit on file sizes otherwise."""
    mounted = os.geteuid() == 0 and _run("mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(folder))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        if mounted:
            yield lambda: _remount(folder)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (kibibytes * 1024, hard))
            yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        if mounted:
            _run("umount", "--lazy", str(folder))


def _remount(folder: Path) -> None:
    assert _run("mount", "-o", "remount,size=64m", str(folder)), "no space was made"


def _run(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603
    except FileNotFoundError:
        return False


async def test_a_full_disk_keeps_what_was_acknowledged_and_the_log_goes_on_once_there_is_space(
    tmp_path: Path, fact: Fact
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk(folder, 1_024) as make_space:
        log = SqliteEventLog(folder / "log.db")
        last = await _fill(log, fact)
        with pytest.raises(LogUnavailableError, match="could not be written"):
            await log.append([fact("ticket-1", last + 1, channel="x" * 20_000)])

        assert len(await log.read_stream("ticket-1")) == last
        make_space()
        await log.append([fact("ticket-1", last + 1), fact("ticket-1", last + 2)])
        await log.close()

        reopened = SqliteEventLog(folder / "log.db")
        assert len(await reopened.read_stream("ticket-1")) == last + 2
        await reopened.close()


async def _fill(log: EventLog, fact: Fact) -> int:
    """Appends until the disk is full; the last version that was acknowledged."""
    for version in range(1, 10_000):
        try:
            await log.append([fact("ticket-1", version, channel="x" * 20_000)])
        except LogUnavailableError:
            return version - 1
    return pytest.fail("the disk was never full")


async def test_a_log_that_cannot_be_read_says_so(tmp_path: Path, fact: Fact) -> None:
    log = SqliteEventLog(tmp_path / "log.db")
    with closing(sqlite3.connect(tmp_path / "log.db")) as tampering:
        tampering.execute("DROP TABLE stored_events")

    with pytest.raises(LogUnavailableError, match="could not be read"):
        await log.read_stream("ticket-1")
    with pytest.raises(LogUnavailableError, match="could not be written"):
        await log.append([fact("ticket-1", 1)])
    await log.close()
