"""An ordinary request takes a shorter way than FastAPI's, and no answer depends on the way that it took."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi import Body as Embedded
from fastapi.routing import APIRoute
from pydantic import Field

from fristwerk_platform.http import HttpModel, Identifier, Instant, LongText, Minutes, create_api, json_answer, router

Answers = list[tuple[int, str]]


class Body(HttpModel):
    text: LongText
    at: Instant | None = None
    minutes: Minutes = 5
    from_place: Identifier = Field("here", alias="from")


class Page(HttpModel):
    limit: int = Field(50, ge=1, le=200)
    after: str = Field("", max_length=8)


class Renamed(HttpModel):
    size: int = Field(50, alias="limit")


async def told(request: Request) -> str:
    return request.headers.get("x-told", "nothing")


def add_ours(routes: APIRouter) -> None:
    """Every kind of parameter that a route here has."""

    @routes.post("/things/{name}/{number}")
    async def change(
        name: Annotated[str, Path(max_length=8)], number: Annotated[int, Path(ge=1, le=9)], body: Body
    ) -> Response:
        return json_answer([name, number, body.model_dump()])

    @routes.post("/optional")
    async def optional(body: Body | None = None) -> Response:
        return json_answer(None if body is None else body.model_dump())

    @routes.post("/default")
    async def default(body: Body = Body(text="default")) -> Response:  # noqa: B008 - as routes write it
        return json_answer(body.model_dump())

    @routes.get("/pages")
    async def pages(request: Request, query: Annotated[Page, Query()]) -> Response:
        return json_answer([request.url.path, query.model_dump()])

    @routes.get("/instants")
    async def instants(at: Annotated[Instant | None, Query()] = None, size: int = 3) -> Response:
        return json_answer([at, size])


def add_others(routes: APIRouter) -> None:
    """What only FastAPI knows."""

    @routes.get("/renamed")
    async def renamed(query: Annotated[Renamed, Query()]) -> Response:
        return json_answer(query.model_dump())

    @routes.post("/embedded")
    async def embedded(body: Annotated[Body, Embedded(embed=True)]) -> Response:
        return json_answer(body.model_dump())

    @routes.post("/several")
    async def several(one: Body, other: Body) -> Response:
        return json_answer([one.model_dump(), other.model_dump()])

    @routes.get("/required")
    async def required(size: int) -> Response:
        return json_answer(size)

    @routes.get("/dependent")
    async def dependent(heard: Annotated[str, Depends(told)], x_told: Annotated[str, Header()] = "") -> Response:
        return json_answer([heard, x_told])

    @routes.get("/modelled")
    async def modelled() -> Page:
        return Page()

    @routes.get("/blocking")
    def blocking() -> Response:
        return json_answer("in a thread")


@pytest.fixture
def app() -> FastAPI:
    routes = router(prefix="", tags=["things"])
    add_ours(routes)
    add_others(routes)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    return create_api(title="Things", description="Things", version="1", routers=[routes], lifespan=lifespan)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as http:
        yield http


ORDINARY: list[tuple[str, str, Any]] = [
    ("POST", "/things/a/1", {"text": "a"}),
    ("POST", "/things/a/9", {"text": "a", "at": "2026-06-03T16:30:00+02:00", "minutes": 7, "from": "there"}),
    ("POST", "/things/a/9", {"text": "a", "from_place": "there"}),
    ("POST", "/optional", {"text": "a"}),
    ("POST", "/optional", None),
    ("POST", "/default", {"text": "a"}),
    ("GET", "/pages", None),
    ("GET", "/pages?limit=3&after=a%20b", None),
    ("GET", "/instants", None),
]
UNUSUAL: list[tuple[str, str, Any]] = [
    ("POST", "/default", None),
    ("POST", "/things/a/10", {"text": "a"}),
    ("POST", "/things/much-too-long/1", {"text": "a"}),
    ("POST", "/things/a/x", {"text": 1, "colour": "red"}),
    ("POST", "/things/a/1", None),
    ("POST", "/things/a/1", [1]),
    ("POST", "/optional", {"colour": "red"}),
    ("GET", "/pages?limit=3&limit=4", None),
    ("GET", "/pages?limit=many", None),
    ("GET", "/pages?colour=red", None),
    ("GET", "/renamed?limit=3", None),
    ("GET", "/renamed?size=3", None),
    ("GET", "/instants?size=4", None),
    ("GET", "/instants?at=2026-06-03T16:30:00%2B02:00&at=2026-06-03T17:30:00Z", None),
    ("POST", "/embedded", {"body": {"text": "a"}}),
    ("POST", "/embedded", {"text": "a"}),
    ("POST", "/several", {"one": {"text": "a"}, "other": {"text": "b"}}),
    ("GET", "/required?size=4", None),
    ("GET", "/required", None),
    ("GET", "/dependent", None),
    ("GET", "/modelled", None),
    ("GET", "/blocking", None),
    ("DELETE", "/pages", None),
    ("GET", "/things/a/1", None),
    ("GET", "/nothing", None),
]


async def answers(client: httpx.AsyncClient, requests: list[tuple[str, str, Any]]) -> Answers:
    made = [await client.request(method, path, json=body) for method, path, body in requests]
    return [(each.status_code, each.text) for each in made]


@pytest.fixture
def fastapis(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the requests that went FastAPI's way."""
    seen: list[str] = []
    handle = APIRoute.handle

    async def noted(self: APIRoute, scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["path"])
        await handle(self, scope, receive, send)

    monkeypatch.setattr(APIRoute, "handle", noted)
    return seen


async def test_no_answer_depends_on_the_way(app: FastAPI, client: httpx.AsyncClient) -> None:
    found = await answers(client, ORDINARY + UNUSUAL)
    assert {status for status, _ in found} == {200, 404, 405, 422}
    for route in app.routes:
        if isinstance(route, APIRoute):
            route._ordinary = None  # type: ignore[attr-defined]  # the other way for all

    assert await answers(client, ORDINARY + UNUSUAL) == found


async def test_an_ordinary_request_takes_the_short_way(client: httpx.AsyncClient, fastapis: list[str]) -> None:
    assert {status for status, _ in await answers(client, ORDINARY)} == {200}
    assert fastapis == []


async def test_what_is_unusual_or_wrong_goes_fastapis_way(client: httpx.AsyncClient, fastapis: list[str]) -> None:
    await answers(client, UNUSUAL)
    routed = [path.partition("?")[0] for _, path, _ in UNUSUAL if path != "/nothing"]
    assert fastapis == routed
