"""The log's statements on PostgreSQL; arrays of texts and bytes travel in binary form.

They are written for psycopg. Those of the event loop are the same texts with asyncpg's parameters; one of them, the append,
locks, stores and commits in a single statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import count
from typing import Any, Final, LiteralString

from psycopg.sql import SQL, Composed, Identifier

from fristwerk_platform.event_log.protection import POSTGRES, POSTGRES_STANDS

INDEX_CHANGE: Final = """
        , wanted AS MATERIALIZED (
            SELECT * FROM unnest(%b::text[], %b::text[])
        ), claimed AS (
            INSERT INTO {claims} (claim, stream) SELECT wanted.* FROM wanted{behind_lock}
            ON CONFLICT DO NOTHING RETURNING true
        ), added AS (
            INSERT INTO {labels} (label, stream) SELECT label.* FROM unnest(%b::text[], %b::text[]) AS label{behind_lock}
            ON CONFLICT DO NOTHING
        ), dropped AS (
            DELETE FROM {labels} WHERE (label, stream) IN (
                SELECT label.* FROM unnest(%b::text[], %b::text[]) AS label{behind_lock}
            )
        )
"""
"""What a group that changes the index inserts and deletes beside its events."""
UNCLAIMED: Final = " AND (SELECT count(*) FROM claimed) = (SELECT count(*) FROM wanted)"
STATEMENTS: Final = {
    "create_schema": "CREATE SCHEMA IF NOT EXISTS {schema}",
    # An answer of some 2 kB lies in its row as it is: to compress it takes longer than all else that stores it.
    "create_keys": """
        CREATE TABLE IF NOT EXISTS {keys} (scope text, key text, request_digest text NOT NULL,
            answer bytea NOT NULL, stored_at bigint NOT NULL, PRIMARY KEY (scope, key))
        WITH (toast_tuple_target = 8160)
    """,
    # The table and index of the eventsourcing library 9.5, so that its own recorder can read and continue the log.
    "create_events": """
        CREATE TABLE IF NOT EXISTS {events} (originator_id text NOT NULL, originator_version bigint NOT NULL, topic text,
            state bytea, notification_id bigserial, PRIMARY KEY (originator_id, originator_version))
        WITH (autovacuum_enabled = true, autovacuum_vacuum_threshold = 100000000, autovacuum_vacuum_scale_factor = 0.5,
            autovacuum_analyze_threshold = 1000, autovacuum_analyze_scale_factor = 0.01)
    """,
    "create_index": "CREATE UNIQUE INDEX IF NOT EXISTS {index} ON {events} (notification_id ASC)",
    "create_claims": "CREATE TABLE IF NOT EXISTS {claims} (claim text PRIMARY KEY, stream text NOT NULL)",
    "create_labels": """
        CREATE TABLE IF NOT EXISTS {labels} (label text, stream text, PRIMARY KEY (label, stream))
    """,
    "create_fillings": "CREATE TABLE IF NOT EXISTS {fillings} (rules text PRIMARY KEY, until text)",
    "protect": POSTGRES,
    "is_protected": POSTGRES_STANDS,
    # The lock hands out positions in the order of commits. Whoever appends by one statement is shut out as well.
    "begin": "BEGIN; SET LOCAL lock_timeout = {lock_timeout}; LOCK TABLE {events} IN EXCLUSIVE MODE",
    # All events are stored and listeners notified; none, if a stream has another version, or a key is used or a
    # name claimed already.
    "insert": """
        WITH {lock}given AS MATERIALIZED (
            SELECT * FROM unnest(%b::text[], %s::bigint[], %b::text[], %b::bytea[], %s::bigint[])
                AS given (stream, version, type, line, before)
        ), keyed AS MATERIALIZED (
            SELECT * FROM unnest(%b::text[], %b::text[], %b::text[], %b::bytea[], %s::bigint[])
        ), stored AS (
            INSERT INTO {keys} (scope, key, request_digest, answer, stored_at) SELECT keyed.* FROM keyed{behind_lock}
            ON CONFLICT DO NOTHING RETURNING true
        ){index_change}, good AS MATERIALIZED (
            SELECT (SELECT count(*) FROM stored) = (SELECT count(*) FROM keyed){unclaimed} AND NOT EXISTS (
                SELECT FROM (SELECT DISTINCT stream, before FROM given) AS streams WHERE before <> coalesce(
                    (SELECT max(originator_version) FROM {events} WHERE originator_id = stream), 0)
            )
        ), inserted AS (
            INSERT INTO {events} (originator_id, originator_version, topic, state)
            SELECT stream, version, type, line FROM given{behind_lock} WHERE (TABLE good)
            RETURNING notification_id
        ), notified AS (
            SELECT pg_notify({channel}, max(notification_id)::text) FROM inserted HAVING count(*) > 0
        )
        SELECT {outcome}, ARRAY(SELECT notification_id FROM inserted ORDER BY 1), EXISTS (TABLE notified)
    """,
    "versions": """
        SELECT given.stream, last.version FROM unnest(%b::text[]) AS given (stream), LATERAL (
            SELECT max(originator_version) AS version FROM {events} WHERE originator_id = given.stream
        ) AS last WHERE last.version IS NOT NULL
    """,
    "found": """
        SELECT originator_id, originator_version, notification_id, state FROM {events}
        WHERE (originator_id, originator_version) IN (SELECT * FROM unnest(%b::text[], %s::bigint[]))
    """,
    "answers": """
        SELECT found.* FROM unnest(%b::text[], %b::text[]) AS given (scope, key), LATERAL (
            SELECT scope, key, request_digest, answer FROM {keys}
            WHERE scope = given.scope AND key = given.key LIMIT 1
        ) AS found
    """,
    "claimants": """
        SELECT given.number, found.stream FROM unnest(%b::text[]) WITH ORDINALITY AS given (claim, number)
        LEFT JOIN {claims} AS found ON found.claim = given.claim ORDER BY given.number
    """,
    "labelled": """
        SELECT given.number, found.stream, (
            SELECT max(originator_version) FROM {events} WHERE originator_id = found.stream
        ) FROM unnest(%b::text[]) WITH ORDINALITY AS given (label, number), LATERAL (
            SELECT stream FROM {labels} WHERE label = given.label ORDER BY stream LIMIT 2147483647
        ) AS found ORDER BY given.number, found.stream
    """,
    "labelled_page": """
        SELECT found.stream, (SELECT max(originator_version) FROM {events} WHERE originator_id = found.stream) FROM (
            SELECT stream FROM {labels} WHERE label = %b AND stream > %b ORDER BY stream LIMIT %s
        ) AS found ORDER BY found.stream
    """,
    "stream_names": """
        SELECT originator_id FROM {events} WHERE originator_version = 1 AND originator_id > %b
        ORDER BY originator_id LIMIT %s
    """,
    "filling": "SELECT until FROM {fillings} WHERE rules = %b",
    "fill_claims": """
        INSERT INTO {claims} (claim, stream) SELECT * FROM unnest(%b::text[], %b::text[]) ON CONFLICT DO NOTHING
    """,
    "fill_labels": """
        INSERT INTO {labels} (label, stream) SELECT * FROM unnest(%b::text[], %b::text[]) ON CONFLICT DO NOTHING
    """,
    "filled": """
        INSERT INTO {fillings} (rules, until) VALUES (%b, %b) ON CONFLICT (rules) DO UPDATE SET until = excluded.until
    """,
    "delete_keys": "DELETE FROM {keys} WHERE stored_at < %s",
    "insert_check": """
        INSERT INTO {keys} (scope, key, request_digest, answer, stored_at) VALUES (%s, '', '', %s, 0)
        ON CONFLICT (scope, key) DO UPDATE SET answer = excluded.answer
    """,
    "delete_check": "DELETE FROM {keys} WHERE scope = %s",
    # A limit also keeps the planner from reading all events at once and joining them.
    "streams": """
        SELECT number, line.notification_id, line.state, line.originator_id, line.originator_version, line.topic
        FROM unnest(%b::text[], %s::bigint[], %s::bigint[]) WITH ORDINALITY AS given (stream, after, most, number), LATERAL (
            SELECT * FROM (
                SELECT *, sum(octet_length(state)) OVER (ORDER BY originator_version) - octet_length(state) AS before FROM (
                    SELECT * FROM {events} WHERE originator_id = given.stream AND originator_version > given.after
                    ORDER BY originator_version LIMIT given.most
                ) AS following
            ) AS added WHERE before < %s
        ) AS line ORDER BY number, line.originator_version
    """,
    # A line of too many bytes is left out. To add up the bytes of all lines would take half as long again.
    "feed": """
        SELECT notification_id, CASE WHEN octet_length(state) <= %s THEN state END, originator_id, originator_version, topic
        FROM {events} WHERE notification_id > %s ORDER BY notification_id LIMIT %s
    """,
    # Lines are read from beside the table (TOAST) only once it is known that they belong to the page.
    "feed_page": """
        SELECT notification_id, state, originator_id, originator_version, topic FROM (
            SELECT *, sum(octet_length(state)) OVER (ORDER BY notification_id) - octet_length(state) AS before FROM (
                SELECT * FROM {events} WHERE notification_id > %s ORDER BY notification_id LIMIT %s
            ) AS following
        ) AS added WHERE before < %s ORDER BY notification_id
    """,
    "last": "SELECT max(notification_id) FROM {events}",
}


APPENDING: Final = {
    "lock": SQL(
        "locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtext('fristwerk log'), hashtext({channel}))), "
    ),
    "behind_lock": SQL(", locked"),
    "outcome": SQL("1 / (TABLE good)::integer"),
}
"""What makes of the insert a whole append: one statement, its own transaction.

No row is made before the lock is held, since each comes from a join with it, so positions are handed out in the order of
commits here too. The lock is one of the server's own, for a statement cannot lock a table harder than it writes it; it shuts
out who appends the same way, and the table's lock those who take that. What is refused fails (a division by zero), so that
nothing of it is stored. The versions that it looks up may be those from before it waited: a stream that has grown since
violates the primary key, which fails too, and who is refused wrongly is asked again under the table's lock.
"""
INSERTING: Final = {"lock": SQL(""), "behind_lock": SQL(""), "outcome": SQL("(TABLE good)")}
CREATING: Final = (
    "create_schema",
    "create_keys",
    "create_events",
    "create_index",
    "create_claims",
    "create_labels",
    "create_fillings",
    "protect",
)
IN_LOOP: Final = ("streams", "feed", "feed_page", "last", "answers", "claimants", "labelled")
_PARAMETER: Final = re.compile(r"%[bs](::(?:text|bigint)\[\])?")


def statements(schema: str, events: str, channel: str, lock_seconds: int) -> Mapping[str, Composed]:
    """Every statement for the tables of a schema, for psycopg."""
    names = _names(schema, events, channel, lock_seconds) | INSERTING
    return {
        **{name: _composed(text, names | _plain()) for name, text in STATEMENTS.items()},
        "insert_indexed": _composed(STATEMENTS["insert"], names | _indexed(names)),
    }


def statements_in_loop(schema: str, events: str, channel: str) -> Mapping[str, str]:
    """The statements that run for every request, for asyncpg; ``append`` and ``append_indexed`` are whole transactions."""
    names = _names(schema, events, channel, 0)
    appending = names | {each: part.format(**names) for each, part in APPENDING.items()}
    return {
        **{name: _numbered(_composed(STATEMENTS[name], names)) for name in IN_LOOP},
        "append": _numbered(_composed(STATEMENTS["insert"], appending | _plain())),
        "append_indexed": _numbered(_composed(STATEMENTS["insert"], appending | _indexed(appending))),
    }


def _names(schema: str, events: str, channel: str, lock_seconds: int) -> dict[str, Any]:
    return {
        "schema": Identifier(schema),
        "events": Identifier(schema, events),
        "events_name": f'"{schema}"."{events}"',
        "keys": Identifier(schema, "idempotency_keys"),
        "claims": Identifier(schema, "claims"),
        "labels": Identifier(schema, "labels"),
        "fillings": Identifier(schema, "fillings"),
        "index": Identifier(f"{events}_notification_id_idx"),
        "channel": channel,
        "lock_timeout": f"{lock_seconds}s",
    }


def _plain() -> dict[str, Any]:
    return {"index_change": SQL(""), "unclaimed": SQL("")}


def _indexed(names: Mapping[str, Any]) -> dict[str, Any]:
    return {"index_change": _composed(INDEX_CHANGE, names), "unclaimed": SQL(UNCLAIMED)}


def _composed(text: LiteralString, names: Mapping[str, Any]) -> Composed:
    return SQL(" ".join(text.split())).format(**names)


def _numbered(statement: Composed) -> str:
    """The statement with asyncpg's parameters; psycopg's stand for one value each, in their order. Arrays but those of bytes
    are given as texts.
    """
    numbers = count(1)
    return _PARAMETER.sub(
        lambda found: f"${next(numbers)}" + (f"::text{found[1]}" if found[1] else ""), statement.as_string(None)
    )
