"""A log's tables on PostgreSQL: groups of appends under the table lock of the ``eventsourcing`` library's recorder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import psycopg
from eventsourcing.postgres import PostgresApplicationRecorder
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Composed, Identifier

from shared.event_log.connections import ThreadConnections
from shared.event_log.grouping import Append, Outcome
from shared.event_log.port import (
    Answer,
    FeedLine,
    IdempotencyKey,
    Keyed,
    KeyUsedError,
    StoredAnswer,
    VersionConflictError,
)
from shared.events import NewEvent

UNSTORABLE: Final = (ValueError, TypeError, OverflowError, psycopg.DataError)
"""Raised for one append's own content; every other error concerns the whole group."""
RETRY_PAUSES_SECONDS: Final = (0.0, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0)
"""Before each new attempt at a group whose connection broke: long enough for a server that is started again."""


class PostgresGroupRecorder(PostgresApplicationRecorder):
    """The library's PostgreSQL recorder with groups of appends.

    The library's table lock stays inside the grouped transaction: positions are handed out in the order of commits, so a
    reader that follows positions cannot pass over one that appears later.
    """

    failures = (psycopg.Error,)

    def __init__(self, connections: ThreadConnections) -> None:
        super().__init__(connections)
        # The library's function inserts without the lock; nobody shall find it in the database.
        del self.sql_create_statements[self.create_insert_function_statement_index]
        self._connections = connections
        self.channel_name = f"{connections.schema}_events"
        self._sql = _statements(connections.schema, self.events_table_name, self.channel_name)
        self._begin = SQL("; ").join([SQL("BEGIN"), *self.lock_table_statements])

    def create(self) -> None:
        """Make the schema and the tables that are missing; of several processes one does."""
        with self._connections.get_connection() as connection:
            connection.execute("SELECT pg_advisory_lock(hashtext('fristwerk'))")
            try:
                connection.execute(self._sql["create_schema"])
                connection.execute(self._sql["create_keys"])
                self.create_table()
            finally:
                connection.execute("SELECT pg_advisory_unlock(hashtext('fristwerk'))")

    def insert_group(self, group: Sequence[Append]) -> list[Outcome]:
        """See :class:`GroupRecorder`. A connection that breaks is replaced; what it had stored is found, not stored twice."""
        try:
            return self._insert_group(group, again=False)
        except psycopg.Error as error:
            broken = error
        for pause in RETRY_PAUSES_SECONDS:
            if not self._connections.lost:
                break
            time.sleep(pause)
            try:
                return self._insert_group(group, again=True)
            except psycopg.Error as error:
                broken = error
        raise broken

    def _insert_group(self, group: Sequence[Append], *, again: bool) -> list[Outcome]:
        """The group at once, or one by one where the content of one cannot be stored."""
        try:
            return self._insert_together(group, again=again)
        except UNSTORABLE as error:
            if len(group) == 1:
                return [error]
        return [outcome for each in group for outcome in self._insert_group([each], again=again)]

    def _insert_together(self, group: Sequence[Append], *, again: bool) -> list[Outcome]:
        """Under the table's lock nobody else writes: what conflicts is looked up, the rest is inserted at once.

        ``again`` looks first for what was stored before the connection broke.
        """
        with self._connections.get_connection() as connection:
            try:
                connection.execute(self._begin)
                with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
                    outcomes: list[Outcome] = self._found(cursor, group) if again else [0] * len(group)
                    self._judge(cursor, group, outcomes)
                    self._insert(cursor, group, outcomes)
                connection.execute("COMMIT")
            except BaseException:
                if not connection.closed:
                    connection.rollback()
                raise
        return outcomes

    def _found(self, cursor: psycopg.Cursor[Any], group: Sequence[Append]) -> list[Outcome]:
        """The last position of each append that is stored already, to the byte; 0 for the others."""
        events = [new for each in group for new in each.events]
        places = ([new.stream for new in events], [new.version for new in events])
        cursor.execute(self._sql["found"], places)
        stored = {(stream, version): (position, line) for stream, version, position, line in cursor}

        def position(each: Append) -> int:
            found = [stored.get((new.stream, new.version), (0, b"")) for new in each.events]
            same = all(line == new.line for (_, line), new in zip(found, each.events, strict=True))
            return found[-1][0] if found and same else 0

        return [position(each) for each in group]

    def _judge(self, cursor: psycopg.Cursor[Any], group: Sequence[Append], outcomes: list[Outcome]) -> None:
        """Set the outcome of each append that cannot be stored. The earlier of two rivals in a group is first."""
        answers = self._answers(cursor, [each.keyed.key for each in group if each.keyed])
        streams = list({new.stream for each in group for new in each.events})
        cursor.execute(self._sql["versions"], (streams,), prepare=True)
        versions: dict[str, int] = dict(cursor)
        for number, each in enumerate(group):
            if outcomes[number] != 0:
                continue
            refusal = _key_used(each.keyed, answers) or _conflict(each.events, versions)
            if refusal is not None:
                outcomes[number] = refusal
                continue
            versions |= {new.stream: new.version for new in each.events}
            if each.keyed is not None:
                key, answer = each.keyed.key, each.keyed.answer
                answers[key.scope, key.key] = StoredAnswer(request_digest=key.request_digest, answer=answer)

    def _insert(self, cursor: psycopg.Cursor[Any], group: Sequence[Append], outcomes: list[Outcome]) -> None:
        """Insert what is not refused, and set its positions."""
        stored = [number for number, outcome in enumerate(outcomes) if outcome == 0]
        if not stored:
            return
        keyed = [each for number in stored if (each := group[number].keyed) is not None]
        if keyed:
            cursor.execute(self._sql["insert_keys"], _key_columns(keyed), prepare=True)
        events = [new for number in stored for new in group[number].events]
        columns = (
            [new.stream for new in events],
            [new.version for new in events],
            [new.type for new in events],
            [new.line for new in events],
        )
        cursor.execute(self._sql["insert"], columns, prepare=True)
        positions = iter(sorted(row[0] for row in cursor))
        for number in stored:
            for _ in group[number].events:
                outcomes[number] = next(positions)

    def select_stream(self, stream: str, after_version: int) -> list[FeedLine]:
        """See :class:`GroupRecorder`."""
        return [FeedLine(position, line) for position, line in self._rows("stream", (stream, after_version))]

    def select_feed(self, after: int, limit: int) -> list[FeedLine]:
        """See :class:`GroupRecorder`."""
        return [FeedLine(position, line) for position, line in self._rows("feed", (after, limit))]

    def select_last_position(self) -> int:
        """See :class:`GroupRecorder`."""
        return self._rows("last", ())[0][0] or 0

    def select_answer(self, key: IdempotencyKey) -> StoredAnswer | None:
        """See :class:`GroupRecorder`."""
        found = self._rows("answers", ([key.scope], [key.key]))
        return _stored_answer(found[0][2], found[0][3]) if found else None

    def delete_keys(self, before: int) -> None:
        """See :class:`GroupRecorder`."""
        with self._connections.get_connection() as connection:
            connection.execute(self._sql["delete_keys"], (before,))

    def close(self) -> None:
        """See :class:`GroupRecorder`."""
        self._connections.close()

    def _answers(
        self, cursor: psycopg.Cursor[Any], keys: Sequence[IdempotencyKey]
    ) -> dict[tuple[str, str], StoredAnswer]:
        if not keys:
            return {}
        cursor.execute(self._sql["answers"], ([key.scope for key in keys], [key.key for key in keys]), prepare=True)
        return {(scope, key): _stored_answer(digest, answer) for scope, key, digest, answer in cursor}

    def _rows(self, statement: str, values: Sequence[object]) -> list[Any]:
        """The rows of a question; it is asked again over a new connection where the old one turns out to be broken."""
        had_connection = not self._connections.lost
        try:
            return self._asked(statement, values)
        except psycopg.OperationalError:
            if not had_connection or not self._connections.lost:
                raise
            return self._asked(statement, values)

    def _asked(self, statement: str, values: Sequence[object]) -> list[Any]:
        with (
            self._connections.get_connection() as connection,
            connection.cursor(row_factory=tuple_row, binary=True) as cursor,
        ):
            return cursor.execute(self._sql[statement], values, prepare=True).fetchall()


def _key_used(keyed: Keyed | None, answers: dict[tuple[str, str], StoredAnswer]) -> KeyUsedError | None:
    stored = answers.get((keyed.key.scope, keyed.key.key)) if keyed else None
    return None if stored is None else KeyUsedError(stored)


def _conflict(events: Sequence[NewEvent], versions: dict[str, int]) -> VersionConflictError | None:
    """Why the events do not continue their streams, or null."""
    reached: dict[str, int] = {}
    for new in events:
        if new.version != 1 + reached.get(new.stream, versions.get(new.stream, 0)):
            return VersionConflictError(f"{new.stream} does not continue with version {new.version}")
        reached[new.stream] = new.version
    return None


def _stored_answer(digest: str, answer: bytes) -> StoredAnswer:
    return StoredAnswer(request_digest=digest, answer=msgspec.msgpack.decode(answer, type=Answer))


def _key_columns(keyed: Sequence[Keyed]) -> tuple[list[object], ...]:
    return (
        [each.key.scope for each in keyed],
        [each.key.key for each in keyed],
        [each.key.request_digest for each in keyed],
        [msgspec.msgpack.encode(each.answer) for each in keyed],
        [int(each.stored_at.timestamp()) for each in keyed],
    )


def _statements(schema: str, events: str, channel: str) -> dict[str, Composed]:
    """Every statement; arrays of texts and bytes travel in binary form."""
    names = {
        "schema": Identifier(schema),
        "events": Identifier(schema, events),
        "keys": Identifier(schema, "idempotency_keys"),
        "channel": channel,
    }
    statements = {
        "create_schema": "CREATE SCHEMA IF NOT EXISTS {schema}",
        "create_keys": (
            "CREATE TABLE IF NOT EXISTS {keys} (scope text, key text, request_digest text NOT NULL, "
            "answer bytea NOT NULL, stored_at bigint NOT NULL, PRIMARY KEY (scope, key))"
        ),
        "versions": (
            "SELECT given.stream, last.version FROM unnest(%b::text[]) AS given (stream), LATERAL "
            "(SELECT max(originator_version) AS version FROM {events} WHERE originator_id = given.stream) AS last "
            "WHERE last.version IS NOT NULL"
        ),
        "found": (
            "SELECT originator_id, originator_version, notification_id, state FROM {events} "
            "WHERE (originator_id, originator_version) IN (SELECT * FROM unnest(%b::text[], %s::bigint[]))"
        ),
        "insert": (
            "WITH inserted AS (INSERT INTO {events} (originator_id, originator_version, topic, state) "
            "SELECT * FROM unnest(%b::text[], %s::bigint[], %b::text[], %b::bytea[]) RETURNING notification_id), "
            "told AS (SELECT pg_notify({channel}, max(notification_id)::text) FROM inserted) "
            "SELECT notification_id FROM inserted, told"
        ),
        "answers": (
            "SELECT scope, key, request_digest, answer FROM {keys} "
            "WHERE (scope, key) IN (SELECT * FROM unnest(%b::text[], %b::text[]))"
        ),
        "insert_keys": (
            "INSERT INTO {keys} (scope, key, request_digest, answer, stored_at) "
            "SELECT * FROM unnest(%b::text[], %b::text[], %b::text[], %b::bytea[], %s::bigint[])"
        ),
        "delete_keys": "DELETE FROM {keys} WHERE stored_at < %s",
        "stream": (
            "SELECT notification_id, state FROM {events} WHERE originator_id = %s AND originator_version > %s "
            "ORDER BY originator_version"
        ),
        "feed": "SELECT notification_id, state FROM {events} WHERE notification_id > %s ORDER BY notification_id LIMIT %s",
        "last": "SELECT max(notification_id) FROM {events}",
    }
    return {name: SQL(statement).format(**names) for name, statement in statements.items()}
