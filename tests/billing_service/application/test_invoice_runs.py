"""Invoice runs: every contract in the background, none twice, each with what became of it."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from fristwerk_platform.settings import Settings
from tests.billing_service.application.conftest import Vendor, VendorOn

JUNE = "2026-06-30"


async def finished(vendor: Vendor, answer: Any) -> dict[str, Any]:
    """The run, once all accounts had their turn."""
    assert answer.status_code == 202, answer.text
    path = answer.headers["Location"]
    for _ in range(500):
        run: dict[str, Any] = (await vendor.read(path))["run"]
        if run["state"] == "done":
            return run
        await asyncio.sleep(0.02)
    raise AssertionError(f"the run does not end: {run}")


async def test_a_run_invoices_everybody_and_says_why_somebody_was_left_out(vendor: Vendor) -> None:
    worked_for, nothing_to_do, undecided = [await vendor.signed() for _ in range(3)]
    without_contract = await vendor.customer(name="Laufkunde")
    await vendor.work(await vendor.ticket(worked_for[0]), "2026-06-17T14:00:00+02:00", 60)
    await vendor.work(await vendor.ticket(without_contract), "2026-06-17T14:00:00+02:00", 30)
    await vendor.cancelled_late(undecided[0])

    run = await finished(vendor, await vendor.post("/v1/invoice-runs", {"until": JUNE}))

    assert (run["until"], run["total"], run["done"], run["failed"]) == (JUNE, 4, 4, [])
    assert {each["account"] for each in run["issued"]} == {worked_for[1], without_contract}
    assert sorted(each["number"] for each in run["issued"]) == [1, 2]
    assert {each["account"]: each["code"] for each in run["skipped"]} == {
        nothing_to_do[1]: "nothing-to-invoice",
        undecided[1]: "undecided-charges",
    }
    again = await finished(vendor, await vendor.post("/v1/invoice-runs", {"until": JUNE}))
    assert (again["issued"], again["done"]) == ([], 4)
    assert await vendor.stored() == 2


async def test_a_run_asked_for_twice_under_one_key_is_one_run(vendor: Vendor) -> None:
    customer, _ = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)

    first, second = await asyncio.gather(
        *(vendor.post("/v1/invoice-runs", {"until": JUNE}, Idempotency_Key="june-run") for _ in range(2))
    )
    third = await vendor.post("/v1/invoice-runs", {"until": JUNE}, Idempotency_Key="june-run")

    assert first.headers["Location"] == second.headers["Location"] == third.headers["Location"]
    assert third.headers["Idempotency-Replayed"] == "true"
    run = await finished(vendor, third)
    assert [each["number"] for each in run["issued"]] == [1]
    other = await vendor.post("/v1/invoice-runs", {"until": "2026-07-31"}, Idempotency_Key="june-run")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_runs_belong_to_their_provider_and_to_billing(vendor: Vendor) -> None:
    answer = await vendor.post("/v1/invoice-runs", {"until": JUNE})
    path = answer.headers["Location"]

    assert (await finished(vendor, answer))["total"] == 0
    assert (await vendor.of("hamburg").get(path)).status_code == 404
    assert (await vendor.get("/v1/invoice-runs/none")).json()["type"] == "/problems/run-not-found"
    assert (await vendor.get(path, "agent")).status_code == 403
    await vendor.refused(422, "invalid-request", "/v1/invoice-runs", {"until": "2026-06-31"})
    await vendor.refused(422, "until-too-far", "/v1/invoice-runs", {"until": "2095-01-01"})


async def test_two_clerks_at_once_bill_each_contract_once(vendor: Vendor) -> None:
    contracts = []
    for _ in range(6):
        customer, contract = await vendor.signed()
        await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)
        contracts.append(contract)

    answers = await asyncio.gather(
        *(vendor.post("/v1/invoices", {"contract": contract, "until": JUNE}) for contract in contracts * 2),
        *(vendor.post("/v1/invoice-runs", {"until": JUNE}) for _ in range(2)),
    )
    for answer in answers[-2:]:
        await finished(vendor, answer)

    assert {each.status_code for each in answers[:-2]} <= {201, 409}
    listed = (await vendor.read("/v1/invoices", limit=200))["items"]
    assert [each["number"] for each in listed] == [1, 2, 3, 4, 5, 6]
    assert sorted(each["contract"] for each in listed) == sorted(contracts)


async def test_on_either_database_issuing_crediting_and_running_come_to_the_same(
    services_settings: Settings, vendor_on: VendorOn
) -> None:
    async with vendor_on(services_settings) as vendor:
        await vendor.publish("calendars/infoniqa", "agreements/infoniqa")
        customer, contract = await vendor.signed(plan="m", package_hours=4)
        event = await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 255)
        await vendor.issue(contract=contract)
        await vendor.post("/v1/invoices/1/sent", {"channel": "email"})
        await vendor.post("/v1/invoices/1/credit-note", {"reason": "Adresse"})

        run = await finished(vendor, await vendor.post("/v1/invoice-runs", {"until": JUNE}, Idempotency_Key="june"))

        assert [each["number"] for each in run["issued"]] == [3]
        listed = (await vendor.read("/v1/invoices", contract=contract, until="2099-12-31"))["items"]
        assert [(each["number"], each["state"], each["net"]["amount"]) for each in listed] == [
            (1, "credited", "48.75"),
            (2, "issued", "-48.75"),
            (3, "issued", "48.75"),
        ]
        lines = (await vendor.read("/v1/lines", event=event))["items"]
        assert [(each["invoice"], each["kind"]) for each in lines] == [
            (number, kind) for number in (1, 2, 3) for kind in ("allowance", "overage")
        ]
        (row,) = (await vendor.read("/v1/reports/reconciliation"))["items"]
        assert (row["adds_up"], row["open"]["amount"]) == (True, "0.00")


async def test_a_run_that_was_interrupted_goes_on_with_the_next_start(folder: Path, vendor_on: VendorOn) -> None:
    contracts = []
    async with vendor_on(folder) as vendor:
        for _ in range(5):
            customer, contract = await vendor.signed()
            await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)
            contracts.append(contract)
        begun = await vendor.post("/v1/invoice-runs", {"until": JUNE})

    async with vendor_on(folder) as vendor:
        run = await finished(vendor, begun)
        assert sorted(each["account"] for each in run["issued"]) == sorted(contracts)
        assert await vendor.stored() == 5


async def test_a_run_killed_between_an_invoice_and_its_note_finds_the_invoice_again(
    folder: Path, vendor_on: VendorOn
) -> None:
    async with vendor_on(folder) as vendor:
        for _ in range(2):
            customer, _ = await vendor.signed()
            await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)
        begun = await vendor.post("/v1/invoice-runs", {"until": JUNE})
        before = await finished(vendor, begun)
    with sqlite3.connect(folder / "billing.db") as database:
        database.execute("UPDATE run_items SET outcome = NULL, number = NULL")
        database.execute("UPDATE runs SET ended_at = NULL")

    async with vendor_on(folder) as vendor:
        after = await finished(vendor, begun)
        assert after["issued"] == before["issued"]
        assert len(after["issued"]) == await vendor.stored() == 2
