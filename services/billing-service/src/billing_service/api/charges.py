"""Charges of a ticket, why they are what they are, and the vendor's decisions on them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from billing_service.api import answers
from billing_service.api.access import ACCOUNT_READERS, BILLING, there
from billing_service.api.examples import CHARGE_DECIDED, CHARGE_ITEM, TRACE, TRACE_AS_TEXT
from billing_service.api.parameters import ChargeId, LanguageQuery
from billing_service.api.reasons import with_reasons
from billing_service.api.trace_answers import trace_answer
from billing_service.application.application import Application
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
    responses,
)
from fristwerk_platform.http.described_headers import IF_MATCH
from fristwerk_platform.http.negotiation import also_as_text


class DecisionBody(HttpModel):
    """Charge or waive, and why; the reason stands in the audit and on the trace."""

    decision: Literal["charge", "waive"]
    reason: LongText = Field(examples=["Vorbereitung war abgeschlossen"])
    occurred_at: Instant | None = None


def charges_router(application: Application) -> Routes:
    """``/v1/tickets/{ticket}/charges``, ``/v1/charges/{charge}/decision`` and ``/trace``."""
    routes = Routes(tags=["charges"], found=there(application))

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
