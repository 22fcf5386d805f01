"""Balances as of an instant, as known at an instant, and where every logged minute went."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

from tests.billing_service.application.conftest import Vendor

PARTS = ("package", "hourly", "free", "held", "written_off", "waived", "not_rated")


async def test_a_balance_as_of_an_instant_knows_what_had_occurred(vendor: Vendor) -> None:
    customer, contract = await vendor.signed(plan="m", package_hours=4)
    ticket = await vendor.ticket(customer)
    await vendor.work(ticket, "2026-06-17T09:00:00+02:00", 50, occurred_at="2026-06-17T09:50:00+02:00")
    await vendor.work(ticket, "2026-06-17T14:00:00+02:00", 30, occurred_at="2026-06-17T14:30:00+02:00")
    path = f"/v1/contracts/{contract}/balance"

    for at, left in (
        ("2026-06-17T07:49:59Z", 240),
        ("2026-06-17T07:50:00Z", 180),
        ("2026-06-17T12:29:59Z", 180),
        ("2026-06-17T14:30:00+02:00", 150),
    ):
        assert (await vendor.read(path, at=at))["package_left_minutes"] == left
    now = await vendor.read(path)
    assert now["package_left_minutes"] == 150
    (package,) = now["packages"]
    assert (package["granted"], package["drawn"], package["expires_on"]) == (240, 90, "2026-12-31")


async def test_a_balance_as_known_at_an_instant_leaves_out_what_was_entered_later(vendor: Vendor) -> None:
    customer, contract = await vendor.signed(plan="m", package_hours=4)
    ticket = await vendor.ticket(customer)
    await vendor.work(ticket, "2026-06-17T09:00:00+02:00", 50)
    between = datetime.now(UTC).isoformat()
    await vendor.work(ticket, "2026-06-17T14:00:00+02:00", 30)
    path = f"/v1/contracts/{contract}/balance"

    assert (await vendor.read(path, known_at=between))["package_left_minutes"] == 180
    assert (await vendor.read(path))["package_left_minutes"] == 150


async def test_a_decision_is_open_until_it_was_taken(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    _, charge = await vendor.cancelled_late(customer)
    decision = {"decision": "waive", "reason": "Kulanz", "occurred_at": "2026-06-24T11:00:00+02:00"}
    await vendor.post(f"/v1/charges/{charge}/decision", decision)
    path = f"/v1/contracts/{contract}/balance"

    assert (await vendor.read(path, at="2026-06-24T08:30:00Z"))["open_decisions"] == [charge]
    assert (await vendor.read(path, at="2026-06-24T09:00:00Z"))["open_decisions"] == []


async def test_an_instant_or_day_that_is_none_is_refused(vendor: Vendor) -> None:
    _, contract = await vendor.signed()

    for name, value in (
        ("at", "2026-06-24"),
        ("at", "2026-06-24T09:00:00"),
        ("at", "9999-12-31T23:59:59Z"),
        ("known_at", "now"),
    ):
        assert (await vendor.get(f"/v1/contracts/{contract}/balance", **{name: value})).status_code == 422
    for value in ("2026-02-30", "9999-12-31", "0001-01-01"):
        assert (await vendor.get(f"/v1/contracts/{contract}/preview", until=value)).status_code == 422


async def test_every_logged_minute_of_every_contract_is_accounted_for(vendor: Vendor) -> None:
    customer, prepaid = await vendor.signed(plan="m", package_hours=4)
    first = await vendor.ticket(customer)
    await vendor.work(first, "2026-06-17T09:00:00+02:00", 250)
    other, on_demand = await vendor.signed()
    await vendor.work(await vendor.ticket(other), "2026-06-17T09:00:00+02:00", 20)
    await vendor.cancelled_late(other)
    _, idle = await vendor.signed()
    await vendor.issue(contract=prepaid)

    rows = {each["account"]: each for each in (await vendor.read("/v1/reports/reconciliation"))["items"]}

    assert set(rows) == {prepaid, on_demand, idle}
    for row in rows.values():
        assert row["logged"] == sum(row[part] for part in PARTS)
        assert row["adds_up"]
    assert [rows[prepaid][name] for name in ("logged", "package", "hourly")] == [250, 240, 10]
    assert [rows[on_demand][name] for name in ("logged", "hourly", "not_rated")] == [110, 20, 90]
    assert rows[idle]["logged"] == 0
    assert [rows[prepaid][name]["amount"] for name in ("net", "invoiced", "open")] == ["48.75", "48.75", "0.00"]
    assert [rows[on_demand][name]["amount"] for name in ("net", "invoiced", "open")] == ["100.00", "0.00", "100.00"]


async def test_the_report_goes_on_page_by_page_and_as_one_table(vendor: Vendor) -> None:
    contracts = [(await vendor.signed())[1] for _ in range(3)]

    first = await vendor.get("/v1/reports/reconciliation", limit=2)
    following = await vendor.get(first.links["next"]["url"])
    table = await vendor.get("/v1/reports/reconciliation", format="csv", limit=1)
    one = await vendor.get("/v1/reports/reconciliation", format="csv", contract=contracts[1])

    paged = [each["account"] for each in first.json()["items"] + following.json()["items"]]
    assert paged == sorted(contracts)
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert [row["account"] for row in csv.DictReader(io.StringIO(table.text))] == paged
    assert [row["account"] for row in csv.DictReader(io.StringIO(one.text))] == [contracts[1]]
    assert (await vendor.get("/v1/reports/reconciliation", contract="nobody")).status_code == 404
