"""What attacks need: the three services in this process with one provider's data, and memory."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from fristwerk_language.roles import Role
from fristwerk_local.terminal_output import TERMS as SHIPPED
from fristwerk_platform.auth import Principal
from fristwerk_platform.settings import Settings
from tests.attack.grammar import Interface
from tests.billing_service.application.conftest import Vendor
from tests.conftest import services_on

PROVIDER = "infoniqa"
SECRETS = {
    "company": "Quittenhof AG",
    "person": "Frau Saxofon",
    "mail": "zebra@geheim.example",
    "matter": "Zirkusdirektion",
}
"""Words of the attacked provider's data that stand in no request."""
AGREEMENT = "agreements/infoniqa"
KEEPING_CALLS = b"\ncalls:\n  log_all: true\n"
"""So that there is a call without a ticket."""


class Target(msgspec.Struct, frozen=True):
    """The services, and what exists there for the provider ``infoniqa``."""

    vendor: Vendor
    existing: dict[str, str]
    reference: str

    def interfaces(self) -> list[Interface]:
        """The three descriptions with what exists."""
        return [
            Interface(name, app.openapi(), self.existing) for name, app in sorted(self.vendor.services.apps.items())
        ]

    def bearer(self, role: Role, provider: str = PROVIDER, **more: Any) -> dict[str, str]:
        """The header of somebody."""
        principal = Principal(sub=role, role=role, provider=provider, **more)
        return {"Authorization": f"Bearer {self.vendor.services.issue(principal)}", "Content-Type": "application/json"}


def megabytes() -> float:
    """What this process holds in memory, after the garbage was collected."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Nothing is logged: a traceback with every local takes seconds to print."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[Target]:
    """A company with a contract, a ticket with a proposed charge, an invoice with a credit note, and a call without a ticket."""
    async with services_on(Settings(var=tmp_path)) as services:
        vendor = Vendor(services, PROVIDER)
        await vendor.publish("calendars/infoniqa")
        await vendor.publish_text(AGREEMENT, (SHIPPED / f"{AGREEMENT}.yaml").read_bytes() + KEEPING_CALLS)
        contact = {"name": SECRETS["person"], "email": SECRETS["mail"]}
        customer = await vendor.customer(name=SECRETS["company"], contact=contact)
        contract = await vendor.contract(customer)
        ticket, charge = await vendor.cancelled_late(customer)
        other = await vendor.ticket(customer, subject=SECRETS["matter"], description=SECRETS["person"])
        event = await vendor.work(other, "2026-05-05T09:00:00+02:00", 50)
        await vendor.issue("2026-05-31", contract=contract)
        credited = await vendor.post("/v1/invoices/1/credit-note", {"reason": SECRETS["person"]})
        assert credited.status_code == 201, credited.text
        call = await vendor.tell(
            "/v1/calls", {"from": "+41 44 123 45 67", "started_at": "2026-05-04T08:00:00Z"}, "agent"
        )
        portal_user = {"user": "portal-muster", "email": SECRETS["mail"], "name": SECRETS["person"]}
        await vendor.tell(f"/v1/customers/{customer}/portal-users", portal_user)
        run = await vendor.post("/v1/invoice-runs", {"until": "2026-06-30"})
        shown = await vendor.tickets.get(f"/v1/tickets/{ticket}", headers=vendor.headers("agent"))
        existing = {
            "customer": customer,
            "contract": contract,
            "ticket": ticket,
            "call": call["call"]["id"],
            "charge": charge,
            "event": event,
            "number": "1",
            "n": "1",
            "version": "1",
            "entry": "e-1",
            "addon": "dedicated_support",
            "agent": "agent-3",
            "user": "portal-muster",
            "name": PROVIDER,
            "run": run.headers["Location"].rpartition("/")[2],
            "timer": f"{ticket}:first_response",
            "simulation": "none",
            "migration": "none",
        }
        yield Target(vendor, existing, shown.json()["ticket"]["reference"])
