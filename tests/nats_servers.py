"""NATS servers with JetStream for tests: one, or a cluster of three, on this machine."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from tests.ports import free_ports

PROGRAM: Final = Path(sys.executable).with_name("nats-server")
PATIENCE_SECONDS: Final = 30.0


class NatsServer:
    """A server with its data in a folder. Killed and started again it has the same name, address and data."""

    def __init__(self, folder: Path, name: str, port: int, cluster: tuple[int, list[int]] | None = None) -> None:
        self.url = f"nats://127.0.0.1:{port}"
        self.folder = folder / name
        self._port = port
        self._log = folder / f"{name}.log"
        self._arguments = [str(PROGRAM), "-js", "-sd", str(self.folder), "-a", "127.0.0.1", "-p", str(port), "-n", name]
        if cluster is not None:
            own, all_ports = cluster
            routes = ",".join(f"nats://127.0.0.1:{each}" for each in all_ports)
            self._arguments += ["--cluster_name", "tests", "--cluster", f"nats://127.0.0.1:{own}", "--routes", routes]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Until it listens."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._arguments, stdout=log, stderr=log)  # noqa: S603 - our own program
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends_at:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
                return
            assert self._process.poll() is None, self._log.read_text("utf-8")
            time.sleep(0.02)
        raise TimeoutError(self._log.read_text("utf-8"))

    def kill(self) -> None:
        """With SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def nats_servers(folder: Path, count: int) -> Iterator[list[NatsServer]]:
    """One server, or several that form a cluster."""
    ports, routes = free_ports(count), free_ports(count)
    servers = [
        NatsServer(folder, f"n{index}", ports[index], None if count == 1 else (routes[index], routes))
        for index in range(count)
    ]
    with ExitStack() as stack:
        for each in servers:
            stack.callback(each.kill)
            each.start()
        yield servers
