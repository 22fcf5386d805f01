"""The stream of another service's feed, kept open by who has caught up: an event costs no request,
and those that come while a batch is applied wait in memory.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import httpx

from fristwerk_platform.subscriptions.pages import FeedPage

SILENT_SECONDS: Final = 40.0
"""The source sends a comment every 15 seconds while nothing happens."""
AT_ONCE_SECONDS: Final = 0.001
"""What takes longer to come was waited for."""
MAX_BUFFERED_BYTES: Final = 8 * 1024 * 1024
"""What is read ahead of the reader at most; the connection holds the rest back."""


class EventStream:
    """Server-sent events after a position, read in the background until the source ends the stream
    or the connection breaks.

    ``gather_seconds`` is how long it leaves what comes on the connection after it has waited for some
    and got it. What lies there already is read at once: a reader that is behind must not rest.
    """

    def __init__(
        self, client: httpx.AsyncClient, after: int, headers: dict[str, str], gather_seconds: float = 0.0
    ) -> None:
        self.position = after
        self._gather_seconds = gather_seconds
        self._lines: list[tuple[int, bytes]] = []
        self._buffered = 0
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()
        self._reading = asyncio.create_task(self._read(client, after, headers))

    async def page(self, limit: int, wait_seconds: float) -> FeedPage | None:
        """The next lines, waiting for the first; None once the stream has ended. Raises httpx.HTTPError."""
        if not self._lines and not self._reading.done():
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._changed.wait()
        if not self._lines:
            return self._empty_page()
        last = self._lines[-1][0]
        taken, self._lines = self._lines[:limit], self._lines[limit:]
        self._buffered -= sum(len(line) for _, line in taken)
        self._taken.set()
        self.position = taken[-1][0]
        return FeedPage(lines=[line for _, line in taken], next=self.position, last=last)

    async def aclose(self) -> None:
        """End it."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    def _empty_page(self) -> FeedPage | None:
        if not self._reading.done():
            return FeedPage(lines=[], next=self.position, last=self.position)
        self._reading.result()
        return None

    async def _read(self, client: httpx.AsyncClient, after: int, headers: dict[str, str]) -> None:
        timeout = httpx.Timeout(10.0, read=SILENT_SECONDS)
        loop = asyncio.get_running_loop()
        try:
            async with client.stream(
                "GET", "/v1/events/stream", params={"after": after}, headers=headers, timeout=timeout
            ) as response:
                if response.is_error:
                    await response.aread()
                response.raise_for_status()
                rest = b""
                asked_at = loop.time()
                async for chunk in response.aiter_bytes():
                    waited = loop.time() - asked_at > AT_ONCE_SECONDS
                    *events, rest = (rest + chunk).split(b"\n\n")
                    await self._take(events)
                    if waited and self._gather_seconds:
                        await asyncio.sleep(self._gather_seconds)
                    asked_at = loop.time()
        finally:
            self._changed.set()

    async def _take(self, events: list[bytes]) -> None:
        for event in events:
            if event.startswith(b"id: "):
                position, _, line = event[4:].partition(b"\ndata: ")
                self._lines.append((int(position), line))
                self._buffered += len(line)
        if self._lines:
            self._changed.set()
        while self._buffered > MAX_BUFFERED_BYTES:
            self._taken.clear()
            await self._taken.wait()
