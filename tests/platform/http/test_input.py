"""Whatever is sent, the answer is a clear problem and never an error of ours: bodies, media types, addresses, headers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_platform.auth import Tokens
from fristwerk_platform.event_log import LogUnavailableError
from fristwerk_platform.http import (
    AuthenticationMiddleware,
    HttpModel,
    Identifier,
    Instant,
    LocalDate,
    LongText,
    Minutes,
    Routes,
    allowed,
    create_api,
    json_answer,
)
from fristwerk_platform.http.operations import MAX_BODY_BYTES
from fristwerk_platform.read_models import DatabaseUnavailableError

MEBIBYTE = 1024 * 1024
Bearer = Callable[..., dict[str, str]]


class Part(HttpModel):
    name: Identifier
    minutes: Minutes


class Body(HttpModel):
    text: LongText
    at: Instant | None = None
    on: LocalDate | None = None
    fields: dict[str, Any] = {}
    parts: list[Part] = []


def failing(error: Exception) -> Callable[[], Awaitable[Response]]:
    async def fail() -> Response:
        raise error

    return fail


@pytest.fixture
def app(tokens: Tokens, now: datetime) -> FastAPI:
    """A service that takes a body, a document as bytes, a name in its path; and one whose inside fails."""
    routes = Routes(tags=["things"])

    @routes.post("/things")
    async def take_thing(body: Body) -> Response:
        return json_answer(body.model_dump(), 201)

    @routes.post("/optional")
    async def take_or_leave(body: Body | None = None) -> Response:
        return json_answer({"given": body is not None})

    @routes.put("/documents/{name}")
    async def take_document(request: Request, name: str) -> Response:
        return json_answer({"name": name, "bytes": len(await request.body())})

    @routes.get("/things/{name}")
    async def read_thing(name: str) -> Response:
        return json_answer({"name": name})

    @routes.get("/secrets")
    async def read_secrets(request: Request) -> Response:
        allowed(request, {"auditor"}, "read secrets")
        return json_answer({})

    for path, error in (
        ("broken", RuntimeError("Anna Muster")),
        ("full", LogUnavailableError("database or disk is full")),
        ("stopped", DatabaseUnavailableError("connection refused")),
        ("locked", OperationalError("UPDATE", {"name": "Anna Muster"}, Exception("database is locked"))),
    ):
        routes.add("GET", f"/{path}", failing(error), name=path)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    api = create_api(title="Things", description="Things", version="1", routers=[routes], lifespan=lifespan)
    api.add_middleware(AuthenticationMiddleware, tokens=tokens, now=lambda: now)
    return api


@pytest.fixture
async def client(app: FastAPI, bearer: Bearer) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=bearer()) as http:
        yield http


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem in an answer, of whose form every one is (RFC 9457)."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-correlation-id"]
    told: dict[str, Any] = answer.json()
    assert (
        {"type", "title", "status", "detail", "instance"}
        <= set(told)
        <= {
            "type",
            "title",
            "status",
            "detail",
            "instance",
            "errors",
        }
    )
    assert (told["type"], told["status"]) == (f"/problems/{code}", status)
    return told


async def post(client: httpx.AsyncClient, content: Any, media_type: str | None = "application/json") -> httpx.Response:
    headers = {} if media_type is None else {"Content-Type": media_type}
    return await client.post("/v1/things", content=content, headers=headers)


@pytest.mark.parametrize(
    "media_type", ["application/json", "APPLICATION/JSON; charset=utf-8", "application/merge+json"]
)
async def test_a_good_body_is_taken(client: httpx.AsyncClient, media_type: str) -> None:
    answer = await post(client, '{"text": "Grüezi", "at": "2026-06-03T16:30:00+02:00"}'.encode(), media_type)

    assert answer.status_code == 201
    assert answer.json()["text"] == "Grüezi"
    assert answer.json()["at"] == "2026-06-03T14:30:00Z"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"text": NaN}',
        b'{"text": Infinity}',
        b'{"text": 1e400}',
        b'{"text": "a", "text": "a"}',
        b'{"text": "a", "fields": {"deep": [{"b": 1, "b": 2}]}}',
        b'{"text": "a\\u0000b"}',
        b'{"text": "\\ud800"}',
        b'{"text": "\xed\xa0\x80"}',
        b'{"text": "\xff"}',
        b'\xef\xbb\xbf{"text": "a"}',
        b'{"text": "a", "fields": ' + b"[" * 4_000,
        b'{"text": "a", "fields": ' + b'{"a":' * 2_000 + b"1" + b"}" * 2_001,
        b'{"text": "a", "fields": {"n": ' + b"9" * 5_000 + b"}}",
    ],
    ids=lambda given: repr(given)[:40],
)
async def test_what_is_not_json_is_a_problem_400(client: httpx.AsyncClient, body: bytes) -> None:
    told = problem(await post(client, body), 400, "not-json")

    assert told["instance"] == "/v1/things"
    assert len(told["detail"]) < 200


@pytest.mark.parametrize(
    "media_type", [None, "", "text/plain", "text/json", "application/yaml", "multipart/form-data", "json"]
)
async def test_another_media_type_is_a_problem_415(client: httpx.AsyncClient, media_type: str | None) -> None:
    problem(await post(client, b'{"text": "a"}', media_type), 415, "media-type")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b"", [""]),
        (b"null", [""]),
        (b"[]", [""]),
        (b'"text"', [""]),
        (b"1", [""]),
        (b"{}", ["/text"]),
        (b'{"text": " "}', ["/text"]),
        (b'{"text": 1, "on": "2026-02-30"}', ["/text", "/on"]),
        (b'{"text": "a", "at": "2026-06-03T16:30:00"}', ["/at"]),
        (b'{"text": "a", "at": "2026-06-03T24:00:00Z"}', ["/at"]),
        (b'{"text": "a", "colour": "red"}', ["/colour"]),
        (b'{"text": "a", "a/b~c": 1, "": 2}', ["/a~1b~0c", "/"]),
        (
            b'{"text": "a", "parts": [{"name": "x", "minutes": 1}, {"name": "", "minutes": 1.5}]}',
            ["/parts/1/name", "/parts/1/minutes"],
        ),
        (b'{"text": "a", "fields": []}', ["/fields"]),
    ],
    ids=lambda given: repr(given)[:40],
)
async def test_what_is_json_and_wrong_is_a_problem_422_that_points_to_the_place(
    client: httpx.AsyncClient, body: bytes, pointers: list[str]
) -> None:
    told = problem(await post(client, body), 422, "invalid-request")

    assert [error["pointer"] for error in told["errors"]] == pointers
    assert all(error["detail"] for error in told["errors"])


async def test_of_very_many_wrong_places_some_are_named(client: httpx.AsyncClient) -> None:
    body = "{" + ",".join(f'"k{number}":1' for number in range(2_400)) + "}"

    answer = await post(client, body.encode())

    assert len(problem(answer, 422, "invalid-request")["errors"]) == 100
    assert len(answer.content) < 20_000


async def test_no_body_where_one_is_optional_is_taken(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/optional")).json() == {"given": False}


async def chunks(total: int, sent: list[int]) -> AsyncIterator[bytes]:
    """A body of spaces, made while it is read."""
    for _ in range(total // 65_536):
        sent.append(65_536)
        yield b" " * 65_536
    yield b" " * (total % 65_536)


@pytest.mark.parametrize("path", ["/v1/things", "/v1/documents/calendar"])
async def test_a_body_over_one_mebibyte_is_a_problem_413(client: httpx.AsyncClient, path: str) -> None:
    method = "POST" if path == "/v1/things" else "PUT"
    json_type = {"Content-Type": "application/json"}

    exactly = await client.request(method, path, content=b" " * MEBIBYTE, headers=json_type)
    with_length = await client.request(method, path, content=b" " * (MEBIBYTE + 1), headers=json_type)
    in_chunks = await client.request(method, path, content=chunks(MEBIBYTE + 1, []), headers=json_type)
    lying = await client.request(
        method, path, content=b" " * (MEBIBYTE + 1), headers=json_type | {"Content-Length": "10"}
    )

    assert MAX_BODY_BYTES == MEBIBYTE
    assert exactly.status_code in (200, 400)
    for answer in (with_length, in_chunks, lying):
        assert "larger than 1 MiB" in problem(answer, 413, "too-large")["detail"]


async def test_of_an_endless_body_little_more_than_a_mebibyte_is_read(client: httpx.AsyncClient) -> None:
    sent: list[int] = []

    answer = await client.post(
        "/v1/things", content=chunks(200 * MEBIBYTE, sent), headers={"Content-Type": "application/json"}
    )

    problem(answer, 413, "too-large")
    assert sum(sent) <= MEBIBYTE + 2 * 65_536


async def test_of_a_stranger_s_body_nothing_is_read(client: httpx.AsyncClient) -> None:
    sent: list[int] = []

    answer = await client.post(
        "/v1/things", content=chunks(200 * MEBIBYTE, sent), headers={"Authorization": "Bearer nobody"}
    )

    problem(answer, 401, "not-authenticated")
    assert sent == []


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "bearer \xff", "Bearer null"]
)
async def test_without_a_good_token_nothing_opens(client: httpx.AsyncClient, given: str | None) -> None:
    del client.headers["Authorization"]
    headers = {} if given is None else {b"Authorization": given.encode("latin-1")}
    for path in ("/v1/things/a", "/v1/nothing", "/v1/", "/v1/things?x=1"):
        answer = await client.get(path, headers=headers)

        problem(answer, 401, "not-authenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_role_that_may_not_is_told_which_may(client: httpx.AsyncClient) -> None:
    told = problem(await client.get("/v1/secrets"), 403, "not-allowed")

    assert told["detail"] == "The role agent may not read secrets; these may: auditor."


@pytest.mark.parametrize(
    "name", ["ü", "日本", "a b", "😀", "a%2Fb", "%ff", "%ed%a0%80", "..", "%2e%2e", "a;b", "'\"<>", "%0a", "x" * 5_000]
)
async def test_odd_names_in_an_address_are_names_like_any_other(client: httpx.AsyncClient, name: str) -> None:
    found = await client.get(httpx.URL("http://service/v1/things/" + quote(name, safe="%")))
    absent = await client.get(httpx.URL("http://service/nothing/" + quote(name, safe="%")))

    if found.status_code != 200:
        problem(found, 404, "not-found")
    told = problem(absent, 404, "not-found")
    assert told["instance"].isascii()
    assert " " not in told["instance"]


@pytest.mark.parametrize("address", ["/v1/things/a%00b", "/v1/things/a?name=%00", "/%00"])
async def test_an_address_with_nul_is_refused(client: httpx.AsyncClient, address: str) -> None:
    assert "NUL" in problem(await client.get(address), 422, "invalid-request")["detail"]


@pytest.mark.parametrize("host", ["[", "a b", "", "//", "x" * 300, "a:notaport"])
async def test_an_odd_host_is_no_error_of_ours(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/v1/things/a", headers={"Host": host})).status_code == 200
    problem(await client.get("/v1/nothing/", headers={"Host": host}), 404, "not-found")
    problem(await client.get("/v1/things/a/", headers={"Host": host}), 404, "not-found")


async def test_an_unknown_address_and_an_unknown_method_are_problems(client: httpx.AsyncClient) -> None:
    unknown = await client.get("/v1/nothing")
    method = await client.delete("/v1/things")

    assert problem(unknown, 404, "not-found")["detail"] == "There is nothing at /v1/nothing."
    assert problem(method, 405, "method-not-allowed")["detail"] == "DELETE is not possible at /v1/things."
    assert method.headers["allow"] == "POST"


async def test_a_failure_of_ours_is_a_problem_500_that_tells_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/broken", headers={"X-Correlation-Id": "call-7"})

    problem(answer, 500, "internal-error")
    assert "Muster" not in answer.text
    assert answer.headers["x-correlation-id"] == "call-7"


@pytest.mark.parametrize("path", ["/v1/full", "/v1/stopped", "/v1/locked"])
async def test_storage_that_does_not_answer_is_a_problem_503_for_a_while(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    problem(answer, 503, "not-available")
    assert answer.headers["retry-after"] == "1"
    assert "Muster" not in answer.text


@pytest.mark.parametrize(
    ("given", "kept"), [("call-7", True), ("a" * 129, False), ("a b", False), ("<x>", False), ("", False)]
)
async def test_a_correlation_id_is_kept_if_it_is_one_and_made_otherwise(
    client: httpx.AsyncClient, given: str, *, kept: bool
) -> None:
    answer = await client.get("/v1/things/a", headers={"X-Correlation-Id": given})

    told = answer.headers.get_list("x-correlation-id")
    assert len(told) == 1
    assert (told[0] == given) is kept
    assert told[0]


async def test_the_interface_describes_itself_without_a_token(client: httpx.AsyncClient) -> None:
    del client.headers["Authorization"]

    described = (await client.get("/openapi.json")).json()

    assert described["openapi"].startswith("3.1")
    assert described["paths"]["/v1/things"]["post"]["operationId"] == "take_thing"
