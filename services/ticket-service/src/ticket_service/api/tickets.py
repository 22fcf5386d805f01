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
    principal_of,
    responses,
)
from fristwerk_platform.http.described_headers import ETAG, IF_NONE_MATCH, POSITION
from fristwerk_platform.http.queries import AsOf, NumberedPage, next_link, page
from ticket_service.api import answers
from ticket_service.api.access import command_of
from ticket_service.api.complaints import add_complaints
from ticket_service.api.examples import OPENED_EVENT, PERSONAL, TICKET, TICKET_ANSWER
from ticket_service.api.list_answers import WorklistPage
from ticket_service.api.list_tags import NOT_MODIFIED, holds_until, kind_of, tag_of, unchanged
from ticket_service.api.parameters import TicketName
from ticket_service.api.sources import SourceBody
from ticket_service.api.ticket_filters import ListedTickets, WorklistQuery
from ticket_service.application import intake
from ticket_service.application.application import Application
from ticket_service.application.views import request_seen_by, seen_by

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


def tickets_router(application: Application) -> Routes:
    """``/v1/tickets`` without the commands to a ticket, ``/v1/escalations`` and ``/v1/worklist``."""
    routes = Routes(tags=["tickets"])
    _add_intake(routes, application)
    add_complaints(routes, application)
    _add_list(routes, application)
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


def _add_list(routes: Routes, application: Application) -> None:
    @routes.get(
        "/tickets",
        summary="List tickets",
        responses=responses(200, "A page", {"items": [TICKET]}, answers.TicketPage, headers=(POSITION, ETAG))
        | NOT_MODIFIED,
        headers=(IF_NONE_MATCH,),
    )
    async def list_tickets(request: Request, query: ListedTickets) -> Response:
        """In the order of creation unless another one is asked for."""
        principal, now = principal_of(request), application.now()
        asked = query.question(principal, "opened")
        standing = await application.lists.standing(asked.order)
        kind = kind_of(principal, asked, standing)
        if (answer := unchanged(request, kind, now)) is not None:
            return answer
        total = {"total": await application.lists.total(principal.provider, now, asked)} if asked.counted else {}
        found, cursor = await application.lists.page(principal.provider, now, asked)
        shown = seen_by(principal)
        items = [shown(each) for each in await application.lists.states(found)]
        headers = next_link(request, cursor) | {ETAG: tag_of(kind, holds_until((), now))}
        if principal.role != "customer":
            headers |= {POSITION: str(standing.position)}
        return json_answer({"items": items} | total, headers=headers)


def _add_reads(routes: Routes, application: Application) -> None:
    @routes.get(
        "/tickets/{ticket}",
        summary="Read a ticket",
        responses=responses(
            200, "The ticket", {"ticket": TICKET, "personal": PERSONAL}, answers.TicketRead, headers=(ETAG,)
        ),
    )
    async def read_ticket(request: Request, ticket: TicketName, query: AsOf) -> Response:
        """The newest state, or the state at an instant; `personal` holds what is sealed in the log of the request, and the
        texts of `cost_approvals`.
        """
        principal = principal_of(request)
        found = await application.tickets.identify(principal, ticket)
        if query.at is None and query.known_at is None:
            loaded, said = await application.ticket_reads.newest(principal, found)
        else:
            loaded = await application.tickets.as_of(principal, found, query.at, query.known_at)
            said = await application.tickets.personal(loaded)
        texts = await application.cost_texts.of(principal, loaded.state)
        body = {
            "ticket": seen_by(principal)(loaded.state),
            "personal": request_seen_by(principal, loaded.state, said) | ({"cost_approvals": texts} if texts else {}),
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
        items, cursor = await application.ticket_reads.history(principal, found, after=query.after, limit=query.limit)
        return json_answer({"items": items}, headers=next_link(request, cursor))


def _add_worklist(routes: Routes, application: Application) -> None:
    @routes.get(
        "/worklist",
        summary="See what to do next",
        responses=responses(200, "In order", {"items": [TICKET]}, WorklistPage),
    )
    async def read_worklist(request: Request, query: WorklistQuery) -> Response:
        """Open tickets in the agreement's order, those that wait for the customer included."""
        principal, now = allowed(request, READERS, "read the worklist"), application.now()
        wanted = await application.lists.kept_values(principal.provider, query.wanted(principal))
        items = await application.worklist.page(
            principal.provider, now, after=query.after or None, limit=query.limit + 1, wanted=wanted
        )
        if not query.explain:
            return page(request, items, query.limit, lambda each: each.id, lambda each: each.shown)
        listed = items[: query.limit]
        places = await application.places.of(principal.provider, now, [each.id for each in listed])
        headers = next_link(request, listed[-1].id if len(items) > query.limit else None)
        return json_answer({"items": [each.shown for each in listed], "places": places}, headers=headers)

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
