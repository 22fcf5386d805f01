"""OpenAPI 3.1 from the operations of a route table: schemas by pydantic, who may call, every error a problem (RFC 9457)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from fristwerk_platform.http import described_headers, described_problems
from fristwerk_platform.http.answer_schemas import Required, Schema, answer_schemas
from fristwerk_platform.http.operations import REQUIRED, Operation

OPENAPI_VERSION: Final = "3.1.0"
_REFERENCE: Final = "#/components/schemas/{model}"
_LICENSE: Final = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}
_SERVERS: Final = [{"url": "/", "description": "The service that answers this document"}]
_TYPES: Final = ("model", "line")
"""Types that describe a content: all of it, and each of its lines."""
_CREATED: Final = 201
_UNCHANGED: Final = 200
_STORED: Final = frozenset({201, 202})
"""Statuses of POSTs that store something, so that they can be repeated under a key."""


def describe(
    operations: Sequence[Operation],
    *,
    title: str,
    description: str,
    version: str,
    required: Required,
    token_printed_by: str | None,
) -> dict[str, Any]:
    """The document: each operation with its parameters, body and good answers, all refusals as problems.

    ``required`` as in ``answer_schemas``; ``token_printed_by`` is the command that prints a token,
    if there is one. Raises ValueError where two different schemas have one name.
    """
    bodies, shared = TypeAdapter.json_schemas(
        [
            (each.described.operation_id, "validation", TypeAdapter(each.body.annotation))
            for each in operations
            if each.body is not None
        ],
        ref_template=_REFERENCE,
    )
    models, answered = _answers(operations, required)
    schemas: dict[str, Any] = _worded_bounds(_without_none(shared.get("$defs", {})))
    if twice := schemas.keys() & answered.keys():
        raise ValueError(f"Bodies and answers have different types of one name: {', '.join(sorted(twice))}.")
    schemas |= answered | described_problems.SCHEMAS
    for schema in schemas.values():
        _reworded(schema)
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        described = _operation(each, bodies.get((each.described.operation_id, "validation")), models)
        paths.setdefault(each.path, {})[each.method.lower()] = described
    answers = _used("responses", described_problems.components(), paths)
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": title, "description": description, "version": version, "license": _LICENSE},
        "servers": _SERVERS,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": answers,
            "headers": _used("headers", described_headers.HEADERS, [paths, answers]),
            "securitySchemes": {"token": _token(token_printed_by)},
        },
    }


def _token(printed_by: str | None) -> dict[str, str]:
    token = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    return token if printed_by is None else token | {"description": f"`{printed_by} --role ROLE` prints one."}


def _used(kind: str, components: Mapping[str, Any], document: Any) -> dict[str, Any]:
    """The components that the document refers to."""
    found: set[str] = set()
    waiting = [document]
    while waiting:
        match waiting.pop():
            case {"$ref": str(reference)}:
                found.add(reference)
            case dict(each):
                waiting += each.values()
            case list(each):
                waiting += each
            case _:
                pass
    return {name: each for name, each in components.items() if f"#/components/{kind}/{name}" in found}


def _answers(operations: Sequence[Operation], required: Required) -> tuple[Mapping[int, Schema], dict[str, Schema]]:
    """The schema of every type that describes an answer or a line of it, by the type's identity, and the components."""
    named = (
        content.get(name)
        for operation in operations
        for answer in operation.described.responses.values()
        for content in answer.get("content", {}).values()
        for name in _TYPES
    )
    models = {id(each): each for model in named if model is not None for each in _alternatives(model)}
    schemas, components = answer_schemas([*models.values()], required)
    return dict(zip(models, schemas, strict=True)), components


def _operation(operation: Operation, body: Mapping[str, Any] | None, models: Mapping[int, Schema]) -> dict[str, Any]:
    said = operation.described
    described: dict[str, Any] = {"tags": list(said.tags), "operationId": said.operation_id}
    if said.summary is not None:
        described["summary"] = said.summary
    if said.text is not None:
        described["description"] = said.text
        _reworded(described)
    request_headers = _request_headers(operation)
    parameters = [
        *_path_parameters(operation),
        *_query_parameters(operation),
        *(described_headers.PARAMETERS[each] for each in request_headers),
    ]
    described["parameters"] = parameters
    if body is not None:
        described["requestBody"] = _body(operation, body)
    described = _worded_bounds(_without_none({**described, **said.extra}))
    answers = {str(status): _answer(operation, answer, models) for status, answer in said.responses.items()}
    if said.status == _CREATED and operation.method != "GET":
        unchanged = {"description": "Nothing new was stored: it was so already"}
        answers.setdefault(str(_UNCHANGED), answers[str(_CREATED)] | unchanged)
    refused = described_problems.refusals(
        method=operation.method,
        path=operation.path,
        has_body="requestBody" in described,
        conditional=described_headers.IF_MATCH in request_headers,
    )
    described["responses"] = {**answers, **{status: each for status, each in refused.items() if status not in answers}}
    described["security"] = [{"token": []}] if operation.path.startswith("/v1") else []
    return described


def _answer(operation: Operation, answer: Mapping[str, Any], models: Mapping[int, Schema]) -> dict[str, Any]:
    """An answer with the schemas of its media types and its headers."""
    named = [*_answer_headers(operation), *answer.get("headers", ()), described_headers.CORRELATION]
    content: dict[str, Any] = {}
    for media_type, each in answer.get("content", {}).items():
        schema = {"schema": _schema(each["model"], models)} if "model" in each else {}
        if each.get("line") is not None:
            schema["schema"] |= {"contentMediaType": media_type, "contentSchema": models[id(each["line"])]}
        content[media_type] = schema | {name: value for name, value in each.items() if name not in _TYPES}
    headers = {name: described_headers.header(name) for name in named}
    return {"description": answer["description"], "headers": headers, "content": content}


def _alternatives(model: Any) -> Sequence[Any]:
    """The types that describe an answer; it is as one of them."""
    return model if isinstance(model, tuple) else (model,)


def _schema(model: Any, models: Mapping[int, Schema]) -> Schema:
    schemas = [models[id(each)] for each in _alternatives(model)]
    return dict(schemas[0]) if len(schemas) == 1 else {"oneOf": schemas}


def _request_headers(operation: Operation) -> list[str]:
    """The headers that the operation reads beside the token: they follow from what kind of command it is."""
    if not operation.path.startswith("/v1/"):
        return []
    stores = operation.method == "POST" and operation.described.status in _STORED
    named = [described_headers.IDEMPOTENCY_KEY] if stores else []
    return [*named, *operation.described.headers, described_headers.CORRELATION]


def _answer_headers(operation: Operation) -> list[str]:
    """The headers of good answers that follow from the kind of the operation."""
    named = []
    if described_headers.IDEMPOTENCY_KEY in _request_headers(operation):
        named.append(described_headers.REPLAYED)
    if operation.method != "GET" and operation.described.status == _CREATED:
        named.append(described_headers.ETAG)
    if "after" in operation.query.model_fields and "limit" in operation.query.model_fields:
        named.append(described_headers.LINK)
    return named


def _body(operation: Operation, schema: Mapping[str, Any]) -> dict[str, Any]:
    assert operation.body is not None, "only an operation with a body has its schema"
    default = operation.body.default
    if default is REQUIRED:
        return {"required": True, "content": {"application/json": {"schema": schema}}}
    if isinstance(default, BaseModel):
        schema = {**schema, "default": default.model_dump(mode="json", exclude_unset=True)}
    return {"content": {"application/json": {"schema": schema}}}


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        _parameter("path", name, TypeAdapter(annotation).json_schema(), required=True)
        for name, annotation in operation.path_types.items()
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    schema = operation.query.model_json_schema()
    required = schema.get("required", [])
    return [
        _parameter("query", name, each, required=name in required)
        for name, each in schema.get("properties", {}).items()
    ]


def _parameter(place: str, name: str, schema: Mapping[str, Any], *, required: bool) -> dict[str, Any]:
    titled = {"title": name.replace("_", " ").title(), **schema}
    if titled.get("default") == "":
        del titled["default"]  # what stands for it within; sent, an empty parameter is refused
    described = {"name": name, "in": place, "required": required, "schema": titled}
    return described | ({"description": schema["description"]} if "description" in schema else {})


def _without_none(described: Any) -> Any:
    """A field that is None can be left out of a request, and says nothing in an example."""
    match described:
        case dict():
            return {name: _without_none(value) for name, value in described.items() if value is not None}
        case list():
            return [_without_none(each) for each in described]
        case _:
            return described


def _worded_bounds(described: Any) -> Any:
    """JSON Schema bounds numbers only: the first and last day of what is a day stand in its description."""
    match described:
        case {"ge": str(first), "le": str(last)}:
            rest = {name: _worded_bounds(each) for name, each in described.items() if name not in ("ge", "le")}
            said = f"{rest['description']}; " if "description" in rest else ""
            return {**rest, "description": f"{said}{first} to {last}"}
        case dict():
            return {name: _worded_bounds(each) for name, each in described.items()}
        case list():
            return [_worded_bounds(each) for each in described]
        case _:
            return described


def _reworded(described: dict[str, Any]) -> None:
    """Readers of the description see Markdown, in which code stands in single backticks."""
    if "description" in described:
        described["description"] = inspect.cleandoc(described["description"]).replace("``", "`")
