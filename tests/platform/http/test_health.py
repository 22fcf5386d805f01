"""Health names what is wrong, and figures follow what followers do; both tell nothing of a person and need no token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import Recorded, decode_tolerantly
from fristwerk_platform.auth import Tokens
from fristwerk_platform.event_log import EventLog
from fristwerk_platform.health import Dependency
from fristwerk_platform.http import AuthenticationMiddleware, create_api
from fristwerk_platform.http.health import LeftOut, health_router
from fristwerk_platform.metrics import Metrics
from fristwerk_platform.read_models import open_database
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import Checkpoints, LogFeed, Subscription

Append = Callable[..., Awaitable[int]]
Check = Callable[[], Awaitable[Dependency]]


@pytest.fixture
def database_settings(tmp_path: Path) -> Settings:
    """On SQLite only: databases make no difference here."""
    return Settings(var=tmp_path)


@pytest.fixture
async def follower(
    log: EventLog, database_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Subscription[Recorded]]:
    """A follower of the test's log, page by page, that can apply nothing of a ticket called ``ticket-poison``."""
    monkeypatch.setattr("fristwerk_platform.subscriptions.prefetch.MAX_MERGED_LINES", 1_000)
    metadata = MetaData()
    database = open_database(database_settings, "read-model", metadata)

    async def apply(_connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        if any(each.envelope.stream == "ticket-poison" for each in batch):
            raise ValueError("Anna Muster")

    checkpoints = Checkpoints(metadata)
    await database.create()
    yield Subscription(
        source="own log",
        feed=LogFeed(log),
        decode=decode_tolerantly,
        database=database,
        checkpoints=checkpoints,
        apply=apply,
    )
    await database.close()


@pytest.fixture
def checks() -> dict[str, Check]:
    """What the service asks its dependencies; a test adds some."""
    return {}


@pytest.fixture
async def client(
    follower: Subscription[Recorded], checks: dict[str, Check], tokens: Tokens, now: datetime
) -> AsyncIterator[httpx.AsyncClient]:
    later = now + timedelta(seconds=90)
    routes = health_router(checks=checks, followers=lambda: [follower], metrics=Metrics(), now=lambda: later)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    app = create_api(title="Log", description="A log", version="1", routers=[routes], lifespan=lifespan)
    app.add_middleware(AuthenticationMiddleware, tokens=tokens, now=lambda: now)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as http:
        yield http


async def ready(client: httpx.AsyncClient) -> tuple[int, dict[str, Any]]:
    answer = await client.get("/health/ready")
    return answer.status_code, answer.json()


async def there() -> Dependency:
    return Dependency(ok=True)


async def failing() -> Dependency:
    raise ConnectionError("postgresql://user:top-secret@db")


async def hanging() -> Dependency:
    await asyncio.sleep(3_600)
    return Dependency(ok=True)


async def test_a_process_that_answers_is_alive(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


async def test_a_service_that_has_everything_is_ready(client: httpx.AsyncClient, checks: dict[str, Check]) -> None:
    checks["log"] = there

    status, body = await ready(client)

    assert (status, body["status"]) == (200, "ready")
    assert body["dependencies"] == {"log": {"ok": True, "detail": None}}


async def test_a_dependency_that_is_missing_fails_or_hangs_is_named(
    client: httpx.AsyncClient, checks: dict[str, Check], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.http.health.CHECK_SECONDS", 0.05)
    checks.update({"log": there, "database": failing, "keys": hanging})

    status, body = await ready(client)

    assert (status, body["status"]) == (503, "not ready")
    assert {name: each["ok"] for name, each in body["dependencies"].items()} == {
        "log": True,
        "database": False,
        "keys": False,
    }
    assert body["dependencies"]["database"]["detail"] == "does not answer"
    assert "top-secret" not in str(body)


async def test_how_far_a_follower_is_behind_shows_in_events_and_in_seconds(
    client: httpx.AsyncClient, follower: Subscription[Recorded], append: Append
) -> None:
    await append(number=1_030)
    await follower.step(0)

    _, behind = await ready(client)
    await follower.step(0)
    _, caught_up = await ready(client)

    assert behind["feeds"]["own log"] | {"heard_seconds_ago": None} == {
        "position": 1_000,
        "lag_events": 30,
        "lag_seconds": 90,
        "heard_seconds_ago": None,
        "failing_because": None,
        "stopped_because": None,
    }
    assert (caught_up["feeds"]["own log"]["lag_events"], caught_up["feeds"]["own log"]["lag_seconds"]) == (0, 0)


async def test_a_service_whose_follower_fails_or_has_stopped_is_not_ready(
    client: httpx.AsyncClient,
    follower: Subscription[Recorded],
    append: Append,
    now: datetime,
    lose_tail: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fristwerk_platform.subscriptions.subscription.RETRY_SECONDS", (0.01,))
    await append()
    running = asyncio.create_task(follower.run(lambda: now))
    assert await follower.reached(1, 5)
    assert (await ready(client))[0] == 200

    await append("ticket-poison")
    await asyncio.sleep(0.1)
    status, body = await ready(client)
    assert (status, body["feeds"]["own log"]["failing_because"]) == (503, "ValueError after position 1")
    assert body["feeds"]["own log"]["lag_events"] == 1
    assert "Muster" not in str(body)

    lose_tail(0)
    async with asyncio.timeout(5):
        await running
    status, body = await ready(client)
    assert status == 503
    assert body["feeds"]["own log"]["stopped_because"] == "own log ends at position 0, but 1 was read already"


async def test_figures_are_for_prometheus(
    client: httpx.AsyncClient, follower: Subscription[Recorded], append: Append
) -> None:
    await append(number=1_030)
    await follower.step(0)

    answer = await client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    assert 'fristwerk_feed_lag_events{source="own log"} 30.0' in answer.text
    assert 'fristwerk_feed_lag_seconds{source="own log"} 90.0' in answer.text


@pytest.mark.parametrize("figure", [None, "lost_books"])
def test_the_description_names_the_figure_of_what_is_left_out_where_there_is_one(figure: str | None) -> None:
    async def count() -> int:
        return 0

    left_out = None if figure is None else LeftOut(figure=figure, meaning="Books that are lost", count=count)
    routes = health_router(
        checks={}, followers=list, metrics=Metrics(), now=lambda: datetime.now(UTC), left_out=left_out
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    app = create_api(title="Log", description="A log", version="1", routers=[routes], lifespan=lifespan)
    answer = app.openapi()["components"]["schemas"]["ReadyAnswer"]

    assert list(answer["properties"]) == ["status", "dependencies", "feeds", *([figure] if figure else [])]
    assert ("`lost_books` is null" in answer["description"]) is (figure is not None)
