"""Statements of a log in an SQLite file: its tables, the insertion of many rows, and the answers under idempotency keys."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from fristwerk_platform.event_log.interface import Answer, IdempotencyKey, Keyed, KeyUsedError, StoredAnswer

LINE: Final = "rowid, CAST(state AS BLOB)"
"""Position and line of an event; a line that was changed by hand may have become text."""
LINE_AND_COLUMNS: Final = f"{LINE}, originator_id, originator_version, topic"
PAGES_AHEAD: Final = 8_000
"""Pages that gather in the write-ahead log, 32 MB, before they are moved to the file: what changes again and again moves once."""
# Some builds of SQLite do not sync a commit of their own accord.
SETTINGS_FOR_WRITING: Final = (f"PRAGMA wal_autocheckpoint={PAGES_AHEAD}", "PRAGMA synchronous=FULL")
KEYS_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS idempotency_keys (scope TEXT NOT NULL, key TEXT NOT NULL, "
    "request_digest TEXT NOT NULL, answer BLOB NOT NULL, stored_at INTEGER NOT NULL, "
    "PRIMARY KEY (scope, key)) WITHOUT ROWID"
)


def events_table(table: str) -> str:
    """Makes the table of events; AUTOINCREMENT never hands out the position of a lost event again."""
    return (
        f"CREATE TABLE IF NOT EXISTS {table} (rowid INTEGER PRIMARY KEY AUTOINCREMENT, "
        "originator_id TEXT NOT NULL, originator_version INTEGER NOT NULL, topic TEXT NOT NULL, state BLOB NOT NULL, "
        "UNIQUE (originator_id, originator_version))"
    )


def insert_statement(table: str, rows: int) -> str:
    """Inserts so many events, each if its stream stands at the version given last. A few sizes are prepared again and again."""
    values = ", ".join(["(?, ?, ?, ?, ?)"] * rows)
    return (
        f"INSERT OR ROLLBACK INTO {table} (originator_id, originator_version, topic, state) "  # noqa: S608 - own name
        f"SELECT column1, column2, column3, column4 FROM (VALUES {values}) WHERE column5 = coalesce("
        f"(SELECT max(originator_version) FROM {table} WHERE originator_id = column1), 0)"
    )


def insert_key(cursor: sqlite3.Cursor, keyed: Keyed) -> None:
    """Store a key with its answer. Raises KeyUsedError."""
    stored = stored_answer(cursor, keyed.key)
    if stored is not None:
        raise KeyUsedError(stored)
    key = keyed.key
    answer = msgspec.msgpack.encode(keyed.answer)
    row = (key.scope, key.key, key.request_digest, answer, int(keyed.stored_at.timestamp()))
    cursor.execute("INSERT INTO idempotency_keys VALUES (?, ?, ?, ?, ?)", row)


def stored_answer(cursor: sqlite3.Cursor, key: IdempotencyKey) -> StoredAnswer | None:
    """The answer stored under a key."""
    statement = "SELECT request_digest, answer FROM idempotency_keys WHERE scope = ? AND key = ?"
    row = cursor.execute(statement, (key.scope, key.key)).fetchone()
    if row is None:
        return None
    return StoredAnswer(request_digest=row[0], answer=msgspec.msgpack.decode(row[1], type=Answer))
