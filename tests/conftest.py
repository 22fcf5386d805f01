"""What tests of several services share: both kinds of database, and the three applications in one process."""

from __future__ import annotations

import functools
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest
import structlog
from fastapi import FastAPI

import billing_service.app
import sla_service.app
import ticket_service.app
from fristwerk_language.roles import TOKEN_ROLES, Role
from fristwerk_local.services import ServiceName
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.http import Stopping
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys
from tests.described_answers import DescribedTransport

if TYPE_CHECKING:
    from tests.postgres import SharedServer  # at run time the plugin below imports it first

pytest_plugins = ["tests.lanes", "tests.postgres", "tests.promises"]


def pytest_configure() -> None:
    """Spare the processor what no test looks at: seconds for the values of every frame in logged tracebacks, and the root
    certificates that each HTTP client would read anew, a tenth of what opening the services takes.
    """
    ssl.create_default_context = functools.cache(ssl.create_default_context)  # type: ignore[assignment]
    *steps, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*steps, plain])


class ServicesInOneProcess(msgspec.Struct, kw_only=True):
    """Clients of the three applications by name, and tokens as their key file signs them."""

    settings: Settings
    clients: dict[ServiceName, httpx.AsyncClient]
    apps: dict[ServiceName, FastAPI]

    def token(self, role: Role, provider: str = "demo", customer: str | None = None, subject: str | None = None) -> str:
        """A bearer token."""
        principal = Principal(sub=subject or role, role=role, provider=provider, belongs_to=customer)
        return self.issue(principal)

    def issue(self, principal: Principal) -> str:
        """A bearer token for a principal."""
        tokens = Tokens(
            load_keys(self.settings.keys), TOKEN_ROLES, issuer=self.settings.issuer, audience=self.settings.audience
        )
        return tokens.issue(principal, now=ticket_service.app.now())

    def headers(self, role: Role, provider: str = "demo", **more: str) -> dict[str, str]:
        """The headers of a request in somebody's name."""
        customer = more.pop("customer", None)
        return {"Authorization": f"Bearer {self.token(role, provider, customer)}"} | more


FOLLOWERS: dict[ServiceName, Callable[[Settings, Stopping, httpx.AsyncClient], FastAPI]] = {
    "sla": sla_service.app.create_app,
    "billing": billing_service.app.create_app,
}
"""The services that read the feed of the ticket service."""
OpenServices = Callable[[Settings], AbstractAsyncContextManager[ServicesInOneProcess]]


@asynccontextmanager
async def services_on(settings: Settings) -> AsyncIterator[ServicesInOneProcess]:
    """The three applications with their lifespans, the followers reading the ticket service over ASGI."""
    settings = msgspec.structs.replace(settings, customers_may_date=True)  # stories play the past
    async with AsyncExitStack() as stack:
        tickets = ticket_service.app.create_app(settings, Stopping())
        apps: dict[ServiceName, FastAPI] = {"ticket": tickets}
        for name, create_app in FOLLOWERS.items():
            followed = httpx.AsyncClient(transport=httpx.ASGITransport(tickets), base_url="http://ticket")
            apps[name] = create_app(settings, Stopping(), followed)
        clients: dict[ServiceName, httpx.AsyncClient] = {}
        for name, app in apps.items():
            await stack.enter_async_context(app.router.lifespan_context(app))
            client = httpx.AsyncClient(transport=DescribedTransport(app), base_url=f"http://{name}")
            clients[name] = await stack.enter_async_context(client)
        yield ServicesInOneProcess(settings=settings, clients=clients, apps=apps)


@pytest.fixture
def migrated_postgres_url(postgres_server: SharedServer) -> Iterator[str]:
    """The address of a database that has the tables of the three services, and nothing in them."""

    async def fill(url: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with services_on(Settings(var=Path(folder), database_url=url)):
                pass

    with postgres_server.database(postgres_server.template("migrated", fill)) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings on an empty folder, once with SQLite files in it and once with an empty PostgreSQL database."""
    if request.param == "sqlite":
        return Settings(var=tmp_path)
    return Settings(var=tmp_path, database_url=request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["sqlite", "postgres"])
def services_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """The same for tests that open the services: the PostgreSQL database has their tables already."""
    if request.param == "sqlite":
        return Settings(var=tmp_path)
    return Settings(var=tmp_path, database_url=request.getfixturevalue("migrated_postgres_url"))


@pytest.fixture
async def stack(services_settings: Settings) -> AsyncIterator[ServicesInOneProcess]:
    """The three services on an empty folder and an empty database, once on each kind."""
    async with services_on(services_settings) as services:
        yield services


@pytest.fixture
async def stack_on_sqlite(tmp_path: Path) -> AsyncIterator[ServicesInOneProcess]:
    """The three services on an empty folder, for what no database can change."""
    async with services_on(Settings(var=tmp_path)) as services:
        yield services


@pytest.fixture(scope="session")
def open_services() -> OpenServices:
    """Opens the three services on given settings, as an async context manager: for a second start, or another database."""
    return services_on
