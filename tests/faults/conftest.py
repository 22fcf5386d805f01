"""What fault tests share: a day of commands drawn by a seed, and what was derived from it."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from fristwerk_language.events import read_line
from fristwerk_language.roles import Role
from fristwerk_local.client import Client, staff
from fristwerk_local.services import ServiceName
from fristwerk_platform.event_log import NewEvent, open_log
from fristwerk_platform.http import Stopping
from fristwerk_platform.settings import Settings
from tests.conftest import FOLLOWERS

PROVIDER = "office"
TERMS = Path(__file__).with_name("terms")
CUSTOMERS = 4
MINUTES_BETWEEN = 7
VOLATILE = ("remaining_seconds", "detected_at")
"""Fields of a timer that tell when it was looked at, not what the history says."""


@pytest.fixture(autouse=True)
def logs_as_the_services_write_them() -> Iterator[None]:
    """A traceback drawn for a terminal takes half a second, in which the event loop stands still: many a fault is shorter."""
    before = structlog.get_config()
    steps = (
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    )
    structlog.configure(processors=steps, wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    yield
    structlog.configure(**before)


class Office:
    """A provider's customers, their tickets, and the commands of each; every command is sent until it is answered."""

    def __init__(self, client: Client, seed: int) -> None:
        self.client = client
        self.acknowledged: dict[str, tuple[str, int]] = {}
        self.commands = 0
        self.customers: list[str] = []
        self.tickets: list[str] = []
        self.contracts: list[str] = []
        self.today = datetime.now(UTC).date().isoformat()
        self._answered = asyncio.Event()
        self._random = random.Random(seed)  # noqa: S311 - drawn again by the seed
        self._keys = (f"command-{seed}-{number}" for number in count(1))
        self._began_at = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0) - timedelta(days=20)

    def moved(self, client: Client, seed: int) -> Office:
        """The same customers, served over another client."""
        office = Office(client, seed)
        office.customers, office.contracts = self.customers, self.contracts
        return office

    async def open(self, customers: int = CUSTOMERS) -> None:
        """Publish the terms, register the customers and sign their contracts."""
        for name in ("calendars/office", "agreements/office"):
            text = TERMS.joinpath(f"{name}.yaml").read_bytes()
            answer = await self.client.publish(name, text, staff("admin", PROVIDER))
            assert answer.is_success, answer.text
        for number in range(customers):
            body: dict[str, Any] = {
                "name": f"Kunde {number}",
                "kind": "company",
                "contact": {"name": f"Person {number}"},
            }
            made = await self.post("/v1/customers", body, "admin")
            customer = made["customer"]["id"]
            self.customers.append(customer)
            plan: dict[str, Any] = {"plan": "package", "package_hours": 4} if number % 2 else {"plan": "on_demand"}
            body = {"agreement": "office", "from": "2024-01-01"} | plan
            made = await self.post(f"/v1/customers/{customer}/contracts", body, "admin")
            self.contracts.append(made["contract"]["id"])

    async def ticket(self) -> None:
        """One ticket from its receipt to its resolution."""
        at = self._began_at + timedelta(seconds=self._random.randrange(10 * 86_400))
        body: dict[str, Any] = {
            "customer": self._random.choice(self.customers),
            "received_at": _instant(at),
            "channel": "email",
            "subject": "Es geht nicht",
            "description": "Fehler 17",
            "severity": self._random.choice(("high", "low")),
        }
        made = await self.post("/v1/tickets", body)
        ticket = made["ticket"]["id"]
        self.tickets.append(ticket)
        for path, content in self._steps():
            at += timedelta(minutes=self._random.randrange(1, 2 * MINUTES_BETWEEN))
            if path == "time-entries":
                content["start"] = _instant(at - timedelta(minutes=content["minutes"]))
            await self.post(f"/v1/tickets/{ticket}/{path}", content | {"occurred_at": _instant(at)})

    def _steps(self) -> Iterator[tuple[str, dict[str, Any]]]:
        yield "responses", {"channel": "email", "text": "Wir schauen es an"}
        for _ in range(self._random.randrange(3)):
            yield "time-entries", self._entry()
        yield "messages", {"channel": "email", "text": "Und jetzt?"}
        if self._random.random() < 0.5:
            yield "information-requests", {"question": "Welche Version?"}
            yield "information", {"text": "Version 12"}
        yield "responses", {"channel": "email", "text": "Behoben"}
        yield "time-entries", self._entry()
        yield "resolution", {"text": "Stammdaten korrigiert"}

    def _entry(self) -> dict[str, Any]:
        return {"minutes": self._random.randrange(5, 90), "activity": "help", "agent": "agent-3"}

    async def post(self, path: str, body: Mapping[str, Any], role: Role = "agent") -> Any:
        """The answer to a command, whose events count as acknowledged."""
        answer = await self.answered(path, body, role, next(self._keys))
        assert answer.status_code == 201, f"{path}: {answer.status_code} {answer.text}"
        content = answer.json()
        self.commands += 1
        for event in content["events"]:
            self.acknowledged[event["id"]] = (event["stream"], event["version"])
        self._answered.set()
        return content

    async def next_answer(self) -> None:
        """Return as soon as the next command is answered."""
        self._answered.clear()
        await self._answered.wait()

    async def answered(self, path: str, body: Mapping[str, Any], role: Role, key: str) -> httpx.Response:
        """The answer to a command under a key."""
        return await self.client.post("ticket", path, body, staff(role, PROVIDER), key)

    async def recorded(self) -> list[tuple[str, str, int]]:
        """Id, stream and version of all events of customers, contracts and tickets, in the order of the feed."""
        events, _ = await self.client.events_after(0, PROVIDER)
        kinds = ("ticket-", "customer-", "contract-")
        return [(each["id"], each["stream"], each["version"]) for each in events if each["stream"].startswith(kinds)]

    async def derived(self, client: Client) -> dict[str, Any]:
        """What SLA and billing tell of every ticket and contract."""
        agent, clerk = staff("agent", PROVIDER), staff("billing", PROVIDER)
        found: dict[str, Any] = {}
        for ticket in self.tickets:
            timers = (await client.get("sla", f"/v1/tickets/{ticket}/timers", agent))["items"]
            found[f"{ticket} timers"] = [{key: each[key] for key in each if key not in VOLATILE} for each in timers]
            found[f"{ticket} charges"] = (await client.get("billing", f"/v1/tickets/{ticket}/charges", clerk))["items"]
        for contract in self.contracts:
            path = f"/v1/contracts/{contract}/preview"
            found[f"{contract} preview"] = await client.get("billing", path, clerk, until=self.today)
        return found


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@pytest.fixture
def open_office() -> type[Office]:
    """Opens an office: ``open_office(client, seed)``."""
    return Office


@asynccontextmanager
async def _replayed(settings: Settings, folder: Path, client: Client, urls: list[str]) -> AsyncIterator[Client]:
    fresh = _empty(folder, settings)
    await _copy_log(settings, fresh, "billing-log")
    async with AsyncExitStack() as stack:
        clients: dict[ServiceName, httpx.AsyncClient] = {
            "ticket": await stack.enter_async_context(httpx.AsyncClient(base_url=urls[0], timeout=30))
        }
        for name, create_app in FOLLOWERS.items():
            app = create_app(fresh, Stopping(), httpx.AsyncClient(base_url=urls[0]))
            await stack.enter_async_context(app.router.lifespan_context(app))
            over_asgi = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{name}")
            clients[name] = await stack.enter_async_context(over_asgi)
        replaying = Client(clients, client.token)
        assert await replaying.caught_up(120), "the replay came to no end"
        yield replaying


def _empty(folder: Path, settings: Settings) -> Settings:
    folder.mkdir()
    return Settings(var=folder, key_file=settings.keys)


async def _copy_log(settings: Settings, fresh: Settings, name: str) -> None:
    source, copy = open_log(settings, name), open_log(fresh, name)
    after = 0
    while lines := await source.read_feed(after, 1_000):
        envelopes = [read_line(each.line) for each in lines]
        await copy.append(
            [
                NewEvent(stream=envelope.stream, version=envelope.version, type=envelope.type, line=each.line)
                for each, envelope in zip(lines, envelopes, strict=True)
            ]
        )
        after = lines[-1].position
    for log in (source, copy):
        await log.close()


@pytest.fixture
def replayed() -> Callable[..., Any]:
    """SLA and billing from nothing but the logs, in a folder of their own, once they have caught up."""
    return _replayed


@pytest.fixture
def three_free_ports() -> int:
    """The first of three free ports in a row."""
    for _ in range(200):
        first = random.randrange(20_000, 32_000)  # noqa: S311 - ports are no secret
        try:
            for port in range(first, first + 3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no three free ports in a row")
