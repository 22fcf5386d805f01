"""A program for tests: several processes open a new log at the same moment, again and again; prints how many failed."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from shared.event_log import SqliteEventLog

PROCESSES = 4


def opens(file: Path, at: float) -> int:
    """Starts a process that opens the file at an instant; its id."""
    pid = os.fork()
    if pid:
        return pid
    while time.time() < at:
        pass
    try:
        SqliteEventLog(file)
    except Exception:  # noqa: BLE001 - what it was is the parent's business
        os._exit(1)
    os._exit(0)


def main() -> None:
    folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
    failed = 0
    for number in range(rounds):
        at = time.time() + 0.05
        started = [opens(folder / f"{number}.db", at) for _ in range(PROCESSES)]
        failed += sum(os.waitpid(each, 0)[1] != 0 for each in started)
    sys.stdout.write(str(failed))


main()
