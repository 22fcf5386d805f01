"""Appending one event, durable: this log beside the plain ``eventsourcing`` library, beside pgbench, and as its history grows."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import uvloop
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
from measuring import Figure, postgres, quantile, show
from psycopg.conninfo import conninfo_to_dict

from fristwerk_language.events import new_event_id
from fristwerk_local.postgres import PostgresServer, binaries
from fristwerk_platform.event_log import GroupCommitLog, NewEvent, SqliteEventLog
from fristwerk_platform.event_log.postgres.log import PostgresEventLog
from fristwerk_platform.gc_tuning import tune_garbage_collection

ROUNDS = 5
AT_ONCE = 64
LINE = b"x" * 600
"""About the size of an event of this product."""
EVENTS = 12_800
LIBRARY_EVENTS = 1_280
LONE_EVENTS = 400
CLIENTS = 32
SECONDS = 3


def new_stream() -> str:
    """A stream of its own, named as a new ticket's is."""
    return f"ticket-{new_event_id(datetime.now(UTC), os.urandom(10))}"


async def append(log: GroupCommitLog, events: int, at_once: int) -> list[float]:
    """So many streams grow at once, one event an append; how long each append took."""
    taken: list[float] = []

    async def grow(stream: str) -> None:
        for version in range(1, events // at_once + 1):
            began = time.perf_counter()
            await log.append([NewEvent(stream=stream, version=version, type="Responded", line=LINE)])
            taken.append(time.perf_counter() - began)

    await asyncio.gather(*(grow(new_stream()) for _ in range(at_once)))
    return taken


async def per_second(log: GroupCommitLog, events: int, at_once: int) -> float:
    """Appends a second."""
    began = time.perf_counter()
    await append(log, events, at_once)
    return events / (time.perf_counter() - began)


def library_per_second(insert: Callable[[list[StoredEvent]], object], events: int, threads: int) -> float:
    """Appends a second by threads that call the library's recorder plainly."""

    def grow() -> None:
        stream = new_stream()
        for version in range(1, events // threads + 1):
            insert([StoredEvent(stream, version, "Responded", LINE)])

    started = [threading.Thread(target=grow) for _ in range(threads)]
    began = time.perf_counter()
    for each in started:
        each.start()
    for each in started:
        each.join()
    return events / (time.perf_counter() - began)


def library_on_postgres(server: PostgresServer) -> PostgresApplicationRecorder:
    """The library as its documentation wires it, with a connection for each thread."""
    parts = conninfo_to_dict(server.url())
    datastore = PostgresDatastore(
        dbname=str(parts["dbname"]),
        host=str(parts["host"]),
        port=str(parts["port"]),
        user=str(parts["user"]),
        password=str(parts["password"]),
        pool_size=AT_ONCE,
        originator_id_type="text",
    )
    recorder = PostgresApplicationRecorder(datastore, events_table_name="library_events")
    recorder.create_table()
    return recorder


def library_on_sqlite(folder: Path) -> SQLiteApplicationRecorder:
    """The library on a file."""
    recorder = SQLiteApplicationRecorder(SQLiteDatastore(str(folder / "library.db"), originator_id_type="text"))
    recorder.create_table()
    return recorder


def pgbench(server: PostgresServer, folder: Path) -> float:
    """Single-row inserts a second of 32 clients of PostgreSQL's own benchmark, each a transaction of equal size."""
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS plain (id bigserial PRIMARY KEY, line bytea NOT NULL)")
    script = folder / "insert.sql"
    script.write_text(f"INSERT INTO plain (line) VALUES ('\\x{LINE.hex()}');\n")  # noqa: S608 - our own bytes
    command = [str(binaries() / "pgbench"), "-n", "-M", "prepared", "-f", str(script), "-c", str(CLIENTS), "-j", "2"]
    told = subprocess.run([*command, "-T", str(SECONDS), server.url()], capture_output=True, text=True, check=True)  # noqa: S603
    found = re.search(r"tps = ([0-9.]+)", told.stdout)
    assert found is not None, told.stdout
    return float(found[1])


async def on_postgres(server: PostgresServer, folder: Path) -> list[Figure]:
    """The rows of PostgreSQL; the rounds of all subjects take turns."""
    log = PostgresEventLog(server.url(), "log")
    library = library_on_postgres(server)
    ours, plain, bench, lone, lone_plain = [], [], [], [], []
    for _ in range(ROUNDS):
        ours.append(await per_second(log, EVENTS, AT_ONCE))
        plain.append(await asyncio.to_thread(library_per_second, library.insert_events, LIBRARY_EVENTS, AT_ONCE))
        bench.append(await asyncio.to_thread(pgbench, server, folder))
        lone.append(await per_second(log, LONE_EVENTS, 1))
        lone_plain.append(await asyncio.to_thread(library_per_second, library.insert_events, LONE_EVENTS, 1))
    await log.close()
    library.datastore.close()
    beside_library, beside_pgbench = f"library, {AT_ONCE} threads", f"pgbench, {CLIENTS} clients"
    return [
        Figure(what=f"PostgreSQL, {AT_ONCE} at once", rounds=ours, beside=beside_library, reference=plain, reach=12),
        Figure(what=f"PostgreSQL, {AT_ONCE} at once", rounds=ours, beside=beside_pgbench, reference=bench, reach=1),
        Figure(what="PostgreSQL, one by one", rounds=lone, beside="library, 1 thread", reference=lone_plain, reach=1),
    ]


async def on_sqlite(folder: Path) -> list[Figure]:
    """The rows of SQLite."""
    log = SqliteEventLog(folder / "log.db")
    library = library_on_sqlite(folder)
    ours, plain, lone = [], [], []
    for _ in range(ROUNDS):
        ours.append(await per_second(log, EVENTS, AT_ONCE))
        plain.append(await asyncio.to_thread(library_per_second, library.insert_events, LIBRARY_EVENTS, 1))
        lone.append(await per_second(log, LONE_EVENTS, 1))
    await log.close()
    library.datastore.close()
    beside = "library, 1 thread"
    return [
        Figure(what=f"SQLite, {AT_ONCE} at once", rounds=ours, beside=beside, reference=plain, reach=8),
        Figure(what="SQLite, one by one", rounds=lone, beside=beside, reference=plain),
    ]


async def growing(name: str, log: GroupCommitLog, events: int) -> Figure:
    """The first and the last thousands of many events: appends a second, in five samples each."""
    first = [await per_second(log, EVENTS, AT_ONCE) for _ in range(ROUNDS)]
    await append(log, events - 2 * ROUNDS * EVENTS, 512)
    last = [await per_second(log, EVENTS, AT_ONCE) for _ in range(ROUNDS)]
    taken = await append(log, 1_280, AT_ONCE)
    await log.close()
    what = f"{name}, last of {events:,} events (p99 {quantile(taken, 0.99) * 1000:.1f} ms)"
    return Figure(what=what, rounds=last, beside="the first", reference=first, reach=0.8)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=300_000, help="how long the history grows")
    events = parser.parse_args().events
    tune_garbage_collection()  # as a service does
    with postgres() as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = uvloop.run(on_postgres(server, folder))
        figures += uvloop.run(on_sqlite(folder))
        figures.append(uvloop.run(growing("PostgreSQL", PostgresEventLog(server.url(), "grown"), events)))
        figures.append(uvloop.run(growing("SQLite", SqliteEventLog(folder / "grown.db"), events)))
    show("append one event, durable", figures, f"one process; events of {len(LINE)} bytes")


if __name__ == "__main__":
    main()
