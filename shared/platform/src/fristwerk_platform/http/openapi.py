"""What FastAPI's own description of an interface leaves out: who may call, and that every error is a problem (RFC 9457)."""

from __future__ import annotations

from typing import Any, Final

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


def complete(described: dict[str, Any]) -> dict[str, Any]:
    """The description with bearer tokens below ``/v1``, and problems in the place of FastAPI's validation errors."""
    parts = described.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for schema in schemas.values():
        _reworded(schema)
    schemas["Problem"] = PROBLEM
    parts["securitySchemes"] = {"token": TOKEN}
    for path, methods in described["paths"].items():
        for operation in methods.values():
            _reworded(operation)
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _REFUSED
            if path.startswith("/v1"):
                operation["security"] = [{"token": []}]
    return described


def _reworded(described: dict[str, Any]) -> None:
    """Readers of the description see Markdown, in which code stands in single backticks."""
    if "description" in described:
        described["description"] = described["description"].replace("``", "`")
