"""Instants and days lie between 1970 and 2100 wherever one is taken: every body and query that the descriptions name.

The descriptions say of which fields by their type; one that is added later is tried from then on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
import pytest

from fristwerk_language.roles import ROLES
from tests.attack.conftest import Target
from tests.attack.grammar import Interface
from tests.promises import Promise

OUTSIDE: Final = {
    "date-time": (
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:30:00+01:00",
        "2101-01-01T00:00:00Z",
        "2100-12-31T23:30:00-01:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ),
    "date": ("1969-12-31", "2101-01-01", "0001-01-01", "9999-12-31"),
}
FIRST_AND_LAST: Final = {
    "date-time": ("1970-01-01T00:00:00Z", "2100-12-31T23:59:59Z"),
    "date": ("1970-01-01", "2100-12-31"),
}
SENTENCE: Final = "must lie in the years 1970 to 2100"
SCOPES_OF: Final = {"service": frozenset({"customers"})}
"""A recipient is kept by a service that may use customers."""
FEWEST: Final = {"ticket": 70, "sla": 10, "billing": 20}
"""So many places there were when this was written."""


class Place(msgspec.Struct, frozen=True):
    """Where an instant or a day is taken."""

    operation: str
    name: str
    in_query: bool
    form: str
    pointer: str


def places(interface: Interface) -> Iterator[Place]:
    """Every place of an interface, by its description."""
    for path, methods in sorted(interface.description["paths"].items()):
        for method, operation in sorted(methods.items()):
            named = f"{method.upper()} {path}"
            for parameter in operation.get("parameters", []):
                for form in forms(parameter["schema"]):
                    name = parameter["name"]
                    yield Place(named, name, in_query=True, form=form, pointer=f"#query/{name}")
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            for at, form in inside(interface.description, content.get("schema", {})):
                yield Place(named, at, in_query=False, form=form, pointer=at)


def forms(schema: Mapping[str, Any]) -> list[str]:
    """``date-time`` or ``date``, as far as a schema takes them."""
    alternatives = [schema, *schema.get("anyOf", []), *schema.get("oneOf", [])]
    return [form for form in OUTSIDE if form in [each.get("format") for each in alternatives]]


def inside(description: Mapping[str, Any], schema: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, str]]:
    """The pointers of a body's instants and days; of a list its first one."""
    if "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    yield from ((at, form) for form in OUTSIDE if schema.get("format") == form)
    for each in (*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", [])):
        yield from inside(description, each, at)
    if "items" in schema:
        yield from inside(description, schema["items"], f"{at}/0")
    for name, each in schema.get("properties", {}).items():
        yield from inside(description, each, f"{at}/{name}")


def body_with(body: Any, pointer: str, value: str) -> Any:
    """A body with something else at one place."""
    name, _, rest = pointer.removeprefix("/").partition("/")
    if not name:
        return value
    if name == "0":
        return [body_with(body[0] if body else None, rest, value)]
    return {**(body or {}), name: body_with((body or {}).get(name), rest, value)}


class Sender(msgspec.Struct):
    """Sends a value to a place, as whoever may."""

    target: Target
    interface: Interface
    bodies: dict[str, tuple[str, Any]]

    @classmethod
    def to(cls, target: Target, interface: Interface) -> Sender:
        """A sender that knows the paths and bodies of the interface's operations."""
        named = [
            f"{method.upper()} {path}"
            for path, methods in sorted(interface.description["paths"].items())
            for method in sorted(methods)
            if path.startswith("/v1/") and path != "/v1/events/stream"
        ]
        filled = [(path, body) for _, path, body in interface.operations()]
        return cls(target, interface, dict(zip(named, filled, strict=True)))

    async def send(self, place: Place, value: str) -> tuple[int, dict[str, str]]:
        """The status of the answer, and its sentences by pointer; the first role that may send it does."""
        path, body = self.bodies[place.operation]
        query = {place.name: value} if place.in_query else {}
        content = None if place.in_query else json.dumps(body_with(body, place.name, value))
        client = self.target.vendor.services.clients[self.interface.service]  # type: ignore[index]  # one of the stack's
        for role in ("agent", "manager", "billing", *ROLES):
            answer = await client.request(
                place.operation.partition(" ")[0],
                path,
                params=query,
                content=content,
                headers=self.target.bearer(role, belongs_to=None, scopes=SCOPES_OF.get(role, frozenset())),
            )
            if answer.status_code not in (401, 403):
                break
        errors = answer.json().get("errors", []) if answer.status_code >= 400 else []
        return answer.status_code, {each["pointer"]: each["detail"] for each in errors}


@pytest.mark.parametrize("service", ["ticket", "sla", "billing"])
async def test_no_year_outside_ours_is_taken_anywhere(target: Target, service: str, promise: Promise) -> None:
    (interface,) = [each for each in target.interfaces() if each.service == service]
    sender = Sender.to(target, interface)
    found = sorted(set(places(interface)), key=lambda each: (each.operation, each.name, each.form))
    taken, tried = [], 0
    for place in found:
        for value in OUTSIDE[place.form]:
            tried += 1
            status, sentences = await sender.send(place, value)
            if status != 422 or SENTENCE not in sentences.get(place.pointer, ""):
                taken.append((place.operation, place.pointer, value, status, sentences))
        for value in FIRST_AND_LAST[place.form]:
            tried += 1
            status, sentences = await sender.send(place, value)
            if status >= 500 or SENTENCE in sentences.get(place.pointer, ""):
                taken.append((place.operation, place.pointer, value, status, sentences))

    assert taken == [], "\n".join(map(str, taken))
    assert len(found) >= FEWEST[service]
    promise.promise = f"no year outside 1970 to 2100 is taken: {service}-service"
    promise.figures = f"{tried} instants and days at {len(found)} places"
