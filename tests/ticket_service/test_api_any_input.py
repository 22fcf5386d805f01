"""Whatever is sent to whatever operation: never a 5xx, every refusal a problem, and nothing stored with one.

Requests are drawn from the interface's own description: values that fit their schema, values that nearly do, and junk.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lanes import examples
from tests.ticket_service.conftest import Office, OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXT = st.text(max_size=20) | st.sampled_from(
    [
        "",
        " ",
        "\0",
        "\ud800",
        "\u202e",
        "a" * 600,
        "normal",
        "email",
        "high",
        "queue",
        "2026-06-03T10:00:00Z",
        "-1",
        "%00",
        "../..",
    ]
)
NUMBERS = st.integers(-(2**70), 2**70) | st.floats() | st.sampled_from([0, 1, -1, 2**31, 2**63, 10**400])
JUNK = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
INSTANTS = st.sampled_from(
    ["2026-06-03T14:30:00Z", "2026-06-03T16:30:00+02:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]
)
WORDS = st.sampled_from(["normal", "email", "urgent_fault", "digidesk", "standard", "test", "help", "manager"])
ROLES = st.sampled_from(["manager", "specialist", "customer", "auditor", "billing", "service"])


def fitting(schema: Any, components: Any) -> Any:  # noqa: PLR0911 - one strategy a kind of schema
    """Values that a schema allows, as far as it says."""
    if "$ref" in schema:
        return fitting(components[schema["$ref"].rpartition("/")[2]], components)
    if "anyOf" in schema:
        return st.one_of(*(fitting(each, components) for each in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    known = st.sampled_from(schema["examples"]) if "examples" in schema else st.nothing()
    match schema.get("type"):
        case "object":
            return an_object(schema, components)
        case "array":
            return known | st.lists(fitting(schema["items"], components), max_size=4)
        case "integer":
            return known | st.integers(int(schema.get("minimum", 0)), int(schema.get("maximum", 10_000)))
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case _:
            return known | known | known | WORDS | INSTANTS | TEXT


def an_object(schema: Any, components: Any) -> Any:
    properties = schema.get("properties", {})
    required = set(schema.get("required", []))
    fields = {name: fitting(each, components) for name, each in properties.items()}
    fitting_ones = st.fixed_dictionaries(
        {name: each for name, each in fields.items() if name in required},
        optional={name: each for name, each in fields.items() if name not in required},
    )
    if not properties:
        return fitting_ones | st.dictionaries(TEXT, TEXT, max_size=3)

    def spoilt(value: Any) -> Any:
        return st.tuples(st.sampled_from([*properties, "unknown"]), JUNK).map(lambda each: value | {each[0]: each[1]})

    return st.one_of(fitting_ones, fitting_ones, fitting_ones, fitting_ones.flatmap(spoilt))


def spelt(body: Any) -> Any:
    """The body as bytes; what Python cannot write as JSON is written as its ASCII escapes or names."""
    return json.dumps(body).encode()


class Requests:
    """Draws requests to an office from the description of the interface."""

    def __init__(self, office: Office, ids: Any) -> None:
        description = office.service.app.openapi()
        self.office, self.ids = office, ids
        self.components = description["components"]["schemas"]
        self.operations = [
            (method.upper(), path, operation)
            for path, methods in sorted(description["paths"].items())
            for method, operation in sorted(methods.items())
            if path.startswith("/v1") and path != "/v1/events/stream"
        ]

    def draw(self, data: Any) -> Any:
        method, path, operation = data.draw(st.sampled_from(self.operations))
        query = {}
        for parameter in operation.get("parameters", []):
            name, schema = parameter["name"], parameter["schema"]
            if parameter["in"] == "path":
                known = st.sampled_from(self.ids.get(name, ["1"]))
                value = data.draw(known | known | known | fitting(schema, self.components) | TEXT)
                path = path.replace(f"{{{name}}}", quote(str(value).encode("utf-8", "replace"), safe="") or "x")
            elif name != "wait" and data.draw(st.booleans()):
                value = data.draw(fitting(schema, self.components) | TEXT)
                query[name] = str(value).encode("utf-8", "replace").decode()
        return method, path, query, self.body(data, operation)

    def body(self, data: Any, operation: Any) -> Any:
        content = operation.get("requestBody", {}).get("content", {})
        if "application/yaml" in content:
            example = content["application/json"]["example"]
            spoilt = st.tuples(st.sampled_from(list(example)), JUNK).map(lambda each: example | {each[0]: each[1]})
            return spelt(data.draw(st.just(example) | spoilt | JUNK))
        if "application/json" in content:
            wanted = fitting(content["application/json"]["schema"], self.components)
            return spelt(self.known(data.draw(wanted | wanted | wanted | JUNK)))
        return data.draw(st.sampled_from([b"", b"", b"{}", b"null"]))

    def known(self, body: Any) -> Any:
        """Often the things that a body names are there."""
        if isinstance(body, dict):
            return {name: self.ids[name][0] if name in ("customer", "ticket") else each for name, each in body.items()}
        return body


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def requests(open_office: OpenOffice) -> Any:
    office = await open_office("digidesk", intake={})
    customer = await office.customer(contact={"phone": "+49 40 1"})
    contract = await office.contract(customer)
    ticket = await office.ticket(customer, received_at="2026-06-01T08:00:00Z", severity="normal")
    ids = {
        "customer": [customer],
        "contract": [contract],
        "ticket": [ticket["id"], ticket["reference"]],
        "number": ["1", "2"],
        "version": ["1"],
        "name": ["digidesk", "office", "support"],
    }
    return Requests(office, ids)


@settings(max_examples=examples(500), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_no_input_makes_a_5xx_or_stores_anything_with_a_refusal(requests: Any, data: Any) -> None:
    office = requests.office
    method, path, query, body = requests.draw(data)
    role = "admin" if method == "PUT" or "/customers" in path or "/contracts" in path else "agent"
    role = data.draw(st.just(role) | st.just(role) | ROLES)
    headers = office.who(role, requests.ids["customer"][0] if role == "customer" else None)
    headers["Content-Type"] = "application/json"
    if data.draw(st.integers(0, 3)) == 0:
        headers["Idempotency-Key"] = data.draw(st.sampled_from(["k-1", "k-2", "a b", "", "x" * 256]))
    if data.draw(st.integers(0, 7)) == 0:
        headers["If-Match"] = data.draw(st.sampled_from(['"1"', '"999"', "*", "x", '"', ""]))
    client: httpx.AsyncClient = office.service.client
    before = await office.service.position()
    answer = await client.request(method, path, params=query, content=body, headers=headers)
    assert answer.status_code < 500, (method, path, query, body, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert {"type", "title", "status", "detail", "instance"} <= problem.keys()
        assert problem["status"] == answer.status_code
        assert await office.service.position() == before, (method, path, body)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"nonsense", 400),
        (b'{"severity": NaN}', 400),
        (b'{"severity": "a", "severity": "b"}', 400),
        (b'{"severity": "\\u0000"}', 400),
        (b'{"severity": "\\ud800"}', 400),
        (b'{"severity": "' + b"\xff" + b'"}', 400),
        (b"[" * 1_000, 400),
        (b"[" * 100_000, 422),
        (b'{"severity": "' + b"a" * 2**20 + b'"}', 413),
        (b"null", 422),
        (b'{"severity": 1e999}', 400),
    ],
)
async def test_what_is_hardly_json_is_a_clear_problem(requests: Any, content: Any, status: int) -> None:
    office = requests.office
    before = await office.service.position()
    answer = await office.service.client.post(
        f"/v1/tickets/{requests.ids['ticket'][0]}/severity",
        content=content,
        headers=office.who("agent") | {"Content-Type": "application/json"},
    )
    assert answer.status_code == status, answer.text
    assert await office.service.position() == before


async def test_a_form_is_no_json(requests: Any) -> None:
    office = requests.office
    answer = await office.service.client.post(
        f"/v1/tickets/{requests.ids['ticket'][0]}/severity", data={"severity": "normal"}, headers=office.who("agent")
    )
    assert answer.status_code == 415
