"""Triggers that refuse to change or delete events: the log only grows, whoever is connected.

Who owns the database can drop them, so health looks whether they stand; what was changed meanwhile the hash tree finds.
"""

from __future__ import annotations

import sqlite3
from typing import Final

SQLITE: Final = (
    """CREATE TRIGGER IF NOT EXISTS events_refuse_update BEFORE UPDATE ON stored_events
    BEGIN SELECT RAISE(ABORT, 'events are never changed or deleted'); END""",
    """CREATE TRIGGER IF NOT EXISTS events_refuse_delete BEFORE DELETE ON stored_events
    BEGIN SELECT RAISE(ABORT, 'events are never changed or deleted'); END""",
)
POSTGRES: Final = """
    DO $protect$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = {events_name}::regclass AND tgname = 'events_refuse_change')
        THEN
            CREATE OR REPLACE FUNCTION {schema}.refuse_change() RETURNS trigger LANGUAGE plpgsql
                AS $refuse$ BEGIN RAISE EXCEPTION 'events are never changed or deleted'; END $refuse$;
            CREATE TRIGGER events_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {events}
                FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_change();
        END IF;
    END $protect$
"""
POSTGRES_STANDS: Final = """
    SELECT count(*) = 1 AS stands FROM pg_trigger
    WHERE tgrelid = {events_name}::regclass AND tgname = 'events_refuse_change' AND tgenabled IN ('O', 'A')
"""


def stands_on_sqlite(cursor: sqlite3.Cursor) -> bool:
    """Whether both triggers stand."""
    wanted = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'events_refuse_%'"
    return bool(cursor.execute(wanted).fetchone()[0] == len(SQLITE))
