"""Several processes apply one log to billing's read model together: the rows are those of one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from billing_service.application.account_checks import AccountChecks
from billing_service.application.statements import Statements
from billing_service.projections import tables
from billing_service.projections.projector import Projector, concerns_all_accounts
from billing_service.projections.unchecked_accounts import AccountCheckWriter, Checked, CheckedShare
from billing_service.queries.account_checks import AccountCheckQueries
from billing_service.queries.accounts import AccountQueries
from billing_service.queries.documents import DocumentQueries
from billing_service.replay import compare
from fristwerk_language.events import Recorded, decode_tolerantly
from fristwerk_platform.read_models import Database, SqlDatabase, postgres_database, sqlite_database
from fristwerk_platform.subscriptions import (
    Membership,
    PartitionedSubscription,
    Subscription,
    partition_of,
    partitioned,
    partitions,
)
from tests.billing_service.shared_log import busy_accounts, derived_rows
from tests.sla_service.service.told_feed import ToldFeed

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def long_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes over from who only waits for a processor."""
    monkeypatch.setattr(partitions, "LEASE_SECONDS", 120.0)
    monkeypatch.setattr(partitioned, "RENEW_SECONDS", 0.05)


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[SqlDatabase]:
    opened = postgres_database(postgres_url, "billing", tables.metadata)
    await opened.create()
    yield opened
    await opened.close()


def process(name: str, database: Database, lines: Sequence[bytes]) -> PartitionedSubscription[Recorded]:
    return PartitionedSubscription(
        source=tables.SOURCE,
        feed=ToldFeed(lines),
        decode=decode_tolerantly,
        database=database,
        checkpoints=tables.checkpoints,
        membership=Membership(tables.partitions, name, concerns_all_accounts),
        apply=Projector().apply,
    )


async def applied_alone(folder: Path, lines: Sequence[bytes]) -> dict[str, list[tuple[object, ...]]]:
    """The rows that one process makes of the whole log."""
    alone = sqlite_database(folder / "alone.db", tables.metadata)
    await alone.create()
    whole = Subscription(
        source=tables.SOURCE,
        feed=ToldFeed(lines),
        decode=decode_tolerantly,
        database=alone,
        checkpoints=tables.checkpoints,
        apply=Projector().apply,
    )
    while await whole.step(0):
        pass
    rows = await derived_rows(alone)
    await alone.close()
    return rows


async def test_three_processes_make_the_rows_of_one_also_of_tickets_that_are_moved(
    tmp_path: Path, database: SqlDatabase
) -> None:
    log = busy_accounts(120)
    members = [process(name, database, log.lines) for name in "abc"]
    tasks = [asyncio.create_task(each.run(lambda: NOW)) for each in members]
    async with asyncio.timeout(40):
        while await AccountQueries(database).followed() < len(log.lines):  # noqa: ASYNC110 - other tasks apply
            await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert await derived_rows(database) == await applied_alone(tmp_path, log.lines)


async def shared_unevenly(database: Database, lines: Sequence[bytes], behind: int) -> tuple[CheckedShare, CheckedShare]:
    """Two processes have half of the partitions each, and one of them has read less of the log."""
    both = process("a", database, lines), process("b", database, lines[:behind])
    for each in (*both, *both):
        await each.resume()
    for each in both:
        while await each.step(0):
            pass
        await each.resume()
    return CheckedShare("a", both[0].caught_up()), CheckedShare("b", both[1].caught_up())


async def test_a_replay_compares_each_partition_as_far_as_it_is_applied(database: SqlDatabase) -> None:
    log = busy_accounts(60)
    await shared_unevenly(database, log.lines, len(log.lines) - 100)
    assert await AccountQueries(database).followed() == len(log.lines) - 100
    feeds = ToldFeed(log.lines), ToldFeed([])
    found = await compare(database, *feeds, date(2026, 6, 30), lambda: NOW)
    assert found.equal, found.differences
    assert 6 < found.accounts < 12, "some contracts are not applied yet"
    async with database.reading() as connection:
        stored = {tuple(row) for row in await connection.execute(select(tables.facts.c.stream, tables.facts.c.version))}
    assert len(stored) < len(log.lines)
    async with database.transaction() as connection:
        of_account = select(tables.facts.c.account).where(tables.facts.c.stream == "ticket-t0").limit(1)
        (account,) = (await connection.execute(of_account)).one()
        await connection.execute(delete(tables.facts).where(tables.facts.c.account == account))
    found = await compare(database, *feeds, date(2026, 6, 30), lambda: NOW)
    assert found.differences == (f"The account {account} of infoniqa comes to something else.",)


async def test_each_process_checks_the_accounts_of_its_partitions(database: SqlDatabase) -> None:
    log = busy_accounts(60)
    first, second = await shared_unevenly(database, log.lines, len(log.lines))
    queries, writer = AccountCheckQueries(database), AccountCheckWriter(database)
    shares = [{each.account for each in await queries.unchecked(100, list(share.epochs))} for share in (first, second)]
    assert min(map(len, shares)) > 0
    assert not shares[0] & shares[1]
    assert shares[0] | shares[1] == {each.account for each in await queries.unchecked(100)}
    checks = AccountChecks(
        queries,
        writer,
        Statements(AccountQueries(database), DocumentQueries(database), lambda: NOW),
        asyncio.Event(),
        lambda: NOW,
        lambda: first,
    )
    running = asyncio.create_task(checks.run())
    async with asyncio.timeout(60):
        while await queries.unchecked(1, list(first.epochs)):  # noqa: ASYNC110 - another task checks
            await asyncio.sleep(0.05)
    running.cancel()
    assert {each.account for each in await queries.unchecked(100)} == shares[1]


async def test_a_check_of_a_partition_that_was_taken_over_stores_nothing(database: SqlDatabase) -> None:
    share, _ = await shared_unevenly(database, busy_accounts(30).lines, 0)
    queries, writer = AccountCheckQueries(database), AccountCheckWriter(database)
    found = [Checked(unchecked=each, code="x") for each in await queries.unchecked(100, list(share.epochs))]
    assert found
    for member in ("a", "b"):
        async with database.transaction() as connection:
            await tables.partitions.leave(connection, tables.SOURCE, member, {})
    async with database.transaction() as connection:
        await tables.partitions.take_share(connection, tables.SOURCE, "c", {})
    assert await writer.store(found, NOW, share) == ([], [])
    assert await queries.count_parked() == 0


async def test_a_day_that_begins_marks_the_accounts_of_the_own_partitions(database: SqlDatabase) -> None:
    share, _ = await shared_unevenly(database, busy_accounts(60).lines, 10**6)
    queries, writer = AccountCheckQueries(database), AccountCheckWriter(database)
    async with database.transaction() as connection:
        await connection.execute(delete(tables.unchecked_accounts))
    await writer.mark_all((NOW + timedelta(days=1)).date().isoformat(), list(share.epochs))
    marked = {each.account for each in await queries.unchecked(100)}
    assert marked
    assert {partition_of(each) for each in marked} <= share.epochs.keys()
