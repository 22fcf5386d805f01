"""OpenAPI 3.1 from the operations of a route table: schemas by pydantic, who may call, every error a problem (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from fristwerk_platform.http.operations import REQUIRED, Operation

OPENAPI_VERSION: Final = "3.1.0"
_REFERENCE: Final = "#/components/schemas/{model}"
_ANSWERED: Final = {"description": "Successful Response", "content": {"application/json": {"schema": {}}}}

PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "description": "A stable URI reference", "examples": ["/problems/ticket-not-found"]},
        "title": {"type": "string", "examples": ["Not found"]},
        "status": {"type": "integer", "examples": [404]},
        "detail": {"type": "string", "examples": ["There is no ticket INF-7K3Q-9F2M."]},
        "instance": {"type": "string", "examples": ["/v1/tickets/INF-7K3Q-9F2M"]},
        "errors": {
            "type": "array",
            "description": "What is wrong with the input, each with its place",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
TOKEN: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "`python -m ticket_service token --role agent --provider demo` prints one.",
}
_REFUSED: Final = {
    "description": "Refused, and nothing was stored",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def describe(operations: Sequence[Operation], *, title: str, description: str, version: str) -> dict[str, Any]:
    """The document: each operation with its parameters, body and good answers, all refusals as problems."""
    bodies, shared = TypeAdapter.json_schemas(
        [
            (each.described.operation_id, "validation", TypeAdapter(each.body.annotation))
            for each in operations
            if each.body is not None
        ],
        ref_template=_REFERENCE,
    )
    schemas: dict[str, Any] = dict(shared.get("$defs", {}))
    for schema in schemas.values():
        _reworded(schema)
    schemas["Problem"] = PROBLEM
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        described = _operation(each, bodies.get((each.described.operation_id, "validation")))
        paths.setdefault(each.path, {})[each.method.lower()] = described
    document = {
        "openapi": OPENAPI_VERSION,
        "info": {"title": title, "description": description, "version": version},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": TOKEN}},
    }
    return {name: _without_none(each) for name, each in document.items()}


def _operation(operation: Operation, body: Mapping[str, Any] | None) -> dict[str, Any]:
    said = operation.described
    described: dict[str, Any] = {"tags": list(said.tags), "operationId": said.operation_id}
    if said.summary is not None:
        described["summary"] = said.summary
    if said.text is not None:
        described["description"] = said.text
        _reworded(described)
    if parameters := [*_path_parameters(operation), *_query_parameters(operation)]:
        described["parameters"] = parameters
    if body is not None:
        described["requestBody"] = _body(operation, body)
    answers: dict[str, dict[str, Any]] = {str(said.status): dict(_ANSWERED)}
    for status, answer in said.responses.items():
        known = answers.get(str(status), {})
        answers[str(status)] = {**known, **answer, "content": _content(known, answer)}
    described["responses"] = {**answers, "default": _REFUSED}
    for name, value in said.extra.items():
        described[name] = [*described.get(name, []), *value] if isinstance(value, list) else value
    if operation.path.startswith("/v1"):
        described["security"] = [{"token": []}]
    return described


def _content(known: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """The media types of an answer; ours have no schema, only examples."""
    content: dict[str, Any] = dict(known.get("content", {}))
    for media_type, described in answer.get("content", {}).items():
        content[media_type] = {**content.get(media_type, {}), **described}
    return content


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


def _reworded(described: dict[str, Any]) -> None:
    """Readers of the description see Markdown, in which code stands in single backticks."""
    if "description" in described:
        described["description"] = described["description"].replace("``", "`")
