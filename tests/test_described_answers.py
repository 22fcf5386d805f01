"""Every operation of the three services says what it answers, with examples that are so; the suite is held to it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fristwerk_platform.http import Stopping
from fristwerk_platform.settings import Settings
from tests.described_answers import ClosedSchemas, DescribedService, NotAsDescribedError

SERVICES = ("ticket", "sla", "billing")


@pytest.fixture(params=SERVICES, scope="module")
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    settings = Settings(var=tmp_path_factory.mktemp("var"))
    made: FastAPI = importlib.import_module(f"{request.param}_service.app").create_app(settings, Stopping())
    return made


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def good_contents(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Operation, media type and content of every good answer."""
    for _, _, operation in operations(app):
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                for media_type, content in answer["content"].items():
                    yield operation["operationId"], media_type, content


@pytest.fixture(scope="module")
def schemas(app: FastAPI) -> ClosedSchemas:
    return ClosedSchemas(app.openapi())


def test_every_operation_says_what_it_answers(app: FastAPI) -> None:
    """Whoever adds an operation gives its ``responses`` the type that describes the answer."""
    for operation, media_type, content in good_contents(app):
        schema = content.get("schema")
        assert schema, f"{operation} answers {media_type} of no schema: name its type in responses()"
        assert media_type != "application/json" or schema.keys() & {"$ref", "oneOf"}, operation


def test_examples_of_answers_are_as_described(app: FastAPI, schemas: ClosedSchemas) -> None:
    for operation, media_type, content in good_contents(app):
        examples = content.get("examples", {"only": {"value": content.get("example")}})
        for each in examples.values():
            wrong = [*schemas.validator(content["schema"]).iter_errors(each["value"])]
            assert not wrong, (operation, media_type, [(each.instance_path, each.message[:200]) for each in wrong])


def test_examples_of_lines_are_events(app: FastAPI, schemas: ClosedSchemas) -> None:
    content = app.openapi()["paths"]["/v1/events"]["get"]["responses"]["200"]["content"]["application/x-ndjson"]
    for line in content["example"].splitlines():
        schemas.validator(content["schema"]["contentSchema"]).validate(json.loads(line))


def test_operation_ids_are_names_of_functions(app: FastAPI) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(app)]
    assert len(ids) == len(set(ids))
    assert all(each.isidentifier() and each == each.lower() for each in ids), ids


def test_whatever_is_refused_is_described_by_its_status(app: FastAPI, schemas: ClosedSchemas) -> None:
    for method, path, operation in operations(app):
        if path.startswith("/v1/"):
            expected = {"401", "403", "404", "422", "429", "500", "503"} | ({"409"} if method != "get" else set())
            assert expected <= set(operation["responses"]), (method, path)
    for answer in app.openapi()["components"]["responses"].values():
        content = answer["content"]["application/problem+json"]
        schemas.validator(content["schema"]).validate(content["example"])


@pytest.mark.parametrize(
    ("path", "status", "headers", "content", "sentence"),
    [
        ("/health/live", 200, {}, {"status": "dead"}, "/status"),
        ("/health/live", 200, {}, {"status": "live", "more": 1}, "more"),
        ("/health/live", 204, {}, {"status": "live"}, "status is not described"),
        ("/health/live", 200, {"ETag": '"1"'}, {"status": "live"}, "etag"),
        ("/health/live", 200, {"Content-Type": "text/html"}, {"status": "live"}, "text/html"),
        ("/v1/events", 422, {"Content-Type": "application/problem+json"}, {"type": "/problems/x"}, "title"),
    ],
)
def test_an_answer_that_is_not_described_fails_the_test_that_got_it(
    app: FastAPI, path: str, status: int, headers: dict[str, str], content: Any, sentence: str
) -> None:
    given = httpx.Headers({"Content-Type": "application/json"} | headers)
    with pytest.raises(NotAsDescribedError, match=sentence):
        DescribedService(app).check("GET", path, status, given, json.dumps(content).encode())


def test_a_line_that_is_not_described_fails_the_test_that_got_it(app: FastAPI) -> None:
    content = app.openapi()["paths"]["/v1/events"]["get"]["responses"]["200"]["content"]["application/x-ndjson"]
    line = json.loads(content["example"].splitlines()[0])
    headers = httpx.Headers({"Content-Type": "application/x-ndjson"})
    service = DescribedService(app)
    service.check("GET", "/v1/events", 200, headers, json.dumps(line).encode())
    del line["data"]
    with pytest.raises(NotAsDescribedError, match="data"):
        service.check("GET", "/v1/events", 200, headers, json.dumps(line).encode())
