"""Attacks drawn from the interfaces' own descriptions: every field of every operation, with every extreme value.

A field that is added later is attacked from then on, as it stands in the description.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

INSTANTS: Final = (
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00+14:00",
    "2026-06-03T14:30:00Z",
    "2026-06-03T14:30:60Z",
    "2026-06-03T24:00:00Z",
    "2026-03-29T02:30:00",
    "2100-12-31T23:59:59-12:00",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:59",
    "10000-01-01T00:00:00Z",
    "0001-01-01",
    "2024-02-30",
    "9999-12-31",
    "2026-W23-3",
)
NUMBERS: Final = (
    -(2**63),
    -1,
    0,
    1,
    10_000,
    100_001,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63,
    10**40,
    0.5,
    -0.0,
    1e308,
    1e-320,
)
TEXTS: Final = (
    "",
    " ",
    "\u3000",
    "x" * 20_001,
    "😀" * 600,
    "a\nb",
    "\x1b[31m\a",
    "a\u202eb",
    "\0",
    "\ud800",
    "%00",
    "../../etc/passwd",
    "' OR 1=1--",
    "=HYPERLINK(1)",
    "<script>",
    "null",
    "-1",
    "1e999",
    "infoniqa@99999",
    "infoniqa@-1",
    "Mars/Olympus",
    "x999/" * 11 + "999",
)
SHAPES: Final[tuple[object, ...]] = (
    None,
    True,
    [],
    {},
    [[[[]]]],
    [None] * 2_000,
    {"a": {"b": None}},
    {str(n): n for n in range(2_000)},
)
EVERYTHING: Final[tuple[object, ...]] = (*INSTANTS, *NUMBERS, *TEXTS, *SHAPES)


TILE: Final = {"level": "0", "path": "000.p/1"}
"""A part of a tree, as paths name it; bodies mean something else by these names."""


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """One request, and which place of which operation it attacks."""

    service: str
    operation: str
    method: str
    path: str
    content: bytes | None
    place: str


class Interface(msgspec.Struct, frozen=True):
    """A service's description, and what exists there for the names in paths and bodies."""

    service: str
    description: Mapping[str, Any]
    existing: Mapping[str, str]

    def attacks(self) -> Iterator[Attack]:
        """All of them, operation by operation."""
        for path, methods in sorted(self.description["paths"].items()):
            for method, operation in sorted(methods.items()):
                if path.startswith("/v1/") and path != "/v1/events/stream":
                    yield from self._of_operation(method.upper(), path, operation)

    def operations(self) -> Iterator[tuple[str, str, Any]]:
        """Method, filled path with the query that is needed, and a body that fits, for each operation."""
        for path, methods in sorted(self.description["paths"].items()):
            for method, operation in sorted(methods.items()):
                if path.startswith("/v1/") and path != "/v1/events/stream":
                    required = self._required(operation)
                    asked = f"?{urlencode(required)}" if required else ""
                    yield method.upper(), self._filled(path) + asked, self._body(operation)

    def _of_operation(self, method: str, path: str, operation: Mapping[str, Any]) -> Iterator[Attack]:
        body = self._body(operation)

        def attack(place: str, at: str, changed: Any) -> Attack:
            content = None if changed is None else json.dumps(changed).encode()
            return Attack(
                service=self.service,
                operation=f"{method} {path}",
                method=method,
                path=at,
                content=content,
                place=place,
            )

        required = self._required(operation)
        asked = f"?{urlencode(required)}" if required else ""
        for parameter in operation.get("parameters", []):
            name = parameter["name"]
            for value in EVERYTHING:
                text = value if isinstance(value, str) else json.dumps(value)
                if parameter["in"] == "path":
                    spelt = quote(text.encode("utf-8", "replace")[:2_000], safe="") or "%20"
                    yield attack(name, self._filled(path.replace(f"{{{name}}}", spelt)) + asked, body)
                elif parameter["in"] == "query" and name != "wait":
                    query = urlencode(required | {name: text[:2_000].encode("utf-8", "replace")})
                    yield attack(name, f"{self._filled(path)}?{query}", body)
        for place in _places(body):
            for value in EVERYTHING:
                yield attack("/".join(map(str, place)), self._filled(path), _with(body, place, value))

    def _required(self, operation: Mapping[str, Any]) -> dict[str, str]:
        """The parameters without which a query is refused, whatever else it says."""
        return {
            each["name"]: str(self._value(each["schema"], each["name"]))
            for each in operation.get("parameters", [])
            if each["in"] == "query" and each.get("required")
        }

    def _filled(self, path: str) -> str:
        for name, value in {**self.existing, **TILE}.items():
            path = path.replace(f"{{{name}}}", value)
        return path

    def _body(self, operation: Mapping[str, Any]) -> Any:
        """A body with every field that there is: from examples, else a value of the type."""
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            return None
        example = content.get("example")
        whole = self._value(content.get("schema", {}), "")
        return whole | example if isinstance(whole, dict) and isinstance(example, dict) else example or whole

    def _value(self, schema: Mapping[str, Any], name: str) -> Any:  # noqa: C901, PLR0911 - one answer for each kind
        if "$ref" in schema:
            schema = self.description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if name in self.existing:
            return self.existing[name]
        if "properties" in schema:
            return {key: self._value(each, key) for key, each in schema["properties"].items()}
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self._value(schema[key][0], name)
        if schema.get("examples"):
            return schema["examples"][0]
        match schema.get("type"):
            case "array":
                return [self._value(schema.get("items", {}), name)]
            case "object":
                return {"a": self._value(schema.get("additionalProperties") or {}, name)}
            case "integer" | "number":
                return 1
            case "boolean":
                return True
            case _:
                return (schema.get("enum") or [schema.get("const") or "2026-06-03T14:30:00Z"])[0]


def _places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a body, the whole of it and one unknown field included."""
    yield at
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _places(each, (*at, key))
        if not at:
            yield ("unknown",)
    elif isinstance(value, list):
        for number, each in enumerate(value[:1]):
            yield from _places(each, (*at, number))


def _with(body: Any, place: tuple[str | int, ...], value: Any) -> Any:
    if not place:
        return value
    first, *rest = place
    if isinstance(body, list):
        assert isinstance(first, int), "places of lists are numbers"
        return [_with(each, tuple(rest), value) if number == first else each for number, each in enumerate(body)]
    return {**body, first: _with(body.get(first), tuple(rest), value)}
