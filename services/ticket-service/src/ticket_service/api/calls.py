"""Inbound calls, as the telephone system reports them."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import READERS, STAFF
from fristwerk_language.terms.agreement import CALL, NORMAL_TYPE
from fristwerk_language.terms.billing import Performer
from fristwerk_platform.http import (
    HttpModel,
    Identifier,
    Instant,
    LocalDate,
    LongText,
    OptionalText,
    PhoneNumber,
    Routes,
    ShortText,
    StrictBool,
    allowed,
    as_response,
    json_answer,
    principal_of,
    responses,
)
from fristwerk_platform.http.queries import NOT_KEPT, Filter, Page, page
from ticket_service.api import answers, examples
from ticket_service.api.access import command_of, there
from ticket_service.api.parameters import CallId
from ticket_service.api.sources import SourceBody
from ticket_service.application import intake
from ticket_service.application.application import Application
from ticket_service.application.calls import Call
from ticket_service.application.kept_calls import CallWork
from ticket_service.application.logged_calls import MOST_JOINED
from ticket_service.domain.ticket.commands import CallTransfer
from ticket_service.queries.calls import CallFilter


class CallTransferBody(HttpModel):
    """Whether the caller was put through to a role."""

    to: Identifier = Field(examples=["specialist"])
    result: Literal["connected", "failed"]


class VoicemailBody(HttpModel):
    """What was left on the answering machine."""

    text: LongText


class CallBody(HttpModel):
    """A call, on a ticket or without one. ``from`` is the caller's number, ``to`` the vendor's, by which a contract with a
    number of its own is found; ``waited_seconds`` the time in the queue, from ``queued_at`` to ``answered_at`` where the
    telephone system says these, ``abandoned`` that nobody answered. ``confirmed``: it is about the ticket although another
    customer has the caller's number. By its ``source`` a call is taken once.

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
    queued_at: Instant | None = None
    answered_at: Instant | None = None
    abandoned: StrictBool = False
    confirmed: StrictBool = False
    source: SourceBody | None = None
    occurred_at: Instant | None = None

    def told(self, ticket: str | None) -> Call:
        """The call as the telephone system reports it; ``ticket`` is an id."""
        return Call(
            ticket=ticket,
            from_number=self.from_,
            transfer=CallTransfer(to=self.transfer.to, result=self.transfer.result) if self.transfer else None,
            voicemail=self.voicemail.text if self.voicemail else None,
            source=self.source.record() if self.source else None,
            **{name: getattr(self, name) for name in _AS_GIVEN},
        )


_CURSOR: Final = re.compile(r"0[0-9]{11}\.[0-9a-f-]{36}")
_AS_GIVEN: Final = (
    *("to", "started_at", "minutes", "activity", "performer", "automatic"),
    *("waited_seconds", "queued_at", "answered_at", "abandoned", "confirmed"),
)


class WorkOfCall(HttpModel):
    """Under which activity the minutes of the call are logged, and who took them."""

    activity: Identifier = Field(default=CALL, examples=["maintenance"])
    performer: Performer | None = None
    occurred_at: Instant | None = None

    @property
    def work(self) -> CallWork:
        """The same for the use case."""
        return CallWork(activity=self.activity, performer=self.performer)


class CallAttachmentBody(WorkOfCall):
    """The ticket that the call is about."""

    ticket: ShortText = Field(examples=["HAM-4T9Q-2K7M"])
    confirmed: StrictBool = False

    @property
    def work(self) -> CallWork:
        """The same for the use case."""
        return CallWork(activity=self.activity, performer=self.performer, confirmed=self.confirmed)


class TicketOfCallBody(WorkOfCall):
    """The ticket that a call becomes; ``description`` is by default what was left on the answering machine."""

    customer: Identifier | None = None
    contract: Identifier | None = None
    channel: Identifier = Field(default="phone")
    type: Identifier = Field(default=NORMAL_TYPE)
    subject: ShortText = Field(examples=["Rückruf zum Druckwerk"])
    description: OptionalText = ""
    fields: Annotated[dict[Identifier, OptionalText], Field(max_length=50)] = {}
    voicemails: Annotated[
        list[CallId],
        Field(
            max_length=MOST_JOINED,
            description="Other voicemails of the caller, as the call's own `voicemails` has them",
        ),
    ] = []


class CallDismissalBody(HttpModel):
    """Why nothing has to be done."""

    reason: LongText = Field(examples=["Verwählt"])
    occurred_at: Instant | None = None


def _cursor(given: str) -> str:
    """Seconds and a call's id, as ``CallRead.cursor`` writes them."""
    if given and not _CURSOR.fullmatch(given):
        raise ValueError("is no cursor of this list")
    return given


class CallQuery(Page):
    """Which calls."""

    after: Annotated[str, AfterValidator(_cursor)] = Field(
        "", max_length=64, description="The cursor of the page before, as its Link has it"
    )
    phone: Annotated[str | None, NOT_KEPT] = Field(
        None, max_length=40, description="Only from this number", examples=["+49 40 000001"]
    )
    ticket: Filter = None
    customer: Filter = None
    day: LocalDate | None = Field(None, description="Only those that began on this day, local to the default agreement")
    open: bool | None = Field(None, description="Whether it has no ticket and was not dismissed")
    voicemail: bool | None = None
    abandoned: bool | None = None

    @property
    def number(self) -> str:
        """The number asked for; in a query a plus sign that was not escaped arrives as a space."""
        return re.sub("^ ", "+", self.phone or "")


def calls_router(application: Application) -> Routes:
    """``/v1/calls``."""
    routes = Routes(tags=["calls"], found=there(application))

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
        Without `occurred_at` a call occurred when it began, however late it is entered. 409 `number-of-another-customer` for a
        call on a ticket whose customer has not the caller's number, while another has, until it is `confirmed`.
        """
        meta = await command_of(request, application, body.occurred_at)
        ticket = body.ticket and await application.tickets.identify(meta.principal, body.ticket)
        return as_response(await application.sources.called(meta, body.told(ticket)))

    _add_reads(routes, application)
    _add_outcomes(routes, application)
    return routes


def _add_reads(routes: Routes, application: Application) -> None:
    calls = application.logged_calls

    @routes.get(
        "/calls",
        summary="List calls",
        responses=responses(200, "A page", {"items": [examples.CALL]}, answers.CallPage),
    )
    async def list_calls(request: Request, query: CallQuery) -> Response:
        """In the order in which they began, with and without a ticket: by number, ticket, customer or day; with `open` those
        that nobody has dealt with.
        """
        provider = allowed(request, READERS, "read calls").provider
        ticket = query.ticket and await application.tickets.identify(principal_of(request), query.ticket)
        since, before = await calls.day(provider, query.day, application.now()) if query.day else (None, None)
        wanted = CallFilter(
            numbers=await calls.numbers(provider, query.number) if query.phone else None,
            ticket=ticket,
            customer=query.customer,
            since=since,
            before=before,
            open=query.open,
            voicemail=query.voicemail,
            abandoned=query.abandoned,
        )
        found = await calls.page(provider, wanted, after=query.after, limit=query.limit + 1)
        return page(request, found, query.limit, lambda each: each.cursor)

    @routes.get(
        "/calls/{call}",
        summary="Read a call",
        responses=responses(200, "The call", {"call": examples.CALL, "voicemails": []}, answers.CallAnswer),
    )
    async def read_call(request: Request, call: CallId) -> Response:
        """With the ids of the `voicemails` from the same number that nobody has dealt with."""
        provider = allowed(request, READERS, "read calls").provider
        found = await calls.one(provider, call)
        waiting = await calls.waiting_voicemails(provider, found.from_, call)
        return json_answer({"call": found, "voicemails": waiting})


def _add_outcomes(routes: Routes, application: Application) -> None:
    """What becomes of a call that was kept without a ticket."""
    kept = application.kept_calls

    @routes.post(
        "/calls/{call}/attachment",
        summary="Put a call to a ticket",
        status_code=201,
        responses=responses(201, "Recorded", examples.CALL_TAKEN, answers.TicketChanged),
        permits=(STAFF, "record calls"),
    )
    async def attach_call(request: Request, call: CallId, body: CallAttachmentBody) -> Response:
        """As if the ticket had been named from the start: the call occurred on it when it began, its minutes are logged
        there, and a voicemail promises what the agreement promises. 409 `call-has-ticket` where it has one, and
        `number-of-another-customer` until it is `confirmed`.
        """
        meta = await command_of(request, application, body.occurred_at)
        await application.logged_calls.newest(meta.principal.provider, call)
        ticket = await application.tickets.identify(meta.principal, body.ticket)
        return as_response(await kept.attach(meta, call, ticket, body.work))

    @routes.post(
        "/calls/{call}/ticket",
        summary="Open a ticket from a call",
        status_code=201,
        responses=responses(201, "Opened", examples.CALL_TAKEN, answers.TicketChanged),
        permits=(STAFF, "record calls"),
    )
    async def open_ticket_from_call(request: Request, call: CallId, body: TicketOfCallBody) -> Response:
        """Received when the call began, or the first of the voicemails that it is joined with. Without `customer` it is the
        caller's, who is registered as a prospect if nobody knows the number. 409 `call-has-ticket` where the call has a ticket.
        """
        meta = await command_of(request, application, body.occurred_at)
        given = body.model_dump(include={"contract", "channel", "type", "subject", "description", "fields"})
        wanted = intake.Request(received_at=meta.now, **given)
        return as_response(await kept.open_ticket(meta, call, body.customer, wanted, body.work, joined=body.voicemails))

    @routes.post(
        "/calls/{call}/dismissal",
        summary="Say that nothing has to be done about a call",
        status_code=201,
        responses=responses(201, "Recorded", examples.CALL_DISMISSED, answers.CallChanged),
        permits=(STAFF, "record calls"),
    )
    async def dismiss_call(request: Request, call: CallId, body: CallDismissalBody) -> Response:
        """Of a call without a ticket: it is no longer `open`. The reason is sealed."""
        meta = await command_of(request, application, body.occurred_at)
        return as_response(await kept.dismiss(meta, call, body.reason))
