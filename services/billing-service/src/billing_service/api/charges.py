"""Charges of a ticket, and the vendor's decisions on them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from billing_service.api.access import ACCOUNT_READERS, BILLING
from billing_service.application.answers import charges
from billing_service.application.service import Application
from shared.http import HttpModel, Instant, Text, allowed, answers, as_response, command_meta, json_answer, router

_CHARGE: Final = {
    "id": "0199c3c4-6b20-7f33-a2e6-7b2a4d3f0c81:9f3b6a50-4c1e-5d77-8a90-1b2c3d4e5f60",
    "kind": "cancellation",
    "state": "proposed",
    "amount": {"amount": "292.50", "currency": "CHF"},
    "raw_minutes": 90,
    "minutes": 90,
    "rule": "R6, R7",
    "sources": ["0199c3c4-…"],
}


class DecisionBody(HttpModel):
    """Charge or waive, and why; the reason stands in the audit and on the trace."""

    decision: Literal["charge", "waive"]
    reason: Text = Field(examples=["Vorbereitung war abgeschlossen"])
    occurred_at: Instant | None = None


def charges_router(application: Application) -> APIRouter:
    """``/v1/tickets/{ticket}/charges`` and ``/v1/charges/{charge}/decision``."""
    routes = router(tags=["charges"])

    @routes.get(
        "/tickets/{ticket}/charges",
        summary="Read what a ticket's work costs",
        responses=answers(200, "Charges", {"items": [_CHARGE]}),
    )
    async def read_charges(request: Request, ticket: Annotated[str, Path(max_length=64)]) -> Response:
        """Every charge that rests on the ticket; ``proposed`` ones wait for a decision. ``ticket`` is an id or a reference."""
        principal = allowed(request, ACCOUNT_READERS, "read charges")
        model = await application.current()
        found, row = await application.statements.of_ticket(principal, ticket)
        rated = await application.statements.rated(row)
        items = [] if rated is None else charges(rated, found, await model.decisions(row.account))
        return json_answer({"items": items})

    @routes.post(
        "/charges/{charge}/decision",
        summary="Decide on a charge",
        status_code=201,
        responses=answers(201, "Decided", {"charge": _CHARGE | {"state": "charged"}, "events": []}),
    )
    async def decide_charge(
        request: Request, charge: Annotated[str, Path(max_length=200)], body: DecisionBody
    ) -> Response:
        """The first decision on a charge holds; a second is 409."""
        allowed(request, BILLING, "decide on charges")
        meta = await command_meta(request, application.log, application.now(), body.occurred_at)
        await application.current()
        return as_response(await application.decisions.decide(meta, charge, body.decision, body.reason))

    return routes
