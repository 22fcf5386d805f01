"""A million events on PostgreSQL: catching up, memory, the audit of everything, and what commands cost then."""

from __future__ import annotations

import argparse
import asyncio
import re
import resource
import time
from pathlib import Path

import msgspec
from measuring import empty_database, machine, postgres
from measuring.load import Told
from measuring.services import Name, Services, services
from measuring.story import fill
from rich.console import Console
from rich.table import Table

from fristwerk_platform.settings import Settings

EVENTS = 1_000_000
TICKETS = 1_000
ROUNDS = 5
SECONDS = 3.0
PATIENCE_SECONDS = 1_800
MOST_MEGABYTES = 250
MOST_AUDIT_MEGABYTES = 300
AUDIT_SECONDS_OF_A_MILLION: dict[Name, float] = {"sla": 30, "billing": 45}
ANSWER = {"channel": "email", "text": "Wir schauen es uns an."}


class Row(msgspec.Struct, frozen=True):
    """A row of the table; ``reached`` is null where nothing is to be reached."""

    what: str
    measured: str
    reach: str = ""
    reached: bool | None = None


def commands(running: Services) -> tuple[list[Told], list[Told]]:
    """Rounds of commands to fresh tickets and of readings of them."""
    tickets = running.prepare(TICKETS, contracts="all")  # beside the terms of the history none is the only one
    answers = [running.request("POST", f"/v1/tickets/{ticket}/responses", ANSWER) for ticket in tickets]
    pages = [running.request("GET", f"/v1/tickets/{ticket}") for ticket in tickets]
    written = [running.load("ticket", answers, seconds=SECONDS) for _ in range(ROUNDS)]
    return written, [running.load("ticket", pages, seconds=SECONDS) for _ in range(ROUNDS)]


def per_second(rounds: list[Told]) -> float:
    """The median of the rounds."""
    middle: float = sorted(told.per_second for told in rounds)[len(rounds) // 2]
    return middle


def caught_up(running: Services, name: Name, last: int) -> Row:
    """Start it on an empty read model and wait for the last event."""
    running.start(name)
    began, first = time.monotonic(), running.position(name)
    while (position := running.position(name)) < last:
        if time.monotonic() > began + PATIENCE_SECONDS:
            raise SystemExit(f"{name} did not catch up: {position:,} of {last:,}")
        time.sleep(1)
    return Row(f"{name}-service catches up", f"{(last - first) / (time.monotonic() - began):,.0f} events/s")


def memory(running: Services, name: Name) -> Row:
    """What it holds now."""
    found = running.megabytes(name)
    return Row(f"memory of the {name}-service", f"{found:.0f} MB", f"{MOST_MEGABYTES} MB", found <= MOST_MEGABYTES)


def audited(running: Services, name: Name, events: int) -> list[Row]:
    """Recompute everything from the log and compare: how long, and the most memory that it took."""
    began, most, before = time.monotonic(), 0.0, _processor_seconds()
    process = running.command(name, "replay")
    while process.poll() is None:
        most = max(most, _megabytes(process.pid))
        time.sleep(0.2)
    seconds = time.monotonic() - began
    assert process.stdout is not None
    told = process.stdout.read().decode().strip().splitlines()
    if process.returncode != 0:
        raise SystemExit("\n".join(told))
    limit = AUDIT_SECONDS_OF_A_MILLION[name] * events / 1_000_000
    what = f"{name}-service: recompute and compare {events:,} events"
    return [
        Row(what, f"{seconds:.1f} s", f"{limit:.0f} s", seconds <= limit),
        Row("  the processor's seconds, all its processes", f"{_processor_seconds() - before:.1f} s"),
        Row(
            "  the most memory, all its processes",
            f"{most:.0f} MB",
            f"{MOST_AUDIT_MEGABYTES} MB",
            most <= MOST_AUDIT_MEGABYTES,
        ),
    ]


def _processor_seconds() -> float:
    """What the processes took that have ended here, with those that they started and waited for."""
    taken = resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken.ru_utime + taken.ru_stime


def _megabytes(process_id: int) -> float:
    """Memory of a process and of those that it started; what they share counts once."""
    try:
        text = Path(f"/proc/{process_id}/smaps_rollup").read_text()
        children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    except OSError:  # it has just ended
        return 0.0
    found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    return (int(found[1]) / 1024 if found else 0.0) + sum(_megabytes(int(child)) for child in children)


def measured(running: Services, early: Services, events: int) -> list[Row]:
    """The rows in the order in which they are measured; ``early`` is a log that has just begun."""
    early.start("ticket")
    written_early, read_early = commands(early)
    early.stop()
    asyncio.run(fill(Settings(var=running.folder, database_url=running.database_url), events))
    rows = [caught_up(running, "ticket", events)]
    written, read = commands(running)
    for what, now, before in (("commands", written, written_early), ("GET one ticket", read, read_early)):
        ratio = per_second(now) / per_second(before)
        told = f"{per_second(now):,.0f} /s, ratio {ratio:.2f} to an empty log's {per_second(before):,.0f} /s"
        rows.append(Row(f"{what} after {events:,} events", told, "0.8", ratio >= 0.8))
    last = running.last_position()
    rows += [caught_up(running, name, last) for name in ("sla", "billing")]
    rows += [memory(running, name) for name in ("ticket", "sla", "billing")]
    for name in ("sla", "billing"):
        rows += audited(running, name, last)
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help=f"how long the history is (default: {EVENTS:,})")
    events = parser.parse_args().events
    with postgres() as server, services(empty_database(server)) as early, services(server.url()) as running:
        rows = measured(running, early, events)
    table = Table(f"{events:,} events, PostgreSQL", "measured", "reach", "")
    for row in rows:
        verdict = "" if row.reached is None else "reached" if row.reached else "FALLS SHORT"
        table.add_row(row.what, row.measured, row.reach, verdict)
    console = Console(width=150, highlight=False)
    console.print(table)
    console.print(machine(ROUNDS))


if __name__ == "__main__":
    main()
