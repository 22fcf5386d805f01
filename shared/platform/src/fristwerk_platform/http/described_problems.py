"""Refusals as OpenAPI describes them: one answer for each status, all with the body of RFC 9457."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fristwerk_platform.http import described_headers as headers
from fristwerk_platform.http.problems import CODES, MEDIA_TYPE, TITLES

_INSTANCE: Final = "/v1/things/7"
PROBLEM: Final = {
    "type": "object",
    "description": "Why a request was refused (RFC 9457). Nothing was stored.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "description": "A stable URI reference", "examples": ["/problems/not-found"]},
        "title": {"type": "string", "examples": ["Not found"]},
        "status": {"type": "integer", "examples": [404]},
        "detail": {"type": "string", "examples": [f"There is nothing at {_INSTANCE}."]},
        "instance": {"type": "string", "examples": [_INSTANCE]},
        "errors": {
            "type": "array",
            "description": "What is wrong with the input, each with its place",
            "items": {"$ref": "#/components/schemas/ProblemPlace"},
        },
    },
}
PLACE: Final = {
    "type": "object",
    "description": "One thing that is wrong: a JSON pointer into the body, or `#query/name`, `#path/name`, `#header/name`.",
    "required": ["pointer", "detail"],
    "properties": {
        "pointer": {"type": "string", "examples": ["/fields/phone"]},
        "detail": {"type": "string", "examples": ["is required"]},
    },
}
SCHEMAS: Final = {"Problem": PROBLEM, "ProblemPlace": PLACE}
_WHEN: Final = {
    400: "The body is not JSON, or a header stands twice",
    401: "There is no token, or it is not valid",
    403: "The role may not do this",
    404: "There is no such thing for who asks",
    409: "Not possible in this state; the sentence says what would be",
    412: "It was changed since the version that If-Match names",
    413: "The body is larger than 1 MiB",
    415: "The body is of another media type",
    422: "Understood but refused; `errors` says where",
    429: "Too many at once, or one address was refused too often",
    500: "The service failed",
    503: "Not available at the moment",
}
_RETRY: Final = frozenset({429, 503})
_RETRY_AFTER: Final[dict[str, Any]] = {
    "description": "In so many seconds it may be tried again",
    "schema": {"type": "integer"},
}


def components() -> dict[str, Any]:
    """The answer for each status, by the name under which operations refer to it."""
    return {_name(status): _answer(status, when) for status, when in _WHEN.items()}


def refusals(*, method: str, path: str, has_body: bool, conditional: bool) -> dict[str, Any]:
    """What an operation may be refused with, beside ``default``: references by status."""
    statuses = _statuses(method, path, has_body=has_body, conditional=conditional)
    return {str(each): {"$ref": f"#/components/responses/{_name(each)}"} for each in statuses}


def _statuses(method: str, path: str, *, has_body: bool, conditional: bool) -> Iterator[int]:
    if not path.startswith("/v1/"):
        yield 422
        return
    if has_body:
        yield from (400, 413, 415)
    yield from (401, 403, 404)
    if method != "GET":
        yield 409
    if conditional:
        yield 412
    yield from (422, 429, 500, 503)


def _answer(status: int, when: str) -> dict[str, Any]:
    example = {
        "type": f"/problems/{CODES[status]}",
        "title": TITLES[status],
        "status": status,
        "detail": f"{when}.",
        "instance": _INSTANCE,
    }
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    described: dict[str, Any] = {headers.CORRELATION: headers.header(headers.CORRELATION)}
    if status in _RETRY:
        described["Retry-After"] = _RETRY_AFTER
    return {"description": when, "headers": described, "content": content}


def _name(status: int) -> str:
    return "".join(each.capitalize() for each in CODES[status].split("-"))
