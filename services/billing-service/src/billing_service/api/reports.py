"""Reports: where every logged minute went, and what a tax auditor takes away."""

from __future__ import annotations

from typing import Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from billing_service.api.access import READERS
from billing_service.api.document_answers import ReconciliationPage
from billing_service.api.examples import RECONCILIATION
from billing_service.api.parameters import Table, UntilDay
from billing_service.api.spreadsheets import money_cell
from billing_service.api.tax_audit import add_data_carrier
from billing_service.application.application import Application
from billing_service.application.reconciliation import PARTS
from fristwerk_platform.http import Routes, allowed, json_answer, responses
from fristwerk_platform.http.queries import PageLimit, QueryParameters, csv_answer, next_link

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


_RESPONSES: Final = responses(200, "A row for each contract", {"items": [RECONCILIATION]}, ReconciliationPage)
_RESPONSES[200]["content"]["text/csv"] = {"example": "account,kind,logged\r\n", "model": str}


class ReconciliationQuery(QueryParameters):
    """Which accounts, up to which day."""

    contract: str | None = Field(None, max_length=64, description="Only this contract")
    until: UntilDay = None
    after: str = Field("", max_length=64, description="The account that the page before ended with")
    limit: PageLimit = 50
    table: Table = "json"


def reports_router(application: Application) -> Routes:
    """``/v1/reports/reconciliation`` and the data carrier."""
    routes = Routes(tags=["reports"])
    reconciliation = application.reconciliation

    @routes.get(
        "/reports/reconciliation",
        summary="Account for every logged minute",
        responses=_RESPONSES,
        is_long=True,
    )
    async def read_reconciliation(request: Request, query: ReconciliationQuery) -> Response:
        """`logged` is the sum of the other parts, always; `open` is what of the amount is not invoiced."""
        principal = allowed(request, READERS, "read reports")
        await application.current()
        if query.contract is not None:
            await application.statements.contract(principal, query.contract)
        if query.table == "csv":
            rows = reconciliation.every(principal.provider, query.until, contract=query.contract)
            return csv_answer(_COLUMNS, rows, name="reconciliation", own=money_cell)
        items, cursor = await reconciliation.page(
            principal.provider, query.until, contract=query.contract, after=query.after, limit=query.limit
        )
        return json_answer({"items": items}, headers=next_link(request, cursor))

    add_data_carrier(routes, application)
    return routes
