"""Every read that the interface describes answers, as data and as CSV, whatever it is asked with that exists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.billing_service.application.conftest import Vendor

JUNE = "2026-06-30"
APART = ("/v1/events", "/v1/audit")
"""The platform's own routes, which have tests of their own."""
NOT_ASKED = {"wait", "stream", "types", "after", "event_id"}
"""Parameters that wait, or belong to the feed."""


@pytest.fixture
async def existing(vendor: Vendor) -> dict[str, str]:
    """A value that exists for every name in a path or query."""
    customer, contract = await vendor.signed()
    ticket, charge = await vendor.cancelled_late(customer)
    event = await vendor.work(ticket, "2026-06-17T14:00:00+02:00", 60)
    await vendor.post(f"/v1/charges/{charge}/decision", {"decision": "charge", "reason": "war vorbereitet"})
    await vendor.issue(contract=contract)
    run = await vendor.post("/v1/invoice-runs", {"until": JUNE})
    return {
        "contract": contract,
        "customer": customer,
        "ticket": ticket,
        "charge": charge,
        "number": "1",
        "n": "1",
        "run": run.headers["Location"].rpartition("/")[2],
        "event": event,
        "from": "2026-01-01",
        "until": "2100-12-31",
        "at": "2026-07-01T00:00:00Z",
        "known_at": "2100-01-01T00:00:00Z",
        "limit": "1",
        "total": "true",
        "lang": "en",
    }


def reads(description: dict[str, Any], existing: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """Every read with each parameter by itself, with all of them, and each of these in every format."""
    found = []
    for path, item in description["paths"].items():
        if "get" not in item or not path.startswith("/v1/") or path.startswith(APART):
            continue
        parameters = item["get"].get("parameters", [])
        names = [each["name"] for each in parameters if each["in"] == "query" and each["name"] not in NOT_ASKED]
        formats = [{}, *({"format": each} for each in _formats(parameters))]
        given = [{name: existing[name]} for name in names if name != "format"]
        whole = {name: value for each in given for name, value in each.items()}
        filled = path
        for each in parameters:
            if each["in"] == "path":
                filled = filled.replace(f"{{{each['name']}}}", existing[each["name"]])
        found += [(filled, query | form) for query in ({}, *given, whole) for form in formats]
    return found


def _formats(parameters: list[dict[str, Any]]) -> list[str]:
    for each in parameters:
        if each["name"] == "format":
            schemas = each["schema"].get("anyOf", [each["schema"]])
            return [value for schema in schemas for value in schema.get("enum", [])]
    return []


async def test_every_read_answers_with_ids_that_exist_in_every_format(vendor: Vendor, existing: dict[str, str]) -> None:
    asked = reads((await vendor.billing.get("/openapi.json")).json(), existing)
    assert ("/v1/lines", {"contract": existing["contract"], "format": "csv"}) in asked
    assert len(asked) > 50
    for path, query in asked:
        answer = await vendor.get(path, **query)
        assert answer.status_code == 200, (path, query, answer.text)
        assert answer.content, (path, query)


async def test_lines_of_a_contract_are_those_of_its_documents(vendor: Vendor, existing: dict[str, str]) -> None:
    other = await vendor.signed()
    of_contract = (await vendor.read("/v1/lines", contract=existing["contract"]))["items"]
    table = (await vendor.get("/v1/lines", contract=existing["contract"], format="csv")).text.splitlines()
    assert [line["invoice"] for line in of_contract] == [1] * len(of_contract)
    assert len(table) == len(of_contract) + 1 > 1
    assert (await vendor.read("/v1/lines", contract=other[1]))["items"] == []
