"""Invoice runs: all contracts of the provider, in the background, with progress."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from billing_service.api.access import BILLING, READERS
from billing_service.api.document_answers import RunAnswer
from billing_service.api.examples import RUN
from billing_service.application.application import Application
from fristwerk_platform.http import (
    HttpModel,
    Instant,
    LocalDate,
    Routes,
    allowed,
    command_metadata,
    json_answer,
    principal_of,
    responses,
)
from fristwerk_platform.http.described_headers import LOCATION


class RunBody(HttpModel):
    """Up to which local day every contract is invoiced; ``occurred_at`` dates the invoices."""

    until: LocalDate = Field(examples=["2026-06-30"])
    occurred_at: Instant | None = None


def invoice_runs_router(application: Application) -> Routes:
    """``/v1/invoice-runs``."""
    routes = Routes(tags=["invoice runs"])
    runs = application.runs

    @routes.post(
        "/invoice-runs",
        summary="Invoice every contract",
        status_code=202,
        responses=responses(202, "Begun", {"run": RUN}, RunAnswer, headers=(LOCATION,)),
        permits=(BILLING, "issue invoices"),
        is_long=True,
    )
    async def begin_run(request: Request, body: RunBody) -> Response:
        """Contracts, and customers whose work no contract covers. Interrupted, it goes on where it was; asked for again under
        the same Idempotency-Key, it is the same run. None is invoiced twice.
        """
        principal = principal_of(request)
        meta = await command_metadata(request, application.log, application.now(), body.occurred_at)
        begun, known = await runs.begin(meta, body.until)
        headers = {"Location": f"/v1/invoice-runs/{begun.run}"} | ({"Idempotency-Replayed": "true"} if known else {})
        return json_answer({"run": await runs.run(principal, begun.run)}, 202, headers)

    @routes.get(
        "/invoice-runs/{run}",
        summary="See how far a run is",
        responses=responses(200, "The run", {"run": RUN}, RunAnswer),
    )
    async def read_run(request: Request, run: Annotated[str, Field(max_length=64)]) -> Response:
        """Issued numbers, and for every other account the reason why there was nothing to issue."""
        principal = allowed(request, READERS, "read invoice runs")
        return json_answer({"run": await runs.run(principal, run)})

    return routes
