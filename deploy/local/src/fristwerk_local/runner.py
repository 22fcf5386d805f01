"""A running Fristwerk, from its start to Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fristwerk_local.data_folder import occupied
from fristwerk_local.services import settings_on
from fristwerk_local.supervisor import Stack

Announce = Callable[[str], None]
WhileRunning = Callable[[], Awaitable[None]]


async def stay(
    folder: Path, first_port: int, announce: Announce, work: WhileRunning | None = None, *, on_postgres: bool = False
) -> None:
    """Start the three services, do the work, and stay until Ctrl-C or SIGTERM; then stop everything.

    ``on_postgres`` starts a PostgreSQL in the folder for them. Raises FolderError, SettingsError, StartError and whatever
    the work raises; nothing is left running then.
    """
    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    settings_on(folder, first_port)  # a wrong one is refused before anything starts
    with occupied(folder), _database(folder, on_postgres=on_postgres):
        stack = Stack(folder, first_port, announce)
        try:
            await _until(stop, _serve(stack, announce, work, stop))
        finally:
            await stack.stop()
    announce(f"Stopped. The data stays in {folder}.")


@contextmanager
def _database(folder: Path, *, on_postgres: bool) -> Iterator[None]:
    """The services' database: files need nothing; a PostgreSQL runs until they have stopped."""
    if not on_postgres:
        yield
        return
    from fristwerk_local.postgres import PostgresServer  # noqa: PLC0415 - the default starts without it

    server = PostgresServer((folder / "postgres").absolute()).start()
    os.environ["FRISTWERK_DATABASE_URL"] = server.url()
    try:
        yield
    finally:
        server.stop()


async def _serve(stack: Stack, announce: Announce, work: WhileRunning | None, stop: asyncio.Event) -> None:
    await stack.start()
    announce(f"ready: {' '.join(stack.urls)}")
    keeping = asyncio.create_task(stack.keep_running())
    try:
        if work is not None:
            await work()
        await stop.wait()
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _until(stop: asyncio.Event, doing: Coroutine[Any, Any, None]) -> None:
    """Do it, but let go of it when asked to stop."""
    task = asyncio.ensure_future(doing)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait([task, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if task.done():
        task.result()
        return
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
