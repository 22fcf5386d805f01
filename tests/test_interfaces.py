"""The three interfaces as their descriptions say: unchanged, and no parameter is ever silently ignored."""

from __future__ import annotations

import importlib
import json
from collections.abc import AsyncIterator, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fristwerk_language.roles import TOKEN_ROLES, Role
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.http import Stopping
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys

SERVICES = ("ticket", "sla", "billing")
STORED = Path(__file__).parent / "contracts" / "openapi"
FITTING = {"integer": "1", "number": "1", "boolean": "true", "string": "x"}


@pytest.fixture(params=SERVICES, scope="module")
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(var=tmp_path_factory.mktemp("var"))


@pytest.fixture(scope="module")
def app(service: str, settings: Settings) -> FastAPI:
    """A service that was never started: what is refused for its query needs no log and no read model."""
    made: FastAPI = importlib.import_module(f"{service}_service.app").create_app(settings, Stopping())
    return made


def asking_as(app: FastAPI, settings: Settings, role: Role, customer: str | None = None) -> httpx.AsyncClient:
    tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
    scopes = frozenset({"customers"}) if role == "service" else frozenset[str]()
    principal = Principal(sub="1", role=role, provider="hamburg", belongs_to=customer, scopes=scopes)
    token = tokens.issue(principal, now=datetime.now(UTC))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service", headers=headers)


class AnyRole(httpx.Auth):
    """Asks in one name after the other, until one of them may: a route's roles come before its parameters."""

    def __init__(self, headers: list[str]) -> None:
        self._headers = headers

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        for each in self._headers:
            request.headers["Authorization"] = each
            response = yield request
            if response.status_code != httpx.codes.FORBIDDEN:
                return


@pytest.fixture
async def client(app: FastAPI, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    roles: tuple[Role, ...] = ("admin", "agent", "billing", "service")
    headers = [asking_as(app, settings, role).headers["Authorization"] for role in roles]
    async with asking_as(app, settings, "admin") as http:
        http.auth = AnyRole(headers)
        yield http


@pytest.fixture
async def customers_client(app: FastAPI, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with asking_as(app, settings, "customer", "own-company") as http:
        yield http


def operations(app: FastAPI) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Method, a path with its names filled in, and the parameters of the query."""
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            parameters = operation.get("parameters", [])
            filled = path
            for each in parameters:
                if each["in"] == "path":
                    filled = filled.replace(f"{{{each['name']}}}", FITTING[each["schema"]["type"]])
            yield method.upper(), filled, [each for each in parameters if each["in"] == "query"]


def test_the_description_is_the_stored_one(app: FastAPI, service: str) -> None:
    described = json.loads(json.dumps(app.openapi()))
    del described["info"]["version"]

    assert described == json.loads((STORED / f"{service}.json").read_text())


async def refused(client: httpx.AsyncClient, method: str, path: str, query: str, name: str) -> bool:
    answer = await client.request(method, f"{path}?{query}")
    pointers = [each["pointer"] for each in answer.json().get("errors", [])] if answer.status_code == 422 else []
    return f"#query/{name}" in pointers


async def test_every_operation_refuses_a_parameter_that_it_does_not_know(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    tried = 0
    for method, path, parameters in operations(app):
        for name in ("custommer", *(f"{each['name']}x" for each in parameters)):
            assert await refused(client, method, path, f"{name}=c1", name), (method, path, name)
            tried += 1
    assert tried > 10


async def test_every_operation_refuses_an_empty_parameter(app: FastAPI, client: httpx.AsyncClient) -> None:
    tried = 0
    for method, path, parameters in operations(app):
        for each in parameters:
            assert await refused(client, method, path, f"{each['name']}=", each["name"]), (method, path, each["name"])
            tried += 1
    assert tried > 10


async def test_every_operation_refuses_a_parameter_that_is_given_twice(app: FastAPI, client: httpx.AsyncClient) -> None:
    tried = 0
    for method, path, parameters in operations(app):
        for each in parameters:
            name = each["name"]
            assert await refused(client, method, path, f"{name}=1&{name}=1", name), (method, path, name)
            tried += 1
    assert tried > 10


async def test_every_operation_refuses_a_customer_that_asks_for_another(
    app: FastAPI, customers_client: httpx.AsyncClient
) -> None:
    """Not replaced by the own company, and not answered as if nothing were there."""
    tried = 0
    for method, path, parameters in operations(app):
        if any(each["name"] == "customer" for each in parameters):
            answer = await customers_client.request(method, f"{path}?customer=another-company")
            assert answer.status_code == 403, (method, path)
            tried += 1
    assert tried > 0
