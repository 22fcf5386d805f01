"""What users do, as they do it: 1, 8 and 64 clients open tickets, answer, log time and read, with all three services running.

Each is beside the bare FastAPI and asyncpg application in turn, on one PostgreSQL. Two figures a row: requests a second, and
the processors' milliseconds a request, those of all three services and of PostgreSQL together, until everything that
follows a request was done too.

    python tests/benchmarks/everyday.py [--clients 1 8] [--rounds 7] [--seconds 1] [--tickets 5000] [--json FILE]

``--events N`` lets the log begin with so many events of other customers, ten a ticket; ``--against FILE`` prints how much
better each row is than in the JSON of another run: two versions, or one log short and long.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import psutil
from measuring import machine, postgres, quantile
from measuring.everyday_requests import kinds
from measuring.services import Name, Services, services
from measuring.story import fill
from rich.console import Console
from rich.table import Table

from fristwerk_platform.settings import Settings

SETTLED_SECONDS = 900.0
GROWN = 0.8
"""How much of another run's requests a second are to be reached."""
FOLLOWERS: Sequence[Name] = ("ticket", "sla", "billing")


class Side(msgspec.Struct):
    """The rounds of one side: requests a second, milliseconds of processors each, seconds taken."""

    per_second: list[float] = []
    processors: list[float] = []
    taken: list[float] = []

    def add(self, per_second: float, processors: float, taken: Sequence[float]) -> None:
        """Add a round."""
        self.per_second.append(per_second)
        self.processors.append(processors)
        self.taken.extend(taken)


class Row(msgspec.Struct):
    """Ours and the bare application's rounds of one kind at one number of clients."""

    kind: str
    clients: int
    reach: float | None
    reach_ms: float | None
    ours: Side
    bare: Side

    @property
    def ratio(self) -> float | None:
        """The median of the ratios of neighbouring rounds, which the machine's drift cannot move."""
        pairs = zip(self.ours.per_second, self.bare.per_second, strict=True) if self.bare.per_second else ()
        found = [ours / bare for ours, bare in pairs]
        return statistics.median(found) if found else None


def processors(pids: Sequence[int]) -> float:
    """Seconds of processors that these processes and all of their children, ended ones too, have taken."""
    seconds = 0.0
    for pid in pids:
        root = psutil.Process(pid)
        for each in (root, *root.children(recursive=True)):
            try:
                taken = each.cpu_times()
            except psutil.NoSuchProcess:
                continue
            seconds += taken.user + taken.system + (taken.children_user + taken.children_system)
    return seconds


def settle(running: Services) -> None:
    """Return once every service has applied all that the log holds."""
    last = running.last_position()
    ends_at = time.monotonic() + SETTLED_SECONDS
    while min(running.position(each) for each in FOLLOWERS) < last:
        if time.monotonic() > ends_at:
            raise SystemExit("the services did not catch up")
        time.sleep(0.05)


def idle(pids: Sequence[int]) -> float:
    """What the processes take a second while nobody asks, to be taken off."""
    before, began = processors(pids), time.monotonic()
    time.sleep(2)
    return (processors(pids) - before) / (time.monotonic() - began)


def measured(running: Services, database: int, asked: argparse.Namespace) -> Iterator[Row]:
    """Every kind at every number of clients, ours and the bare application in turn."""
    tickets = running.prepare(asked.tickets, contracts="all" if asked.events else "half")
    settle(running)
    ours, bare = [*map(running.pid, FOLLOWERS), database], [running.pid("bare"), database]
    resting = idle(ours)
    for clients, kind in itertools.product(asked.clients, kinds(running, tickets)):
        row = Row(kind.what, clients, kind.ratios.get(clients), kind.milliseconds.get(clients), Side(), Side())
        at = 0
        for _ in range(asked.rounds):
            before, began = processors(ours), time.monotonic()
            requests = [*kind.requests[at:], *kind.requests[:at]]
            done = running.load(kind.names, requests, seconds=asked.seconds, connections=clients)
            at = (at + len(done.taken) * len(kind.names)) % len(kind.requests)
            if kind.writes:
                settle(running)
            used = processors(ours) - before - resting * (time.monotonic() - began)
            row.ours.add(done.per_second, used / len(done.taken) * 1000, done.taken)
            if kind.bare:
                before = processors(bare)
                done = running.load("bare", kind.bare, seconds=asked.seconds, connections=clients)
                row.bare.add(done.per_second, (processors(bare) - before) / len(done.taken) * 1000, done.taken)
        yield row


def table(rows: Sequence[Row]) -> Table:
    """What is printed."""
    head = ("what", "clients", "/s", "p50", "p99", "CPU", "bare", "CPU", "ratio", "from to", "reach", "CPU reach", "")
    made = Table(*head, title="everyday requests, PostgreSQL, all three services")
    for row in rows:
        ratios = sorted(a / b for a, b in zip(row.ours.per_second, row.bare.per_second, strict=False))
        processors_ms = statistics.median(row.ours.processors)
        reached = [row.reach is None or (row.ratio or 0) >= row.reach]
        reached.append(row.reach_ms is None or processors_ms <= row.reach_ms)
        made.add_row(
            row.kind,
            str(row.clients),
            f"{statistics.median(row.ours.per_second):,.0f}",
            f"{quantile(row.ours.taken, 0.5) * 1000:.1f} ms",
            f"{quantile(row.ours.taken, 0.99) * 1000:.0f} ms",
            f"{processors_ms:.2f} ms",
            f"{statistics.median(row.bare.per_second):,.0f}" if ratios else "",
            f"{statistics.median(row.bare.processors):.2f} ms" if ratios else "",
            f"{row.ratio:.2f}" if row.ratio else "",
            f"{ratios[0]:.2f} to {ratios[-1]:.2f}" if ratios else "",
            "" if row.reach is None else f"{row.reach:g}",
            "" if row.reach_ms is None else f"{row.reach_ms:g} ms",
            "" if row.reach is None and row.reach_ms is None else "reached" if all(reached) else "FALLS SHORT",
        )
    return made


def compared(rows: Sequence[Row], others: Sequence[Row]) -> Table:
    """Requests a second and processors' time beside another run's; more than 1 is better."""
    made = Table("what", "clients", "/s", "ratio", "CPU", "ratio", "", title="beside the other run")
    other = {(each.kind, each.clients): each.ours for each in others}
    for row in rows:
        if (was := other.get((row.kind, row.clients))) is None:
            continue
        now_rate, then_rate = (statistics.median(each.per_second) for each in (row.ours, was))
        now_ms, then_ms = (statistics.median(each.processors) for each in (row.ours, was))
        made.add_row(
            row.kind,
            str(row.clients),
            f"{now_rate:,.0f} beside {then_rate:,.0f}",
            f"{now_rate / then_rate:.2f}",
            f"{now_ms:.2f} beside {then_ms:.2f} ms",
            f"{then_ms / now_ms:.2f}",
            "reached" if now_rate / then_rate >= GROWN else "FALLS SHORT",
        )
    return made


class Run(msgspec.Struct):
    """What ``--json`` writes."""

    load: tuple[float, float, float]
    rows: list[Row]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 8, 64])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each round")
    parser.add_argument("--tickets", type=int, default=5_000)
    parser.add_argument("--json", type=Path, help="where to write all rounds")
    parser.add_argument("--events", type=int, default=0, help="that the log begins with")
    parser.add_argument("--against", type=Path, help="the JSON of another run")
    asked = parser.parse_args()
    with postgres() as server, services(server.url()) as running:
        if asked.events:
            asyncio.run(fill(Settings(var=running.folder, database_url=running.database_url), asked.events))
        for each in (*FOLLOWERS, "bare"):
            running.start(each)
        rows = list(measured(running, server.pid, asked))
    console = Console(width=160, highlight=False)
    console.print(table(rows))
    console.print(machine(asked.rounds))
    console.print("CPU: milliseconds of processors a request, all services and PostgreSQL, what follows included")
    if asked.against is not None:
        console.print(compared(rows, msgspec.json.decode(asked.against.read_bytes(), type=Run).rows))
    if asked.json is not None:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(Run(os.getloadavg(), rows))))


if __name__ == "__main__":
    main()
