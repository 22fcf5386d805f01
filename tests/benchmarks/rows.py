"""Rows with subject, customer's name and next deadline beside today's worklist, 50 each, at 5,000 and 50,000 open tickets."""

from __future__ import annotations

import argparse
import time

import httpx
from measuring import Figure, postgres, show
from measuring.services import Services, services

ROUNDS = 5
SECONDS = 2.0
MINE = 50
APART = 99
AGENT = "agent-7"
WORKLIST = "worklist, 50"
LISTS = {
    f"my {MINE} with subject and next deadline": f"/v1/rows?assignee={AGENT}&limit={MINE}",
    "the first 50 with subject and next deadline": "/v1/rows?limit=50",
}
REACH = 1 / 1.5
"""A list may take one and a half times as long as the worklist."""


def settle(running: Services) -> None:
    """Wait until the deadlines of the rows rest on all that was recorded."""
    headers = {"Authorization": f"Bearer {running.token()}"}
    for path in LISTS.values():
        while True:
            page = httpx.get(running.url("ticket") + path, headers=headers, timeout=60).json()
            if page["deadlines"]["state"] == "current" and all(row["next_deadline"] for row in page["items"]):
                break
            time.sleep(0.5)


def measured(running: Services, tickets: int, connections: int) -> list[Figure]:
    """Requests a second of each list, in turn with the worklist."""
    paths = {WORKLIST: "/v1/worklist?limit=50"} | LISTS
    rounds: dict[str, list[float]] = {what: [] for what in paths}
    for _ in range(ROUNDS):
        for what, path in paths.items():
            requests = [running.request("GET", path)]
            told = running.load("ticket", requests, connections=connections, seconds=SECONDS)
            rounds[what].append(told.per_second)
    return [
        Figure(
            what=f"{what}; {tickets:,} open, {connections} at once",
            rounds=rounds[what],
            beside=WORKLIST,
            reference=rounds[WORKLIST],
            reach=REACH,
        )
        for what in LISTS
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tickets", nargs="*", type=int, default=[5_000, 50_000], help="how many are open, growing")
    asked = parser.parse_args()
    figures: list[Figure] = []
    with postgres() as server, services(server.url()) as running:
        running.start("ticket")
        running.start("sla")
        known: list[str] = []
        for number in asked.tickets:
            known += running.prepare(number - len(known), contracts="all")
            if not figures:
                for ticket in known[::APART][:MINE]:  # of as many customers
                    running.post(f"/v1/tickets/{ticket}/assignment", {"agent": AGENT})
            settle(running)
            for connections in (1, 8):
                figures += measured(running, number, connections)
    show("lists of rows, PostgreSQL, one worker", figures, "requests a second; load from a process of its own")


if __name__ == "__main__":
    main()
