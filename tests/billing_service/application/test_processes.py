"""Billing as processes of its own: two at once on one folder, and kill -9 in the middle of a run of 200 invoices."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from fristwerk_language.events import Event, customers, new_event_id, terms, tickets, type_name
from fristwerk_language.roles import TOKEN_ROLES, Role
from fristwerk_language.terms import agreement_document, canonical, digest, read_yaml
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.event_log import NewEvent, SqliteEventLog
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys
from tests.ports import free_ports
from tests.stored_line import stored_line

JUNE = "2026-06-30"
OPENED_AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
AGREEMENT = Path(__file__).parents[3] / "deploy/local/src/fristwerk_local/terms/agreements/infoniqa.yaml"
PATIENCE_SECONDS = 60


class Writer:
    """Writes a ticket service's log as if its commands had been given."""

    def __init__(self) -> None:
        self.events: list[NewEvent] = []
        self._versions: dict[str, int] = {}

    def tell(self, provider: str, stream: str, event: Event, at: datetime = OPENED_AT) -> None:
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        line = stored_line(
            event,
            stream,
            version,
            at,
            event_id=new_event_id(at, len(self.events).to_bytes(10, "big")),
            provider=provider,
        )
        self.events.append(NewEvent(stream=stream, version=version, type=type_name(event), line=line))

    def vendor(self, provider: str, contracts: int) -> None:
        """A provider with so many contracts, each with a ticket and three entries that differ from the others'."""
        document = canonical(agreement_document(read_yaml(AGREEMENT.read_bytes())))
        published = terms.AgreementPublished(name="infoniqa", version=1, document=document, digest=digest(document))
        self.tell(provider, f"agreement-{provider}.infoniqa", published)
        for number in range(contracts):
            self.contract(provider, f"{provider}-{number:04}", number)

    def contract(self, provider: str, name: str, number: int) -> None:
        customer, contract, ticket = f"customer-of-{name}", name, f"ticket-of-{name}"
        company = customers.CustomerRegistered(customer=customer, kind="company", country="CH", name=f"Firma {name}")
        self.tell(provider, f"customer-{customer}", company)
        signed = customers.ContractSigned(
            contract=contract,
            customer=customer,
            agreement="infoniqa",
            agreement_version=1,
            plan="on_demand",
            from_on=date(2026, 1, 1),
        )
        self.tell(provider, f"contract-{contract}", signed)
        created = tickets.TicketCreated(
            reference=f"INF-{name}",
            customer=customer,
            contract=contract,
            agreement="infoniqa",
            agreement_version=1,
            calendar="infoniqa",
            calendar_version=1,
            plan="on_demand",
            type="normal",
            channel="email",
            received_at=OPENED_AT,
            entitled=True,
            entitled_by="contract",
            entitled_why="contract",
        )
        self.tell(provider, f"ticket-{ticket}", created)
        for entry in range(3):
            start = OPENED_AT + timedelta(days=entry, minutes=number)
            logged = tickets.TimeLogged(
                entry=f"{name}-{entry}", start=start, minutes=10 + number % 90, activity="help", agent="agent-1"
            )
            self.tell(provider, f"ticket-{ticket}", logged, start + timedelta(hours=2))


class Processes:
    """A ticket service, and as many billing services as a test starts, on one folder."""

    def __init__(self, folder: Path) -> None:
        self.events = 0
        self.first = 0
        self.folder = folder
        [self.ticket_port] = free_ports(1)
        self.running: dict[int, subprocess.Popen[bytes]] = {}

    def environment(self, port: int) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
            "FRISTWERK_VAR": str(self.folder),
            "FRISTWERK_PORT": str(port),
            "FRISTWERK_TICKET_URL": f"http://127.0.0.1:{self.ticket_port}",
            "FRISTWERK_BILLING_URL": f"http://127.0.0.1:{port}",
            "FRISTWERK_LOG_LEVEL": "error",
        }

    def start(self, service: str, port: int) -> None:
        command = [sys.executable, "-m", f"{service}_service", "serve"]
        self.running[port] = subprocess.Popen(command, env=self.environment(port))  # noqa: S603 - our own

    def kill(self, port: int) -> None:
        self.running[port].send_signal(signal.SIGKILL)
        self.running.pop(port).wait()

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(PATIENCE_SECONDS)

    def client(self, port: int, provider: str, role: Role = "billing") -> httpx.AsyncClient:
        settings = Settings(var=self.folder)
        tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
        token = tokens.issue(Principal(sub=role, role=role, provider=provider), now=datetime.now(UTC))
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30)


async def ready(port: int, events: int) -> None:
    """The billing service answers and has applied so many events of the ticket service."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        while time.monotonic() < ends_at:
            try:
                feeds = (await client.get("/health/ready")).json()["feeds"]
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if feeds["ticket-service"]["position"] >= events and feeds["own log"]["lag_events"] == 0:
                return
            await asyncio.sleep(0.05)
    raise AssertionError(f"billing on port {port} is not ready")


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """A ticket service whose log tells of two providers, and a billing service on port ``first``."""
    folder = tmp_path_factory.mktemp("processes")
    writer = Writer()
    for provider, contracts in (("clerks", 20), ("killed", 200)):
        writer.vendor(provider, contracts)
    found = Processes(folder)
    found.events = len(writer.events)

    async def fill() -> None:
        log = SqliteEventLog(folder / "tickets-log.db")
        await log.append(writer.events)
        await log.close()

    asyncio.run(fill())
    found.start("ticket", found.ticket_port)
    [found.first] = free_ports(1)
    found.start("billing", found.first)
    asyncio.run(ready(found.first, found.events))
    yield found
    found.stop()


async def pages(client: httpx.AsyncClient, path: str, **params: Any) -> list[Any]:
    """All items of a list."""
    items: list[Any] = []
    following: str | None = path
    while following is not None:
        answer = await client.get(following, params=params or None)
        items += answer.json()["items"]
        following, params = answer.links.get("next", {}).get("url"), {}
    return items


async def reached(client: httpx.AsyncClient, path: str, done: int) -> dict[str, Any]:
    """The run, once so many accounts had their turn."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        run = (await client.get(path)).json()["run"]
        if run["done"] >= done:
            found: dict[str, Any] = run
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"the run does not get on: {run}")


async def test_two_clerks_at_two_processes_bill_each_contract_once(processes: Any) -> None:
    [second] = free_ports(1)
    processes.start("billing", second)
    await ready(second, processes.events)
    contracts = [f"clerks-{number:04}" for number in range(20)]
    async with processes.client(processes.first, "clerks") as one, processes.client(second, "clerks") as other:

        async def clerk(client: httpx.AsyncClient) -> list[int]:
            return [
                (await client.post("/v1/invoices", json={"contract": contract, "until": JUNE})).status_code
                for contract in contracts
            ]

        answers = await asyncio.gather(clerk(one), clerk(other))
        listed = await pages(one, "/v1/invoices", limit=200)

    assert [sorted(both) for both in zip(*answers, strict=True)] == [[201, 409]] * 20
    assert [each["number"] for each in listed] == list(range(1, 21))
    assert sorted(each["contract"] for each in listed) == contracts
    processes.kill(second)


async def test_kill_9_in_the_middle_of_a_run_leaves_no_gap_and_bills_nobody_twice(processes: Any) -> None:
    async with processes.client(processes.first, "killed") as client:
        begun = await client.post("/v1/invoice-runs", json={"until": JUNE}, headers={"Idempotency-Key": "june"})
        path = begun.headers["Location"]
        before = await reached(client, path, 80)
        processes.kill(processes.first)
        processes.start("billing", processes.first)
        await ready(processes.first, processes.events)
        run = await reached(client, path, 200)
        listed = await pages(client, "/v1/invoices", limit=200)
        rows = await pages(client, "/v1/reports/reconciliation", until=JUNE, limit=200)

    assert before["done"] < 200, "it was killed in the middle"
    assert (run["done"], run["skipped"], run["failed"]) == (200, [], [])
    assert [each["number"] for each in listed] == list(range(1, 201))
    assert {each["contract"]: each["number"] for each in listed} == {
        each["account"]: each["number"] for each in run["issued"]
    }
    assert {each["contract"]: each["net"] for each in listed} == {each["account"]: each["net"] for each in rows}
    assert all(each["open"]["amount"] == "0.00" for each in rows)
