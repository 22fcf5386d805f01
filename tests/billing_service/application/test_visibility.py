"""A customer sees what it owes and why, not who decided it on the vendor's side nor what a clerk should look at."""

from __future__ import annotations

from typing import Any

import pytest

from billing_service.application.visibility import DOCUMENT_SHOWS, PREVIEW_SHOWS, WAIVER_HIDES
from tests.billing_service.application.conftest import Vendor

JUNE = "2026-06-30"
MARK = "hausintern"
DOCUMENT_HIDES = {"issued_by", "remarks"}
PREVIEW_HIDES = {"remarks", "violations"}


@pytest.fixture
async def waived(vendor: Vendor) -> dict[str, str]:
    """A customer with a waived charge, an invoiced one, and a note and an agent at every time entry."""
    customer, contract = await vendor.signed()
    ticket, charge = await vendor.cancelled_late(customer)
    inside = {"agent": f"{MARK}-agent", "note": f"{MARK}: DAU"}
    event = await vendor.work(ticket, "2026-06-17T14:00:00+02:00", 60, **inside)
    await vendor.post(f"/v1/charges/{charge}/decision", {"decision": "waive", "reason": f"{MARK}: Kulanz"})
    await vendor.issue(contract=contract)
    return {"customer": customer, "contract": contract, "ticket": ticket, "charge": charge, "event": event}


READS = (
    "/v1/contracts/{contract}/preview?until=2026-06-30",
    "/v1/customers/{customer}/preview?until=2026-06-30",
    "/v1/contracts/{contract}/balance",
    "/v1/tickets/{ticket}/charges",
    "/v1/charges",
    "/v1/charges/{charge}/trace",
    "/v1/charges/{charge}/trace?lang=de",
    "/v1/invoices",
    "/v1/invoices?format=csv",
    "/v1/invoices/1",
    "/v1/invoices/1?format=html",
    "/v1/invoices/1?format=text",
    "/v1/invoices/1/lines",
    "/v1/invoices/1/lines?format=csv",
    "/v1/lines",
    "/v1/lines?event={event}",
    "/v1/lines?format=csv",
)


@pytest.fixture
def seen(vendor: Vendor, waived: dict[str, str]) -> Any:
    async def read(path: str, role: str = "customer") -> Any:
        company = waived["customer"] if role == "customer" else None
        answer = await vendor.get(path.format(**waived), role, company)
        assert answer.status_code == 200, (path, answer.text)
        return answer

    return read


async def test_no_read_of_a_customer_tells_of_the_vendors_house(seen: Any, vendor: Vendor) -> None:
    reads = set()
    for path in READS:
        answer = await seen(path)
        assert MARK not in answer.text, path
        assert "issued_by" not in answer.text, path
        reads.add(path.partition("?")[0])
    described = (await vendor.billing.get("/openapi.json")).json()["paths"]
    known = {
        path
        for path, item in described.items()
        if path.startswith("/v1/")
        and "get" in item
        and not path.startswith(("/v1/events", "/v1/reports", "/v1/invoice-runs", "/v1/audit"))
    }
    tried = {path.replace("/1", "/{number}") for path in reads} | {"/v1/invoices/{number}/lines/{n}/trace"}
    assert tried == known, "a read that nobody tried"


async def test_the_vendor_reads_the_whole(seen: Any) -> None:
    trace = await seen("/v1/charges/{charge}/trace", "billing")
    assert f"{MARK}: Kulanz" in trace.text
    document = (await seen("/v1/invoices/1", "billing")).json()["invoice"]
    assert set(document) == DOCUMENT_SHOWS | DOCUMENT_HIDES, "say in the table whether a customer sees it"
    preview = (await seen(READS[0], "billing")).json()
    assert set(preview) == PREVIEW_SHOWS | PREVIEW_HIDES, "say in the table whether a customer sees it"


async def test_a_customer_sees_of_previews_and_documents_what_the_table_says(seen: Any) -> None:
    whole, preview = (await seen(READS[0], "billing")).json(), (await seen(READS[0])).json()
    assert set(preview) == PREVIEW_SHOWS
    assert preview["net"] == whole["net"]
    assert set((await seen("/v1/invoices/1")).json()["invoice"]) == DOCUMENT_SHOWS
    (listed,) = (await seen("/v1/invoices")).json()["items"]
    assert set(listed) < DOCUMENT_SHOWS
    assert "ETag" not in await headers(seen, "customer")
    assert "ETag" in await headers(seen, "billing")


async def headers(seen: Any, role: str) -> Any:
    return (await seen("/v1/invoices", role)).headers


async def test_a_customer_sees_a_waiver_without_who_decided_it_and_why(seen: Any) -> None:
    items = (await seen("/v1/charges/{charge}/trace")).json()["items"]
    waivers = [each for each in items if each["line"]["kind"] == "waiver"]
    assert waivers
    for each in waivers:
        assert all(each["line"]["basis"][name] == "" for name in WAIVER_HIDES)
        assert each["sentences"][-1] == "Der Anbieter verzichtet auf CHF 292.50."
