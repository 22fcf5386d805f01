"""Fixtures of journeys: the stack as a process of its own on free ports and an empty folder, ended with the test."""

from __future__ import annotations

import os
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PATIENCE_SECONDS = 60.0


def _free_ports() -> int:
    """The first of three free ports in a row."""
    for _ in range(200):
        first = random.randrange(20_000, 32_000)  # noqa: S311 - ports are no secret
        try:
            for port in range(first, first + 3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no three free ports in a row")


class RunningStack:
    """``python -m fristwerk_local`` as a process, with the lines it prints."""

    def __init__(self, command: str, folder: Path, port: int, environment: dict[str, str]) -> None:
        self.folder = folder
        self.port = port
        self.lines: list[str] = []
        self._new: queue.Queue[str | None] = queue.Queue()
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "fristwerk_local", command, "--var", str(folder), "--port", str(port)],
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, beginning: str) -> str:
        """The first line from now on that begins so."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while (line := self._next_line(ends_at - time.monotonic())) is not None:
            self.lines.append(line)
            if line.startswith(beginning):
                return line
        raise AssertionError(f"no line began with {beginning!r}:\n" + "\n".join(self.lines))

    def _next_line(self, seconds: float) -> str | None:
        try:
            return self._new.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None

    def wait_ended(self) -> int:
        """The exit code, once it has ended by itself."""
        code = self.process.wait(PATIENCE_SECONDS)
        self._reader.join()
        self.lines += [line for line in self._new.queue if line is not None]
        return code

    def interrupt(self) -> float:
        """Press Ctrl-C; how many seconds it took to end."""
        started_at = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE_SECONDS)
        return time.monotonic() - started_at

    def services(self) -> dict[str, int]:
        """The process ids of the services that run now, by module."""
        found = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
                words = (stat.parent / "cmdline").read_text().split("\0")
            except OSError:
                continue  # it ended meanwhile
            if parent == self.process.pid and "-m" in words:
                found[words[words.index("-m") + 1]] = int(stat.parent.name)
        return found

    def close(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self.process.poll() is None:
            self.interrupt()
        assert self.process.stdout is not None
        self._reader.join()
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._new.put(line.rstrip("\n"))
        self._new.put(None)


StartStack = Callable[..., RunningStack]


@pytest.fixture
def start_stack(tmp_path: Path) -> Iterator[StartStack]:
    """Start ``serve`` (or another command) on an empty folder and free ports, or on those given."""
    stacks: list[RunningStack] = []

    def start(command: str = "serve", folder: Path | None = None, port: int | None = None, **env: str) -> RunningStack:
        stack = RunningStack(command, folder or tmp_path / "var", port or _free_ports(), env)
        stacks.append(stack)
        return stack

    yield start
    for stack in stacks:
        stack.close()
