"""A ticket service restored from an old backup: those who follow it stop and say so, instead of deriving wrong figures."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import psycopg
import pytest

import ticket_service.app
from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_local.client import Client
from fristwerk_local.postgres import binaries
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.http import Stopping
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys

SCHEMAS = ("tickets_log", "tickets", "personal_keys")
"""What the ticket service stores; its files have hyphens."""


class Backup:
    """A copy of everything that the stopped ticket service stores."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        folder.mkdir()

    def take(self) -> None:
        if self._settings.database_url is None:
            for file in self._files():
                shutil.copy(file, self._folder / file.name)
            return
        schemas = [part for each in SCHEMAS for part in ("--schema", each)]
        self._run("pg_dump", "--file", str(self._dump), *schemas, self._settings.database_url)

    def restore(self) -> None:
        if self._settings.database_url is None:
            for file in self._files():
                file.unlink()
            for copy in self._folder.iterdir():
                shutil.copy(copy, self._settings.var / copy.name)
            return
        with psycopg.connect(self._settings.database_url) as connection:
            for each in SCHEMAS:
                connection.execute(f"DROP SCHEMA {each} CASCADE")
        self._run("psql", "--quiet", "--file", str(self._dump), self._settings.database_url)

    @property
    def _dump(self) -> Path:
        return self._folder / "backup.sql"

    def _files(self) -> Iterator[Path]:
        for each in SCHEMAS:
            yield from self._settings.var.glob(f"{each.replace('_', '-')}.db*")

    @staticmethod
    def _run(program: str, *arguments: str) -> None:
        done = subprocess.run([binaries() / program, *arguments], capture_output=True, check=False)  # noqa: S603
        assert done.returncode == 0, done.stderr.decode()


@pytest.fixture
def backup(services_settings: Settings, tmp_path: Path) -> Backup:
    """Of the ticket service on the test's database."""
    return Backup(services_settings, tmp_path / "backup")


async def feeds(stack: Any) -> dict[str, tuple[int, str | None]]:
    """The status of each consumer's health, and why it stopped, once it has looked at its source."""
    found = {}
    for name in ("sla", "billing"):
        for _ in range(100):
            answer = await stack.clients[name].get("/health/ready")
            feed = answer.json()["feeds"]["ticket-service"]
            if feed["heard_seconds_ago"] is not None or feed["stopped_because"] is not None:
                break
            await asyncio.sleep(0.05)
        found[name] = (answer.status_code, feed["stopped_because"])
    return found


async def until_restored(open_services: Any, settings: Settings, backup: Backup, open_office: Any) -> Any:
    """A first ticket, a backup, a second ticket that SLA and billing learn of, and then the backup is what is left."""
    async with open_services(settings) as stack:
        office = open_office(Client(stack.clients, stack.issue), 1)
        await office.open()
        await office.ticket()
        assert await office.client.caught_up(20)
    backup.take()
    async with open_services(settings) as stack:
        client = Client(stack.clients, stack.issue)
        await office.moved(client, 2).ticket()
        assert await client.caught_up(20)
        assert await feeds(stack) == {"sla": (200, None), "billing": (200, None)}
    backup.restore()
    return office


async def test_a_log_that_ends_before_what_was_read_is_noticed(
    open_services: Any, services_settings: Settings, backup: Backup, open_office: Any, promise: Any
) -> None:
    await until_restored(open_services, services_settings, backup, open_office)

    async with open_services(services_settings) as stack:
        found = await feeds(stack)

    assert {status for status, _ in found.values()} == {503}
    assert all("ends at position" in (because or "") for _, because in found.values())
    promise.figures = f"the log ends early: {len(found)} consumers stopped and said so"


async def test_other_events_in_the_place_of_those_that_were_read_are_noticed(
    open_services: Any, services_settings: Settings, backup: Backup, open_office: Any, promise: Any
) -> None:
    """The backup has grown again to the same length before anybody looks, by tickets that nobody has heard of."""
    office = await until_restored(open_services, services_settings, backup, open_office)
    async with ticket_service_alone(services_settings) as stack:
        await office.moved(Client(stack.clients, stack.issue), 2).ticket()

    async with open_services(services_settings) as stack:
        found = await feeds(stack)

    assert {status for status, _ in found.values()} == {503}
    assert all("another event" in (because or "") for _, because in found.values())
    promise.figures = f"as long as before, with other events: {len(found)} consumers stopped and said so"


@asynccontextmanager
async def ticket_service_alone(settings: Settings) -> AsyncIterator[Any]:
    """The ticket service, while those who follow it are down."""
    app = ticket_service.app.create_app(settings, Stopping())
    over_asgi = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ticket")
    tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)

    def issue(principal: Principal) -> str:
        return tokens.issue(principal, now=ticket_service.app.now())

    async with app.router.lifespan_context(app), over_asgi:
        yield SimpleNamespace(clients={"ticket": over_asgi}, issue=issue)
