"""The eventsourcing library's own recorders read a log of ours, on PostgreSQL continue it, and ours continues one of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from eventsourcing.persistence import ApplicationRecorder, OperationalError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
from psycopg.conninfo import conninfo_to_dict

from fristwerk_platform.event_log import EventLog, NewEvent
from fristwerk_platform.event_log.sqlite import SqliteRecorder
from fristwerk_platform.event_log.sqlite_statements import PAGES_AHEAD
from fristwerk_platform.opened_file import OpenedFile
from fristwerk_platform.settings import Settings

Fact = Callable[..., NewEvent]


@contextmanager
def library_recorder(settings: Settings) -> Iterator[ApplicationRecorder]:
    """The library's recorder over the tables of the log ``log``, which it makes where they are missing."""
    if settings.database_url is None:
        file = SQLiteDatastore(str(settings.var / "log.db"), originator_id_type="text")
        with closing(file):
            recorder = SQLiteApplicationRecorder(file)
            recorder.create_table()
            yield recorder
        return
    parts = conninfo_to_dict(settings.database_url)
    with PostgresDatastore(
        dbname=str(parts["dbname"]),
        host=str(parts["host"]),
        port=str(parts["port"]),
        user=str(parts["user"]),
        password=str(parts.get("password", "")),
        schema="log",
        originator_id_type="text",
    ) as datastore:
        in_schema = PostgresApplicationRecorder(datastore)
        in_schema.create_table()
        yield in_schema


def as_stored(new: NewEvent) -> StoredEvent:
    return StoredEvent(new.stream, new.version, new.type, new.line)


async def test_the_library_reads_a_log_of_ours_and_continues_it_on_postgresql(
    open_log: Callable[[], EventLog], fact: Fact, database_settings: Settings
) -> None:
    first, second, third = (fact("ticket-1", version) for version in (1, 2, 3))
    log = open_log()
    await log.append([first, second])

    with library_recorder(database_settings) as recorder:
        assert list(recorder.select_events("ticket-1")) == [as_stored(first), as_stored(second)]
        assert [each.id for each in recorder.select_notifications(1, 10)] == [1, 2]
        assert recorder.max_notification_id() == 2
        if database_settings.database_url is None:
            # The column that keeps positions of a lost tail from being used again makes one column more than it fills.
            with pytest.raises(OperationalError, match="5 columns but 4 values"):
                recorder.insert_events([as_stored(third)])
            return
        recorder.insert_events([as_stored(third)])

    assert [each.line for each in await log.read_stream("ticket-1")] == [first.line, second.line, third.line]
    assert await log.append([fact("ticket-1", 4)]) == 4


def test_what_a_log_inherits_from_the_library_works(fact: Fact, tmp_path: Path) -> None:
    first = as_stored(fact("ticket-1", 1))
    with closing(SQLiteDatastore(str(tmp_path / "log.db"), originator_id_type="text")) as file:
        recorder = SqliteRecorder(file, OpenedFile(tmp_path / "log.db"))
        recorder.create_table()

        assert recorder.insert_events([first]) == [1]
        assert list(recorder.select_events("ticket-1")) == [first]


async def test_a_log_that_the_library_made_is_read_and_continued(
    open_log: Callable[[], EventLog], fact: Fact, database_settings: Settings
) -> None:
    first, second = fact("ticket-1", 1), fact("ticket-1", 2)
    if database_settings.database_url is not None:
        await open_log().close()  # the library makes no schema
    with library_recorder(database_settings) as recorder:
        recorder.insert_events([as_stored(first)])

    log = open_log()
    assert await log.append([second]) == 2
    assert [each.line for each in await log.read_feed(0, 10)] == [first.line, second.line]


def test_whatever_connection_writes_syncs_each_commit(tmp_path: Path) -> None:
    """The pool hands out any of its connections; each must have been set up when it writes for the first time."""
    with closing(SQLiteDatastore(str(tmp_path / "log.db"), originator_id_type="text", pool_size=3)) as file:
        recorder = SqliteRecorder(file, OpenedFile(tmp_path / "log.db"))
        recorder.create_table()
        for _ in range(3):
            with recorder._transaction() as cursor, file.get_connection(commit=False):  # so that the next is another
                found = [
                    cursor.execute(f"PRAGMA {each}").fetchone()[0] for each in ("synchronous", "wal_autocheckpoint")
                ]
                assert found == [2, PAGES_AHEAD]
