"""An issued document says what it was computed from, and is computed again from exactly that."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

from billing_service.domain.facts.account_row import AccountRow
from billing_service.projections.tables import metadata
from billing_service.queries.accounts import ALL, AccountQueries
from fristwerk_language.events.billing import InvoiceBasis
from fristwerk_platform.read_models import sqlite_database
from tests.billing_service.application.conftest import Vendor, VendorOn
from tests.billing_service.application.test_replay import audited

JUNE = "2026-06-30"


async def finished(vendor: Vendor, begun: str) -> None:
    for _ in range(500):
        if (await vendor.read(f"/v1/invoice-runs/{begun}"))["run"]["state"] == "done":
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the run does not end")


async def test_an_invoice_and_its_credit_note_name_their_accounts_and_the_last_fact(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)
    await vendor.caught_up()
    page = await vendor.tickets.get("/v1/events", headers=vendor.headers("service"))
    logged = [each for each in map(json.loads, page.content.splitlines()) if each["type"] == "TimeLogged"]

    await vendor.issue(contract=contract)
    await vendor.post("/v1/invoices/1/credit-note", {"reason": "Falsche Anschrift"})

    bases = [each["data"]["basis"] for each in await vendor.own_events()]
    assert bases == [{"accounts": [contract], "last_fact": logged[-1]["id"]}] * 2


async def test_facts_and_agreements_count_up_to_a_position(folder: Path, vendor_on: VendorOn) -> None:
    """What the read model takes in while a document is being computed is left to the next one."""
    async with vendor_on(folder) as vendor, AsyncExitStack() as opened:
        customer, contract = await vendor.signed()
        ticket = await vendor.ticket(customer)
        known = await vendor.work(ticket, "2026-06-17T14:00:00+02:00", 60)
        database = sqlite_database(folder / "billing.db", metadata)
        opened.push_async_callback(database.close)
        queries = AccountQueries(database)
        row = AccountRow(account=contract, provider="infoniqa", customer=customer, kind="contract")
        position = await queries.followed()
        await vendor.work(ticket, "2026-06-18T14:00:00+02:00", 45)

        assert await queries.followed() > position
        assert len(await queries.fact_lines(row, position)) == len(await queries.fact_lines(row)) - 1
        assert await queries.basis([row], position) == InvoiceBasis(accounts=[contract], last_fact=known)
        assert (await queries.basis([row], ALL)).last_fact != known
        assert await queries.agreements("infoniqa", 0) == {}
        assert await queries.agreements("infoniqa", position) == await queries.agreements("infoniqa")


async def test_a_run_over_work_without_a_contract_is_computed_from_that_account_alone(
    folder: Path, vendor_on: VendorOn
) -> None:
    async with vendor_on(folder) as vendor:
        customer = await vendor.customer()
        before = await vendor.ticket(customer)
        await vendor.work(before, "2026-06-17T14:00:00+02:00", 30)
        contract = await vendor.contract(customer)
        await vendor.work(await vendor.ticket(customer), "2026-06-18T14:00:00+02:00", 45)
        await vendor.work(before, "2026-06-19T14:00:00+02:00", 15)
        begun = await vendor.post("/v1/invoice-runs", {"until": JUNE})
        await finished(vendor, begun.json()["run"]["id"])
        issued = await vendor.own_events()
        assert {each["data"]["basis"]["accounts"][0] for each in issued} == {customer, contract}
    found, _ = await audited(folder)

    assert found.differences == ()
