"""Simulations over HTTP: other terms over past tickets; few at once, many with progress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.events.terms import CalendarPublished
from fristwerk_platform.event_log import Keyed
from fristwerk_platform.http import (
    HttpModel,
    Identifier,
    Routes,
    ShortText,
    allowed,
    command_metadata,
    json_answer,
    principal_of,
    responses,
)
from fristwerk_platform.http.described_headers import LINK, LOCATION
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.queries import PageLimit, QueryParameters, next_link
from sla_service.api import answers
from sla_service.api.idempotency import keep_and_respond
from sla_service.api.parameters import READERS, Bound, period
from sla_service.application.simulation import SimulationRequest, Simulations
from sla_service.application.simulation_bounds import check_room
from sla_service.domain.errors import NotFound
from sla_service.stores.idempotency import IdempotencyTable
from sla_service.stores.simulations import KEPT, SimulatedTicket, SimulationStore, StoredSimulation

_HEADERS: Final = (LOCATION, LINK)
FIRST_PAGE: Final = 50
MAX_CALENDARS: Final = 50
_SIMULATION: Final = {
    "id": "0199c3c4-7c30-7a44-8b55-9c6d7e8f9012",
    "state": "done",
    "from": "2026-06-01",
    "until": "2026-06-30",
    "as_of": "2026-07-01T08:00:00Z",
    "created_at": "2026-07-01T08:00:00Z",
    "finished_at": "2026-07-01T08:00:01Z",
    "expires_at": "2026-07-08T08:00:00Z",
    "agreement": None,
    "replaces": "infoniqa",
    "calendars": {"infoniqa": "infoniqa-literal@1"},
    "calendar": None,
    "progress": {"done": 5, "total": 5},
    "tickets": 5,
    "differ": 1,
    "sums": {
        "then": {"first_response": {"met": 4, "missed": 1, "running": 0, "cancelled": 0, "measured": 0}},
        "now": {"first_response": {"met": 3, "missed": 2, "running": 0, "cancelled": 0, "measured": 0}},
    },
}
_SIDE: Final = {
    "state": "met",
    "target": "2 business hours",
    "due_at": "2026-06-05T07:30:00Z",
    "met_at": "2026-06-05T07:00:00Z",
    "missed_at": None,
    "calendar": "infoniqa@1",
}
_TICKET: Final = {
    "ticket": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80",
    "reference": "INF-7K3Q-9F2M",
    "received_at": "2026-06-03T14:30:00Z",
    "differs": True,
    "timers": [
        {
            "timer": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80:first_response",
            "metric": "first_response",
            "then": _SIDE,
            "now": _SIDE
            | {
                "state": "missed",
                "due_at": "2026-06-04T08:00:00Z",
                "met_at": None,
                "missed_at": "2026-06-04T08:00:00Z",
                "calendar": "infoniqa-literal@1",
            },
            "differs": True,
        }
    ],
}
_RESULT: Final = {"simulation": _SIMULATION, "items": [_TICKET]}
_RUNNING: Final = {
    "simulation": _SIMULATION | {"state": "running", "finished_at": None, "progress": {"done": 0, "total": 12_000}},
    "items": [],
}
Document = ShortText | dict[str, Any]


class SimulationBody(HttpModel):
    """Which tickets, by receipt, and what to try on them: documents, ``name@version``, or a name for what is in force then."""

    since: Bound = Field(None, alias="from", examples=["2026-06-01"], json_schema_extra={"format": "date"})
    until: Bound = Field(None, examples=["2026-06-30"])
    agreement: Document | None = Field(
        None, description="Holds instead of the agreement of the same name", examples=[None]
    )
    replaces: Identifier | None = Field(
        None,
        description="Only tickets under this agreement; by default that of the agreement's name",
        examples=["infoniqa"],
    )
    calendar: Document | None = Field(None, description="Holds instead of every calendar", examples=[None])
    calendars: Annotated[dict[Identifier, Document], Field(max_length=MAX_CALENDARS)] = Field(
        {}, description="Each holds instead of the calendar of that name", examples=[{"infoniqa": "infoniqa-literal@1"}]
    )


class SimulationsQuery(QueryParameters):
    """Which page."""

    after: str = Field("", max_length=64)
    limit: PageLimit = 50


class SimulatedTicketsQuery(QueryParameters):
    """Which of a simulation's tickets."""

    differs: bool | None = Field(None, description="Only tickets that differ, or only those that do not")
    after: int = Field(0, ge=0, le=2**31 - 1, description="Where the page before ended")
    limit: PageLimit = 50


def simulations_router(simulations: Simulations, store: SimulationStore, kept: IdempotencyTable) -> Routes:
    """``/v1/simulations``."""
    routes = Routes(tags=["simulations"])
    _add_start(routes, simulations, store, kept)
    _add_reads(routes, store)
    return routes


def _add_start(routes: Routes, simulations: Simulations, store: SimulationStore, kept: IdempotencyTable) -> None:
    @routes.post(
        "/simulations",
        summary="Try other terms on past tickets",
        status_code=201,
        responses=responses(201, "Done", _RESULT, answers.SimulationAnswer, headers=_HEADERS)
        | responses(202, "It takes longer: read on at Location", _RUNNING, answers.SimulationAnswer, headers=_HEADERS),
        permits=(READERS, "run simulations"),
        is_long=True,
    )
    async def start_simulation(request: Request, body: SimulationBody) -> Response:
        """Per ticket then and now: deadline and outcome of each timer, and sums. Nothing else is touched."""
        provider = principal_of(request).provider
        if body.agreement is None and body.calendar is None and not body.calendars:
            sentence = "name what to try: an agreement, a calendar or calendars"
            raise Problem(
                422, f"Nothing to try: {sentence}.", code="invalid-request", errors=[("/agreement", sentence)]
            )
        meta = await command_metadata(request, kept, simulations.now())
        check_room(*await store.counted(provider))
        asked = SimulationRequest(
            period=period(body.since, body.until, "/from"),
            agreement=body.agreement,
            replaces=body.replaces,
            calendar=body.calendar,
            calendars=body.calendars,
        )
        simulation, found = await simulations.asked(provider, asked)
        status = 202 if simulation.finished_at is None else 201
        content = {"simulation": _shown(simulation), "items": found[:FIRST_PAGE]}
        headers = {"Location": f"/v1/simulations/{simulation.id}"}
        if len(found) > FIRST_PAGE:
            headers["Link"] = f'<{headers["Location"]}?after={FIRST_PAGE}>; rel="next"'

        async def keep(keyed: Keyed | None) -> None:
            await store.forget_old(meta.now)
            await store.add(simulation, found, keyed)

        response = await keep_and_respond(meta, content, keep, status=status, headers=headers)
        simulations.wake()
        return response


def _add_reads(routes: Routes, store: SimulationStore) -> None:
    @routes.get(
        "/simulations",
        summary="List simulations",
        responses=responses(200, "The last week's", {"items": [_SIMULATION]}, answers.SimulationPage),
    )
    async def list_simulations(request: Request, query: SimulationsQuery) -> Response:
        """The provider's own, the oldest first."""
        provider = allowed(request, READERS, "read simulations").provider
        found = await store.listed(provider, query.after, query.limit)
        headers = next_link(request, found[-1].id if len(found) == query.limit else None)
        return json_answer({"items": [_shown(each) for each in found]}, headers=headers)

    @routes.get(
        "/simulations/{simulation}",
        summary="Read a simulation",
        responses=responses(200, "How far it has come, and a page of its tickets", _RESULT, answers.SimulationAnswer),
    )
    async def read_simulation(
        request: Request, simulation: Annotated[str, Field(max_length=64)], query: SimulatedTicketsQuery
    ) -> Response:
        """Kept for a week."""
        provider = allowed(request, READERS, "read simulations").provider
        found = await store.one(provider, simulation)
        if found is None:
            raise NotFound("simulation-not-found", f"There is no simulation {simulation}.")
        page: Sequence[tuple[int, SimulatedTicket]] = await store.tickets(
            simulation, differs=query.differs, after=query.after, limit=query.limit
        )
        headers = next_link(request, page[-1][0] if len(page) == query.limit else None)
        body = {"simulation": _shown(found), "items": [each for _, each in page]}
        return json_answer(body, headers=headers)


def _shown(simulation: StoredSimulation) -> dict[str, Any]:
    question, progress = simulation.question, simulation.progress
    return {
        "id": simulation.id,
        "state": progress.state,
        "from": question.since,
        "until": question.until,
        "as_of": question.now,
        "agreement": _label(question.agreement, "agreement"),
        "replaces": question.replaces,
        "calendars": {name: _label(each, "calendar") for name, each in question.calendars.items()},
        "calendar": _label(question.calendar, "calendar"),
        "created_at": simulation.created_at,
        "finished_at": simulation.finished_at,
        "expires_at": simulation.created_at + KEPT,
        "progress": {"done": progress.done, "total": progress.total},
        "tickets": progress.tickets,
        "differ": progress.differ,
        "sums": {"then": progress.then, "now": progress.now},
    }


def _label(terms: str | dict[str, Any] | CalendarPublished | None, kind: str) -> str | None:
    """``name@version``; of a document ``name@0``."""
    match terms:
        case None | str():
            return terms
        case dict():
            return f"{terms[kind]}@0"
        case CalendarPublished():
            return f"{terms.name}@{terms.version}"
