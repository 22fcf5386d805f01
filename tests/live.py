"""Asks a service for ``/health/live`` all the while something else is done to it, from a process of its own.

What counts is how long the service itself kept an answer back: the time in which its threads, or the one who asks, waited
for a processor that other programs had is left out. Linux counts that for each thread; elsewhere nothing is left out.

Of the threads beside the event loop's only what may have held the loop up is left out: one that has the interpreter's lock
and no processor. Whoever waits for that lock asks for it again every half millisecond and sleeps in between, which is
counted, too. So a loop that stands still in a call that waits for something else is seen, however many of the service's
threads are busy.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

PROMISED_SECONDS = 0.05
"""The 99th percentile of the answers."""
EVERY_SECONDS = 0.01
LOCK_ASKED_SECONDS = 0.0005
"""So often a thread that waits for Python's lock asks for it again, as services set it (``sys.setswitchinterval``)."""
_SLEPT = re.compile(r"^voluntary_ctxt_switches:\s*([0-9]+)$", re.MULTILINE)
_REQUEST = b"GET /health/live HTTP/1.1\r\nHost: service\r\nConnection: close\r\n\r\n"


class Answered(msgspec.Struct, frozen=True):
    """How long one answer took."""

    by_the_clock: float
    by_the_service: float


class Live(msgspec.Struct):
    """What came of it."""

    answers: list[Answered] = []

    def nearly_longest(self) -> float:
        """The 99th percentile of what the service itself took, in seconds."""
        return percentile([each.by_the_service for each in self.answers])

    def figures(self) -> str:
        """For the table of promises."""
        wall = percentile([each.by_the_clock for each in self.answers])
        longest = max(each.by_the_service for each in self.answers)
        return (
            f"{len(self.answers)} x /health/live: p99 {self.nearly_longest() * 1000:.1f} ms, longest {longest * 1000:.1f} ms"
            f" (p99 {wall * 1000:.1f} ms with what other programs took)"
        )


def percentile(seconds: list[float]) -> float:
    """The 99th percentile. An answer of a second stands for those, too, that could not be asked for meanwhile."""
    steady = sorted(each for took in seconds for each in _with_left_out(took))
    return steady[-1 - len(steady) // 100]


def _with_left_out(took: float) -> Iterator[float]:
    while took > EVERY_SECONDS:
        yield took
        took -= EVERY_SECONDS
    yield took


@asynccontextmanager
async def live_throughout(process: int, port: int) -> AsyncIterator[Live]:
    """Another client asks until the context ends: the 99th percentile is within what is promised."""
    asker = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, str(process), str(port)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert asker.stdout is not None
    await asker.stdout.readline()
    live = Live()
    try:
        yield live
    finally:
        output, _ = await asker.communicate(b"\n")
        live.answers = msgspec.json.decode(output, type=list[Answered])
    assert live.nearly_longest() <= PROMISED_SECONDS, live.figures()


class Standing(msgspec.Struct, frozen=True):
    """What has become of a process' threads since they began, in seconds; nothing where the system does not count."""

    ran: float = 0.0
    """The first thread, which runs the event loop."""
    waited: float = 0.0
    """The same for a processor."""
    others_waited: float = 0.0
    """All other threads together."""
    slept: int = 0
    """How many times the first thread has gone to sleep."""

    def since(self, before: Standing) -> Standing:
        """What was added."""
        return Standing(
            self.ran - before.ran,
            self.waited - before.waited,
            # a thread that has ended is not counted any more
            max(0.0, self.others_waited - before.others_waited),
            self.slept - before.slept,
        )


def standing(process: int) -> Standing:
    """Of a process now."""
    ran = waited = others_waited = 0.0
    for each in Path(f"/proc/{process}/task").glob("*/schedstat"):
        try:
            found = each.read_text("ascii").split()
        except OSError:
            continue  # the thread has ended
        if each.parent.name == str(process):
            ran, waited = int(found[0]) / 1e9, int(found[1]) / 1e9
        else:
            others_waited += int(found[1]) / 1e9
    return Standing(ran, waited, others_waited, _slept(process))


def _slept(process: int) -> int:
    try:
        found = _SLEPT.search(Path(f"/proc/{process}/status").read_text("ascii", "replace"))
    except OSError:
        return 0
    return 0 if found is None else int(found[1])


def by_the_service(took: float, waited_here: float, service: Standing) -> float:
    """How long the service itself kept an answer back that took so long; the one who asked had no processor for a part of it.

    In that part the answer was there, or had not been asked for. In the rest the event loop's own work counts, whichever
    of its threads waited meanwhile.
    """
    there = max(0.0, took - waited_here)
    behind_the_lock = min(service.others_waited, LOCK_ASKED_SECONDS * service.slept)
    return max(min(service.ran, there), there - service.waited - behind_the_lock)


def ask(port: int, process: int) -> dict[str, float]:
    """One answer."""
    before, mine = standing(process), standing(os.getpid())
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(_REQUEST)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    took = time.monotonic() - began
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    here, there = standing(os.getpid()).since(mine), standing(process).since(before)
    return {"by_the_clock": took, "by_the_service": by_the_service(took, here.waited, there)}


def main(process: int, port: int) -> None:
    """Ask until a line comes in, then print the seconds of each."""
    found = [ask(port, process)]
    sys.stdout.write("\n")
    sys.stdout.flush()
    while not select.select([sys.stdin], [], [], EVERY_SECONDS)[0]:
        found.append(ask(port, process))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
