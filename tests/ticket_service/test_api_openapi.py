"""The description of the interface keeps its word: ids, summaries, examples, and bodies that are accepted as documented."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.ticket_service.conftest import OpenOffice, Service

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def description(service: Service) -> Any:
    return service.app.openapi()


def operations(description: Any) -> Any:
    return [
        (method, path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]


def example(schema: Any, components: Any) -> Any:  # noqa: PLR0911 - one answer a kind of schema
    """What a reader who trusts the schema sends: its example, else its default, else the first value it names."""
    if "$ref" in schema:
        return example(components[schema["$ref"].rpartition("/")[2]], components)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return example(schema["anyOf"][0], components)
    match schema.get("type"):
        case "object":
            wanted = set(schema.get("required", [])) | {
                name for name, each in schema.get("properties", {}).items() if "examples" in each
            }
            return {name: example(schema["properties"][name], components) for name in sorted(wanted)}
        case "boolean":
            return True
        case "integer":
            return int(schema["minimum"])
        case _:
            raise AssertionError(f"no example of {schema}")


async def test_it_is_openapi_3_1_and_readable(service: Service, description: Any) -> None:
    answer = await service.client.get("/openapi.json")
    assert answer.json()["openapi"].startswith("3.1")
    assert answer.json() == json.loads(json.dumps(description))
    page = await service.client.get("/docs")
    assert page.status_code == 200
    assert "//" not in page.text, "nothing is loaded from elsewhere"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


async def test_every_operation_has_an_id_of_its_own_a_summary_and_an_example(description: Any) -> None:
    found = operations(description)
    ids = [operation["operationId"] for _, _, operation in found]
    assert len(ids) == len(set(ids))
    for _, path, operation in found:
        assert operation["summary"], path
        good = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
        assert any("example" in content for content in good["content"].values()), path


async def test_every_operation_below_v1_names_the_token_and_its_problems(description: Any) -> None:
    for _, path, operation in operations(description):
        assert operation["security"] == ([{"token": []}] if path.startswith("/v1") else []), path
        assert operation["responses"]["422"] == {"$ref": "#/components/responses/Refused"}, path
    assert "application/problem+json" in description["components"]["responses"]["Refused"]["content"]
    assert "HTTPValidationError" not in description["components"]["schemas"]
    assert description["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


async def test_a_command_is_described_in_its_own_words(description: Any) -> None:
    told = [operation.get("description", "") for _, _, operation in operations(description)]
    assert not any("A command's body" in each or "``" in each for each in told)


@pytest.fixture
def bodies(description: Any) -> Any:
    """The documented body of every operation that takes one."""
    components = description["components"]["schemas"]
    return {
        (method.upper(), path): example(content["application/json"]["schema"], components)
        if "example" not in content["application/json"]
        else content["application/json"]["example"]
        for method, path, operation in operations(description)
        if (content := operation.get("requestBody", {}).get("content"))
    }


async def test_documented_bodies_are_understood(open_office: OpenOffice, bodies: Any) -> None:
    """Whatever else is in their way, it is not that they are wrong in themselves."""
    office = await open_office("infoniqa")
    customer = await office.customer()
    contract = await office.contract(customer)
    ticket = await office.ticket(customer, received_at="2026-06-01T08:00:00Z")
    ids = {
        "customer": customer,
        "contract": contract,
        "ticket": ticket["id"],
        "agent": "eva",
        "call": "0199c3c4-7b30-7a44-b3f7-8c3b5e4f1d92",
        "number": "1",
        "user": "vera",
        "entry": "e-1",
        "addon": "dedicated_support",
        "name": "office",
    }
    assert len(bodies) > 40
    for (method, path), body in bodies.items():
        name = "support" if "agreements" in path else "office"
        answer = await office.call(
            method,
            path.format(**(ids | {"name": name})),
            body,
            role="admin" if "ticket" not in path else "agent",
        )
        assert answer.status_code < 500
        problem = answer.json().get("type")
        assert problem not in ("/problems/invalid-request", "/problems/not-json", "/problems/terms-refused"), (
            path,
            body,
            answer.text,
        )


async def test_the_example_of_a_request_is_a_ticket_once_the_customer_is_ones_own(
    open_office: OpenOffice, bodies: Any
) -> None:
    office = await open_office("infoniqa")
    body = bodies["POST", "/v1/tickets"] | {"customer": await office.served()}
    answer = await office.call("POST", "/v1/tickets", body)
    assert answer.status_code == 201, answer.text
    received_at = datetime.fromisoformat(body["received_at"]).astimezone(UTC)
    assert answer.json()["ticket"]["received_at"] == received_at.strftime("%Y-%m-%dT%H:%M:%SZ")
