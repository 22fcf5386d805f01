"""The index beside a log in an SQLite file; each statement takes all names of a group as one JSON text."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from fristwerk_platform.event_log.conflicts import claim_conflict
from fristwerk_platform.event_log.group_commit import Append
from fristwerk_platform.event_log.index import Entry, Filling, index_change
from fristwerk_platform.event_log.interface import ALL, StreamVersion

TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS claims (claim TEXT PRIMARY KEY, stream TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS labels (label TEXT, stream TEXT, PRIMARY KEY (label, stream)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS fillings (rules TEXT PRIMARY KEY, until TEXT) WITHOUT ROWID",
)
SELECT_CLAIMED: Final = "SELECT claim, stream FROM claims WHERE claim IN (SELECT value ->> 0 FROM json_each(?))"
INSERT_CLAIMS: Final = "INSERT OR IGNORE INTO claims SELECT value ->> 0, value ->> 1 FROM json_each(?)"
INSERT_LABELS: Final = "INSERT OR IGNORE INTO labels SELECT value ->> 0, value ->> 1 FROM json_each(?)"
DELETE_LABELS: Final = "DELETE FROM labels WHERE (label, stream) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))"


def change(cursor: sqlite3.Cursor, group: Sequence[Append]) -> None:
    """Store what the appends claim, add and drop. Raises ClaimedError."""
    changed = index_change(group)
    if changed.claims:
        claims = _json(changed.claims)
        taken = dict(cursor.execute(SELECT_CLAIMED, (claims,)).fetchall())
        refusal = claim_conflict([new for each in group for new in each.events], taken)
        if refusal is not None:
            raise refusal
        cursor.execute(INSERT_CLAIMS, (claims,))
    if changed.added:
        cursor.execute(INSERT_LABELS, (_json(changed.added),))
    if changed.dropped:
        cursor.execute(DELETE_LABELS, (_json(changed.dropped),))


def claimant(cursor: sqlite3.Cursor, claim: str) -> str | None:
    """The stream that a name belongs to."""
    row = cursor.execute("SELECT stream FROM claims WHERE claim = ?", (claim,)).fetchone()
    return None if row is None else row[0]


def labelled(cursor: sqlite3.Cursor, events: str, label: str, after: str = "", limit: int = ALL) -> list[StreamVersion]:
    """The streams behind a name that have a label, with the versions that they have in the table of events."""
    statement = (
        f"SELECT stream, (SELECT max(originator_version) FROM {events} WHERE originator_id = stream) "  # noqa: S608 - own name
        "FROM labels WHERE label = ? AND stream > ? ORDER BY stream LIMIT ?"
    )
    return [(stream, version) for stream, version in cursor.execute(statement, (label, after, limit))]


def filled_until(cursor: sqlite3.Cursor, rules: str) -> tuple[str | None] | None:
    """How far the index was filled by the rules, see :class:`Filling`; ``None`` if not at all."""
    row = cursor.execute("SELECT until FROM fillings WHERE rules = ?", (rules,)).fetchone()
    return None if row is None else (row[0],)


def fill(cursor: sqlite3.Cursor, filling: Filling) -> None:
    """Store entries that are not there yet, and how far the filling has come."""
    cursor.execute(INSERT_CLAIMS, (_json(filling.claims),))
    cursor.execute(INSERT_LABELS, (_json(filling.labels),))
    cursor.execute("INSERT OR REPLACE INTO fillings VALUES (?, ?)", (filling.rules, filling.until))


def _json(entries: Sequence[Entry]) -> str:
    return msgspec.json.encode(entries).decode()
