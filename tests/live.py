"""Asks a service for ``/health/live`` all the while something else is done to it, from a process of its own.

What counts is how long the service itself kept an answer back: the time in which its threads, or the one who asks, waited
for a processor that other programs had is left out. Linux counts that for each thread; elsewhere nothing is left out.
"""

from __future__ import annotations

import asyncio
import json
import os
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


class Processors:
    """How long threads have run, and have waited for a processor, since they began."""

    def __init__(self, process: int) -> None:
        self._tasks = Path(f"/proc/{process}/task")
        self._first = str(process)

    def read(self) -> tuple[dict[str, float], dict[str, float]]:
        """Seconds by thread: ran, and waited; nothing where the system does not count."""
        ran, waited = {}, {}
        for each in self._tasks.glob("*/schedstat"):
            try:
                found = each.read_text("ascii").split()
            except OSError:
                continue  # the thread has ended
            ran[each.parent.name], waited[each.parent.name] = int(found[0]) / 1e9, int(found[1]) / 1e9
        return ran, waited

    def since(self, before: tuple[dict[str, float], dict[str, float]]) -> tuple[float, float]:
        """What the first thread, which runs the event loop, ran, and what all of them waited."""
        ran, waited = self.read()
        return (
            ran.get(self._first, 0) - before[0].get(self._first, 0),
            sum(seconds - before[1].get(thread, 0) for thread, seconds in waited.items()),
        )


def ask(port: int, service: Processors, own: Processors) -> dict[str, float]:
    """One answer. The event loop's own work counts, whichever of its threads waited meanwhile, but for the time in which
    the one who asks was ready and had no processor: the answer was there by then, or had not been asked for.
    """
    before, mine = service.read(), own.read()
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(_REQUEST)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    took = time.monotonic() - began
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    (ran, waited), (_, waited_here) = service.since(before), own.since(mine)
    return {"by_the_clock": took, "by_the_service": max(0.0, max(ran, took - waited) - waited_here)}


def main(process: int, port: int) -> None:
    """Ask until a line comes in, then print the seconds of each."""
    service, own = Processors(process), Processors(os.getpid())
    found = [ask(port, service, own)]
    sys.stdout.write("\n")
    sys.stdout.flush()
    while not select.select([sys.stdin], [], [], EVERY_SECONDS)[0]:
        found.append(ask(port, service, own))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
