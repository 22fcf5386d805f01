"""Running an application: a server that ends open long polls and streams at once when it is asked
to stop.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

from fristwerk_platform.gc_tuning import tune_garbage_collection
from fristwerk_platform.http.connection_limits import DEFAULT_LIMITS, ConnectionLimits
from fristwerk_platform.http.connections import Connections, limited_protocol
from fristwerk_platform.service_manager import READY, STOPPING, tell_service_manager

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than clients keep an idle connection, or a request meets one that is just being closed;
httpx keeps them for 5.
"""
LOCK_ASKED_SECONDS: Final = 0.0005
"""How long the event loop waits for Python's lock before it asks a computing thread for it. Every call
of the system gives the lock away, some ten for each request: with Python's own 5 ms a request took
80 ms longer while a thread read a terms document, on a machine with a processor to spare.
"""


class Stopping:
    """Tells open long polls and streams that the service ends, so that they end at once."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """End what is open."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether the service is about to end."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Return when the service ends."""
        await self._event.wait()


class Server(uvicorn.Server):
    """uvicorn that tells open streams to end when it is asked to, instead of waiting for them."""

    def __init__(self, config: uvicorn.Config, stopping: Stopping, connections: Connections) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._connections = connections
        self._sweep: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; what was made until then lives as long as the service and is not looked through
        for garbage again.
        """
        await super().startup(sockets)
        self._sweep = asyncio.create_task(self._connections.sweep())
        tune_garbage_collection()
        sys.setswitchinterval(LOCK_ASKED_SECONDS)
        if self.started:
            tell_service_manager(READY)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; nothing is swept while connections are closed."""
        tell_service_manager(STOPPING)
        if self._sweep is not None:
            self._sweep.cancel()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's signature
        """End; a second SIGINT ends without waiting for anything.

        Unlike uvicorn's own it does not raise the signal again afterwards: who was asked to stop
        and did has not failed.
        """
        self._stopping.set()
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def serve(app: FastAPI, stopping: Stopping, *, host: str, port: int, limits: ConnectionLimits = DEFAULT_LIMITS) -> int:
    """Run the application until SIGINT or SIGTERM; 0, or 1 where it could not start."""
    connections = Connections(limits)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=limited_protocol(connections),
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # nothing here asks where a request came from
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=1,
        server_header=False,
    )
    server = Server(config, stopping, connections)
    try:
        server.run()
    except SystemExit:  # uvicorn's own way to say that the port is taken; its log says why
        return 1
    return 0 if server.started else 1
