"""Whether what users do takes longer the more there is: the same requests to a short log and to longer ones, in turn.

Each size is three services on a database of its own, whose log begins with so many tickets of ten events each. A row's
figure is the processors' milliseconds a request, those of the services and of PostgreSQL together until everything that
follows it was done; beside it stands the ratio to the shortest log, which the machine's drift cannot move much.

    python tests/benchmarks/growth.py [--tickets 1000 10000 100000] [--rounds 5] [--clients 8]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack

import msgspec
from everyday import FOLLOWERS, idle, processors, settle
from measuring import empty_database, machine, postgres
from measuring.everyday_requests import Kind, kinds
from measuring.services import Services, services
from measuring.story import EVENTS_OF_A_TICKET, fill
from rich.console import Console
from rich.table import Table

from fristwerk_platform.settings import Settings

OPEN_TICKETS = 1_000
"""Each log has so many beside those that it begins with, which are resolved."""
MOST_GROWTH = 1.2
CONNECTIONS = "max_connections=400"
"""Nine services run at once, more than PostgreSQL's hundred connections are enough for."""


class Log(msgspec.Struct):
    """The services on one log, what is asked of them, and what they take a second while nobody asks."""

    tickets: int
    running: Services
    pids: Sequence[int]
    kinds: Sequence[Kind]
    resting: float


def lists(running: Services) -> list[Kind]:
    """Lists of what few tickets have, and the longest list there is."""
    few = [running.request("GET", f"/v1/tickets?limit=50&customer={each}") for each in running.customers]
    nobody = [running.request("GET", "/v1/tickets?limit=50&assignee=nobody")]
    timers = [running.request("GET", "/v1/timers?limit=50")]
    return [
        Kind(what="list a customer's tickets", names=["ticket"], requests=few, bare=[]),
        Kind(what="list an assignee's tickets, none", names=["ticket"], requests=nobody, bare=[]),
        Kind(what="list timers", names=["sla"], requests=timers, bare=[]),
    ]


def opened(running: Services, tickets: int, database: int) -> Log:
    """Fill the log, start the services, and wait until they have applied it."""
    settings = Settings(var=running.folder, database_url=running.database_url)
    asyncio.run(fill(settings, tickets * EVENTS_OF_A_TICKET))
    for each in FOLLOWERS:
        running.start(each)
    asked = running.prepare(OPEN_TICKETS, contracts="all")
    settle(running)
    pids = [*map(running.pid, FOLLOWERS), database]
    found = [*kinds(running, asked), *lists(running)]
    return Log(tickets=tickets, running=running, pids=pids, kinds=found, resting=idle(pids))


def milliseconds(log: Log, number: int, part: int, *, seconds: float, clients: int) -> float:
    """What a request of a kind takes of the processors in one round; ``part`` of the requests come first."""
    kind = log.kinds[number]
    at = part * len(kind.requests) // 10
    requests = [*kind.requests[at:], *kind.requests[:at]]
    before, began = processors(log.pids), time.monotonic()
    done = log.running.load(kind.names, requests, seconds=seconds, connections=clients)
    if kind.writes:
        settle(log.running)
    used = processors(log.pids) - before - log.resting * (time.monotonic() - began)
    return used / len(done.taken) * 1000


def measured(logs: Sequence[Log], asked: argparse.Namespace) -> Table:
    """Every kind on every log, in turn."""
    first, *longer = (f"{log.tickets:,} tickets" for log in logs)
    found = Table("CPU of a request", first, *(head for each in longer for head in (each, "ratio")), "")
    for number, kind in enumerate(logs[0].kinds):
        rounds = [
            [milliseconds(log, number, part, seconds=asked.seconds, clients=asked.clients) for log in logs]
            for part in range(asked.rounds)
        ]
        ratios = [statistics.median(each[place] / each[0] for each in rounds) for place in range(1, len(logs))]
        middle = [statistics.median(each[place] for each in rounds) for place in range(len(logs))]
        cells = [f"{middle[0]:.2f} ms"]
        for took, ratio in zip(middle[1:], ratios, strict=True):
            cells += [f"{took:.2f} ms", f"{ratio:.2f}"]
        found.add_row(kind.what, *cells, "reached" if max(ratios) <= MOST_GROWTH else "FALLS SHORT")
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, nargs="*", default=[1_000, 10_000, 100_000], help="two sizes at least")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each round")
    parser.add_argument("--clients", type=int, default=8)
    asked = parser.parse_args()
    with ExitStack() as stack:
        server = stack.enter_context(postgres(CONNECTIONS))
        running = [stack.enter_context(services(empty_database(server))) for _ in asked.tickets]
        logs = [opened(each, tickets, server.pid) for each, tickets in zip(running, asked.tickets, strict=True)]
        table = measured(logs, asked)
    console = Console(width=150, highlight=False)
    console.print(table)
    console.print(machine(asked.rounds))


if __name__ == "__main__":
    main()
