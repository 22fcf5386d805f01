"""What tests of several services share: both databases, the three applications in one process, and the table of promises."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from rich.console import Console
from rich.table import Table

import billing_service.app
import sla_service.app
import ticket_service.app
from fristwerk_local.postgres import PostgresServer
from fristwerk_platform.auth import Principal, Tokens, load_keys
from fristwerk_platform.http import Stopping
from fristwerk_platform.settings import Settings


class Promise(msgspec.Struct):
    """A row of the table at the end of the long fault tests; ``count`` is for those that count what they tried."""

    promise: str
    figures: str = ""
    outcome: str = "BROKEN"
    count: int = 0


ROW = pytest.StashKey[Promise]()
PROMISE = "promise"
"""The property of a test's report that is a row of the table."""
HISTORIES = {"short": 120, "long": 2_000}
"""Examples of the properties that say what the order of arrival changes: nothing."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", choices=("short", "long"), default="short", help="how much the fault tests do")


def pytest_configure(config: pytest.Config) -> None:
    settings.register_profile(
        "order of arrival",
        max_examples=HISTORIES[config.getoption("faults")],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A promise was held if its test came to its end and has figures."""
    report = yield
    row = item.stash.get(ROW, None)
    if row is not None and (report.when == "call" or (report.when == "setup" and not report.passed)):
        if not report.failed:
            row.outcome = "skipped" if report.skipped else "held" if row.figures else row.outcome
        # A worker's report is all that reaches the process that prints the table.
        report.user_properties.append((PROMISE, (row.promise, row.figures, row.outcome)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The promises and their figures, after the long tests."""
    reports = [each for found in terminalreporter.stats.values() for each in found]
    rows = [
        (getattr(each, "nodeid", ""), value)
        for each in reports
        for name, value in getattr(each, "user_properties", ())
        if name == PROMISE
    ]
    if not rows or config.getoption("faults") != "long":
        return
    table = Table("promise", "figures", "")
    for _, row in sorted(rows):
        table.add_row(*row)
    terminalreporter.write_line("")
    Console(width=140, highlight=False).print(table)


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the long versions are wanted: ``--faults=long``."""
    return bool(request.config.getoption("faults") == "long")


@pytest.fixture
def promise(request: pytest.FixtureRequest) -> Promise:
    """The test's row in the table, named after the test."""
    row = request.node.stash[ROW] = Promise(request.node.name.removeprefix("test_").replace("_", " "))
    return row


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


def _folder_for_postgres() -> Path:
    """A folder that ``nobody`` may enter, whom root lets PostgreSQL run as; ``tmp_path`` is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="fristwerk-"))
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for each process of the suite. It survives kills, not power cuts, and is the faster for it."""
    folder = _folder_for_postgres()
    server = PostgresServer(folder, settings=("fsync=off", "full_page_writes=off", "max_connections=200"))
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def own_postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL that a test may kill."""
    folder = _folder_for_postgres()
    server = PostgresServer(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of an empty database."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        yield postgres_server.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def database_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings on an empty folder, once with SQLite files in it and once with an empty PostgreSQL database."""
    if request.param == "sqlite":
        return Settings(var=tmp_path)
    return Settings(var=tmp_path, database_url=request.getfixturevalue("postgres_url"))


@pytest.fixture
async def stack(database_settings: Settings) -> AsyncIterator[ServicesInOneProcess]:
    """The three services on an empty folder and an empty database, once on each kind."""
    async with services_on(database_settings) as services:
        yield services


@pytest.fixture(scope="session")
def open_services() -> Callable[[Settings], object]:
    """Opens the three services on given settings, as an async context manager: for a second start, or another database."""
    return services_on
