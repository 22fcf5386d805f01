"""The vendor's people at work: the three services in this process, and whoever tells the ticket service and asks billing."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import structlog

from fristwerk_language.roles import Role
from fristwerk_platform.settings import Settings
from tests.conftest import ServicesInOneProcess

TERMS = Path(__file__).parents[3] / "deploy/local/src/fristwerk_local/terms"


class Vendor:
    """The people of one provider; each call names the role."""

    def __init__(self, services: ServicesInOneProcess, provider: str = "infoniqa") -> None:
        self.services = services
        self.provider = provider
        self.tickets: httpx.AsyncClient = services.clients["ticket"]
        self.billing: httpx.AsyncClient = services.clients["billing"]

    def of(self, provider: str) -> Vendor:
        """Another provider's people, on the same services."""
        return Vendor(self.services, provider)

    def headers(self, role: str, company: str | None = None) -> dict[str, str]:
        more: dict[str, str] = {} if company is None else {"customer": company}
        return self.services.headers(cast("Role", role), self.provider, **more)

    async def get(self, path: str, role: str = "billing", company: str | None = None, **params: Any) -> httpx.Response:
        return await self.billing.get(path, headers=self.headers(role, company), params=params or None)

    async def read(self, path: str, role: str = "billing", **params: Any) -> Any:
        answer = await self.get(path, role, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(
        self, path: str, body: Any = None, role: str = "billing", company: str | None = None, **headers: str
    ) -> httpx.Response:
        given = self.headers(role, company) | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.billing.post(path, json=body or {}, headers=given)

    async def tell(self, path: str, body: Any, role: str = "admin") -> Any:
        """A command to the ticket service."""
        answer = await self.tickets.post(path, json=body, headers=self.headers(role))
        assert answer.is_success, answer.text
        return answer.json()

    async def publish(self, *documents: str) -> None:
        """Publish shipped terms, such as ``agreements/infoniqa``."""
        for document in documents:
            await self.publish_text(document, (TERMS / f"{document}.yaml").read_bytes())

    async def publish_text(self, document: str, text: bytes) -> None:
        headers = self.headers("admin") | {"Content-Type": "application/yaml"}
        answer = await self.tickets.put(f"/v1/{document}", content=text, headers=headers)
        assert answer.is_success, answer.text

    async def customer(self, **given: Any) -> str:
        body = {"name": "Muster Treuhand AG", "kind": "company", "country": "CH", "language": "de-CH"} | given
        return str((await self.tell("/v1/customers", body))["customer"]["id"])

    async def contract(self, customer: str, **given: Any) -> str:
        body = {"agreement": self.provider, "plan": "on_demand", "from": "2026-01-01"} | given
        told = await self.tell(f"/v1/customers/{customer}/contracts", body)
        await self.caught_up()
        return str(told["contract"]["id"])

    async def signed(self, **given: Any) -> tuple[str, str]:
        """A new customer with a contract: their ids."""
        customer = await self.customer()
        return customer, await self.contract(customer, **given)

    async def ticket(self, customer: str, received_at: str = "2026-05-04T08:00:00+02:00", **given: Any) -> str:
        body = {
            "customer": customer,
            "received_at": received_at,
            "channel": "email",
            "type": "normal",
            "subject": "Druck",
            "description": "Ränder",
        }
        return str((await self.tell("/v1/tickets", body | given, "agent"))["ticket"]["id"])

    async def work(self, ticket: str, start: str, minutes: int, **given: Any) -> str:
        """Log work and wait until billing knows it; the id of the event."""
        body = {"start": start, "minutes": minutes, "activity": "help", "agent": "agent-3", "occurred_at": start}
        told = await self.tell(f"/v1/tickets/{ticket}/time-entries", body | given, "agent")
        await self.caught_up()
        return str(told["events"][0]["id"])

    async def command(self, ticket: str, name: str, body: Any, role: str = "agent") -> Any:
        told = await self.tell(f"/v1/tickets/{ticket}/{name}", body, role)
        await self.caught_up()
        return told

    async def cancelled_late(self, customer: str, preparation: int = 90) -> tuple[str, str]:
        """An appointment that was prepared and called off too late: the ticket and the id of the proposed charge."""
        ticket = await self.ticket(customer, "2026-06-10T09:00:00+02:00", type="year_end_closing")
        proposals = ["2026-06-25T09:00:00+02:00", "2026-06-26T09:00:00+02:00", "2026-06-29T13:00:00+02:00"]
        wanted = {"kind": "year_end_closing", "proposals": proposals, "occurred_at": "2026-06-10T09:10:00+02:00"}
        await self.command(ticket, "appointments", wanted)
        booking = {"start": proposals[0], "occurred_at": "2026-06-10T10:00:00+02:00"}
        await self.command(ticket, "appointments/1/booking", booking)
        await self.work(ticket, "2026-06-22T14:00:00+02:00", preparation, activity="preparation", appointment=1)
        called_off = {"by": "customer", "written": True, "reason": "krank", "occurred_at": "2026-06-24T10:00:00+02:00"}
        await self.command(ticket, "appointments/1/cancellation", called_off)
        charges = (await self.read(f"/v1/tickets/{ticket}/charges"))["items"]
        return ticket, next(each["id"] for each in charges if each["state"] == "proposed")

    async def caught_up(self) -> None:
        """Billing has applied everything that the ticket service recorded."""
        page = await self.tickets.get("/v1/events", params={"after": 2**62}, headers=self.headers("service"))
        last = int(page.headers["Fristwerk-Last-Position"])
        for _ in range(500):
            feeds = (await self.billing.get("/health/ready")).json()["feeds"]
            if feeds["ticket-service"]["position"] >= last:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"billing did not catch up: {feeds}")

    async def issue(self, until: str = "2026-06-30", role: str = "billing", **body: Any) -> Any:
        """The document that is issued."""
        answer = await self.post("/v1/invoices", {"until": until} | body, role)
        assert answer.status_code == 201, answer.text
        return answer.json()["invoice"]

    async def refused(self, status: int, code: str, path: str, body: Any, role: str = "billing", **headers: str) -> Any:
        """The command is refused so, and nothing is stored by it."""
        before = await self.stored()
        answer = await self.post(path, body, role, **headers)
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}"), answer.text
        assert await self.stored() == before
        return answer.json()

    async def stored(self) -> int:
        """How far billing's own log goes."""
        page = await self.get("/v1/events", "service", after=2**62)
        return int(page.headers["Fristwerk-Last-Position"])

    async def own_events(self) -> list[Any]:
        page = await self.get("/v1/events", "service")
        return [httpx.Response(200, content=line).json() for line in page.content.splitlines()]


Services = Callable[[Settings], AbstractAsyncContextManager[Any]]
VendorOn = Callable[[Path | Settings], AbstractAsyncContextManager[Vendor]]


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    """Nothing is logged: a traceback with every local takes seconds to print."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory, open_services: Services) -> Path:
    """A folder on which the provider infoniqa has published its terms; tests work on copies."""
    folder = tmp_path_factory.mktemp("furnished")

    async def furnish() -> None:
        async with open_services(Settings(var=folder)) as services:
            vendor = Vendor(services)
            await vendor.publish("calendars/infoniqa", "agreements/infoniqa")
            await vendor.caught_up()

    asyncio.run(furnish())
    return folder


@pytest.fixture
def folder(furnished: Path, tmp_path: Path) -> Path:
    """A folder of the test's own with infoniqa's terms."""
    shutil.copytree(furnished, tmp_path / "var")
    return tmp_path / "var"


@pytest.fixture
def vendor_on(open_services: Services) -> VendorOn:
    """Opens the services on a folder or on settings: for a second start, or on another database."""

    @asynccontextmanager
    async def opened(where: Path | Settings) -> AsyncIterator[Vendor]:
        async with open_services(where if isinstance(where, Settings) else Settings(var=where)) as services:
            yield Vendor(services)

    return opened


@pytest.fixture
async def vendor(folder: Path, vendor_on: VendorOn) -> AsyncIterator[Vendor]:
    """The provider infoniqa, with its terms."""
    async with vendor_on(folder) as opened:
        yield opened


async def busy(vendor: Vendor) -> None:
    """Two companies and a person: prepaid and hourly work, a decision, invoices, a credit note, and work without a contract."""
    first, prepaid = await vendor.signed(plan="m", package_hours=4)
    second, hourly = await vendor.signed()
    alone = await vendor.customer()
    for customer, minutes in ((first, 255), (second, 40), (second, 35), (alone, 25)):
        await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", minutes)
    _, charge = await vendor.cancelled_late(second)
    decision = {"decision": "charge", "reason": "Zu spät abgesagt."}
    assert (await vendor.post(f"/v1/charges/{charge}/decision", decision)).is_success
    for contract in (prepaid, hourly):
        await vendor.issue(contract=contract)
    assert (await vendor.post("/v1/invoices/1/credit-note", {"reason": "Falsche Anschrift"})).status_code == 201
    await vendor.issue(contract=prepaid)
    assert len((await vendor.read("/v1/invoices"))["items"]) == 4  # so the read model has them all


@pytest.fixture(scope="session")
def busy_folder(furnished: Path, tmp_path_factory: pytest.TempPathFactory, open_services: Services) -> Path:
    folder = tmp_path_factory.mktemp("busy") / "var"
    shutil.copytree(furnished, folder)

    async def work() -> None:
        async with open_services(Settings(var=folder)) as services:
            await busy(Vendor(services))

    asyncio.run(work())
    return folder


@pytest.fixture
def copied(busy_folder: Path, tmp_path: Path) -> Path:
    """A copy of the busy folder."""
    shutil.copytree(busy_folder, tmp_path / "var")
    return tmp_path / "var"
