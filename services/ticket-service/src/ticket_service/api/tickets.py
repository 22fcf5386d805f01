"""Tickets: intake, reading one and many, and the worklist."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BeforeValidator, Field

from shared.auth import STAFF
from shared.http import (
    Code,
    HttpModel,
    Instant,
    Line,
    OptionalText,
    allowed,
    answers,
    as_response,
    command_meta,
    json_answer,
    parse_instant,
    principal_of,
    router,
)
from shared.problems import Problem
from ticket_service.api.access import TICKET_READERS
from ticket_service.api.ticket_commands import TICKET_ANSWER, TicketName
from ticket_service.application.service import Application
from ticket_service.application.tickets import new_reference
from ticket_service.domain.commands import CreateTicket
from ticket_service.read_model import FILTERS

At = Annotated[
    datetime | None,
    BeforeValidator(lambda value: None if value is None else parse_instant(value)),
    Query(description="The state by what had occurred at this instant"),
]
KnownAt = Annotated[
    datetime | None,
    BeforeValidator(lambda value: None if value is None else parse_instant(value)),
    Query(description="The state by what had been recorded at this instant"),
]
Filter = Annotated[str | None, Query(max_length=64)]
MAX_FIELDS: Final = 50
_ITEM: Final = {
    "id": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80",
    "reference": "INF-7K3Q-9F2M",
    "state": "new",
    "priority": 3,
}


class CreateTicketBody(HttpModel):
    """A request; ``received_at`` is when it reached the vendor, also where it is entered later."""

    customer: Line
    received_at: Instant | None = Field(None, examples=["2026-06-03T16:30:00+02:00"])
    channel: Code = Field(examples=["email"])
    type: Code = Field("normal", examples=["normal"])
    subject: OptionalText = Field("", examples=["Lohnlauf bricht ab"])
    description: OptionalText = Field("", examples=["Fehler 17 beim Abschluss"])
    fields: Annotated[dict[Code, OptionalText], Field(max_length=MAX_FIELDS)] = {}
    severity: Line | None = None
    suggested_severity: Line | None = None
    contract: Line | None = None
    occurred_at: Instant | None = None


def tickets_router(application: Application) -> APIRouter:
    """``/v1/tickets`` without the commands to a ticket, and ``/v1/worklist``."""
    routes = router(tags=["tickets"])
    _add_intake(routes, application)
    _add_reads(routes, application)
    _add_worklist(routes, application)
    return routes


def _add_intake(routes: APIRouter, application: Application) -> None:
    @routes.post("/tickets", summary="Open a ticket", status_code=201, responses=answers(201, "Opened", TICKET_ANSWER))
    async def create_ticket(request: Request, body: CreateTicketBody) -> Response:
        """Ticket, entitlement and why, derived priority, acknowledgement and assignment, in one transaction."""
        principal = allowed(request, STAFF | {"customer"}, "open tickets")
        now = application.now()
        received_at = body.received_at or now.replace(microsecond=0)
        meta = await command_meta(request, application.log, now, body.occurred_at or received_at)
        await application.current()
        given = body.model_dump(exclude={"occurred_at", "received_at"})
        command = CreateTicket(reference=new_reference(principal.provider), received_at=received_at, **given)
        return as_response(await application.tickets.create(meta, command))


def _add_reads(routes: APIRouter, application: Application) -> None:
    @routes.get("/tickets", summary="List tickets", responses=answers(200, "A page", {"items": [_ITEM]}))
    async def list_tickets(  # noqa: PLR0913 - the filters of the contract
        request: Request,
        state: Filter = None,
        customer: Filter = None,
        contract: Filter = None,
        severity: Filter = None,
        type: Filter = None,  # noqa: A002 - the contract's word
        group: Filter = None,
        assignee: Filter = None,
        channel: Filter = None,
        agreement: Filter = None,
        after: Annotated[str, Query(max_length=64)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Response:
        """In the order of creation; a customer sees the own company's."""
        principal = allowed(request, TICKET_READERS, "read tickets")
        given = locals()
        wanted = {name: given[name] for name in FILTERS if given[name] is not None}
        if principal.role == "customer":
            wanted["customer"] = principal.customer or ""
        model = await application.current()
        found = await model.tickets(principal.provider, wanted, after=after, limit=limit)
        headers = {}
        if len(found) == limit:
            page = request.url.include_query_params(after=found[-1].id)
            headers["Link"] = f'<{page.path}?{page.query}>; rel="next"'
        return json_answer({"items": found}, headers=headers)

    @routes.get("/tickets/{ticket}", summary="Read a ticket", responses=answers(200, "The ticket", {"ticket": _ITEM}))
    async def read_ticket(request: Request, ticket: TicketName, at: At = None, known_at: KnownAt = None) -> Response:
        """The newest state, or the state at an instant; ``personal`` holds what is sealed in the log."""
        principal = allowed(request, TICKET_READERS, "read tickets")
        found = await _identified(application, request, ticket)
        if at is None and known_at is None:
            loaded = await application.tickets.newest(principal, found)
        else:
            loaded = await application.tickets.as_of(principal, found, at, known_at)
        body = {"ticket": loaded.state, "personal": await application.tickets.personal(found)}
        return json_answer(body, headers={"ETag": f'"{loaded.version}"'})

    @routes.get(
        "/tickets/{ticket}/events",
        summary="Read a ticket's history",
        responses=answers(200, "Its events, personal parts opened", {"items": TICKET_ANSWER["events"]}),
    )
    async def read_history(request: Request, ticket: TicketName) -> Response:
        principal = allowed(request, TICKET_READERS, "read tickets")
        found = await _identified(application, request, ticket)
        items = await application.tickets.history(principal, found)
        if principal.role == "customer":
            items = [each for each in items if not _internal(each)]
        return json_answer({"items": items})


def _internal(event: dict[str, Any]) -> bool:
    """A note among staff is not for the customer's eyes."""
    return event["type"] == "Responded" and event["data"].get("visible") is False


def _add_worklist(routes: APIRouter, application: Application) -> None:
    @routes.get("/worklist", summary="See what to do next", responses=answers(200, "In order", {"items": [_ITEM]}))
    async def read_worklist(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        after: Annotated[str, Query(max_length=64, description="Id of the last ticket of the page before")] = "",
    ) -> Response:
        """Open tickets in the agreement's order, those that wait for the customer included."""
        principal = allowed(request, STAFF | {"admin", "auditor"}, "read the worklist")
        await application.current()
        ordered = await application.worklist.ordered(principal.provider, application.now())
        start = next((place + 1 for place, each in enumerate(ordered) if each.id == after), 0)
        if after and start == 0:
            raise Problem(422, f"The worklist has no ticket {after} any more; start again without 'after'.")
        page = ordered[start : start + limit]
        headers = {}
        if start + limit < len(ordered):
            following = request.url.include_query_params(after=page[-1].id)
            headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
        return json_answer({"items": page}, headers=headers)

    @routes.post(
        "/worklist/next",
        summary="Take the next ticket",
        status_code=201,
        responses=answers(201, "It is the caller's now", TICKET_ANSWER),
    )
    async def take_next(request: Request) -> Response:
        """The first workable ticket that nobody has is assigned to the caller; never one to two."""
        allowed(request, STAFF, "take tickets")
        meta = await command_meta(request, application.log, application.now())
        await application.current()
        return as_response(await application.worklist.take_next(meta))


async def _identified(application: Application, request: Request, name: str) -> str:
    if application.tickets.is_id(name):
        return name
    await application.current()
    return await application.tickets.identify(principal_of(request), name)
