"""Catching up on PostgreSQL: a log of tickets' lives to timers and to charges, beside the library's projection runner."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from measuring import Figure, empty_database, postgres, show
from measuring.services import Name, Services, services
from measuring.story import Story, fill
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from fristwerk_platform.event_log import NewEvent
from fristwerk_platform.settings import Settings

ROUNDS = 3
EVENTS = 60_000
LIBRARY_EVENTS = 3_000
PATIENCE_SECONDS = 120


def caught_up(running: Services, name: Name, database_url: str, last: int, *, stop: bool = True) -> float:
    """Events a second from its first batch to the last event."""
    running.start(name, FRISTWERK_DATABASE_URL=database_url)
    first_at, first = 0.0, 0
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        position = running.position(name)
        if position and not first:
            first_at, first = time.perf_counter(), position
        if position >= last:
            if stop:
                running.stop(name)
            return float(last - first) / (time.perf_counter() - first_at)
        time.sleep(0.1)  # asking takes time from the one who is asked
    raise SystemExit(f"{name} did not catch up")


class Matter(Aggregate):
    """The library's own way to hold a ticket."""

    def __init__(self, subject: str) -> None:
        self.subject = subject

    @event("Noted")
    def note(self, text: str) -> None:
        """Anything that happened."""
        self.subject = text


class Rows(PostgresTrackingRecorder):
    """A table with a row for each event, written in the transaction of the position, as the library's documentation shows."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        table = SQL("CREATE TABLE IF NOT EXISTS {} (id bigint PRIMARY KEY, line text)").format(Identifier("rows"))
        self.sql_create_statements.append(table)

    def insert(self, line: str, tracking: Tracking) -> None:
        """Both or nothing."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                "INSERT INTO rows (id, line) VALUES (%s, %s)", (tracking.notification_id, line), prepare=True
            )


class Copying(Projection[Rows]):
    """Every event becomes a row."""

    name = "rows"
    topics = ()

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """One row."""
        self.view.insert(repr(domain_event), tracking)


def library(database_url: str) -> float:
    """Events a second of the library's runner, from its start to the last event."""
    parts = conninfo_to_dict(database_url)
    env = {"PERSISTENCE_MODULE": "eventsourcing.postgres"} | {
        f"POSTGRES_{name.upper()}": str(parts[name]) for name in ("dbname", "host", "port", "user", "password")
    }
    application: Application[Any] = Application(env)
    for number in range(LIBRARY_EVENTS // 10):
        matter = Matter(f"Anliegen {number}")
        for note in range(9):
            matter.note(f"Notiz {note}")
        application.save(matter)
    last = application.recorder.max_notification_id()
    application.close()
    with ProjectionRunner(application_class=Application, projection_class=Copying, view_class=Rows, env=env) as runner:
        began = time.perf_counter()
        runner.wait(last, timeout=PATIENCE_SECONDS)
        return LIBRARY_EVENTS / (time.perf_counter() - began)


def main() -> None:
    """Print the table."""
    sla, billing, worst, reference = [], [], [], []
    with (
        postgres() as server,
        services(server.url()) as running,
        services(empty_database(server)) as opened_first,
    ):
        last = filled(running, Story.events)
        last_of_worst = filled(opened_first, Story.all_opened_first)
        for _ in range(ROUNDS):
            sla.append(caught_up(running, "sla", empty_database(server), last))
            worst.append(caught_up(opened_first, "sla", empty_database(server), last_of_worst))
            billing.append(caught_up(running, "billing", empty_database(server), last))
            reference.append(library(empty_database(server)))
    beside = "library's ProjectionRunner"
    show(
        f"catching up on {last:,} events, PostgreSQL",
        [
            Figure(what="events to timers", rounds=sla, beside=beside, reference=reference, reach=15),
            Figure(what="  all tickets opened first", rounds=worst, beside=beside, reference=reference, reach=15),
            Figure(what="events to charges", rounds=billing, beside=beside, reference=reference, reach=15),
        ],
        "each service in a process of its own, fed over HTTP by the ticket service on the same cores",
    )


def filled(running: Services, told: Callable[[Story, int], Iterator[NewEvent]]) -> int:
    """Starts a ticket-service on a log of such a story; returns the log's last position."""
    asyncio.run(fill(Settings(var=running.folder, database_url=running.database_url), EVENTS, told))
    caught_up(running, "ticket", running.database_url, EVENTS, stop=False)
    return running.last_position()


if __name__ == "__main__":
    main()
