"""Holds every answer of the clients that tests open in the process against the OpenAPI document of the service.

A status, a media type, a header of ours or a field that the document does not name fails the test that got it. In the
document answers are open, as fields may be added; here they are closed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from http import HTTPStatus
from types import ModuleType
from typing import Any, Final, cast

import httpx
import jsonschema_rs
import msgspec
from fastapi import FastAPI
from starlette.types import ASGIApp

OWN_HEADERS: Final = ("etag", "link", "location", "idempotency-", "preference-", "fristwerk-")
"""Beginnings of the names of headers that a client reads; the others are HTTP's business."""
WITHOUT_BODY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_NAME: Final = re.compile(r"\{(\w+)\}")
_LINES: Final = "application/x-ndjson"
_DOCUMENT: Final = "described:document"
"""Where validators find the document: each has the schemas that it refers to, and not a copy of all."""
_known: dict[str, DescribedService] = {}
# httpx looks for sniffio with each request to learn whether trio runs: a search of every folder, in vain each time.
cast("dict[str, ModuleType | None]", sys.modules).setdefault("sniffio", None)


class NotAsDescribedError(AssertionError):
    """An answer differs from what the service's document says of it."""


class ClosedSchemas:
    """The schemas of a document with no further fields. Each is compiled once, as most operations share theirs."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        components = {"components": {"schemas": closed(document["components"]["schemas"])}}
        self._registry = jsonschema_rs.Registry([(_DOCUMENT, components)])
        self._validators: dict[bytes, jsonschema_rs.Draft202012Validator] = {}

    def validator(self, schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
        """Of a schema that stands in the document."""
        text = msgspec.json.encode(schema)
        if text not in self._validators:
            found = closed(msgspec.json.decode(text.replace(b'"$ref":"#', f'"$ref":"{_DOCUMENT}#'.encode())))
            self._validators[text] = jsonschema_rs.Draft202012Validator(
                found, validate_formats=True, registry=self._registry
            )
        return self._validators[text]


class DescribedService:
    """What a service says that it answers."""

    def __init__(self, app: FastAPI) -> None:
        self._document: Mapping[str, Any] = app.openapi()
        by_names = sorted(self._document["paths"], key=lambda path: path.count("{"))
        self._paths = [(re.compile(_NAME.sub(_matched, path)), path) for path in by_names]
        self._schemas = ClosedSchemas(self._document)

    def check(self, method: str, path: str, status: int, headers: httpx.Headers, content: bytes) -> None:
        """Raises NotAsDescribedError."""
        operation = self._operation(method, path)
        if operation is None:
            return
        where = f"{operation['operationId']} {status}"
        described = operation["responses"].get(str(status))
        if described is None:
            raise NotAsDescribedError(f"{where}: this status is not described: {content[:500]!r}")
        if "$ref" in described:
            described = self._document["components"]["responses"][described["$ref"].rpartition("/")[2]]
        names = {each.lower() for each in described.get("headers", {})}
        if unknown := [each for each in headers if each.startswith(OWN_HEADERS) and each not in names]:
            raise NotAsDescribedError(f"{where}: the headers {unknown} are not described")
        if status in WITHOUT_BODY and (content or described["content"]):
            raise NotAsDescribedError(f"{where}: it has no body, and describes none")
        if method != "HEAD" and status not in WITHOUT_BODY:
            self._check_content(where, described["content"], headers.get("content-type", ""), content)

    def _operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        """What is asked for; None for what there is not."""
        key = "get" if method == "HEAD" else method.lower()
        for pattern, template in self._paths:
            if key in self._document["paths"][template] and pattern.fullmatch(path):
                operation: Mapping[str, Any] = self._document["paths"][template][key]
                return operation
        return None

    def _check_content(self, where: str, described: Mapping[str, Any], media_type: str, content: bytes) -> None:
        media_type = media_type.partition(";")[0]
        if media_type not in described:
            raise NotAsDescribedError(f"{where}: {media_type!r} is not described")
        schema = described[media_type].get("schema", {})
        if media_type == _LINES:
            for line in content.splitlines():
                self._validate(where, self._line_schema(schema["contentSchema"], line), msgspec.json.decode(line))
        elif media_type.endswith("json"):
            self._validate(where, schema, msgspec.json.decode(content))

    def _line_schema(self, schema: Mapping[str, Any], line: bytes) -> Mapping[str, Any]:
        """The schema of the event that the line is by its type, so that it need not be tried as each other one."""
        union = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        event_type = msgspec.json.decode(line)[union["discriminator"]["propertyName"]]
        return next(each for each in union["oneOf"] if each["$ref"] == union["discriminator"]["mapping"][event_type])

    def _validate(self, where: str, schema: Mapping[str, Any], value: Any) -> None:
        validator = self._schemas.validator(schema)
        if validator.is_valid(value):
            return
        wrong = [
            f"/{'/'.join(map(str, each.instance_path))}: {each.message[:300]}" for each in validator.iter_errors(value)
        ]
        raise NotAsDescribedError(f"{where}: {'; '.join(wrong[:5])}")


class DescribedTransport(httpx.ASGITransport):
    """Requests to an application in this process, their answers held against its document; ``through`` is asked instead."""

    def __init__(self, app: FastAPI, through: ASGIApp | None = None) -> None:
        super().__init__(through or app)
        self._described = described(app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, once it is known to be as described."""
        answer = await super().handle_async_request(request)
        assert isinstance(answer.stream, httpx.AsyncByteStream), "ASGI answers are read asynchronously"
        content = b"".join([each async for each in answer.stream])
        self._described.check(request.method, request.url.path, answer.status_code, answer.headers, content)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(content))


def described(app: FastAPI) -> DescribedService:
    """What the service says; one for all applications of a service that a test process makes."""
    if app.title not in _known:
        _known[app.title] = DescribedService(app)
    return _known[app.title]


def _matched(name: re.Match[str]) -> str:
    """What a name in a path stands for; ``path`` is all that is left."""
    return ".+" if name[1] == "path" else "[^/]+"


def closed(schema: Any) -> Any:
    """The schema with no further fields in objects whose fields it names."""
    match schema:
        case dict():
            found = {name: closed(each) for name, each in schema.items()}
            if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
                found.setdefault("additionalProperties", False)
            return found
        case list():
            return [closed(each) for each in schema]
        case _:
            return schema
