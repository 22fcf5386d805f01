"""The log on PostgreSQL, on the recorder of the ``eventsourcing`` library: several processes may write, no reader ever skips."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec
import psycopg
from eventsourcing.persistence import InterfaceError, OperationalError, PersistenceError
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Composed, Identifier

from shared.event_log.grouping import Append, GroupedEventLog
from shared.event_log.port import (
    Answer,
    FeedLine,
    IdempotencyKey,
    KeyUsedError,
    LogError,
    StoredAnswer,
    VersionConflictError,
)

LOCK_TIMEOUT_SECONDS: Final = 10
POOL_SIZE: Final = 2
POOL_OVERFLOW: Final = 4
LISTEN_SECONDS: Final = 1.0


class PostgresEventLog(GroupedEventLog):
    """The log in a schema of a database; ``url`` is ``postgresql://user:password@host:port/database``."""

    def __init__(self, url: str, schema: str) -> None:
        recorder = PostgresGroupRecorder(_datastore(url, schema))
        recorder.create()
        super().__init__(recorder)
        self._url = url
        self._channel = recorder.channel_name
        self._listening = True
        self._listener: threading.Thread | None = None

    async def wait(self, after: int, seconds: float) -> None:
        """See :class:`EventLog`. Woken by other processes' notifications; a lost one costs a second at most."""
        if self._listener is None:
            loop = asyncio.get_running_loop()
            self._listener = threading.Thread(target=self._listen, args=(loop,), name="log-listener", daemon=True)
            self._listener.start()
        await super().wait(after, seconds)

    async def close(self) -> None:
        """See :class:`EventLog`."""
        self._listening = False
        if self._listener is not None:
            await asyncio.to_thread(self._listener.join)
        await super().close()

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """The listener's thread: every notification lets those who wait look again."""
        while self._listening:
            try:
                with psycopg.connect(self._url, autocommit=True) as connection:
                    connection.execute(SQL("LISTEN {}").format(Identifier(self._channel)))
                    while self._listening:
                        for _ in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                            loop.call_soon_threadsafe(self.wake)
            except (psycopg.Error, RuntimeError):
                if loop.is_closed():
                    return
                threading.Event().wait(LISTEN_SECONDS)  # the wait's own poll goes on meanwhile


class PostgresGroupRecorder(PostgresApplicationRecorder):
    """The library's PostgreSQL recorder with groups of appends.

    The library's table lock stays inside the grouped transaction: positions are handed out in the order of commits, so a
    reader that follows positions cannot pass over one that appears later.
    """

    failures = (PersistenceError, psycopg.Error)

    def __init__(self, datastore: PostgresDatastore) -> None:
        super().__init__(datastore)
        self.channel_name = f"{datastore.schema}_events"
        names = {"events": self._identified(self.events_table_name), "keys": self._identified("idempotency_keys")}
        self._sql = {
            "conflicts": SQL(
                "SELECT originator_id, originator_version FROM {events} WHERE (originator_id, originator_version) IN "
                "(SELECT * FROM unnest(%s::text[], %s::bigint[]))"
            ).format(**names),
            "insert": SQL(
                "INSERT INTO {events} (originator_id, originator_version, topic, state) "
                "SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::bytea[]) RETURNING notification_id"
            ).format(**names),
            "answers": SQL(
                "SELECT scope, key, request_digest, answer FROM {keys} WHERE (scope, key) IN "
                "(SELECT * FROM unnest(%s::text[], %s::text[]))"
            ).format(**names),
            "insert_keys": SQL(
                "INSERT INTO {keys} (scope, key, request_digest, answer, stored_at) "
                "SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bytea[], %s::bigint[])"
            ).format(**names),
            "delete_keys": SQL("DELETE FROM {keys} WHERE stored_at < %s").format(**names),
            "create_keys": SQL(
                "CREATE TABLE IF NOT EXISTS {keys} (scope text, key text, request_digest text NOT NULL, "
                "answer bytea NOT NULL, stored_at bigint NOT NULL, PRIMARY KEY (scope, key))"
            ).format(**names),
            "stream": SQL(
                "SELECT notification_id, state FROM {events} WHERE originator_id = %s AND originator_version > %s "
                "ORDER BY originator_version"
            ).format(**names),
            "feed": SQL(
                "SELECT notification_id, state FROM {events} WHERE notification_id > %s ORDER BY notification_id LIMIT %s"
            ).format(**names),
            "last": SQL("SELECT max(notification_id) FROM {events}").format(**names),
        }

    def create(self) -> None:
        """Make the schema and the tables that are missing; of several processes one does."""
        with self.datastore.get_connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('fristwerk'))")
            connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(self.datastore.schema)))
            connection.execute(self._sql["create_keys"])
        self.create_table()

    def insert_group(self, group: Sequence[Append]) -> list[int | LogError]:
        """See :class:`GroupRecorder`. A connection that broke before anything was sent is replaced once."""
        try:
            return self._insert_group(group)
        except (InterfaceError, OperationalError):
            if self._is_there():
                return self._insert_group(group)
            raise

    def _insert_group(self, group: Sequence[Append]) -> list[int | LogError]:
        """Under the table's lock nobody else writes: what conflicts is looked up, the rest is inserted at once."""
        with self.datastore.get_connection() as connection, connection.transaction():
            with connection.cursor() as locking:
                self._lock_table(locking)
            with connection.cursor(row_factory=tuple_row) as cursor:
                results, stored = self._judged(cursor, group)
                if stored:
                    self._insert(cursor, group, results, stored)
                    cursor.execute(SQL("NOTIFY {}").format(Identifier(self.channel_name)))
        return results

    def _judged(self, cursor: psycopg.Cursor[Any], group: Sequence[Append]) -> tuple[list[int | LogError], list[int]]:
        """For each append why it cannot be stored, or 0; and which can. The earlier of two rivals in a group is first."""
        answers = self._answers(cursor, [each.keyed.key for each in group if each.keyed])
        events = [new for each in group for new in each.events]
        cursor.execute(
            self._sql["conflicts"], ([new.stream for new in events], [new.version for new in events]), prepare=True
        )
        taken = {(stream, version) for stream, version in cursor}
        results: list[int | LogError] = []
        stored: list[int] = []
        for number, each in enumerate(group):
            places = [(new.stream, new.version) for new in each.events]
            name = (each.keyed.key.scope, each.keyed.key.key) if each.keyed else None
            if name is not None and name in answers:
                results.append(KeyUsedError(answers[name]))
            elif taken.intersection(places):
                results.append(VersionConflictError(", ".join(f"{stream} {version}" for stream, version in places)))
            else:
                results.append(0)
                stored.append(number)
                taken.update(places)
                if each.keyed is not None and name is not None:
                    digest = each.keyed.key.request_digest
                    answers[name] = StoredAnswer(request_digest=digest, answer=each.keyed.answer)
        return results, stored

    def _insert(
        self, cursor: psycopg.Cursor[Any], group: Sequence[Append], results: list[int | LogError], stored: Sequence[int]
    ) -> None:
        events = [new for number in stored for new in group[number].events]
        columns = (
            [new.stream for new in events],
            [new.version for new in events],
            [new.type for new in events],
            [new.line for new in events],
        )
        cursor.execute(self._sql["insert"], columns, prepare=True)
        positions = iter(cursor.fetchall())
        for number in stored:
            for _ in group[number].events:
                results[number] = next(positions)[0]
        keyed = [each for each in (group[number].keyed for number in stored) if each is not None]
        if keyed:
            rows = (
                [each.key.scope for each in keyed],
                [each.key.key for each in keyed],
                [each.key.request_digest for each in keyed],
                [msgspec.msgpack.encode(each.answer) for each in keyed],
                [int(each.stored_at.timestamp()) for each in keyed],
            )
            cursor.execute(self._sql["insert_keys"], rows, prepare=True)

    def select_stream(self, stream: str, after_version: int) -> list[FeedLine]:
        """See :class:`GroupRecorder`."""
        return [FeedLine(row[0], bytes(row[1])) for row in self._rows("stream", (stream, after_version))]

    def select_feed(self, after: int, limit: int) -> list[FeedLine]:
        """See :class:`GroupRecorder`."""
        return [FeedLine(row[0], bytes(row[1])) for row in self._rows("feed", (after, limit))]

    def select_last_position(self) -> int:
        """See :class:`GroupRecorder`."""
        return self._rows("last", ())[0][0] or 0

    def select_answer(self, key: IdempotencyKey) -> StoredAnswer | None:
        """See :class:`GroupRecorder`."""
        with self.datastore.get_connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            return self._answers(cursor, [key]).get((key.scope, key.key))

    def delete_keys(self, before: int) -> None:
        """See :class:`GroupRecorder`."""
        with self.datastore.get_connection() as connection:
            connection.execute(self._sql["delete_keys"], (before,))

    def close(self) -> None:
        """See :class:`GroupRecorder`."""
        self.datastore.close()

    def _is_there(self) -> bool:
        """Whether a fresh connection answers."""
        try:
            return self.select_last_position() >= 0
        except (InterfaceError, OperationalError):
            return False

    def _answers(
        self, cursor: psycopg.Cursor[Any], keys: Sequence[IdempotencyKey]
    ) -> dict[tuple[str, str], StoredAnswer]:
        if not keys:
            return {}
        names = ([key.scope for key in keys], [key.key for key in keys])
        cursor.execute(self._sql["answers"], names, prepare=True)
        return {
            (scope, key): StoredAnswer(request_digest=digest, answer=msgspec.msgpack.decode(answer, type=Answer))
            for scope, key, digest, answer in cursor
        }

    def _rows(self, statement: str, values: Sequence[object]) -> list[Any]:
        with self.datastore.get_connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(self._sql[statement], values, prepare=True)
            return cursor.fetchall()

    def _identified(self, table: str) -> Composed:
        return SQL("{}.{}").format(Identifier(self.datastore.schema), Identifier(table))


def _datastore(url: str, schema: str) -> PostgresDatastore:
    parts = urlsplit(url)
    return PostgresDatastore(
        dbname=unquote(parts.path.lstrip("/")) or "postgres",
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 5432,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        schema=schema,
        originator_id_type="text",
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        lock_timeout=LOCK_TIMEOUT_SECONDS,
        # Database functions leave the table unlocked: 39 of 3,000 events were lost to readers.
        enable_db_functions=False,
    )
