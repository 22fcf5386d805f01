"""Rows with subject, customer's name and next deadline beside the worklist, 50 each, at 5,000 and 50,000 open tickets: by the
clock, and by the processor's time of the ticket service and of PostgreSQL; also while others record events.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import psutil
from measuring import Figure, postgres, show
from measuring.services import Services, services

ROUNDS = 7
SECONDS = 2.0
MINE = 50
APART = 99
AGENT = "agent-7"
WORKLIST = "worklist, 50"
LISTS = {
    f"my {MINE} with subject and next deadline": f"/v1/rows?assignee={AGENT}&limit={MINE}",
    "the first 50 with subject and next deadline": "/v1/rows?limit=50",
    "the same, by deadline": "/v1/rows?limit=50&sort=deadline",
}
RECORDED = 20
"""Events a second that others record, where they do."""
UNITS = ("/s", "/s of processors")
PATHS = {WORKLIST: "/v1/worklist?limit=50"} | LISTS
REACH = 1 / 1.5
"""A list may take one and a half times as long as the worklist."""


def settle(running: Services) -> None:
    """Wait until the deadlines of the rows rest on all that was recorded."""
    headers = {"Authorization": f"Bearer {running.token()}"}
    for path in LISTS.values():
        while True:
            page = httpx.get(running.url("ticket") + path, headers=headers, timeout=60).json()
            if page["deadlines"]["state"] == "current" and all(
                row["deadline_is"] == "current" for row in page["items"]
            ):
                break
            time.sleep(0.5)


def processors(running: Services, database: int) -> float:
    """Seconds of processors that the ticket service and PostgreSQL have taken."""
    taken = 0.0
    for pid in (running.pid("ticket"), database):
        for each in (process := psutil.Process(pid), *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                used = each.cpu_times()
                taken += used.user + used.system + used.children_user + used.children_system
    return taken


def sizes(running: Services) -> str:
    """How long the pages are; each list has as many rows as the worklist."""
    headers, found = {"Authorization": f"Bearer {running.token()}"}, []
    for what, path in PATHS.items():
        answer = httpx.get(running.url("ticket") + path, headers=headers, timeout=60)
        if (rows := len(answer.json()["items"])) != MINE:
            raise SystemExit(f"{what}: {rows} rows instead of {MINE}")
        found.append(f"{what}: {len(answer.content):,} bytes")
    return "; ".join(found)


@contextmanager
def recording(running: Services, ticket: str | None) -> Iterator[None]:
    """Others record events of a ticket meanwhile; nobody does without one."""
    over = threading.Event()

    def record() -> None:
        for number in range(10**9):
            if over.wait(1 / RECORDED):
                return
            running.post(f"/v1/tickets/{ticket}/assignment", {"agent": f"agent-{number % 2}"})

    recorder = threading.Thread(target=record)
    if ticket is not None:
        recorder.start()
    try:
        yield
    finally:
        over.set()
        if ticket is not None:
            recorder.join()


def measured(
    running: Services, database: int, case: str, connections: int, changing: str | None = None
) -> list[Figure]:
    """Requests a second of each list, and those a second of the processors, in turn with the worklist; ``changing`` is the
    ticket of which others record events meanwhile.
    """
    rounds: dict[tuple[str, str], list[float]] = {(what, unit): [] for what in PATHS for unit in UNITS}
    with recording(running, changing):
        for _ in range(ROUNDS):
            for what, path in PATHS.items():
                requests, before = [running.request("GET", path)], processors(running, database)
                told = running.load("ticket", requests, connections=connections, seconds=SECONDS)
                rounds[what, UNITS[0]].append(told.per_second)
                rounds[what, UNITS[1]].append(len(told.taken) / (processors(running, database) - before))
    return [
        Figure(
            what=f"{what}; {case}, {connections} at once",
            rounds=rounds[what, unit],
            unit=unit,
            beside=WORKLIST,
            reference=rounds[WORKLIST, unit],
            reach=REACH,
        )
        for what in LISTS
        for unit in UNITS
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tickets", nargs="*", type=int, default=[5_000, 50_000], help="how many are open, growing")
    asked = parser.parse_args()
    figures: list[Figure] = []
    remark = ""
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
                figures += measured(running, server.pid, f"{number:,} open", connections)
            remark = sizes(running)
            case = f"{number:,} open, {RECORDED} events/s recorded"
            figures += measured(running, server.pid, case, 1, known[-1])
    show("lists of rows, PostgreSQL, one worker", figures, "requests a second; load from a process of its own", remark)


if __name__ == "__main__":
    main()
