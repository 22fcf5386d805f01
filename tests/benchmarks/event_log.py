"""The log in one process on SQLite: lines a second of its feed at 1,000 a page, over ASGI, and what a lone append takes."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
from fastapi import FastAPI
from measuring import Figure, quantile, show

from fristwerk_language.events import Actor, decode, encode_line, new_event_id, tickets
from fristwerk_language.roles import READERS, TOKEN_ROLES
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.event_log import EventLog, NewEvent, SqliteEventLog
from fristwerk_platform.http import AuthenticationMiddleware, Stopping, create_api
from fristwerk_platform.http.feed_routes import feed_router
from fristwerk_platform.logs import configure_logs
from fristwerk_platform.subscriptions import Feed, HttpFeed, LogFeed
from fristwerk_platform.token_keys import load_or_make_keys

ROUNDS = 5
EVENTS = 50_000
PAGE = 1_000
LONE_APPENDS = 300
PROVIDERS = ("hamburg", "kiel")
FAST_ENOUGH = 100_000
AT = datetime(2026, 6, 3, 14, 31, 12, 52_000, tzinfo=UTC)


def event(stream: str, version: int, provider: str) -> NewEvent:
    """One of the shorter events of this product."""
    line = encode_line(
        event_id=new_event_id(AT, version.to_bytes(10, "big")),
        type="Responded",
        schema=1,
        provider=provider,
        stream=stream,
        version=version,
        occurred_at=AT,
        recorded_at=AT,
        actor=Actor(id="agent-7", role="agent"),
        correlation_id="0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70",
        causation_id=None,
        data=tickets.Responded(channel="email", visible=True),
        personal="fw1.example." + "x" * 120,
    )
    return NewEvent(stream=stream, version=version, type="Responded", line=line)


async def fill(log: EventLog) -> None:
    """The providers take turns, ten events at a time."""
    for number in range(EVENTS // 10):
        provider = PROVIDERS[number % len(PROVIDERS)]
        await log.append([event(f"ticket-{number}", version, provider) for version in range(1, 11)])


async def lone_appends(log: EventLog) -> list[float]:
    """Seconds that each of several appends took, none of which had company."""
    taken: list[float] = []
    for version in range(1, LONE_APPENDS + 1):
        new = event("ticket-lone", version, PROVIDERS[0])
        began = time.perf_counter()
        await log.append([new])
        taken.append(time.perf_counter() - began)
    return taken


async def per_second(read: Callable[[], Awaitable[int]]) -> float:
    """Lines of the log gone through a second."""
    began = time.perf_counter()
    assert await read() >= EVENTS, "read to the end"
    return EVENTS / (time.perf_counter() - began)


def following(feed: Feed) -> Callable[[], Awaitable[int]]:
    """Reads a feed page by page to its end, as a follower does, up to the typed events."""

    async def read() -> int:
        after = 0
        while (page := await feed.page(after, PAGE, 0)).next > after:
            for line in page.lines:
                decode(line)
            after = page.next
        return after

    return read


def paging(client: httpx.AsyncClient, token: str) -> Callable[[], Awaitable[int]]:
    """Reads the feed over HTTP to its end, and nothing else."""

    async def read() -> int:
        after, last = 0, 1
        while after < last:
            answer = await client.get(
                "/v1/events", params={"after": after, "limit": PAGE}, headers={"Authorization": f"Bearer {token}"}
            )
            answer.raise_for_status()
            after = int(answer.headers["Fristwerk-Next-Position"])
            last = int(answer.headers["Fristwerk-Last-Position"])
        return after

    return read


def service(log: EventLog, tokens: Tokens) -> FastAPI:
    """A service that is nothing but its feed."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    routers = [feed_router(LogFeed(log), Stopping(), READERS)]
    app = create_api(title="Log", description="A log", version="1", routers=routers, lifespan=lifespan)
    app.add_middleware(AuthenticationMiddleware, tokens=tokens, now=lambda: AT)
    return app


async def measured(folder: Path) -> tuple[list[Figure], list[float]]:
    """Rows of the table, and what lone appends took."""
    log = SqliteEventLog(folder / "log.db")
    tokens = Tokens(load_or_make_keys(folder / "keys.json"), TOKEN_ROLES, issuer="bench", audience="bench")
    everything = tokens.issue(Principal(sub="follower", role="service", provider="*"), now=AT)
    one_provider = tokens.issue(Principal(sub="auditor", role="auditor", provider=PROVIDERS[0]), now=AT)
    await fill(log)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service(log, tokens)), base_url="http://log") as client:
        readings = {
            f"feed over ASGI, {PAGE:,} a page": paging(client, everything),
            "the same, of one provider of two": paging(client, one_provider),
            "followed over ASGI, up to typed events": following(HttpFeed(client, lambda: everything)),
            "followed in the own process, up to typed events": following(LogFeed(log)),
        }
        rounds = [[await per_second(read) for read in readings.values()] for _ in range(ROUNDS)]
    lone = await lone_appends(log)
    await log.close()
    figures = [
        Figure(what=what, rounds=values, unit="lines/s", beside="to reach", reference=[FAST_ENOUGH], reach=1)
        for what, values in zip(readings, zip(*rounds, strict=True), strict=True)
    ]
    for each in figures[1:]:
        each.beside, each.reference, each.reach = "", (), None
    return figures, lone


def main() -> None:
    """Print the table."""
    configure_logs("warning", "bench")
    with tempfile.TemporaryDirectory() as folder:
        figures, lone = asyncio.run(measured(Path(folder)))
    middle, late = (quantile(lone, share) * 1000 for share in (0.5, 0.99))
    show(
        "reading the log",
        figures,
        f"a lone append on SQLite: median {middle:.2f} ms, p99 {late:.2f} ms ({LONE_APPENDS} of them)",
    )


if __name__ == "__main__":
    main()
