"""The pictures of the architecture, held against the code: the ways through the modules, and who imports whom."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from types import FrameType
from typing import Any

import grimp
import httpx
import pytest

import sla_service.app
import ticket_service.app
from fristwerk_language.roles import TOKEN_ROLES, Role
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.http import Stopping
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys
from tests.ticket_service.test_way_of_a_command import WAY
from tests.trace import callers, modules_entered

ROOT = Path(__file__).parents[1]
TERMS = ROOT / "deploy" / "local" / "src" / "fristwerk_local" / "terms"
NOTES = {"fristwerk_platform.logs", "fristwerk_platform.log_output"}
"""A line may be logged anywhere."""
WAYS = tomllib.loads((ROOT / "docs" / "ways.toml").read_text("utf-8"))


class TicketsAndDeadlines:
    """The ticket service and the SLA service that follows it, in one process, and what asks them."""

    def __init__(self, settings: Settings, tickets: httpx.AsyncClient, deadlines: httpx.AsyncClient) -> None:
        self.tickets, self.deadlines = tickets, deadlines
        self._tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)

    def headers(self, role: Role) -> dict[str, str]:
        principal = Principal(sub=role, role=role, provider="infoniqa")
        return {"Authorization": f"Bearer {self._tokens.issue(principal, now=ticket_service.app.now())}"}

    async def publish(self) -> None:
        for kind in ("calendars", "agreements"):
            answer = await self.tickets.put(
                f"/v1/{kind}/infoniqa",
                content=(TERMS / kind / "infoniqa.yaml").read_bytes(),
                headers=self.headers("admin") | {"Content-Type": "application/yaml"},
            )
            assert answer.status_code == 201

    async def sign(self) -> str:
        """A customer with a contract."""
        body: dict[str, Any] = {"name": "Muster AG", "kind": "company", "contact": {"name": "Anna Muster"}}
        answer = await self.tickets.post("/v1/customers", json=body, headers=self.headers("admin"))
        customer = str(answer.json()["customer"]["id"])
        body = {"agreement": "infoniqa", "plan": "m", "package_hours": 4, "from": "2026-01-01"}
        path = f"/v1/customers/{customer}/contracts"
        assert (await self.tickets.post(path, json=body, headers=self.headers("admin"))).status_code == 201
        return customer

    async def open(self, customer: str) -> str:
        """A ticket whose timer the SLA service has derived."""
        body = {"customer": customer, "received_at": "2026-06-03T16:30:00+02:00", "channel": "email"}
        answer = await self.tickets.post("/v1/tickets", json=body, headers=self.headers("agent"))
        ticket = str(answer.json()["ticket"]["id"])
        async with asyncio.timeout(30):
            while not await self._timers(ticket):  # noqa: ASYNC110 - another service, seen from outside
                await asyncio.sleep(0.01)
        return ticket

    async def _timers(self, ticket: str) -> list[Any]:
        answer = await self.deadlines.get(f"/v1/tickets/{ticket}/timers", headers=self.headers("agent"))
        return list(answer.json().get("items", []))


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[TicketsAndDeadlines]:
    settings = Settings(var=tmp_path)
    async with AsyncExitStack() as stack:
        tickets = ticket_service.app.create_app(settings, Stopping())
        followed = httpx.AsyncClient(transport=httpx.ASGITransport(tickets), base_url="http://ticket")
        deadlines = sla_service.app.create_app(settings, Stopping(), followed)
        clients = []
        for app in (tickets, deadlines):
            await stack.enter_async_context(app.router.lifespan_context(app))
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")
            clients.append(await stack.enter_async_context(client))
        yield TicketsAndDeadlines(settings, *clients)


def of_the_sla_subscription(frame: FrameType) -> bool:
    """Whether the SLA service's subscription to the ticket service is waiting for this call."""
    return any(
        each.f_code.co_name == "step" and getattr(each.f_locals.get("self"), "source", None) == "ticket-service"
        for each in callers(frame)
    )


def package(module: str) -> str:
    """A chapter of a service, or a package of the platform or the language."""
    return ".".join(module.split(".")[:2])


def assert_pictured(way: str, entered: list[str]) -> None:
    """The steps of a picture are entered in its order, and nothing on the way lies in a package that it does not know."""
    steps = [module for module, _ in WAYS[way]["steps"]]
    assert [module for module in entered if module in steps] == steps
    known = {*map(package, steps), *WAYS[way]["beside"]}
    assert [module for module in entered if package(module) not in known and package(module) not in NOTES] == []


def test_a_command_goes_the_way_that_the_picture_shows() -> None:
    # the list itself is held against what is called where it stands
    assert_pictured("command", list(WAY))


async def test_a_batch_of_events_goes_the_way_that_the_picture_shows(services: TicketsAndDeadlines) -> None:
    await services.publish()
    customer = await services.sign()
    await services.open(customer)  # terms are compiled now, which happens once

    with modules_entered(of_the_sla_subscription) as entered:
        await services.open(customer)

    assert_pictured("batch", entered)


def test_every_import_is_one_that_the_picture_of_the_packages_allows() -> None:
    services = ["ticket_service", "sla_service", "billing_service"]
    packages = [
        "fristwerk_language",
        "fristwerk_platform",
        "fristwerk_client",
        "fristwerk_local",
        "fristwerk_cases",
        *services,
    ]
    # who may import whom besides itself, as the arrows and the words say
    shared = {"fristwerk_language", "fristwerk_platform"}
    allowed = {(importer, imported) for importer in [*services, "fristwerk_local"] for imported in shared}
    allowed |= {("fristwerk_cases", imported) for imported in {*shared, *services}}
    allowed |= {("fristwerk_local", "fristwerk_client")}
    # the command `cases`, which says so where the package is not installed
    allowed |= {(service, "fristwerk_cases") for service in services}

    graph = grimp.build_graph(*packages, cache_dir=None, exclude_type_checking_imports=True)
    found = {
        (importer.partition(".")[0], imported.partition(".")[0])
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    }

    found = {(importer, imported) for importer, imported in found if importer != imported}
    users = {
        module
        for module in graph.modules
        if module.startswith(tuple(services))
        and any(each.startswith("fristwerk_cases") for each in graph.find_modules_directly_imported_by(module))
    }
    assert {module.partition(".")[2] for module in users} <= {"cli", "command_line"}
    assert {(service, imported) for service in services for imported in shared} <= found
    assert sorted(found - allowed) == []
