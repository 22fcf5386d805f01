"""A program for tests: a service that is nothing but its log's feed, on the port it is told, until it is asked to stop."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from fastapi import FastAPI, Request, Response

from fristwerk_language.roles import READERS, TOKEN_ROLES
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.event_log import SqliteEventLog
from fristwerk_platform.http import AuthenticationMiddleware, Routes, Stopping, create_api, json_answer, serve
from fristwerk_platform.http.connection_limits import ConnectionLimits
from fristwerk_platform.http.feed_routes import feed_router
from fristwerk_platform.http.health import health_router
from fristwerk_platform.logs import configure_logs
from fristwerk_platform.metrics import Metrics
from fristwerk_platform.settings import read_settings
from fristwerk_platform.subscriptions import LogFeed
from fristwerk_platform.token_keys import load_or_make_keys

LARGE = 4 * 1024 * 1024


def now() -> datetime:
    return datetime.now(UTC)


def add_answers(routes: Routes) -> None:
    """Answers that take long to be made, or to be taken."""

    @routes.get("/slow")
    async def take_long(_request: Request) -> Response:
        await asyncio.sleep(0.3)
        return json_answer({"finished": True})

    @routes.get("/large")
    async def read_large(_request: Request) -> Response:
        return Response(b"a" * LARGE)

    @routes.get("/computing")
    async def compute(_request: Request) -> Response:
        Thread(target=compute_for_ever, daemon=True).start()
        return json_answer({})


def compute_for_ever() -> None:
    while True:
        pass


def main() -> int:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    configure_logs("info", "tests")
    tokens = Tokens(load_or_make_keys(folder / "keys.json"), TOKEN_ROLES, issuer="fristwerk", audience="fristwerk")
    log = SqliteEventLog(folder / "log.db")
    stopping = Stopping()
    routes = Routes(tags=["things"])

    @routes.post("/things")
    async def take_thing(body: dict[str, int]) -> Response:
        return json_answer(body)

    @routes.get("/garbage")
    async def read_garbage() -> Response:
        return json_answer({"kept": gc.get_freeze_count(), "thresholds": gc.get_threshold()})

    add_answers(routes)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        scopes = frozenset({"things", "garbage", "slow", "large", "computing"})
        follower = Principal(sub="sla-service", role="service", provider="*", scopes=scopes)
        token = tokens.issue(follower, now=now())
        sys.stdout.write(f"{token}\n")
        sys.stdout.flush()
        yield
        await log.close()
        sys.stdout.write("closed\n")

    metrics = Metrics()
    app = create_api(
        title="Log",
        description="A log",
        version="1",
        routers=[
            feed_router(LogFeed(log), stopping, READERS),
            routes,
            health_router(checks={}, followers=list, metrics=metrics, now=now),
        ],
        lifespan=lifespan,
    )
    app.add_middleware(AuthenticationMiddleware, tokens=tokens, now=now)
    limits = ConnectionLimits.of(read_settings(os.environ))
    return serve(app, stopping, host="127.0.0.1", port=port, limits=limits)


sys.exit(main())
