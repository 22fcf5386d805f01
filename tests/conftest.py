"""What tests of several services share: the three applications in one process, on real files, over ASGI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from fastapi import FastAPI

import billing_service.app
import sla_service.app
import ticket_service.app
from shared.auth import Principal, Tokens, load_keys
from shared.http import Stopping
from shared.settings import Settings


class ServicesInOneProcess(msgspec.Struct, kw_only=True):
    """Clients of the three applications by name, and tokens as their key file signs them."""

    settings: Settings
    clients: dict[str, httpx.AsyncClient]
    apps: dict[str, FastAPI]

    def token(self, role: str, provider: str = "demo", customer: str | None = None, subject: str | None = None) -> str:
        """A bearer token."""
        principal = Principal(sub=subject or role, role=role, provider=provider, customer=customer)
        return self.issue(principal)

    def issue(self, principal: Principal) -> str:
        """A bearer token for a principal."""
        tokens = Tokens(load_keys(self.settings.keys), issuer=self.settings.issuer, audience=self.settings.audience)
        return tokens.issue(principal, now=ticket_service.app.now())

    def headers(self, role: str, provider: str = "demo", **more: str) -> dict[str, str]:
        """The headers of a request in somebody's name."""
        customer = more.pop("customer", None)
        return {"Authorization": f"Bearer {self.token(role, provider, customer)}"} | more


@asynccontextmanager
async def services_on(settings: Settings) -> AsyncIterator[ServicesInOneProcess]:
    """The three applications with their lifespans, the followers reading the ticket service over ASGI."""
    async with AsyncExitStack() as stack:
        tickets = ticket_service.app.create_app(settings, Stopping())
        apps = {"ticket": tickets}
        for name, module in (("sla", sla_service.app), ("billing", billing_service.app)):
            followed = httpx.AsyncClient(transport=httpx.ASGITransport(tickets), base_url="http://ticket")
            apps[name] = module.create_app(settings, Stopping(), followed)
        clients = {}
        for name, app in apps.items():
            await stack.enter_async_context(app.router.lifespan_context(app))
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{name}")
            clients[name] = await stack.enter_async_context(client)
        yield ServicesInOneProcess(settings=settings, clients=clients, apps=apps)


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[ServicesInOneProcess]:
    """The three services on SQLite in an empty folder."""
    async with services_on(Settings(var=tmp_path)) as services:
        yield services


@pytest.fixture
def open_services() -> Callable[[Settings], object]:
    """Opens the three services on given settings, as an async context manager: for a second start, or another database."""
    return services_on
