"""Several processes that share the work of the sla-service or the billing-service: what 1, 2 and 4 reach here, and, simulated
with the service times that were measured, what 8 to 64 would reach on machines of their own, and what stops them.

Each run follows the same log from its beginning, over HTTP from one ticket-service; log and read model lie in databases of
one PostgreSQL. What is measured lies between a tenth and nine tenths of the work, when all processes have their partitions.

    python tests/benchmarks/processes.py [--events 50000] [--processes 1 2 4] [--rounds 3] [--json FILE | --measured FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil
import psycopg
from everyday import processors
from measuring import empty_database, machine, postgres
from measuring.services import Name, Services, free_ports, services
from measuring.simulated_processes import Run, Setting, bottleneck, service_times, simulated
from measuring.story import fill
from psycopg.sql import SQL, Identifier
from rich.console import Console
from rich.table import Table

from fristwerk_local.postgres import PostgresServer
from fristwerk_platform.settings import Settings

SERVICES: Sequence[Name] = ("sla", "billing")
PARTITIONS = 64
BEGIN, END = 0.1, 0.9
PATIENCE_SECONDS = 300.0
LARGE = (8, 16, 32, 64)
ASKING = "benchmark"
WAL_TIMED = "track_wal_io_timing=on"


class Group:
    """Processes of one service on an empty read model, each with its partitions; the ticket-service is not there yet."""

    def __init__(self, running: Services, name: Name, number: int, url: str) -> None:
        self.url = url
        self._asking = psycopg.connect(url, autocommit=True, application_name=ASKING)
        table = Identifier(name, "followed_partitions")
        self._partitions = SQL("SELECT count(*) FROM {} GROUP BY owner").format(table)
        self._applied = SQL("SELECT avg(position) FROM {}").format(table)
        settings = {"FRISTWERK_DATABASE_URL": url, "FRISTWERK_FOLLOW_IN_PARTITIONS": "true"}
        self.processes = [
            running.command(name, "serve", FRISTWERK_PORT=str(port), FRISTWERK_LOG_LEVEL="error", **settings)
            for port in free_ports(number)
        ]

    def await_partitions(self) -> None:
        """Return once every process has as many as the others."""
        share = PARTITIONS // len(self.processes)
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends_at:
            try:
                rows = self._asking.execute(self._partitions).fetchall()
            except psycopg.errors.UndefinedTable:
                rows = []
            if [each for (each,) in rows] == [share] * len(self.processes):
                return
            time.sleep(0.1)
        raise SystemExit("the processes did not share the partitions")

    def progress(self, last: int) -> float:
        """The share of the log that is applied; asked of the database, as the processes have their work to do."""
        row = self._asking.execute(self._applied).fetchone()
        return float(row[0]) / last if row else 0.0

    def end(self) -> None:
        """Stop all."""
        self._asking.close()
        for each in self.processes:
            each.terminate()
        for each in self.processes:
            each.communicate()


@contextmanager
def group(running: Services, name: Name, number: int, url: str) -> Iterator[Group]:
    """Started, and ended with the round."""
    made = Group(running, name, number, url)
    try:
        made.await_partitions()
        yield made
    finally:
        made.end()


class Taken(msgspec.Struct):
    """What everything has taken so far: seconds of the processors, commits, flushes of the WAL and their seconds."""

    at: float
    machine: float
    workers: float
    ticket: float
    read_model: float
    log: float
    postgres: float
    commits: int
    flushes: int
    flush_seconds: float


def taken(running: Services, server: PostgresServer, shared: Group) -> Taken:
    """Everything at this moment; PostgreSQL by the databases of its backends."""
    with psycopg.connect(server.url(), autocommit=True, application_name=ASKING) as connection:
        backends: dict[int, str] = dict(
            connection.execute(
                "SELECT pid, datname FROM pg_stat_activity WHERE datname IS NOT NULL AND application_name <> %s",
                [ASKING],
            )
        )
        name = shared.url.rsplit("/", 1)[1]
        (commits,) = connection.execute(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = %s", [name]
        ).fetchone() or (0,)
        flushes = connection.execute(
            "SELECT sum(fsyncs), sum(fsync_time) / 1000 FROM pg_stat_io WHERE object = 'wal' AND context = 'normal'"
        ).fetchone() or (0, 0)
    by_database = {"read model": 0.0, "log": 0.0}
    for pid, database in backends.items():
        try:
            used = psutil.Process(pid).cpu_times()
        except psutil.NoSuchProcess:
            continue
        by_database["read model" if database == name else "log"] += used.user + used.system
    busy = psutil.cpu_times()
    return Taken(
        at=time.monotonic(),
        machine=sum(busy) - busy.idle - getattr(busy, "iowait", 0.0),
        workers=processors([each.pid for each in shared.processes]),
        ticket=processors([running.pid("ticket")]),
        read_model=by_database["read model"],
        log=by_database["log"],
        postgres=processors([server.pid]),
        commits=int(commits),
        flushes=int(flushes[0]),
        flush_seconds=float(flushes[1]),
    )


def measured(running: Services, server: PostgresServer, name: Name, number: int, last: int) -> Run:
    """One round: what an event takes of everybody while so many processes catch up.

    What the ticket-service and its log take counts from its start on, since the feed is read far ahead of the work.
    """
    with group(running, name, number, empty_database(server)) as shared:
        running.start("ticket")
        began = at(shared, last, BEGIN, running, server)
        ended = at(shared, last, END, running, server)
        running.stop("ticket")
    (first, before), (then, after) = began, ended
    events, seconds = (then - first) * last, after.at - before.at
    ours = sum(getattr(after, each) - getattr(before, each) for each in ("workers", "ticket", "postgres"))
    return Run(
        service=name,
        processes=number,
        events=events,
        seconds=seconds,
        worker=(after.workers - before.workers) / events,
        ticket=after.ticket / last,
        read_model=(after.read_model - before.read_model) / events,
        log=after.log / last,
        postgres_rest=(
            (after.postgres - before.postgres) - (after.read_model - before.read_model) - (after.log - before.log)
        )
        / events,
        commits=(after.commits - before.commits) / events,
        flushes=(after.flushes - before.flushes) / events,
        flush=(after.flush_seconds - before.flush_seconds) / max(after.flushes - before.flushes, 1),
        others=max(0.0, (after.machine - before.machine - ours) / seconds),
    )


def at(shared: Group, last: int, share: float, running: Services, server: PostgresServer) -> tuple[float, Taken]:
    """How far the processes are, once that is so far, and what was taken until then."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        if (progress := shared.progress(last)) >= share:
            return progress, taken(running, server, shared)
        time.sleep(0.1)
    raise SystemExit("the processes did not catch up")


def measurements(asked: argparse.Namespace) -> list[Run]:
    """All rounds, those of the numbers of processes in turn."""
    with postgres(WAL_TIMED) as server, services(server.url()) as running:
        asyncio.run(fill(Settings(var=running.folder, database_url=running.database_url), asked.events))
        running.start("ticket")
        last = running.last_position()
        while running.position("ticket") < last:
            time.sleep(0.1)
        running.stop("ticket")
        return [
            measured(running, server, name, number, last)
            for _ in range(asked.rounds)
            for name in SERVICES
            for number in asked.processes
        ]


def middle(runs: Sequence[Run]) -> Run:
    """The median of each figure of rounds of one kind."""
    first = runs[0]
    figures = [each for each in Run.__struct_fields__ if each not in ("service", "processes")]
    medians = {each: statistics.median(getattr(run, each) for run in runs) for each in figures}
    return Run(service=first.service, processes=first.processes, **medians)


def shown_measured(medians: Sequence[Run]) -> Table:
    """What was measured; beside it what the times of all fewer processes foretell, and the simulation of the same."""
    head = ("events/s", "processes' CPU", "ticket-service", "PostgreSQL: read model", "log", "rest")
    made = Table("service", "processes", *head, "commits, flushes of 1,000", "others had", "foretold", "simulated")
    for run in medians:
        fewer = [each for each in medians if each.processes < run.processes]
        here = Setting(processes=run.processes, processors=psutil.cpu_count() or 1, shared=True, others=run.others)
        outcome = simulated(service_times(medians, run.service), here)
        parts = (run.worker, run.ticket, run.read_model, run.log, run.postgres_rest)
        foretold = None
        if len({each.processes for each in fewer}) > 1:
            times = service_times(fewer, run.service)
            found = times.worker.at(run.processes) + times.read_model.at(run.processes)
            foretold = found / (run.worker + run.read_model) - 1
        made.add_row(
            run.service,
            str(run.processes),
            f"{run.rate:,.0f}",
            *(f"{each * 1e6:.1f} µs" for each in parts),
            f"{run.commits * 1000:.1f}, {run.flushes * 1000:.1f} of {run.flush * 1000:.1f} ms",
            f"{run.others:.1f}",
            "" if foretold is None else f"{foretold:+.0%} CPU",
            f"{outcome.rate:,.0f} /s, {outcome.rate / run.rate - 1:+.0%}",
        )
    return made


def shown_simulated(medians: Sequence[Run]) -> Table:
    """What many processes would reach, each on a processor of its own, and what holds them up."""
    made = Table("service", "PostgreSQL", "ticket-services", *(f"{each} processes" for each in LARGE))
    for name, cores, ticket_services in itertools.product(SERVICES, (8, 16), (1, 4)):
        times = service_times(medians, name)
        cells = []
        for number in LARGE:
            there = Setting(processes=number, processors=cores, ticket_services=ticket_services)
            outcome, first = simulated(times, there), bottleneck(times, there)
            cells.append(f"{outcome.rate:,.0f} /s, {first.what} ({first.gain:.2f}); PostgreSQL {outcome.busy:.0%} busy")
        made.add_row(name, f"{cores} cores", str(ticket_services), *cells)
    return made


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2, 4], help="divisors of 64, two at least")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="where to write all rounds")
    parser.add_argument(
        "--measured", type=Path, help="the JSON of another run, which is simulated without measuring again"
    )
    asked = parser.parse_args()
    known: Path | None = asked.measured
    runs = measurements(asked) if known is None else msgspec.json.decode(known.read_bytes(), type=list[Run])
    if asked.json is not None:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(runs)))
    kinds = sorted(
        {(each.service, each.processes) for each in runs}, key=lambda kind: (SERVICES.index(kind[0]), kind[1])
    )
    medians = [middle([each for each in runs if (each.service, each.processes) == kind]) for kind in kinds]
    console = Console(width=190, highlight=False)
    console.print(shown_measured(medians))
    console.print(machine(len(runs) // len(kinds)))
    console.print(
        "CPU: an event of the log, all processes together. Foretold: by those of fewer processes. In brackets: the rate"
        " if what is named were twice as fast, as a ratio."
    )
    console.print(shown_simulated(medians))


if __name__ == "__main__":
    main()
