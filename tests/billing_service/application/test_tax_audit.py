"""The data carrier of a tax audit: described by the standard, equal for an equal log, and its sums are the invoices'."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest

from billing_service.application import tax_audit
from billing_service.domain.tax_audit.rows import carrier_rows
from fristwerk_platform.http.queries import csv_cell
from tests.billing_service.application.conftest import Vendor, VendorOn, busy
from tests.description_standard import Carrier, check_sums, violations

YEARS = {"from": "2026-01-01", "until": "2027-12-31"}
PATH = "/v1/audit/gobd"


async def taken(vendor: Vendor, role: str = "auditor", **days: str) -> bytes:
    """The carrier's bytes."""
    answer = await vendor.get(PATH, role, **(YEARS | days))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip"), answer.text
    return bytes(answer.content)


async def test_the_sums_of_the_carrier_are_the_invoices(vendor: Vendor) -> None:
    await busy(vendor)
    carrier = Carrier(await taken(vendor))
    carrier.check()

    issued = (await vendor.read("/v1/invoices", limit=200))["items"]
    rows = carrier.rows("Belege")
    assert [row["Belegnummer"] for row in rows] == [each["number"] for each in issued]
    assert {row["Art"] for row in rows} == {"invoice", "credit_note"}
    check_sums(carrier, issued)
    references = [(row["Belegnummer"], row["Bezug"]) for row in carrier.rows("Bezuege")]
    assert references == [(each["number"], other) for each in issued for other in each["refers_to"]]
    lines = (await vendor.read("/v1/lines", limit=200))["items"]
    assert [(row["Belegnummer"], row["Position"], row["Minuten"]) for row in carrier.rows("Positionen")] == [
        (each["invoice"], each["n"], Decimal(str(each["minutes"]))) for each in lines
    ]


async def test_the_prices_are_those_of_the_agreements_and_lines_name_their_version(vendor: Vendor) -> None:
    await busy(vendor)
    carrier = Carrier(await taken(vendor))
    prices = {row["Klausel"]: row["Betrag"] for row in carrier.rows("Preise")}
    assert prices["/billing/hourly/rate"] == Decimal("195.00")
    versions = {(row["Vereinbarung"], row["Version"]) for row in carrier.rows("Preise")}
    assert {(row["Vereinbarung"], row["Version"]) for row in carrier.rows("Positionen")} <= versions


async def test_others_are_served_while_the_rows_of_many_years_are_made(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_by: list[threading.Thread] = []

    def noted(*given: Any) -> Any:
        made_by.append(threading.current_thread())
        return carrier_rows(*given)

    monkeypatch.setattr(tax_audit, "carrier_rows", noted)
    await taken(vendor)

    assert len(made_by) == 1
    assert made_by[0] is not threading.current_thread()


async def test_the_same_log_gives_the_same_bytes_also_after_a_restart(vendor_on: VendorOn, folder: Any) -> None:
    async with vendor_on(folder) as vendor:
        await busy(vendor)
        first = await taken(vendor)
        assert await taken(vendor, "billing") == first
        position = await vendor.stored()
    async with vendor_on(folder) as vendor:
        assert await vendor.stored() == position
        assert await taken(vendor) == first


async def test_private_recipients_and_what_a_spreadsheet_would_run_are_written_as_elsewhere(vendor: Vendor) -> None:
    evil = {"name": '=HYPERLINK("x";"y")', "kind": "person", "address": "Seeweg 7\n6003 Luzern"}
    customer = await vendor.customer(**evil)
    contract = await vendor.contract(customer)
    await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)
    await vendor.issue(contract=contract)
    answer = await vendor.post("/v1/invoices/1/credit-note", {"reason": '-falsch; "so"', "then": "waive"})
    assert answer.status_code == 201, answer.text

    carrier = Carrier(await taken(vendor))

    carrier.check()
    first, second = carrier.rows("Empfaenger")
    assert first["Name"] == second["Name"] == csv_cell(evil["name"]) == '\'=HYPERLINK("x";"y")'
    assert first["Anschrift"] == "Seeweg 7, 6003 Luzern"
    note = carrier.rows("Belege")[1]
    assert (note["Grund"], note["Netto"]) == ('\'-falsch; "so"', Decimal("-195.00"))
    assert carrier.rows("Bezuege") == [{"Belegnummer": 2, "Bezug": 1, "Storno": "ja"}]


async def test_only_the_days_asked_for_and_only_the_own_providers(vendor: Vendor) -> None:
    customer, contract = await vendor.signed()
    ticket = await vendor.ticket(customer)
    for day in ("2026-06-30", "2026-07-01"):
        await vendor.work(ticket, "2026-06-17T14:00:00+02:00", 60)
        await vendor.issue(contract=contract, occurred_at=f"{day}T10:00:00Z")
    for days, numbers in (
        ({"until": "2026-06-30"}, [1]),
        ({"from": "2026-07-01"}, [2]),
        ({"from": "2026-06-30", "until": "2026-07-01"}, [1, 2]),
        ({"until": "2026-06-29"}, []),
    ):
        carrier = Carrier(await taken(vendor, **days))
        carrier.check()
        assert [row["Belegnummer"] for row in carrier.rows("Belege")] == numbers
    for role in ("agent", "manager", "service", "admin"):
        assert (await vendor.get(PATH, role, **YEARS)).status_code == 403
    assert (await vendor.get(PATH, "auditor")).status_code == 422


async def test_what_is_against_the_standard_is_found(vendor: Vendor) -> None:
    """So that the check above can fail."""
    carrier = Carrier(await taken(vendor))
    assert violations(carrier.root) == []
    table = next(iter(carrier.root.iter("Table")))
    validity = table.find("Validity")
    assert validity is not None
    table.remove(validity)
    table.append(validity)
    assert len(violations(carrier.root)) == 1
