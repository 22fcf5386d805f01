"""A running Fristwerk, from its start to Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from fristwerk_local.folder import occupied
from fristwerk_local.services import settings_on
from fristwerk_local.supervisor import Stack

Announce = Callable[[str], None]
Work = Callable[[], Awaitable[None]]


async def stay(folder: Path, first_port: int, announce: Announce, work: Work | None = None) -> None:
    """Start the three services, do the work, and stay until Ctrl-C or SIGTERM; then stop everything.

    Raises FolderError, SettingsError, StartError and whatever the work raises; nothing is left running then.
    """
    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    settings_on(folder, first_port)  # a wrong one is refused before anything starts
    stack = Stack(folder, first_port, announce)
    with occupied(folder):
        try:
            await _until(stop, _serve(stack, announce, work, stop))
        finally:
            await stack.stop()
    announce(f"Stopped. The data stays in {folder}.")


async def _serve(stack: Stack, announce: Announce, work: Work | None, stop: asyncio.Event) -> None:
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
