"""Charges of a ticket, why they are what they are, and the vendor's decisions on them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from billing_service.api import answers
from billing_service.api.access import ACCOUNT_READERS, BILLING, there
from billing_service.api.examples import CHARGE_DECIDED, CHARGE_ITEM, OPEN_CHARGE, TRACE, TRACE_AS_TEXT
from billing_service.api.parameters import ChargeId, LanguageQuery, Table, UntilDay
from billing_service.api.reasons import with_reasons
from billing_service.api.spreadsheets import money_cell
from billing_service.api.trace_answers import trace_answer
from billing_service.application.application import Application
from billing_service.application.open_charges import cursor
from billing_service.application.visibility import lines_seen_by
from billing_service.domain.invoice.views import charges
from fristwerk_platform.http import (
    HttpModel,
    Instant,
    LongText,
    Routes,
    allowed,
    as_response,
    command_metadata,
    own_only,
    responses,
)
from fristwerk_platform.http.described_headers import IF_MATCH
from fristwerk_platform.http.negotiation import also_as_text
from fristwerk_platform.http.queries import PageLimit, QueryParameters, csv_answer, next_link

_COLUMNS: Final = (
    *("id", "on", "account", "contract", "customer", "ticket", "kind", "minutes", "unit_price", "amount", "currency"),
    "rule",
)
_OPEN: Final = responses(200, "A page, or all rows", {"items": [OPEN_CHARGE]}, answers.OpenChargePage)
_OPEN[200]["content"]["text/csv"] = {"example": "id,on,account\r\n", "model": str}


class OpenChargesQuery(QueryParameters):
    """Which charges."""

    contract: str | None = Field(None, max_length=64, description="Only this contract's")
    customer: str | None = Field(None, max_length=64, description="Only this customer's")
    until: UntilDay = None
    after: str = Field("", max_length=220, description="The cursor of the page before, as its Link has it")
    limit: PageLimit = 50
    total: bool = Field(False, description="Also count the charges of all pages")
    table: Table = "json"


class DecisionBody(HttpModel):
    """Charge or waive, and why; the reason stands in the audit and on the trace."""

    decision: Literal["charge", "waive"]
    reason: LongText = Field(examples=["Vorbereitung war abgeschlossen"])
    occurred_at: Instant | None = None


def charges_router(application: Application) -> Routes:
    """``/v1/charges``, ``/v1/tickets/{ticket}/charges``, ``/v1/charges/{charge}/decision`` and ``/trace``."""
    routes = Routes(tags=["charges"], found=there(application))
    _add_open_charges(routes, application)

    @routes.get(
        "/tickets/{ticket}/charges",
        summary="Read what a ticket's work costs",
        responses=responses(200, "Charges", {"items": [CHARGE_ITEM]}, answers.ChargePage),
    )
    async def read_charges(request: Request, ticket: Annotated[str, Field(max_length=64)]) -> Response:
        """Every charge that rests on the ticket; `proposed` ones wait for a decision. `ticket` is an id or a reference."""
        principal = allowed(request, ACCOUNT_READERS, "read charges")
        await application.current()
        found, row = await application.statements.of_ticket(principal, ticket)
        rated = await application.statements.rated(row)
        decided = await application.read_model.decisions(row.account)
        items = [] if rated is None else charges(rated, found, decided)
        return await with_reasons(request, application.reasons, {"items": lines_seen_by(principal, items)})

    @routes.get(
        "/charges/{charge}/trace",
        summary="Explain a charge",
        responses=also_as_text(
            responses(200, "Each line of the charge, explained", {"items": [TRACE]}, answers.TracePage), TRACE_AS_TEXT
        ),
    )
    async def trace_charge(request: Request, charge: ChargeId, query: LanguageQuery) -> Response:
        """The same as the trace of an invoice's line, for what is not invoiced yet; as `text/plain` the sentences alone."""
        principal = allowed(request, ACCOUNT_READERS, "read traces")
        await application.current()
        traces = await application.traces.of_charge(principal, charge, query.lang)
        return trace_answer(request, traces, {"items": traces})

    @routes.post(
        "/charges/{charge}/decision",
        summary="Decide on a charge",
        status_code=201,
        responses=responses(201, "Decided", CHARGE_DECIDED, answers.ChargeAnswer),
        headers=(IF_MATCH,),
        permits=(BILLING, "decide on charges"),
    )
    async def decide_charge(request: Request, charge: ChargeId, body: DecisionBody) -> Response:
        """The first decision holds, a second is 409; only what was charged and invoiced may be waived after all."""
        meta = await command_metadata(request, application.log, application.now(), body.occurred_at)
        await application.current()
        return as_response(await application.decisions.decide(meta, charge, body.decision, body.reason))

    return routes


def _add_open_charges(routes: Routes, application: Application) -> None:
    @routes.get("/charges", summary="List the charges that wait for a decision", responses=_OPEN, is_long=True)
    async def list_open_charges(request: Request, query: OpenChargesQuery) -> Response:
        """Of all contracts and customers, the oldest first. Whoever decides on one takes it off the list. An account that
        cannot be rated is left out; `/health/ready` counts those.
        """
        principal = allowed(request, ACCOUNT_READERS, "read charges")
        customer = own_only(principal, query.customer, "customer")
        await application.current()
        found = await application.open_charges.listed(
            principal.provider, query.until, contract=query.contract, customer=customer
        )
        shown = lines_seen_by(principal, found)
        if query.table == "csv":
            rows = (each | {"currency": each["amount"].currency} for each in shown)
            return csv_answer(_COLUMNS, rows, name="charges", own=money_cell)
        items = [each for each in shown if cursor(each) > query.after][: query.limit + 1]
        more = cursor(items[query.limit - 1]) if len(items) > query.limit else None
        total = {"total": len(shown)} if query.total else {}
        body = {"items": items[: query.limit]} | total
        return await with_reasons(request, application.reasons, body, next_link(request, more))
