"""Where log lines go: a file descriptor that a thread of its own writes to, so that no caller waits
for it or fails with it.

Lines are written by the very code that keeps a service alive. Standard error may be a full disk, a
pipe that nobody reads, or closed: then lines are dropped and counted, and everything else goes on.
"""

from __future__ import annotations

import atexit
import os
import select
import threading
from queue import SimpleQueue
from typing import Final, TextIO

from fristwerk_platform.process_counters import LOG_LINES_DROPPED

MAX_WAITING_LINES: Final = 2_000
"""Lines that wait to be written, some 600 kB; what comes on top is dropped."""
FLUSH_SECONDS: Final = 1.0
"""How long the end of the process waits for lines that are not written yet."""
_RETRY_SECONDS: Final = 0.5
"""How long a descriptor that somebody made non-blocking may be full before a line is dropped."""


class LogOutput:
    """Takes whole lines and writes them in their order.

    No method raises or waits for what the lines are written to.
    """

    def __init__(self, stream: TextIO | None) -> None:
        """``stream`` is duplicated, so closing it has no effect here; ``None`` (it is closed) drops
        every line.
        """
        self._descriptor = _duplicate(stream)
        # Other than a deque under a lock it may be used while the collector runs, which logs tasks
        # that were never awaited.
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._in_line = False
        self._writer = threading.Thread(target=self._write_lines, name="log output", daemon=True)
        if self._descriptor is not None:
            self._writer.start()
            atexit.register(self.close)

    def write(self, text: str) -> None:
        """Hand a line over, with its newline."""
        if self._descriptor is None or self._lines.qsize() >= MAX_WAITING_LINES:
            LOG_LINES_DROPPED.inc()
        else:
            self._lines.put(text.encode("utf-8", "backslashreplace"))

    def flush(self) -> None:
        """Nothing: lines are written as soon as they can be."""

    def close(self) -> None:
        """Write what waits, for a second at most. A descriptor that is stuck is left to its thread."""
        self._lines.put(None)
        self._writer.join(FLUSH_SECONDS)

    def _write_lines(self) -> None:
        assert self._descriptor is not None, "the thread only runs with a descriptor"
        while (line := self._lines.get()) is not None:
            try:
                # A line that was cut off, by a disk that became full for example, must not spoil
                # the next one.
                self._write(self._descriptor, b"\n" + line if self._in_line else line)
            except OSError:
                LOG_LINES_DROPPED.inc()

    def _write(self, descriptor: int, line: bytes) -> None:
        """Raises OSError, with the line written in part or not at all."""
        rest = memoryview(line)
        while rest:
            try:
                written = os.write(descriptor, rest)
            except BlockingIOError:
                if not select.select([], [descriptor], [], _RETRY_SECONDS)[1]:
                    raise
                continue
            rest = rest[written:]
            self._in_line = bool(rest)


def _duplicate(stream: TextIO | None) -> int | None:
    try:
        return None if stream is None else os.dup(stream.fileno())
    except (OSError, ValueError):  # closed, or no file at all
        return None
