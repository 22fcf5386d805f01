"""Trees over the test's log, on SQLite and on PostgreSQL, and what changes the log by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime

import pytest

from fristwerk_platform.event_log import EventLog
from fristwerk_platform.settings import Settings
from fristwerk_platform.transparency.trees import Trees, open_trees
from fristwerk_proof.merkle import leaf_hash
from tests.by_hand import postgres_by_hand, sqlite_by_hand

Execute = Callable[[str, str], None]


@pytest.fixture
async def open_some(database_settings: Settings, log: EventLog, now: datetime) -> AsyncIterator[Callable[[], Trees]]:
    """Opens trees over the log, again and again, as several processes would."""
    opened: list[Trees] = []

    def open_one() -> Trees:
        opened.append(open_trees(database_settings, log, "tickets", lambda: now))
        return opened[-1]

    yield open_one
    for each in opened:
        await each.database.close()


@pytest.fixture
async def trees(open_some: Callable[[], Trees]) -> Trees:
    """Trees that began with the log, and that nothing was taken into yet."""
    made = open_some()
    await made.database.create()
    await made.keeper.begin()
    return made


@pytest.fixture
def by_hand(database_settings: Settings) -> Execute:
    """Executes a statement on the stored events, as somebody with the database's password would: SQLite's, PostgreSQL's."""

    def execute(on_sqlite: str, on_postgres: str) -> None:
        if database_settings.database_url is None:
            with sqlite_by_hand(database_settings.var / "log.db") as connection:
                assert connection.execute(on_sqlite).rowcount > 0
        else:
            with postgres_by_hand(database_settings.database_url, "log") as session:
                assert session.execute(on_postgres.encode()).rowcount > 0

    return execute


async def leaves_of(log: EventLog, provider: str) -> list[bytes]:
    """The hashes of a provider's lines, read from the log itself."""
    lines = await log.read_feed(0, 10_000)
    return [leaf_hash(each.line) for each in lines if f'"provider":"{provider}"'.encode() in each.line]
