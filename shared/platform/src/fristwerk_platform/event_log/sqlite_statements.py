"""Statements of a log in an SQLite file: the insertion of many rows, and the answers under idempotency keys."""

from __future__ import annotations

import sqlite3

import msgspec

from fristwerk_platform.event_log.interface import Answer, IdempotencyKey, Keyed, KeyUsedError, StoredAnswer


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
