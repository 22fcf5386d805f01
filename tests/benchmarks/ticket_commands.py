"""What the ticket service takes for commands and reads: called over ASGI in this process, on SQLite files."""

from __future__ import annotations

import asyncio
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from fastapi import FastAPI
from rich.console import Console
from rich.table import Table

from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_language.terms import read_yaml
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.http import Stopping
from fristwerk_platform.logs import configure_logs
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys
from ticket_service.app import create_app, now

TERMS = Path(__file__).parents[2] / "deploy" / "local" / "src" / "fristwerk_local" / "terms"
OPEN_TICKETS = 5_000
COMMANDS = 3_000
READS = 1_000
LISTS = 60
CALLERS = 64


class Service:
    """The application, called without a client or a socket in between: what is measured is the service alone."""

    def __init__(self, app: FastAPI, tokens: Tokens) -> None:
        self._app = app
        self._tokens = {
            role: tokens.issue(Principal(sub=role, role=role, provider="bench"), now=now())
            for role in ("admin", "agent")
        }

    async def call(self, method: str, path: str, body: Any = None, role: str = "agent") -> Any:
        """The JSON answer; anything but success ends the benchmark."""
        content = b"" if body is None else msgspec.json.encode(body)
        headers = [
            (b"authorization", f"Bearer {self._tokens[role]}".encode()),
            (b"content-type", b"application/json"),
        ]
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": headers,
            "client": ("bench", 1),
            "server": ("bench", 80),
            "state": {},
        }
        sent: list[dict[str, Any]] = []
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if asked:
                await asyncio.Event().wait()
            asked = True
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._app(scope, receive, send)  # type: ignore[arg-type]
        answer = b"".join(each.get("body", b"") for each in sent)
        if sent[0]["status"] >= 400:
            raise SystemExit(f"{method} {path}: {sent[0]['status']} {answer.decode()}")
        return msgspec.json.decode(answer)


class Figure(msgspec.Struct, frozen=True):
    """What one measurement found."""

    what: str
    callers: int
    per_second: float
    p50_ms: float
    p99_ms: float


async def measured(what: str, callers: int, calls: int, one: Callable[[int], Awaitable[Any]]) -> Figure:
    """Make the calls from so many callers at once, each waiting for its answer before its next call."""
    taken: list[float] = []
    numbers = iter(range(calls))

    async def caller() -> None:
        for number in numbers:
            began = time.perf_counter()
            await one(number)
            taken.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    seconds = time.perf_counter() - began
    cuts = statistics.quantiles(taken, n=100)
    return Figure(what, callers, calls / seconds, statistics.median(taken) * 1_000, cuts[98] * 1_000)


async def prepared(service: Service) -> tuple[list[str], datetime]:
    """Terms, 500 customers of whom every other has a contract, and open tickets of all severities."""
    for path in ("calendars/fluxpunkt", "agreements/fluxpunkt"):
        document = read_yaml((TERMS / f"{path}.yaml").read_bytes())
        await service.call("PUT", f"/v1/{path}", document, "admin")
    received_at = now() - timedelta(days=20)

    async def customer(number: int) -> str:
        body = {"name": f"Kunde {number}", "kind": "company", "contact": {"name": f"Person {number}"}}
        answer = await service.call("POST", "/v1/customers", body, "admin")
        key: str = answer["customer"]["id"]
        if number % 2:
            contract = {"agreement": "fluxpunkt", "plan": "service_and_maintenance", "from": "2020-01-01"}
            await service.call("POST", f"/v1/customers/{key}/contracts", contract, "admin")
        return key

    customers = await asyncio.gather(*(customer(number) for number in range(500)))

    async def ticket(number: int) -> str:
        body = {
            "customer": customers[number % len(customers)],
            "received_at": (received_at + timedelta(seconds=number)).isoformat(),
            "channel": "email",
            "subject": f"Anliegen {number}",
            "description": "Es geht nicht.",
            "severity": ("kritisch", "hoch", "mittel", "niedrig")[number % 4],
        }
        return str((await service.call("POST", "/v1/tickets", body))["ticket"]["id"])

    tickets: list[str] = []
    for first in range(0, OPEN_TICKETS, CALLERS):
        some = range(first, min(first + CALLERS, OPEN_TICKETS))
        tickets += await asyncio.gather(*(ticket(number) for number in some))
    return tickets, received_at


async def figures(service: Service) -> list[Figure]:
    """Every measurement, one after the other on the same data."""
    tickets, _ = await prepared(service)
    note = {"channel": "email", "text": "Wir schauen es an."}

    async def respond(number: int) -> Any:
        return await service.call("POST", f"/v1/tickets/{tickets[number * 7 % len(tickets)]}/responses", note)

    async def create(_: int) -> Any:
        body = {"customer": first_customer, "channel": "email", "subject": "Neu", "description": "Es geht nicht."}
        return await service.call("POST", "/v1/tickets", body)

    async def read(number: int) -> Any:
        return await service.call("GET", f"/v1/tickets/{tickets[number * 11 % len(tickets)]}")

    async def worklist(_: int) -> Any:
        return await service.call("GET", "/v1/worklist")

    async def answered_then_listed(number: int) -> Any:
        await respond(number)
        return await worklist(number)

    async def take(_: int) -> Any:
        return await service.call("POST", "/v1/worklist/next")

    first_customer = (await read(0))["ticket"]["customer"]
    await worklist(0)
    return [
        await measured("command: respond", 1, COMMANDS // 6, respond),
        await measured("command: respond", CALLERS, COMMANDS, respond),
        await measured("command: open a ticket", CALLERS, COMMANDS // 3, create),
        await measured("read one ticket", 1, READS, read),
        await measured("read one ticket", CALLERS, READS * 2, read),
        await measured(f"worklist, 50 of {OPEN_TICKETS:,}", 1, LISTS, worklist),
        await measured("respond, then the worklist", 1, LISTS, answered_then_listed),
        await measured("worklist/next", 8, LISTS * 2, take),
    ]


async def run(folder: Path) -> list[Figure]:
    """The figures of a service on an empty folder."""
    settings = Settings(var=folder)
    app = create_app(settings, Stopping())
    tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
    async with app.router.lifespan_context(app):
        return await figures(Service(app, tokens))


def main() -> None:
    """Print the figures, and on what machine."""
    load = os.getloadavg()[0]
    configure_logs("warning", "bench")
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(run(Path(folder)))
    table = Table("ticket-service", "callers", "per second", "p50 ms", "p99 ms")
    for each in found:
        table.add_row(
            each.what, str(each.callers), f"{each.per_second:,.0f}", f"{each.p50_ms:.2f}", f"{each.p99_ms:.2f}"
        )
    console = Console(width=120, highlight=False)
    console.print(table)
    console.print(
        f"Python {platform.python_version()}, SQLite, {os.cpu_count()} cores, load {load:.1f} before; no client, no socket"
    )


if __name__ == "__main__":
    main()
