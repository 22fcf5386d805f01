"""Inbound calls, as the telephone system reports them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import STAFF
from fristwerk_language.terms.agreement import CALL
from fristwerk_language.terms.billing import Performer
from fristwerk_platform.http import (
    HttpModel,
    Identifier,
    Instant,
    LongText,
    PhoneNumber,
    Routes,
    ShortText,
    StrictBool,
    as_response,
    responses,
)
from ticket_service.api import answers, examples
from ticket_service.api.access import command_of
from ticket_service.application.application import Application
from ticket_service.application.calls import Call
from ticket_service.domain.ticket.commands import CallTransfer


class CallTransferBody(HttpModel):
    """Whether the caller was put through to a role."""

    to: Identifier = Field(examples=["specialist"])
    result: Literal["connected", "failed"]


class VoicemailBody(HttpModel):
    """What was left on the answering machine."""

    text: LongText


class CallBody(HttpModel):
    """A call, on a ticket or without one. ``from`` is the caller's number, ``to`` the vendor's, by which a contract with a
    number of its own is found; ``waited_seconds`` the time in the queue.

    Nothing follows from a call that a machine made (``automatic``).
    """

    ticket: ShortText | None = None
    from_: PhoneNumber = Field(alias="from", examples=["+49 40 000001"])
    to: PhoneNumber | None = None
    started_at: Instant = Field(examples=["2026-05-13T15:50:00+02:00"])
    minutes: Annotated[int, Field(strict=True, ge=0, le=100_000)] | None = None
    activity: Identifier = Field(default=CALL, examples=["maintenance"])
    performer: Performer | None = None
    transfer: CallTransferBody | None = None
    voicemail: VoicemailBody | None = None
    automatic: StrictBool = False
    waited_seconds: Annotated[int, Field(strict=True, ge=0, le=86_400)] | None = None
    occurred_at: Instant | None = None


def calls_router(application: Application) -> Routes:
    """``/v1/calls``."""
    routes = Routes(tags=["calls"])

    @routes.post(
        "/calls",
        summary="Record an inbound call",
        status_code=201,
        responses=responses(201, "Recorded", examples.CALL_TAKEN, answers.CallTaken),
        permits=(STAFF, "record calls"),
    )
    async def receive_call(request: Request, body: CallBody) -> Response:
        """A failed transfer may promise a callback, and a voicemail without a ticket becomes one.

        Any other call without a ticket is kept where an agreement of the provider has `calls.log_all`, else refused.
        Without `occurred_at` a call occurred when it began, however late it is entered.
        """
        meta = await command_of(request, application, body.occurred_at)
        ticket = body.ticket and await application.tickets.identify(meta.principal, body.ticket)
        call = Call(
            ticket=ticket,
            from_number=body.from_,
            to=body.to,
            started_at=body.started_at,
            minutes=body.minutes,
            activity=body.activity,
            performer=body.performer,
            transfer=CallTransfer(to=body.transfer.to, result=body.transfer.result) if body.transfer else None,
            voicemail=body.voicemail.text if body.voicemail else None,
            automatic=body.automatic,
            waited_seconds=body.waited_seconds,
        )
        return as_response(await application.calls.receive(meta, call))

    return routes
