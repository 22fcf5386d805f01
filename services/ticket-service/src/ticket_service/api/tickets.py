"""Tickets: intake, reading one and many, and the worklist."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import READERS, STAFF
from fristwerk_platform.http import (
    HttpModel,
    Identifier,
    Instant,
    OptionalText,
    Routes,
    StrictBool,
    allowed,
    as_response,
    json_answer,
    own_only,
    principal_of,
    responses,
)
from fristwerk_platform.http.described_headers import ETAG
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.queries import AsOf, Filter, NumberedPage, Page, next_link, page
from ticket_service.api import answers
from ticket_service.api.access import command_of
from ticket_service.api.complaints import add_complaints
from ticket_service.api.examples import OPENED_EVENT, PERSONAL, TICKET, TICKET_ANSWER
from ticket_service.api.parameters import TicketName
from ticket_service.api.sources import SourceBody
from ticket_service.application import intake
from ticket_service.application.application import Application
from ticket_service.application.views import request_seen_by, seen_by
from ticket_service.domain.ticket.state import TicketState
from ticket_service.domain.ticket.visibility import TICKET_SHOWS
from ticket_service.queries.read_model import FILTERS

MAX_FIELDS: Final = 50


class CreateTicketBody(HttpModel):
    """A request; ``received_at`` is when it reached the vendor, also where it is entered later."""

    customer: Identifier = Field(examples=["0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70"])
    received_at: Instant | None = Field(None, examples=["2026-06-03T16:30:00+02:00"])
    channel: Identifier = Field(examples=["email"])
    type: Identifier = Field("normal", examples=["normal"])
    subject: OptionalText = Field("", examples=["Lohnlauf bricht ab"])
    description: OptionalText = Field("", examples=["Fehler 17 beim Abschluss"])
    fields: Annotated[dict[Identifier, OptionalText], Field(max_length=MAX_FIELDS)] = {}
    severity: Identifier | None = None
    suggested_severity: Identifier | None = None
    severity_reason: OptionalText | None = None
    category: Identifier | None = None
    circumstances: Annotated[dict[Identifier, StrictBool], Field(max_length=20)] = {}
    contract: Identifier | None = None
    follows: Identifier | None = None
    source: SourceBody | None = None
    occurred_at: Instant | None = None


class TicketQuery(Page):
    """What tickets are listed; a customer sees the own company's, may name no other, and lists by what it sees of them."""

    state: TicketState | None = None
    customer: Filter = None
    contract: Filter = None
    severity: Filter = None
    type: Filter = None
    group: Filter = None
    assignee: Filter = None
    channel: Filter = None
    agreement: Filter = None


def tickets_router(application: Application) -> Routes:
    """``/v1/tickets`` without the commands to a ticket, ``/v1/escalations`` and ``/v1/worklist``."""
    routes = Routes(tags=["tickets"])
    _add_intake(routes, application)
    add_complaints(routes, application)
    _add_reads(routes, application)
    _add_worklist(routes, application)
    return routes


def _add_intake(routes: Routes, application: Application) -> None:
    @routes.post(
        "/tickets",
        summary="Open a ticket",
        status_code=201,
        responses=responses(201, "Opened", TICKET_ANSWER, answers.TicketChanged),
        permits=(STAFF | {"customer"}, "open tickets"),
    )
    async def create_ticket(request: Request, body: CreateTicketBody) -> Response:
        """Ticket, entitlement and why, derived priority, acknowledgement and assignment, in one transaction.

        Without `received_at` it is received now; without `occurred_at` it occurred when it was received. A message that
        was taken already, by its `source`, opens nothing: 200 with what it has led to, and `already_known`.
        """
        meta = await command_of(request, application, body.occurred_at)
        received_at = body.received_at or meta.now.replace(microsecond=0)
        given = body.model_dump(exclude={"occurred_at", "received_at", "customer", "follows", "source"})
        source = None if body.source is None else body.source.record()
        follows = body.follows and await application.relations.followed(meta.principal, body.customer, body.follows)
        wanted = intake.Request(received_at=received_at, source=source, follows=follows, **given)
        return as_response(await application.sources.opened(meta, body.customer, wanted))


def _add_reads(routes: Routes, application: Application) -> None:
    @routes.get(
        "/tickets", summary="List tickets", responses=responses(200, "A page", {"items": [TICKET]}, answers.TicketPage)
    )
    async def list_tickets(request: Request, query: TicketQuery) -> Response:
        """In the order of creation."""
        principal = principal_of(request)
        own = own_only(principal, query.customer, "customer")
        wanted = {name: value for name in FILTERS if (value := getattr(query, name)) is not None}
        if principal.role == "customer" and (hidden := [name for name in wanted if name not in TICKET_SHOWS]):
            raise Problem(403, f"A customer does not see {', '.join(hidden)} of a ticket, and lists none by it.")
        if own is not None:
            wanted["customer"] = own
        read_model = await application.current()
        found = await read_model.tickets(principal.provider, wanted, after=query.after, limit=query.limit + 1)
        return page(request, found, query.limit, lambda each: each.id, seen_by(principal))

    @routes.get(
        "/tickets/{ticket}",
        summary="Read a ticket",
        responses=responses(
            200, "The ticket", {"ticket": TICKET, "personal": PERSONAL}, answers.TicketRead, headers=(ETAG,)
        ),
    )
    async def read_ticket(request: Request, ticket: TicketName, query: AsOf) -> Response:
        """The newest state, or the state at an instant; `personal` holds what is sealed in the log."""
        principal = principal_of(request)
        found = await application.tickets.identify(principal, ticket)
        if query.at is None and query.known_at is None:
            loaded = await application.tickets.newest(principal, found)
        else:
            loaded = await application.tickets.as_of(principal, found, query.at, query.known_at)
        body = {
            "ticket": seen_by(principal)(loaded.state),
            "personal": request_seen_by(principal, loaded.state, await application.tickets.personal(loaded)),
        }
        return json_answer(body, headers={"ETag": f'"{loaded.version}"'})

    @routes.get(
        "/tickets/{ticket}/events",
        summary="Read a ticket's history",
        responses=responses(200, "Its events, personal parts opened", {"items": [OPENED_EVENT]}, answers.EventPage),
    )
    async def read_history(request: Request, ticket: TicketName, query: NumberedPage) -> Response:
        """In the order of recording. What is the vendor's own business is left out for a customer."""
        principal = principal_of(request)
        found = await application.tickets.identify(principal, ticket)
        items, cursor = await application.tickets.history(principal, found, after=query.after, limit=query.limit)
        return json_answer({"items": items}, headers=next_link(request, cursor))


def _add_worklist(routes: Routes, application: Application) -> None:
    @routes.get(
        "/worklist",
        summary="See what to do next",
        responses=responses(200, "In order", {"items": [TICKET]}, answers.TicketPage),
    )
    async def read_worklist(request: Request, query: Page) -> Response:
        """Open tickets in the agreement's order, those that wait for the customer included."""
        provider = allowed(request, READERS, "read the worklist").provider
        items = await application.worklist.page(
            provider, application.now(), after=query.after or None, limit=query.limit + 1
        )
        return page(request, items, query.limit, lambda each: each.id, lambda each: each.shown)

    @routes.post(
        "/worklist/next",
        summary="Take the next ticket",
        status_code=201,
        responses=responses(201, "It is the caller's now", TICKET_ANSWER, answers.TicketChanged),
        permits=(STAFF, "take tickets"),
    )
    async def take_next(request: Request) -> Response:
        """The first workable ticket that nobody has is assigned to the caller; never one to two."""
        meta = await command_of(request, application)
        return as_response(await application.worklist.take_next(meta))
