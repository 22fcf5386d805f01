"""PostgreSQL is stopped and started again: meanwhile every answer is a 503 that says when to come back, and then all goes on."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from fristwerk_local.client import Client, staff
from fristwerk_local.postgres import PostgresServer
from fristwerk_local.services import ServiceName
from fristwerk_platform.auth import Principal
from fristwerk_platform.settings import Settings
from tests.conftest import ServicesInOneProcess

PATIENCE_SECONDS = 20.0
ANSWERED_SECONDS = 8.0
"""A log waits for a server that is started again; nobody waits for longer than that."""
AGENT, CLERK = staff("agent", "office"), staff("billing", "office")


class Office:
    """What is asked of the three services."""

    def __init__(self, stack: ServicesInOneProcess, office: Any) -> None:
        self.stack = stack
        self.office = office

    async def ask(self, service: ServiceName, path: str, who: Principal, body: Any = None) -> httpx.Response:
        client, headers = self.stack.clients[service], {"Authorization": f"Bearer {self.stack.issue(who)}"}
        if body is None:
            return await client.get(path, headers=headers)
        return await client.post(path, headers=headers, json=body)

    def reads(self) -> list[tuple[ServiceName, str, Principal, Any]]:
        ticket, contract = self.office.tickets[0], self.office.contracts[0]
        return [
            ("ticket", f"/v1/tickets/{ticket}", AGENT, None),
            ("ticket", "/v1/tickets", AGENT, None),
            ("ticket", "/v1/customers", AGENT, None),
            ("ticket", "/v1/worklist", AGENT, None),
            ("ticket", "/v1/events", Principal(sub="s", role="service", provider="*"), None),
            ("sla", f"/v1/tickets/{ticket}/timers", AGENT, None),
            ("sla", "/v1/timers", AGENT, None),
            ("sla", "/v1/reports/compliance", AGENT, None),
            ("sla", "/v1/events", Principal(sub="s", role="service", provider="*"), None),
            ("billing", f"/v1/tickets/{ticket}/charges", CLERK, None),
            ("billing", f"/v1/contracts/{contract}/preview", CLERK, None),
            ("billing", "/v1/invoices", CLERK, None),
            ("billing", "/v1/reports/reconciliation", CLERK, None),
        ]

    def commands(self) -> list[tuple[ServiceName, str, Principal, Any]]:
        ticket, contract = self.office.tickets[0], self.office.contracts[0]
        return [
            ("ticket", f"/v1/tickets/{ticket}/progress", AGENT, {"channel": "email", "text": "Wir sind dran"}),
            ("billing", "/v1/invoices", CLERK, {"contract": contract, "until": "2026-01-31"}),
        ]

    async def everything(self) -> list[tuple[str, httpx.Response, float]]:
        """Every answer, with how many seconds it took."""

        async def one(service: ServiceName, path: str, who: Principal, body: Any) -> tuple[str, httpx.Response, float]:
            began = time.monotonic()
            answer = await self.ask(service, path, who, body)
            return f"{service} {path}", answer, time.monotonic() - began

        return await asyncio.gather(*(one(*each) for each in [*self.reads(), *self.commands()]))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["stopped", "killed"])
async def test_while_the_database_is_away_everybody_is_told_to_come_back(
    own_postgres_server: PostgresServer,
    open_services: Callable[[Settings], Any],
    open_office: Any,
    tmp_path: Path,
    promise: Any,
    how: signal.Signals,
) -> None:
    settings = Settings(var=tmp_path, database_url=own_postgres_server.url())
    async with open_services(settings) as stack:
        people = open_office(Client(stack.clients, stack.issue), 5)
        await people.open()
        await people.ticket()
        assert await people.client.caught_up(PATIENCE_SECONDS)
        office = Office(stack, people)
        assert all(answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR for _, answer, _ in await office.everything())

        await asyncio.to_thread(own_postgres_server.stop, how)
        answers = 0
        for _ in range(2):
            for what, answer, seconds in await office.everything():
                answers += 1
                assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, (what, answer.text)
                assert answer.json()["type"].startswith("/problems/"), what
                assert int(answer.headers["Retry-After"]) >= 1, what
                assert seconds < ANSWERED_SECONDS, what
        for name in ("ticket", "sla", "billing"):
            assert (await stack.clients[name].get("/health/ready")).status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert (await stack.clients[name].get("/health/live")).status_code == httpx.codes.OK
            assert (await stack.clients[name].get("/metrics")).status_code == httpx.codes.OK

        await asyncio.to_thread(own_postgres_server.start)
        began = time.monotonic()
        await all_good(office)
        back = time.monotonic() - began
        await people.ticket()
        assert await people.client.caught_up(PATIENCE_SECONDS)
        for name in ("ticket", "sla", "billing"):
            assert (await stack.clients[name].get("/health/ready")).status_code == httpx.codes.OK
        await noticed(office, people.tickets[-1])
    promise.figures = (
        f"{answers} answers without a database: all 503 with Retry-After; {back:.1f} s after it is back all go on"
    )


async def all_good(office: Office) -> None:
    """Wait until nobody is refused any more."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while any(  # noqa: ASYNC110 - what is waited for is another process
            answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR for _, answer, _ in await office.everything()
        ):
            await asyncio.sleep(0.1)


async def noticed(office: Office, ticket: str) -> None:
    """The watch has survived as well: notices of a new ticket are given."""
    follower = Principal(sub="s", role="service", provider="*")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while ticket not in (await office.ask("sla", "/v1/events", follower)).text:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
