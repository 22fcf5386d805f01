"""Every operation that reads everything there is says so, and one caller has a few of them open at once."""

from __future__ import annotations

import asyncio
from typing import Final

from fristwerk_platform.http.at_once import MAX_LONG
from fristwerk_platform.http.route_table import RouteTable
from tests.attack.conftest import Target

LONG: Final = {
    "ticket": {
        "GET /v1/audit/tickets/check",
        "GET /v1/audit/tickets/export",
        "GET /v1/customers/{customer}/forgetting",
        "GET /v1/reports/scores",
        "GET /v1/suggestions",
        "GET /v1/surveys",
        "POST /v1/terms-migrations",
    },
    "sla": {"GET /v1/reports/attribution", "GET /v1/reports/compliance", "POST /v1/simulations"},
    "billing": {
        "GET /v1/audit/billing/check",
        "GET /v1/audit/billing/export",
        "GET /v1/charges",
        "GET /v1/audit/gobd",
        "GET /v1/customers/{customer}/preview",
        "GET /v1/reports/reconciliation",
        "POST /v1/contracts/{contract}/what-if",
        "POST /v1/invoice-runs",
    },
}
"""Those whose work grows with a log, a period or a customer, and not with a page."""


async def test_what_reads_everything_is_long_work(target: Target) -> None:
    found = {
        name: {
            f"{each.method} {each.path}"
            for route in app.routes
            if isinstance(route, RouteTable)
            for each in route.operations
            if each.is_long
        }
        for name, app in target.vendor.services.apps.items()
    }

    assert found == LONG


async def test_a_log_is_hashed_again_for_one_caller_a_few_times_at_once(target: Target) -> None:
    client = target.vendor.services.clients["ticket"]
    program = target.bearer("service", "*", scopes=frozenset({"audit"}))

    found = await asyncio.gather(*(client.get("/v1/audit/tickets/check", headers=program) for _ in range(3 * MAX_LONG)))

    assert sorted(each.status_code for each in found) == [200] * MAX_LONG + [429] * 2 * MAX_LONG
    assert {each.headers.get("Retry-After") for each in found if each.status_code == 429} == {"5"}
