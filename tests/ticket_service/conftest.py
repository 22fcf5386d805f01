"""The ticket service as its callers meet it: one application for all tests of a run, and an office of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import pytest_asyncio
import structlog
from fastapi import FastAPI

from fristwerk_language.roles import TOKEN_ROLES, Role
from fristwerk_language.terms import read_yaml
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.http import Stopping
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys
from tests.described_answers import DescribedTransport
from ticket_service.app import create_app
from ticket_service.application.consistent_reads import ConsistentReads
from ticket_service.queries.read_model import ReadModel

TERMS = Path(__file__).parents[2] / "deploy" / "local" / "src" / "fristwerk_local" / "terms"
DOCUMENTS = {
    "digidesk": ("calendars/digidesk", "agreements/digidesk"),
    "fluxpunkt": ("calendars/fluxpunkt", "agreements/fluxpunkt"),
    "hamburg": ("calendars/hamburg", "calendars/woking", "agreements/hamburg"),
    "infoniqa": ("calendars/infoniqa", "agreements/infoniqa"),
    "liveagent": ("calendars/always", "calendars/liveagent-office", "agreements/liveagent"),
}
CONTRACTS: dict[str, dict[str, Any]] = {
    "digidesk": {"plan": "standard"},
    "fluxpunkt": {"plan": "service_and_maintenance", "group": "contract"},
    "hamburg": {"plan": "maintenance", "site": "hamburg"},
    "infoniqa": {"plan": "m", "package_hours": 4},
    "liveagent": {"plan": "all_inclusive"},
}
METHOD: ContextVar[str] = ContextVar("METHOD", default="")
"""The method of the request that is being served."""
_numbers = itertools.count(1)


class Service:
    """A running application: a client without a token, and tokens as its key file signs them."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, settings: Settings) -> None:
        self.app = app
        self.client = client
        self.settings = settings
        self.tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)

    def bearer(self, principal: Principal, **issuing: Any) -> dict[str, str]:
        """The header that says who asks."""
        token = self.tokens.issue(principal, **({"now": datetime.now(UTC)} | issuing))
        return {"Authorization": f"Bearer {token}"}

    async def position(self) -> int:
        """How far the log has come: unchanged where nothing was stored."""
        headers = self.bearer(Principal(sub="follower", role="service", provider="*"))
        answer = await self.client.get("/v1/events", params={"after": 2**62, "limit": 1}, headers=headers)
        return int(answer.headers["Fristwerk-Last-Position"])

    async def lines(self, after: int = 0) -> list[bytes]:
        """The whole log as the feed serves it."""
        headers = self.bearer(Principal(sub="follower", role="service", provider="*"))
        found: list[bytes] = []
        while True:
            answer = await self.client.get("/v1/events", params={"after": after, "limit": 1000}, headers=headers)
            if not answer.content:
                return found
            found += answer.content.splitlines()
            after = int(answer.headers["Fristwerk-Next-Position"])


class Office:
    """One provider's people at work: calls in their names, and what a test needs to stand before it begins."""

    def __init__(self, service: Service, provider: str, agreement: str) -> None:
        self.service = service
        self.provider = provider
        self.agreement = agreement

    def of(self, provider: str) -> Office:
        """The same service as another provider sees it."""
        return Office(self.service, provider, self.agreement)

    def who(self, role: str, customer: str | None = None, sub: str | None = None) -> dict[str, str]:
        """The header of somebody."""
        principal = Principal(sub=sub or role, role=cast("Role", role), provider=self.provider, belongs_to=customer)
        return self.service.bearer(principal)

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: str = "agent",
        customer: str | None = None,
        sub: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """Whatever is answered."""
        return await self.service.client.request(
            method, path, json=body, headers=self.who(role, customer, sub) | (headers or {}), **more
        )

    async def get(self, path: str, **how: Any) -> Any:
        """The body of a good answer."""
        answer = await self.call("GET", path, **how)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None, **how: Any) -> Any:
        """The body of a good answer."""
        answer = await self.call("POST", path, body, **how)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def refused(self, status: int, path: str, body: Any = None, method: str = "POST", **how: Any) -> Any:
        """The problem that is answered; nothing may be stored with it."""
        before = await self.service.position()
        answer = await self.call(method, path, body, **how)
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert await self.service.position() == before
        return answer.json()

    async def publish(self, document: str, **changes: Any) -> Any:
        """Publish one of the shipped documents, with keys changed."""
        content = read_yaml((TERMS / f"{document}.yaml").read_bytes()) | changes
        answer = await self.call("PUT", f"/v1/{document}", content, role="admin")
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def customer(self, **body: Any) -> str:
        """A customer's id; a company unless said otherwise."""
        given = {"name": "Muster Treuhand AG", "kind": "company"} | body
        return str((await self.post("/v1/customers", given, role="admin"))["customer"]["id"])

    async def contract(self, customer: str, **body: Any) -> str:
        """The id of a contract that has been in force for long."""
        given = {"agreement": self.agreement, "from": "2020-01-01"} | CONTRACTS[self.agreement] | body
        answer = await self.post(f"/v1/customers/{customer}/contracts", given, role="admin")
        return str(answer["contract"]["id"])

    async def served(self, **body: Any) -> str:
        """A customer with a contract."""
        customer = await self.customer(**body)
        await self.contract(customer)
        return customer

    async def vip(self, **body: Any) -> str:
        """A customer of liveagent with the add-on of a dedicated agent."""
        customer = await self.customer(**body)
        await self.contract(customer, addons=[{"addon": "dedicated_support"}])
        return customer

    async def ticket(self, customer: str, **body: Any) -> dict[str, Any]:
        """An open ticket."""
        given: dict[str, Any] = {
            "customer": customer,
            "channel": "email",
            "subject": "Import",
            "description": "CSV wird abgewiesen",
        }
        if self.agreement == "digidesk":
            given["fields"] = {"name": "Sina Shop", "email": "sina@shop.example"}
        ticket: dict[str, Any] = (await self.post("/v1/tickets", given | body))["ticket"]
        return ticket


class MethodNoted:
    """The application, with the method of each request noted for the tasks that serve it."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        noted = METHOD.set(scope.get("method", ""))
        try:
            await self._app(scope, receive, send)
        finally:
            METHOD.reset(noted)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """The application with its lifespan."""
    app = create_app(settings, Stopping())
    async with app.router.lifespan_context(app):
        transport = DescribedTransport(app, MethodNoted(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://ticket") as client:
            yield Service(app, client, settings)


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    """A line for every request of thousands would only be captured."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))


@pytest.fixture(scope="session", autouse=True)
def _no_command_waits_for_the_read_model() -> Iterator[None]:
    """What decides about a command comes from streams and the log's index: every command of these tests is held to it."""
    wait = ConsistentReads.__call__

    async def held(self: ConsistentReads) -> ReadModel:
        assert METHOD.get() in ("", "GET"), "a command waits for the read model"
        return await wait(self)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ConsistentReads, "__call__", held)
        yield


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """The service of this run on SQLite files."""
    async with running(Settings(var=tmp_path_factory.mktemp("var"), customers_may_date=True)) as service:
        yield service


OpenService = Callable[[Settings], AbstractAsyncContextManager[Service]]


@pytest.fixture
def open_service() -> OpenService:
    """Opens a service of one's own, as an async context manager."""
    return running


OpenOffice = Callable[..., Awaitable[Office]]


@pytest.fixture(scope="session")
def open_office(service: Service) -> OpenOffice:
    """Opens an office under one of the five agreements, with a provider that nobody else has."""

    async def opened(agreement: str, at: Service = service, **changes: Any) -> Office:
        office = Office(at, f"{agreement}{next(_numbers)}", agreement)
        for document in DOCUMENTS[agreement]:
            await office.publish(document, **(changes if document.startswith("agreements/") else {}))
        return office

    return opened


@pytest.fixture
def ago() -> Callable[..., str]:
    """An instant before now, as bodies have it."""

    def before_now(**span: float) -> str:
        return (datetime.now(UTC) - timedelta(**span)).replace(microsecond=0).isoformat()

    return before_now
