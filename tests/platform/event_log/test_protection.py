"""Nobody changes or deletes an event by an ordinary statement, and health says when nothing refuses it any more."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Final

import psycopg
import pytest

from fristwerk_platform.event_log import GroupCommitLog, NewEvent, open_log
from fristwerk_platform.settings import Settings

STATEMENTS: Final = {
    "update": "UPDATE {}stored_events SET topic = 'Closed'",
    "delete": "DELETE FROM {}stored_events",
    "truncate": "TRUNCATE {}stored_events",
}


def execute(settings: Settings, statement: str) -> None:
    if settings.database_url is None:
        with closing(sqlite3.connect(settings.var / "log.db")) as connection, connection:
            connection.execute(statement.format(""))
    else:
        with psycopg.connect(settings.database_url) as session:
            session.execute(statement.format("log.").encode())


@pytest.fixture
async def filled(log: GroupCommitLog, fact: Callable[..., NewEvent]) -> GroupCommitLog:
    """A log with two events."""
    await log.append([fact("ticket-1", 1), fact("ticket-1", 2)])
    return log


@pytest.mark.parametrize("kind", STATEMENTS)
async def test_events_are_never_changed_or_deleted(
    database_settings: Settings, filled: GroupCommitLog, kind: str
) -> None:
    if kind == "truncate" and database_settings.database_url is None:
        pytest.skip("SQLite has no TRUNCATE")
    before = await filled.read_feed(0, 10)

    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.RaiseException), match="never changed or deleted"):
        execute(database_settings, STATEMENTS[kind])

    assert await filled.read_feed(0, 10) == before


async def test_health_says_when_the_triggers_are_gone_and_a_start_makes_them_again(
    database_settings: Settings, filled: GroupCommitLog
) -> None:
    assert (await filled.check()).ok
    if database_settings.database_url is None:
        execute(database_settings, "DROP TRIGGER events_refuse_delete")
    else:
        execute(database_settings, "ALTER TABLE {}stored_events DISABLE TRIGGER ALL")

    found = await filled.check()

    assert (found.ok, found.detail) == (False, "nothing refuses to change events: its triggers were dropped")
    if database_settings.database_url is None:
        again = open_log(database_settings, "log")
        assert (await again.check()).ok
        await again.close()
