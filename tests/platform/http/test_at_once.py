"""One caller has a few requests open that read everything, and no more; others go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import httpx
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fristwerk_platform.auth import Tokens
from fristwerk_platform.http import AuthenticationMiddleware, Routes, create_api, json_answer
from fristwerk_platform.http.at_once import MAX_LONG

Bearer = Callable[..., dict[str, str]]


@asynccontextmanager
async def nothing_to_open(_app: FastAPI) -> AsyncIterator[None]:
    yield


class Service:
    """Two long operations that end when they are let go, one of them only in its body, and a short one."""

    def __init__(self, tokens: Tokens, now: datetime) -> None:
        self.may_end = asyncio.Event()
        routes = Routes(tags=["things"])

        @routes.get("/report", is_long=True)
        async def report(_request: Request) -> Response:
            await self.may_end.wait()
            return json_answer("done")

        @routes.get("/table", is_long=True)
        async def table(_request: Request) -> Response:
            return StreamingResponse(self._rows())

        @routes.get("/thing")
        async def thing(_request: Request) -> Response:
            await self.may_end.wait()
            return json_answer("done")

        app = create_api(title="Log", description="A log", version="1", routers=[routes], lifespan=nothing_to_open)
        app.add_middleware(AuthenticationMiddleware, tokens=tokens, now=lambda: now)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")

    async def _rows(self) -> AsyncIterator[bytes]:
        yield b"a\n"
        await self.may_end.wait()

    async def get(self, path: str, headers: dict[str, str]) -> tuple[int, str | None]:
        answer = await self.client.get(path, headers=headers)
        return answer.status_code, answer.headers.get("Retry-After")


async def test_a_caller_has_a_few_long_requests_open_and_others_are_not_held_up(
    tokens: Tokens, now: datetime, bearer: Bearer
) -> None:
    service = Service(tokens, now)
    mine, others = bearer("agent"), bearer("auditor")
    paths = ["/v1/report", "/v1/table"] * (MAX_LONG // 2)
    long = [asyncio.create_task(service.get(each, mine)) for each in paths]
    short = asyncio.create_task(service.get("/v1/thing", mine))
    await asyncio.sleep(0.1)

    assert await service.get("/v1/report", mine) == (429, "5")
    assert await service.get("/v1/table", mine) == (429, "5")
    another = asyncio.create_task(service.get("/v1/table", others))
    await asyncio.sleep(0.05)
    service.may_end.set()

    assert await asyncio.gather(*long, short, another) == [(200, None)] * (MAX_LONG + 2)
    assert await service.get("/v1/report", mine) == (200, None), "they have their places back"
