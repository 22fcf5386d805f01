"""Two ticket services as processes of their own on one database, either of which a test may kill."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from fristwerk_local.parent_death import tied_to
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_or_make_keys
from tests.ports import free_ports
from tests.waiting import until_true


class TicketService:
    """A ticket service as a process of its own, on a port that it keeps."""

    def __init__(self, settings: Settings, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log = settings.var / f"ticket-{port}.log"
        self._environment = os.environ | {
            "FRISTWERK_VAR": str(settings.var),
            "FRISTWERK_DATABASE_URL": str(settings.database_url),
            "FRISTWERK_PORT": str(port),
            "FRISTWERK_LOG_LEVEL": "error",
        }
        self._process: asyncio.subprocess.Process

    async def start(self) -> None:
        """Start it, without waiting until it answers."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ticket_service", "serve"),
                env=self._environment,
                stdout=log,
                stderr=log,
                preexec_fn=tied_to(os.getpid()),
            )

    async def kill(self) -> None:
        """End it as if the machine had gone."""
        assert self._process.returncode is None, f"a service ended by itself: {self._log.read_text()[-2_000:]}"
        await self.end()

    async def end(self) -> None:
        """Leave nothing behind."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            async with httpx.AsyncClient(base_url=self.url) as client:
                return (await client.get("/health/ready")).is_success
        except httpx.TransportError:
            return False


@asynccontextmanager
async def both_services(settings: Settings) -> AsyncIterator[list[TicketService]]:
    """Both, ready; they are killed at the end."""
    load_or_make_keys(settings.keys)
    services = [TicketService(settings, port) for port in free_ports(2)]
    try:
        for each in services:
            await each.start()
        for each in services:
            await until_true(each.is_ready)
        yield services
    finally:
        for each in services:
            await each.end()
