"""Starts the three services as processes of their own, starts again what dies, and stops everything within two seconds."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from fristwerk_local.errors import FailedError
from fristwerk_local.parent_death import tied_to
from fristwerk_local.services import HOST, Service, ServiceName, environment, services_on

START_SECONDS: Final = 60.0
GRACE_SECONDS: Final = 1.5
"""From SIGTERM to SIGKILL; with it everything has ended within two seconds."""
STEADY_SECONDS: Final = 30.0
"""A service that ran this long is started again at once, not after the pause of one that keeps dying."""
_PAUSES_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_LAST_PORT: Final = 65_535


class StartError(FailedError):
    """A service could not be started; the message is a sentence for whoever started it."""


class Stack:
    """The three services as processes."""

    def __init__(self, folder: Path, first_port: int, announce: Callable[[str], None]) -> None:
        self._services = services_on(folder.absolute(), first_port)
        self._environment = environment(os.environ, folder, first_port)
        self._announce = announce
        self._processes: dict[ServiceName, asyncio.subprocess.Process] = {}
        self._stopping = False

    @property
    def urls(self) -> list[str]:
        """Where the services answer, in the order of their ports."""
        return [service.url for service in self._services]

    @property
    def process_ids(self) -> dict[ServiceName, int]:
        """The process of each service."""
        return {name: process.pid for name, process in self._processes.items()}

    async def start(self) -> None:
        """Start all three and return when each is ready. Raises StartError."""
        for service in self._services:
            _check_port(service.port)
        for service in self._services:
            await self._start(service)
        for service in self._services:
            await self._ready(service)

    async def keep_running(self) -> None:
        """Start again, with a line saying so, each service that ends; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for service in self._services:
                tasks.create_task(self._keep(service))

    async def stop(self) -> None:
        """End all services: they are asked to, and killed where they take longer than the grace."""
        self._stopping = True
        running = [process for process in self._processes.values() if process.returncode is None]
        for process in running:
            with suppress(ProcessLookupError):  # it has just ended by itself
                process.terminate()
        endings = [asyncio.ensure_future(process.wait()) for process in running]
        if endings:
            await asyncio.wait(endings, timeout=GRACE_SECONDS)
        for process in running:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
        await asyncio.gather(*endings)

    async def _start(self, service: Service) -> None:
        with service.log.open("ab") as log:
            self._processes[service.name] = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                f"{service.name}_service",
                "serve",
                env=self._environment | {"FRISTWERK_PORT": str(service.port)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,  # Ctrl-C in a terminal reaches the supervisor alone
                preexec_fn=tied_to(os.getpid()),
            )

    async def _ready(self, service: Service) -> None:
        """Return when the service is ready; a process that ends before has said why."""
        process = self._processes[service.name]
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + START_SECONDS
        while process.returncode is None:
            if await _says_ready(service.port):
                return
            if loop.time() > ends_at:
                raise StartError(
                    f"The {service.title} was not ready after {START_SECONDS:.0f} s; its log is {service.log}."
                )
            await asyncio.sleep(0.02)
        raise StartError(f"The {service.title} did not start: {service.last_words()}")

    async def _keep(self, service: Service) -> None:
        loop = asyncio.get_running_loop()
        deaths = 0
        while True:
            started_at = loop.time()
            code = await self._processes[service.name].wait()
            if self._stopping:
                return
            deaths = 0 if loop.time() - started_at > STEADY_SECONDS else deaths
            pause = _PAUSES_SECONDS[min(deaths, len(_PAUSES_SECONDS) - 1)]
            self._announce(f"The {service.title} ended ({_ending(code, service)}); starting it again.")
            await asyncio.sleep(pause)
            await self._start(service)
            deaths += 1


def _check_port(port: int) -> None:
    if not 0 < port <= _LAST_PORT:
        raise StartError(f"{port} is not a port; the three lie between 1 and {_LAST_PORT}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise StartError(
                f"Port {port} cannot be used ({error.strerror}); name the first of three free ones with PORT=9001."
            ) from error


async def _says_ready(port: int) -> bool:
    """One request over a bare connection: an HTTP library would take longer to load than this whole module."""
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False  # not listening yet
    try:
        writer.write(f"GET /health/ready HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()


def _ending(code: int, service: Service) -> str:
    if code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}: {service.last_words()}"
