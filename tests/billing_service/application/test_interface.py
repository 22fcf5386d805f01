"""The interface describes itself: every operation with an id, a summary and an example, every refusal a problem."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

import billing_service.app
from fristwerk_platform.http import Stopping
from fristwerk_platform.settings import Settings
from tests.billing_service.application.conftest import Vendor

METHODS = {"get", "post", "put", "patch", "delete"}


async def test_every_operation_has_an_id_a_summary_and_an_example(vendor: Vendor) -> None:
    description = (await vendor.billing.get("/openapi.json")).json()
    operations = {
        f"{method} {path}": operation
        for path, item in description["paths"].items()
        for method, operation in item.items()
        if method in METHODS and path.startswith("/v1/")
    }

    assert description["openapi"].startswith("3.1")
    assert len({each["operationId"] for each in operations.values()}) == len(operations)
    for name, operation in operations.items():
        assert operation["summary"], name
        good = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
        assert any("example" in content for content in good["content"].values()), name
    assert {
        "get /v1/contracts/{contract}/balance",
        "get /v1/contracts/{contract}/preview",
        "get /v1/customers/{customer}/preview",
        "get /v1/tickets/{ticket}/charges",
        "post /v1/charges/{charge}/decision",
        "post /v1/invoices",
        "get /v1/invoices",
        "get /v1/invoices/{number}",
        "get /v1/invoices/{number}/lines/{n}/trace",
        "post /v1/invoices/{number}/credit-note",
        "post /v1/invoices/{number}/sent",
        "post /v1/invoices/{number}/paid",
        "post /v1/invoice-runs",
        "get /v1/invoice-runs/{run}",
        "post /v1/contracts/{contract}/what-if",
        "get /v1/reports/reconciliation",
        "get /v1/audit/gobd",
        "get /v1/lines",
    } <= set(operations)


async def test_bad_input_is_a_problem_and_never_a_failure(vendor: Vendor) -> None:
    _, contract = await vendor.signed()
    headers = vendor.headers("billing")
    good = {"contract": contract, "until": "2026-06-30"}
    bodies = [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"until": NaN}',
        b'{"until": "2026-06-30", "until": "2026-06-30"}',
        json.dumps(good | {"contract": "\0"}).encode(),
        b'{"contract": "\\ud800", "until": "2026-06-30"}',
        json.dumps(good | {"contract": "x" * 600}).encode(),
        json.dumps(good | {"contract": ["a"]}).encode(),
        b'{"contract":' + b"[" * 100_000,
    ]

    for path in ("/v1/invoices", "/v1/invoice-runs", "/v1/invoices/1/paid", f"/v1/contracts/{contract}/what-if"):
        for body in bodies:
            answer = await vendor.billing.post(
                path, content=body, headers=headers | {"Content-Type": "application/json"}
            )
            assert answer.status_code in {400, 404, 422}, (path, body[:40], answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
    for path in (
        "/v1/invoices/0",
        "/v1/invoices/99999999999",
        "/v1/invoices/one",
        "/v1/invoices/1/lines/0/trace",
    ):
        answer = await vendor.billing.get(path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path
    for path in (
        "/v1/invoices?limit=0",
        "/v1/invoices?after=-1",
        "/v1/invoices?from=yesterday",
        "/v1/invoices?format=pdf",
        "/v1/lines?after=1",
        "/v1/lines?after=1-",
        "/v1/reports/reconciliation?until=2026-13-01",
        "/v1/invoices/1/lines/1/trace?lang=fr",
    ):
        answer = await vendor.billing.get(path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), path
    assert (await vendor.billing.get("/v1/invoices")).status_code == 401
    assert await vendor.stored() == 0


async def test_while_the_ticket_service_is_away_a_person_cannot_be_invoiced_and_a_company_can(
    vendor: Vendor, folder: Path
) -> None:
    person = await vendor.customer(kind="person", name="Petra Privat")
    personal = await vendor.contract(person)
    company, contract = await vendor.signed()
    for customer in (person, company):
        await vendor.work(await vendor.ticket(customer), "2026-06-17T14:00:00+02:00", 60)

    def away(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody listens")

    client = httpx.AsyncClient(transport=httpx.MockTransport(away), base_url="http://ticket")
    app = billing_service.app.create_app(Settings(var=folder), Stopping(), client)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://billing") as billing,
    ):
        headers = vendor.headers("billing")
        refused = await billing.post(
            "/v1/invoices", json={"contract": personal, "until": "2026-06-30"}, headers=headers
        )
        issued = await billing.post("/v1/invoices", json={"contract": contract, "until": "2026-06-30"}, headers=headers)

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/recipient-unavailable")
    assert refused.headers["Retry-After"]
    assert issued.status_code == 201
