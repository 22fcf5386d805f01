"""Commands and reads over HTTP on PostgreSQL, one worker: the ticket service beside a bare FastAPI and asyncpg application."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

from measuring import Figure, postgres, quantile, show
from measuring.load import Told
from measuring.services import AT_ONCE, Services, services

ROUNDS = 5
TICKETS = 5_000
SECONDS = 3.0
PAGE = 1_000
ANSWER = {"channel": "email", "text": "Wir schauen es uns an und melden uns heute noch bei Ihnen."}
BARE = "bare FastAPI, asyncpg"


class Measured:
    """Rounds of one kind of request, ours and the bare application's in turn."""

    def __init__(self, what: str, reach: float | None = None) -> None:
        self.what = what
        self.reach = reach
        self.ours: list[Told] = []
        self.bare: list[Told] = []

    def figure(self) -> Figure:
        """The row; the 99th percentile is of all rounds."""
        p99 = quantile([taken for told in self.ours for taken in told.taken], 0.99) * 1000
        return Figure(
            what=f"{self.what} (p99 {p99:.0f} ms)",
            rounds=[told.per_second for told in self.ours],
            beside=BARE if self.bare else "",
            reference=[told.per_second for told in self.bare],
            reach=self.reach,
        )


def answers(running: Services, tickets: list[str], *, keyed: bool) -> list[bytes]:
    """Commands to tickets in turn, each under a key of its own if wanted."""
    requests = []
    for ticket in itertools.islice(itertools.cycle(tickets), 20_000):
        headers: dict[str, Any] = {"Idempotency-Key": str(uuid.uuid4())} if keyed else {}
        requests.append(running.request("POST", f"/v1/tickets/{ticket}/responses", ANSWER, **headers))
    return requests


def measured(running: Services, tickets: list[str]) -> list[Measured]:
    """Every kind of request, several rounds."""
    command = Measured(f"command, {AT_ONCE} connections", 0.8)
    keyed = Measured(f"the same with an Idempotency-Key, {AT_ONCE} connections", 0.8)
    one = Measured("GET one ticket", 0.6)
    listed = Measured(f"list 50 by urgency of {len(tickets):,}", 0.6)
    bare_insert = [running.request("POST", "/answers", ANSWER, None)]
    bare_read = [running.request("GET", f"/tickets/{number}", role=None) for number in range(1, TICKETS + 1)]
    bare_list = [running.request("GET", "/tickets", role=None)]
    reads = [running.request("GET", f"/v1/tickets/{ticket}") for ticket in tickets]
    listing = [running.request("GET", "/v1/worklist?limit=50")]
    for _ in range(ROUNDS):
        command.ours.append(running.load("ticket", answers(running, tickets, keyed=False), seconds=SECONDS))
        command.bare.append(running.load("bare", bare_insert, seconds=SECONDS))
        keyed.ours.append(running.load("ticket", answers(running, tickets, keyed=True), seconds=SECONDS))
        one.ours.append(running.load("ticket", reads, seconds=SECONDS))
        one.bare.append(running.load("bare", bare_read, seconds=SECONDS))
        listed.ours.append(running.load("ticket", listing, seconds=SECONDS, connections=8))
        listed.bare.append(running.load("bare", bare_list, seconds=SECONDS, connections=8))
    keyed.bare = command.bare
    return [command, keyed, one, listed]


def feed(running: Services) -> Figure:
    """Lines a second of the feed, page after page over one connection."""
    lines = 20 * PAGE
    pages = [
        running.request("GET", f"/v1/events?after={after}&limit={PAGE}", role="service")
        for after in range(0, lines, PAGE)
    ]
    rounds = [lines / running.load("ticket", pages, connections=1).seconds for _ in range(ROUNDS)]
    return Figure(
        what=f"feed, lines at {PAGE:,} a page", rounds=rounds, beside="to reach", reference=[100_000], reach=1
    )


def main() -> None:
    """Print the tables."""
    with postgres() as server, services(server.url()) as running:
        running.start("ticket")
        running.start("bare")
        tickets = running.prepare(TICKETS)
        rows = measured(running, tickets)
        lines = feed(running)
        running.start("sla")
        following = Measured(f"command, {AT_ONCE} connections, the SLA service follows")
        for _ in range(ROUNDS):
            following.ours.append(running.load("ticket", answers(running, tickets, keyed=False), seconds=SECONDS))
    figures = [each.figure() for each in (*rows, following)]
    show(
        "over HTTP, PostgreSQL, one worker",
        [*figures, lines],
        "load comes from a process of its own over raw sockets; service, PostgreSQL and load share the cores",
    )


if __name__ == "__main__":
    main()
