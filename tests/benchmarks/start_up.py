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

import msgspec
import psutil
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


class Start(msgspec.Struct, frozen=True):
    """Seconds to ready, seconds for the day until everything is derived and compared, and of each service the processor's
    seconds to ready and megabytes after the day.
    """

    ready: float
    played: float
    processor: dict[ServiceName, float]
    memory: dict[ServiceName, float]


async def once(folder: Path) -> Start:
    """Start them once, and play the day."""
    stack = Stack(folder, FIRST_PORT, print)
    (folder / "log").mkdir()
    started_at = time.perf_counter()
    try:
        await stack.start()
        ready_at = time.perf_counter()
        processor = {name: processor_seconds(pid) for name, pid in stack.process_ids.items()}
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
    return Start(ready_at - started_at, played_at - ready_at, processor, memory)


def processor_seconds(pid: int) -> float:
    """What a process has taken of the processor."""
    taken = psutil.Process(pid).cpu_times()
    return float(taken.user + taken.system)


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
    console.print(f"ready                {statistics.median(each.ready for each in rounds):6.1f} s    (to reach: 5 s)")
    console.print(
        f"day played           {statistics.median(each.played for each in rounds):6.1f} s    (to reach: 15 s)"
    )
    for name in SERVICE_NAMES:
        taken = statistics.median(each.processor[name] for each in rounds)
        resident = statistics.median(each.memory[name] for each in rounds)
        console.print(f"{name + '-service':<20} {taken:6.2f} s of the processor to ready   (to reach: 1.5 s)")
        console.print(f"{'':<20} {resident:6.0f} MB   (to reach: 150 MB)")
    console.print(
        f"medians of {ROUNDS} rounds; Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f} before"
    )


if __name__ == "__main__":
    main()
