"""A log's tables on PostgreSQL: groups of appends under the table lock of the ``eventsourcing`` library's recorder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import psycopg
from eventsourcing.postgres import PostgresApplicationRecorder
from psycopg.rows import tuple_row

from fristwerk_platform.event_log.conflicts import claim_conflict, has_rivals, version_conflict
from fristwerk_platform.event_log.feed_pages import PAGE_BYTES
from fristwerk_platform.event_log.group_commit import Append, AppendOutcome
from fristwerk_platform.event_log.index import Filling, index_change
from fristwerk_platform.event_log.interface import FeedLine, IdempotencyKey, StoredAnswer, StreamAfter, StreamVersion
from fristwerk_platform.event_log.postgres.columns import (
    by_key,
    by_label,
    change_columns,
    columns_of,
    columns_of_entries,
    insert_columns,
    key_used,
    last_positions,
)
from fristwerk_platform.event_log.postgres.connections import LOCK_TIMEOUT_SECONDS, ThreadConnections
from fristwerk_platform.event_log.postgres.statements import CREATING, statements, statements_in_loop
from fristwerk_platform.event_log.recorder import CHECK
from fristwerk_platform.event_log.stored_rows import ReadColumns, feed_lines

UNSTORABLE: Final = (ValueError, TypeError, OverflowError, psycopg.DataError)
"""Raised for one append's own content; every other error concerns the whole group."""
RETRY_PAUSES_SECONDS: Final = (0.0, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0)
"""Before each new attempt at a group whose connection broke: long enough for a server that is started again."""
Result = TypeVar("Result")


class PostgresRecorder(PostgresApplicationRecorder):
    """The library's PostgreSQL recorder with groups of appends.

    The library's table lock stays inside the grouped transaction: positions are handed out in the order of commits, so a
    reader that follows positions cannot pass over one that appears later.
    """

    failures = (psycopg.Error,)
    unstorable = UNSTORABLE

    def __init__(self, connections: ThreadConnections, read_columns: ReadColumns | None = None) -> None:
        super().__init__(connections)
        self._connections = connections
        self._read_columns = read_columns
        self.channel_name = f"{connections.schema}_events"
        self._sql = statements(connections.schema, self.events_table_name, self.channel_name, LOCK_TIMEOUT_SECONDS)

    def create_table(self) -> None:
        """Make the schema and the tables that are missing; of several processes one does.

        The library would also make a function that inserts without the lock.
        """
        with self._connections.get_connection() as connection:
            connection.execute("SELECT pg_advisory_lock(hashtext('fristwerk'))")
            try:
                for statement in CREATING:
                    connection.execute(self._sql[statement])
            finally:
                connection.execute("SELECT pg_advisory_unlock(hashtext('fristwerk'))")

    def statements_in_loop(self) -> Mapping[str, str]:
        """What runs for every request in the event loop, over the same tables."""
        return statements_in_loop(self._connections.schema, self.events_table_name, self.channel_name)

    def insert_group(self, group: Sequence[Append], *, again: bool = False) -> list[AppendOutcome]:
        """See :class:`Recorder`. A connection that breaks is replaced; what it had stored is found, not stored twice.

        ``again`` says that the first attempt was somebody else's, and may have stored them.
        """
        try:
            return self._insert_group(group, again=again)
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

    def _insert_group(self, group: Sequence[Append], *, again: bool) -> list[AppendOutcome]:
        """The group at once, or one by one where the content of one cannot be stored."""
        try:
            return self._insert_together(group, again=again)
        except UNSTORABLE as error:
            if len(group) == 1:
                return [error]
        return [outcome for each in group for outcome in self._insert_group([each], again=again)]

    def _insert_together(self, group: Sequence[Append], *, again: bool) -> list[AppendOutcome]:
        """All at once, which nearly always can be; else what can be stored.

        ``again`` looks first for what was stored before the connection broke.
        """
        if not again and not has_rivals(group):
            positions = self._in_transaction(lambda cursor: self._insert(cursor, group))
            if positions is not None:
                return last_positions(positions, group)
        outcomes = self._in_transaction(lambda cursor: self._insert_good(cursor, group, again=again))
        assert outcomes is not None, "every append has an outcome"
        return outcomes

    def _in_transaction(self, work: Callable[[psycopg.Cursor[Any]], Result | None]) -> Result | None:
        """What the work returns, durable; where that is null, nothing is stored.

        Under the table's lock nobody else writes, so what the work looks up still holds when it inserts.
        """
        with self._connections.get_connection() as connection:
            try:
                connection.execute(self._sql["begin"])
                with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
                    result = work(cursor)
                connection.execute("ROLLBACK" if result is None else "COMMIT")
            except BaseException:
                if not connection.closed:
                    connection.rollback()
                raise
        return result

    def _insert_good(self, cursor: psycopg.Cursor[Any], group: Sequence[Append], *, again: bool) -> list[AppendOutcome]:
        """The outcomes of all appends; what is neither stored already nor refused is inserted."""
        outcomes: list[AppendOutcome] = self._found(cursor, group) if again else [0] * len(group)
        self._judge(cursor, group, outcomes)
        good = [number for number, outcome in enumerate(outcomes) if outcome == 0]
        if good:
            appends = [group[number] for number in good]
            positions = self._insert(cursor, appends)
            assert positions is not None, "looked up under the lock"
            for number, position in zip(good, last_positions(positions, appends), strict=True):
                outcomes[number] = position
        return outcomes

    def _insert(self, cursor: psycopg.Cursor[Any], group: Sequence[Append]) -> list[int] | None:
        """The positions of the events in their order; null if one of the appends cannot be stored."""
        change = index_change(group)
        columns = insert_columns(group) + (change_columns(change) if change else [])
        cursor.execute(self._sql["insert_indexed" if change else "insert"], columns, prepare=True)
        stored, positions, _ = cursor.fetchone() or (False, [], False)
        return positions if stored else None

    def _found(self, cursor: psycopg.Cursor[Any], group: Sequence[Append]) -> list[AppendOutcome]:
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

    def _judge(self, cursor: psycopg.Cursor[Any], group: Sequence[Append], outcomes: list[AppendOutcome]) -> None:
        """Set the outcome of each append that cannot be stored. The earlier of two rivals in a group is first."""
        answers = self._answers(cursor, [each.keyed.key for each in group if each.keyed])
        streams = list({new.stream for each in group for new in each.events})
        cursor.execute(self._sql["versions"], (streams,), prepare=True)
        versions: dict[str, int] = dict(cursor)
        claims = [claim for each in group for new in each.events for claim in new.names.claims]
        claimants = dict(self._claimed(cursor, claims)) if claims else {}
        for number, each in enumerate(group):
            if outcomes[number] != 0:
                continue
            refusal = (
                key_used(each.keyed, answers)
                or version_conflict(each.events, versions)
                or claim_conflict(each.events, claimants)
            )
            if refusal is not None:
                outcomes[number] = refusal
                continue
            versions |= {new.stream: new.version for new in each.events}
            claimants |= {claim: new.stream for new in each.events for claim in new.names.claims}
            if each.keyed is not None:
                key, answer = each.keyed.key, each.keyed.answer
                answers[key.scope, key.key] = StoredAnswer(request_digest=key.request_digest, answer=answer)

    def select_streams(self, wanted: Sequence[StreamAfter]) -> list[list[FeedLine]]:
        """See :class:`Recorder`."""
        found: list[list[FeedLine]] = [[] for _ in wanted]
        rows = self._rows("streams", (*map(list, zip(*wanted, strict=True)), PAGE_BYTES))
        for row, line in zip(rows, feed_lines([row[1:] for row in rows], self._read_columns), strict=True):
            found[row[0] - 1].append(line)
        return found

    def select_feed(self, after: int, limit: int) -> list[FeedLine]:
        """See :class:`Recorder`."""
        return feed_lines(self._rows("feed_page", (after, limit, PAGE_BYTES)), self._read_columns)

    def select_last_position(self) -> int:
        """See :class:`Recorder`."""
        return self._rows("last", ())[0][0] or 0

    def select_answers(self, keys: Sequence[IdempotencyKey]) -> list[StoredAnswer | None]:
        """See :class:`Recorder`."""
        answers = by_key(self._rows("answers", columns_of(keys)))
        return [answers.get((key.scope, key.key)) for key in keys]

    def select_claimants(self, claims: Sequence[str]) -> list[str | None]:
        """See :class:`Recorder`."""
        return [stream for _, stream in self._rows("claimants", (list(claims),))]

    def select_labelled(self, labels: Sequence[str]) -> list[list[StreamVersion]]:
        """See :class:`Recorder`."""
        return by_label(self._rows("labelled", (list(labels),)), len(labels))

    def select_labelled_page(self, label: str, after: str, limit: int) -> list[StreamVersion]:
        """See :class:`Recorder`."""
        return [(stream, version) for stream, version in self._rows("labelled_page", (label, after, limit))]

    def select_stream_names(self, after: str, limit: int) -> list[str]:
        """See :class:`Recorder`."""
        return [name for (name,) in self._rows("stream_names", (after, limit))]

    def select_filling(self, rules: str) -> tuple[str | None] | None:
        """See :class:`Recorder`."""
        return next(iter(self._rows("filling", (rules,))), None)

    def fill_index(self, filling: Filling) -> None:
        """See :class:`Recorder`."""

        def fill(cursor: psycopg.Cursor[Any]) -> bool:
            cursor.execute(self._sql["fill_claims"], columns_of_entries(filling.claims))
            cursor.execute(self._sql["fill_labels"], columns_of_entries(filling.labels))
            cursor.execute(self._sql["filled"], (filling.rules, filling.until))
            return True

        self._in_transaction(fill)

    def delete_keys(self, before: int) -> None:
        """See :class:`Recorder`."""
        with self._connections.get_connection() as connection:
            connection.execute(self._sql["delete_keys"], (before,))

    def check_writable(self, size: int) -> None:
        """See :class:`Recorder`."""
        with self._connections.get_connection() as connection:
            connection.execute(self._sql["insert_check"], (CHECK, bytes(size)))
            connection.execute(self._sql["delete_check"], (CHECK,))

    def is_protected(self) -> bool:
        """See :class:`Recorder`."""
        with self._connections.get_connection() as connection:
            row = connection.execute(self._sql["is_protected"]).fetchone()
            return row is not None and bool(row["stands"])

    def close(self) -> None:
        """See :class:`Recorder`."""
        self._connections.close()

    def _answers(
        self, cursor: psycopg.Cursor[Any], keys: Sequence[IdempotencyKey]
    ) -> dict[tuple[str, str], StoredAnswer]:
        if not keys:
            return {}
        return by_key(cursor.execute(self._sql["answers"], columns_of(keys), prepare=True))

    def _claimed(self, cursor: psycopg.Cursor[Any], claims: Sequence[str]) -> list[tuple[str, str]]:
        """Those of the names that belong to a stream, with it."""
        cursor.execute(self._sql["claimants"], (claims,), prepare=True)
        return [(claims[number - 1], stream) for number, stream in cursor if stream is not None]

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
