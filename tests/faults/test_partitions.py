"""Four processes share the derivation of timers, are killed and stopped and go on: what comes out is what one derives."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from billing_service.projections import tables as billing_tables
from fristwerk_platform.read_models import SqlDatabase, postgres_database
from sla_service.projections import tables
from tests.billing_service.shared_log import busy_accounts, derived_rows
from tests.billing_service.test_partitions import applied_alone
from tests.faults import counted_effects
from tests.faults.counted_effects import compared_effects
from tests.sla_service.conftest import Published, published, shipped
from tests.sla_service.service.shared_work import busy_log, doubled, rows
from tests.sla_service.service.test_partitions import LATER, derived_alone
from tests.sla_service.service.told_feed import ToldFeed

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("partition_worker.py")
__all__ = ["published", "shipped"]  # the fixtures of the SLA service's tests
WORKERS = 4
TABLES = {"sla": tables.metadata, "billing": billing_tables.metadata}
SHORT, LONG = (60, 2, 0.5), (25_000, 200, 1.0)
"""Tickets, kills and stops, seconds of a lease."""
PATIENCE_SECONDS = 1_800


async def test_partitioned_processes_that_are_killed_and_stopped_double_and_miss_nothing(
    tmp_path: Path, postgres_url: str, published: Published, promise: Any, *, long: bool
) -> None:
    number, faults, lease = LONG if long else SHORT
    log = busy_log(published, number)
    alone = await derived_alone(tmp_path, ToldFeed(log.lines))
    began_at = time.monotonic()
    async with derived_together(tmp_path, postgres_url, log.lines, faults, lease) as (database, done):
        seconds = time.monotonic() - began_at
        expected = await rows(alone)
        assert await rows(database) == expected
        assert await doubled(database) == {}
        found = await compared_effects(database, log.lines, "ticket-")
        assert (found.doubled, found.missing) == (0, 0)
        notices = await number_of(database, tables.notices)
        epochs = await taken_over(database)
    await alone.close()
    digest = sha256(msgspec.json.encode(expected, enc_hook=repr)).hexdigest()
    promise.figures = (
        f"{WORKERS} workers, {done} kills and stops, {epochs} partitions taken over, {found.written:,} events applied, "
        f"{notices:,} notices, in {seconds:,.0f} s; {sum(map(len, expected.values())):,} rows equal to one process's "
        f"(sha256 {digest[:12]}): 0 doubled, 0 missing"
    )


async def test_partitioned_processes_of_billing_that_are_killed_and_stopped_double_and_miss_nothing(
    tmp_path: Path, postgres_url: str, promise: Any, *, long: bool
) -> None:
    number, faults, lease = LONG if long else SHORT
    lines = busy_accounts(number).lines
    expected = await applied_alone(tmp_path, lines)
    began_at = time.monotonic()
    async with derived_together(tmp_path, postgres_url, lines, faults, lease, service="billing") as (database, done):
        seconds = time.monotonic() - began_at
        assert await derived_rows(database) == expected
        found = await compared_effects(database, lines, "ticket-")
        assert (found.doubled, found.missing) == (0, 0)
        epochs = await taken_over(database)
    digest = sha256(msgspec.json.encode(expected, enc_hook=repr)).hexdigest()
    promise.figures = (
        f"{WORKERS} workers, {done} kills and stops, {epochs} partitions taken over, {found.written:,} events applied, "
        f"in {seconds:,.0f} s; {sum(map(len, expected.values())):,} rows equal to one process's "
        f"(sha256 {digest[:12]}): 0 doubled, 0 missing"
    )


async def test_without_the_fence_processes_of_billing_double_effects(
    tmp_path: Path, postgres_url: str, promise: Any, *, long: bool
) -> None:
    if not long:
        pytest.skip("it is left to chance; tests/platform/subscriptions/test_partitioned.py does it step by step")
    number, faults, lease = LONG
    lines = busy_accounts(number).lines
    async with derived_together(tmp_path, postgres_url, lines, faults, lease, fenced=False, service="billing") as (
        database,
        done,
    ):
        found = await compared_effects(database, lines, "ticket-")
    assert found.doubled > 0
    promise.figures = (
        f"{WORKERS} workers, {done} kills and stops: {found.doubled:,} of {found.written:,} effects doubled"
    )


async def test_without_the_fence_partitioned_processes_double_effects(
    tmp_path: Path, postgres_url: str, published: Published, promise: Any, *, long: bool
) -> None:
    if not long:
        pytest.skip("it is left to chance; tests/platform/subscriptions/test_partitioned.py does it step by step")
    number, faults, lease = LONG
    log = busy_log(published, number)
    async with derived_together(tmp_path, postgres_url, log.lines, faults, lease, fenced=False) as (database, done):
        found = await compared_effects(database, log.lines, "ticket-")
    assert found.doubled > 0
    promise.figures = (
        f"{WORKERS} workers, {done} kills and stops: {found.doubled:,} of {found.written:,} effects doubled"
    )


@asynccontextmanager
async def derived_together(
    folder: Path, url: str, lines: list[bytes], faults: int, lease: float, *, fenced: bool = True, service: str = "sla"
) -> AsyncIterator[tuple[SqlDatabase, int]]:
    """The database when workers, of which one after the other was killed or stopped, have applied
    the whole log and fired every alarm; and how many were. Without the fence they may never have:
    whoever was stopped puts partitions back to where it was.
    """
    file = folder / "log.ndjson"
    file.write_bytes(b"\n".join(lines) + b"\n")
    database = postgres_database(url, service, TABLES[service])
    await database.create()
    async with database.transaction() as connection:
        await connection.run_sync(counted_effects.metadata.create_all)
    work = {"url": url, "file": str(file), "now": LATER, "lease_seconds": lease, "fenced": fenced, "service": service}
    async with started(work) as workers, asyncio.timeout(PATIENCE_SECONDS):
        for count in range(faults):
            await fault(workers, work, count)
        while fenced and not await is_done(database, len(lines), service):  # noqa: ASYNC110 - other processes work
            await asyncio.sleep(0.1)
    yield database, faults
    await database.close()


async def fault(workers: list[asyncio.subprocess.Process], work: dict[str, Any], count: int) -> None:
    """Kill one of the workers and start another in its place, or stop it, mostly for longer than its
    lease.
    """
    lot, lease = random.Random(count), work["lease_seconds"]  # noqa: S311 - drawn again by the seed
    await asyncio.sleep(lot.uniform(0.0, lease))
    victim = lot.randrange(WORKERS)
    if lot.random() < 0.5:
        workers[victim].kill()
        await workers[victim].wait()
        workers[victim] = await worker(work, f"{victim}-{count}")
    else:
        workers[victim].send_signal(signal.SIGSTOP)
        await asyncio.sleep(lot.uniform(0.5, 2.5) * lease)
        workers[victim].send_signal(signal.SIGCONT)


@asynccontextmanager
async def started(work: dict[str, Any]) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """Workers that follow, none of which is left behind."""
    workers = [await worker(work, str(number)) for number in range(WORKERS)]
    try:
        for each in workers:
            assert each.stdout is not None
            assert await each.stdout.readline() == b"following\n"
        yield workers
    finally:
        for each in workers:
            if each.returncode is None:
                each.kill()
                await each.wait()


async def worker(work: dict[str, Any], member: str) -> asyncio.subprocess.Process:
    told = msgspec.json.encode(work | {"member": member}).decode()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return await asyncio.create_subprocess_exec(
        sys.executable, str(WORKER), told, env=environment, stdout=asyncio.subprocess.PIPE
    )


async def is_done(database: SqlDatabase, position: int, service: str) -> bool:
    """Whether every partition is at the log's end, and no alarm that is due is left."""
    lowest = select(func.min(tables.partitions.table.c.position))
    due = select(func.count()).select_from(tables.alarms).where(tables.alarms.c.at < LATER)
    async with database.reading() as connection:
        at = (await connection.execute(lowest)).scalar()
        left = (await connection.execute(due)).scalar_one() if service == "sla" else 0
    return at == position and not left


async def number_of(database: SqlDatabase, table: Any) -> int:
    async with database.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def taken_over(database: SqlDatabase) -> int:
    async with database.reading() as connection:
        epochs = await connection.execute(select(func.sum(tables.partitions.table.c.epoch)))
        return int(epochs.scalar_one())
