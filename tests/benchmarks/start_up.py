"""How long the services take to be ready, how long the recorded day takes, and what memory each service holds then."""

from __future__ import annotations

import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from fristwerk_local.client import connected
from fristwerk_local.player import play, read_terms
from fristwerk_local.progress import Journal
from fristwerk_local.services import SERVICE_NAMES, ServiceName
from fristwerk_local.story import read_story
from fristwerk_local.supervisor import Stack
from fristwerk_local.terminal_output import RECORDED_DAY, TERMS, compare

FIRST_PORT = 18_001
ROUNDS = 3


async def once(folder: Path) -> tuple[float, float, dict[ServiceName, float]]:
    """Seconds to ready, seconds for the day until everything is derived and compared, and megabytes of each service."""
    stack = Stack(folder, FIRST_PORT, print)
    (folder / "log").mkdir()
    started_at = time.perf_counter()
    try:
        await stack.start()
        ready_at = time.perf_counter()
        async with connected(folder, FIRST_PORT) as client:
            story, journal = read_story(RECORDED_DAY), Journal()
            await play(story, client, read_terms(TERMS), journal)
            _, differences = await compare(story, client, journal)
        played_at = time.perf_counter()
        if differences:
            sys.exit("\n".join(differences))
        memory = {name: resident_megabytes(pid) for name, pid in stack.process_ids.items()}
    finally:
        await stack.stop()
    return ready_at - started_at, played_at - ready_at, memory


def resident_megabytes(pid: int) -> float:
    """Resident memory of a process on Linux."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def main() -> None:
    """Print the medians of a few rounds, and on what machine."""
    load = os.getloadavg()[0]
    rounds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(asyncio.run(once(Path(folder))))
    console = Console(width=120, highlight=False)
    console.print(f"ready                {statistics.median(each[0] for each in rounds):6.1f} s    (to reach: 5 s)")
    console.print(f"day played           {statistics.median(each[1] for each in rounds):6.1f} s    (to reach: 15 s)")
    for name in SERVICE_NAMES:
        resident = statistics.median(each[2][name] for each in rounds)
        console.print(f"{name + '-service':<20} {resident:6.0f} MB   (to reach: 150 MB)")
    console.print(
        f"medians of {ROUNDS} rounds; Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f} before"
    )


if __name__ == "__main__":
    main()
