"""The list of charges on which somebody has to decide, over all accounts of a provider."""

from __future__ import annotations

import csv
import io
from typing import Any

from fristwerk_platform.settings import Settings
from tests.billing_service.application.conftest import Vendor, VendorOn

CHARGE = {"decision": "charge", "reason": "war vorbereitet"}


async def opened(vendor: Vendor) -> dict[str, tuple[str, str, str]]:
    """Two customers with a charge each, and one whose work needs no decision: customer, contract and charge."""
    found = {}
    for name in ("first", "second"):
        customer, contract = await vendor.signed()
        _, charge = await vendor.cancelled_late(customer)
        found[name] = (customer, contract, charge)
    customer, contract = await vendor.signed()
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 20)
    return found | {"none": (customer, contract, "")}


async def ids(vendor: Vendor, **params: Any) -> list[str]:
    return [each["id"] for each in (await vendor.read("/v1/charges", **params))["items"]]


async def test_open_decisions_of_all_accounts_are_listed_until_they_are_taken(vendor: Vendor) -> None:
    found = await opened(vendor)
    first, second = found["first"], found["second"]
    everything = await vendor.read("/v1/charges", total="true")
    assert {each["id"] for each in everything["items"]} == {first[2], second[2]}
    assert everything["total"] == 2
    of_ticket = {(each["account"], each["contract"], each["customer"]) for each in everything["items"]}
    assert of_ticket == {(each[1], each[1], each[0]) for each in (first, second)}
    assert {(each["state"], each["amount"]["amount"]) for each in everything["items"]} == {("proposed", "292.50")}

    assert (await vendor.post(f"/v1/charges/{first[2]}/decision", CHARGE)).status_code == 201
    assert await ids(vendor) == [second[2]]
    assert await ids(vendor, until="2026-06-01") == []


async def test_open_decisions_are_filtered_paged_and_written_as_csv(vendor: Vendor) -> None:
    found = await opened(vendor)
    first, second = found["first"], found["second"]
    assert await ids(vendor, customer=first[0]) == [first[2]]
    assert await ids(vendor, contract=second[1]) == [second[2]]
    assert await ids(vendor, contract=second[1], customer=first[0]) == []
    assert await ids(vendor, customer=found["none"][0]) == []

    page = await vendor.get("/v1/charges", limit=1)
    link = page.headers["Link"].split(">")[0][1:]
    rest = (await vendor.get(link)).json()["items"]
    assert [each["id"] for each in [*page.json()["items"], *rest]] == await ids(vendor)
    table = csv.DictReader(io.StringIO((await vendor.get("/v1/charges", format="csv", limit=1)).text))
    assert [(row["id"], row["amount"], row["currency"]) for row in table] == [
        (each, "292.50", "CHF") for each in await ids(vendor)
    ]


async def test_open_decisions_are_those_of_who_asks(vendor: Vendor) -> None:
    found = await opened(vendor)
    customer, contract, charge = found["first"]
    own = (await vendor.get("/v1/charges", "customer", customer)).json()["items"]
    assert [each["id"] for each in own] == [charge]
    other = await vendor.get("/v1/charges", "customer", customer, customer=found["second"][0])
    assert other.status_code == 403
    foreign = await vendor.get("/v1/charges", "customer", customer, contract=found["second"][1])
    assert foreign.json()["items"] == []
    assert (await vendor.of("hamburg").get("/v1/charges", contract=contract)).json()["items"] == []
    for role in ("admin", "agent", "specialist", "manager", "auditor"):
        assert len((await vendor.get("/v1/charges", role)).json()["items"]) == 2
    assert (await vendor.get("/v1/charges", "service")).status_code == 403


async def test_open_decisions_are_found_in_either_database(services_settings: Settings, vendor_on: VendorOn) -> None:
    async with vendor_on(services_settings) as vendor:
        await vendor.publish("calendars/infoniqa", "agreements/infoniqa")
        found = await opened(vendor)
        assert sorted(await ids(vendor)) == sorted(each[2] for each in found.values() if each[2])
