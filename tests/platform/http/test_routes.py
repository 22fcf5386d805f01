"""One way from a request to its endpoint: path, query and body are checked by the types that the endpoint names."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_platform.http import HttpModel, Identifier, Instant, LongText, Minutes, Routes, create_api, json_answer
from fristwerk_platform.http.queries import QueryParameters


class Body(HttpModel):
    text: LongText
    at: Instant | None = None
    minutes: Minutes = 5
    from_place: Identifier = Field("here", alias="from")


class PageQuery(QueryParameters):
    limit: int = Field(50, ge=1, le=200)
    after: str = Field("", max_length=8)


class Renamed(QueryParameters):
    size: int = Field(50, alias="limit")


class InstantsQuery(QueryParameters):
    at: Instant | None = None
    size: int = 3


class Sized(QueryParameters):
    size: int


def things() -> Routes:
    """Every kind of argument that an endpoint may have."""
    routes = Routes(prefix="", tags=["things"])

    @routes.post("/things/{name}/{number}")
    async def change(
        name: Annotated[str, Field(max_length=8)], number: Annotated[int, Field(ge=1, le=9)], body: Body
    ) -> Response:
        return json_answer([name, number, body.model_dump()])

    @routes.post("/things/preview/1")
    async def preview() -> Response:
        return json_answer("preview")

    @routes.post("/optional")
    async def optional(body: Body | None = None) -> Response:
        return json_answer(None if body is None else body.model_dump())

    @routes.post("/default")
    async def default(body: Body = Body.model_validate({"text": "default"})) -> Response:  # noqa: B008 - as routes write it
        return json_answer(body.model_dump())

    @routes.get("/pages")
    async def pages(request: Request, query: PageQuery) -> Response:
        return json_answer([request.url.path, query.model_dump()])

    @routes.get("/instants")
    async def instants(query: InstantsQuery) -> Response:
        return json_answer([query.at, query.size])

    @routes.get("/renamed")
    async def renamed(query: Renamed) -> Response:
        return json_answer(query.model_dump())

    @routes.get("/required")
    async def required(query: Sized) -> Response:
        return json_answer(query.size)

    @routes.get("/callers")
    async def callers() -> Response:
        return json_answer(sorted({str(each.frame.f_globals["__name__"]) for each in inspect.stack(0)}))

    return routes


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    app = create_api(title="Things", description="Things", version="1", routers=[things()], lifespan=lifespan)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as http:
        yield http


A = {"text": "a", "at": None, "minutes": 5, "from_place": "here"}


@pytest.mark.parametrize(
    ("method", "path", "body", "answer"),
    [
        ("POST", "/things/a/1", {"text": "a"}, ["a", 1, A]),
        (
            "POST",
            "/things/a/9",
            {"text": "a", "at": "2026-06-03T16:30:00+02:00", "minutes": 7, "from": "there"},
            ["a", 9, {"text": "a", "at": "2026-06-03T14:30:00Z", "minutes": 7, "from_place": "there"}],
        ),
        ("POST", "/things/a/9", {"text": "a", "from_place": "there"}, ["a", 9, A | {"from_place": "there"}]),
        ("POST", "/things/preview/1", None, "preview"),
        ("POST", "/things/preview/2", {"text": "a"}, ["preview", 2, A]),
        ("POST", "/optional", {"text": "a"}, A),
        ("POST", "/optional", None, None),
        ("POST", "/default", {"text": "a"}, A),
        ("POST", "/default", None, A | {"text": "default"}),
        ("GET", "/pages", None, ["/pages", {"limit": 50, "after": ""}]),
        ("GET", "/pages?limit=3&after=a%20b", None, ["/pages", {"limit": 3, "after": "a b"}]),
        ("GET", "/instants", None, [None, 3]),
        ("GET", "/instants?size=4", None, [None, 4]),
        ("GET", "/renamed?limit=3", None, {"size": 3}),
        ("GET", "/required?size=4", None, 4),
    ],
)
async def test_an_endpoint_gets_what_its_signature_names(
    client: httpx.AsyncClient, method: str, path: str, body: Any, answer: Any
) -> None:
    found = await client.request(method, path, json=body)

    assert (found.status_code, found.json()) == (200, answer)


@pytest.mark.parametrize(
    ("method", "path", "body", "errors"),
    [
        (
            "POST",
            "/things/a/1",
            {"text": 1, "colour": "red"},
            {"/text": "must be a text", "/colour": "is not a field of this request"},
        ),
        ("POST", "/things/a/1", None, {"": "is required"}),
        ("POST", "/things/a/1", [1], {"": "must be an object"}),
        (
            "POST",
            "/optional",
            {"colour": "red"},
            {"/text": "is required", "/colour": "is not a field of this request"},
        ),
        (
            "GET",
            "/pages?limit=many",
            None,
            {"#query/limit": "must be a whole number"},
        ),
        ("GET", "/pages?limit=3&limit=4", None, {"#query/limit": "must be given once"}),
        (
            "GET",
            "/pages?limit=&after=",
            None,
            {"#query/limit": "must not be empty", "#query/after": "must not be empty"},
        ),
        ("GET", "/pages?colour=red", None, {"#query/colour": "is not a parameter of this request"}),
        ("GET", "/pages?colour=&colour=", None, {"#query/colour": "must be given once"}),
        ("GET", "/renamed?size=3", None, {"#query/size": "is not a parameter of this request"}),
        ("POST", "/things/preview/1?dry=1", None, {"#query/dry": "is not a parameter of this request"}),
        ("GET", "/required", None, {"#query/size": "is required"}),
    ],
)
async def test_everything_that_does_not_fit_is_named_at_once(
    client: httpx.AsyncClient, method: str, path: str, body: Any, errors: dict[str, str]
) -> None:
    refused = await client.request(method, path, json=body)

    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-request")
    assert {each["pointer"]: each["detail"] for each in refused.json()["errors"]} == errors


@pytest.mark.parametrize(
    ("path", "errors"),
    [
        ("/things/a/10", {"#path/number": "must be at most 9"}),
        ("/things/much-too-long/1", {"#path/name": "must have at most 8 characters"}),
        ("/things/a/x", {"#path/number": "must be a whole number"}),
        (
            "/things/much-too-long/x",
            {"#path/name": "must have at most 8 characters", "#path/number": "must be a whole number"},
        ),
    ],
)
async def test_what_a_path_names_and_cannot_be_is_not_there_whatever_else_is_wrong(
    client: httpx.AsyncClient, path: str, errors: dict[str, str]
) -> None:
    refused = await client.post(path, json={"colour": "red"})

    assert (refused.status_code, refused.json()["type"]) == (404, "/problems/not-found")
    assert {each["pointer"]: each["detail"] for each in refused.json()["errors"]} == errors


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("DELETE", "/pages", 405, "GET, HEAD"),
        ("HEAD", "/pages", 200, None),
        ("HEAD", "/things/a/1", 405, "POST"),
        ("GET", "/things/a/1", 405, "POST"),
        ("GET", "/nothing", 404, None),
        ("GET", "/pages/", 404, None),
        ("POST", "/things//1", 404, None),
    ],
)
async def test_an_unknown_address_is_404_and_an_unknown_method_405(
    client: httpx.AsyncClient, method: str, path: str, status: int, allow: str | None
) -> None:
    answer = await client.request(method, path)

    assert (answer.status_code, answer.headers.get("allow")) == (status, allow)


async def answered() -> Response:
    return json_answer("a")


async def with_two_bodies(one: Body, other: Body) -> Response:
    return json_answer([one, other])


def blocking() -> Response:
    return json_answer("in a thread")


async def without_its_name(body: Body) -> Response:
    return json_answer(body)


@pytest.mark.parametrize(
    ("path", "endpoint", "sentence"),
    [
        ("/several", with_two_bodies, "two bodies"),
        ("/blocking", blocking, "no coroutine function"),
        ("/things/{name}", without_its_name, "does not take"),
    ],
)
def test_an_endpoint_of_another_making_is_refused_at_the_start(path: str, endpoint: Any, sentence: str) -> None:
    with pytest.raises(TypeError, match=sentence):
        Routes(prefix="", tags=[]).add("GET", path, endpoint)


def test_an_operation_is_registered_once() -> None:
    routes = Routes(prefix="", tags=[])
    routes.add("GET", "/a", answered)
    routes.add("GET", "/a", answered)

    with pytest.raises(ValueError, match="twice"):
        create_api(title="A", description="A", version="1", routers=[routes], lifespan=None)  # type: ignore[arg-type]


async def test_an_operation_is_answered_without_the_frameworks_stack_of_middleware(client: httpx.AsyncClient) -> None:
    modules = (await client.get("/callers")).json()

    assert "fristwerk_platform.http.operations" in modules
    assert [each for each in modules if each.startswith(("starlette.middleware", "fastapi.middleware"))] == []


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/openapi.json"), ("GET", "/docs"), ("PUT", "/pages"), ("GET", "/no")]
)
async def test_what_is_no_operation_is_answered_by_the_framework(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    expected = {"/pages": 405, "/no": 404}.get(path, 200)

    assert (await client.request(method, path)).status_code == expected
