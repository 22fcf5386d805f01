"""Pages of a feed over HTTP: what was read is not kept, and a refusal is told in its own words."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from fristwerk_platform.subscriptions import HttpFeed, SourceUnavailableError

LINE = b"x" * 399 + b"\n"
PAGE = LINE * 1_000
REFUSAL = b'{"detail":"Event 8 is damaged."}'


@asynccontextmanager
async def source() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a source of pages of 400 kB over a socket; it refuses the position 7."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := (await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""):
            status, body = ("409 Conflict", REFUSAL) if b"after=7&" in head else ("200 OK", PAGE)
            fields = f"Fristwerk-Next-Position: 1\r\nFristwerk-Last-Position: 9\r\nContent-Length: {len(body)}"
            writer.write(f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode() + body)
            await writer.drain()

    async def answer_until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            await answer(reader, writer)
        writer.close()
        await writer.wait_closed()
        closed.set()

    closed = asyncio.Event()
    server = await asyncio.start_server(answer_until_closed, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            yield client
        await closed.wait()


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Python's collector of cycles stands still, as it nearly does in the services."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
async def test_pages_that_were_read_do_not_stay_in_memory() -> None:
    async with source() as client:
        feed = HttpFeed(client, lambda: "token")
        await feed.page(0, 1_000, 0)
        tracemalloc.start()
        for _ in range(50):
            page = await feed.page(0, 1_000, 0)
            assert (len(page.lines), page.next, page.last) == (1_000, 1, 9)
        del page
        left, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert left < 5 * len(PAGE)


async def test_a_refusal_is_told_in_its_own_words() -> None:
    async with source() as client:
        with pytest.raises(SourceUnavailableError, match=r"^409: Event 8 is damaged\.$"):
            await HttpFeed(client, lambda: "token").page(7, 1_000, 0)
