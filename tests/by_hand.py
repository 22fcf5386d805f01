"""Changes a log as somebody would who owns its database: the triggers that refuse it are dropped first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier


@contextmanager
def sqlite_by_hand(file: Path) -> Iterator[sqlite3.Connection]:
    """A transaction on the file; at its end the triggers stand again, as the next start would make them."""
    with closing(sqlite3.connect(file)) as connection, connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, statement in triggers:
            connection.execute(statement)


@contextmanager
def postgres_by_hand(url: str, schema: str) -> Iterator[psycopg.Connection[Any]]:
    """A transaction in the database; the triggers are only asleep meanwhile."""
    events = Identifier(schema, "stored_events")
    with psycopg.connect(url) as session:
        session.execute(SQL("ALTER TABLE {} DISABLE TRIGGER ALL").format(events))
        yield session
        session.execute(SQL("ALTER TABLE {} ENABLE TRIGGER ALL").format(events))
