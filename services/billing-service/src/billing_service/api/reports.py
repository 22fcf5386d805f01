"""Reports: where every logged minute went."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from billing_service.api.access import READERS
from billing_service.api.examples import RECONCILIATION
from billing_service.api.parameters import Limit, Table, Until, next_page
from billing_service.api.spreadsheets import csv_answer
from billing_service.application.application import Application
from billing_service.application.reconciliation import PARTS
from fristwerk_platform.http import allowed, json_answer, responses, router

_COLUMNS: Final = (
    "account",
    "kind",
    "customer",
    "until",
    "logged",
    *PARTS,
    "adds_up",
    "currency",
    "net",
    "invoiced",
    "open",
    "error",
)


def reports_router(application: Application) -> APIRouter:
    """``/v1/reports/reconciliation``."""
    routes = router(tags=["reports"])
    reconciliation = application.reconciliation

    @routes.get(
        "/reports/reconciliation",
        summary="Account for every logged minute",
        responses=responses(200, "A row for each contract", {"items": [RECONCILIATION]}),
    )
    async def read_reconciliation(
        request: Request,
        contract: Annotated[str | None, Query(max_length=64, description="Only this contract")] = None,
        until: Until = None,
        after: Annotated[str, Query(max_length=64, description="The account that the page before ended with")] = "",
        limit: Limit = 50,
        table: Table = "json",
    ) -> Response:
        """`logged` is the sum of the other parts, always; `open` is what of the amount is not invoiced."""
        principal = allowed(request, READERS, "read reports")
        await application.current()
        if contract is not None:
            await application.statements.contract(principal, contract)
        if table == "csv":
            return csv_answer(
                "reconciliation", _COLUMNS, reconciliation.every(principal.provider, until, contract=contract)
            )
        rows, cursor = await reconciliation.page(principal.provider, until, contract=contract, after=after, limit=limit)
        return json_answer({"items": rows}, headers=next_page(request, cursor))

    return routes
