"""Escalations without a ticket, where an agreement names a contact for complaints at any time."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import STAFF
from fristwerk_platform.http import (
    HttpModel,
    Identifier,
    Instant,
    LongText,
    OptionalText,
    Routes,
    as_response,
    responses,
)
from ticket_service.api.access import command_of
from ticket_service.api.answers import TicketChanged
from ticket_service.api.examples import TICKET_ANSWER
from ticket_service.application.application import Application
from ticket_service.application.complaints import Complaint


class EscalationWithoutTicketBody(HttpModel):
    """What a customer complains about; ``to`` is by default the agreement's escalation contact."""

    customer: Identifier = Field(examples=["0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70"])
    channel: Identifier = Field(examples=["email"])
    text: LongText = Field(examples=["Seit Tagen meldet sich niemand"])
    to: Identifier | None = Field(None, examples=["technical_support_manager"])
    fields: Annotated[dict[Identifier, OptionalText], Field(max_length=50)] = {}
    occurred_at: Instant | None = None


def add_complaints(routes: Routes, application: Application) -> None:
    """``/v1/escalations``."""

    @routes.post(
        "/escalations",
        summary="Escalate without a ticket",
        status_code=201,
        responses=responses(201, "Opened and escalated", TICKET_ANSWER, TicketChanged),
        permits=(STAFF | {"customer"}, "escalate"),
    )
    async def escalate_without_ticket(request: Request, body: EscalationWithoutTicketBody) -> Response:
        """Opens a ticket and escalates it, in one transaction; its escalation says to whom it went.

        Possible where the agreement has `escalation.at_any_time`. On a ticket, also on a closed one, use its escalations.
        """
        meta = await command_of(request, application, body.occurred_at)
        complaint = Complaint(
            customer=body.customer,
            channel=body.channel,
            text=body.text,
            to=body.to,
            fields=body.fields,
            received_at=body.occurred_at or meta.now.replace(microsecond=0),
        )
        return as_response(await application.complaints.receive(meta, complaint))
