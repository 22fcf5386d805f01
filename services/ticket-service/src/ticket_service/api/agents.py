"""``/v1/agents``: the provider's people, when they are away, and when they are free for an appointment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.events.agents import AgentRole
from fristwerk_language.roles import READERS, STAFF
from fristwerk_platform.commands import CommandMetadata
from fristwerk_platform.http import (
    HttpModel,
    Identifier,
    Instant,
    Routes,
    allowed,
    as_response,
    json_answer,
    principal_of,
    responses,
)
from fristwerk_platform.http.described_headers import ETAG, IF_MATCH
from fristwerk_platform.http.queries import At, Filter, Page, QueryParameters, page
from ticket_service.api import agent_answers as answers
from ticket_service.api import examples
from ticket_service.api.access import ADMIN, command_of
from ticket_service.api.parameters import AbsenceNumber
from ticket_service.application.application import Application
from ticket_service.application.state_cache import Loaded
from ticket_service.domain.agent.commands import EndAbsence, EnterAbsence, RegisterAgent
from ticket_service.domain.agent.state import Agent
from ticket_service.domain.errors import NotAllowed

DAYS: Final = 14
"""So many days are looked through at once."""
ANYBODYS: Final = frozenset({"admin", "manager"})
"""Who enters absences of others; everybody else of the staff their own."""
EXAMPLE: Final = {
    "items": [{"start": "2026-06-25T07:00:00Z", "end": "2026-06-25T10:00:00Z"}],
    "until": "2026-07-09T07:00:00Z",
}


class AgentBody(HttpModel):
    """The whole entry of an agent: what is left out is no longer so."""

    role: AgentRole
    groups: Annotated[list[Identifier], Field(max_length=50)] = []
    department: Identifier | None = None
    site: Identifier | None = None
    languages: Annotated[list[Identifier], Field(max_length=50)] = Field([], examples=[["de", "en"]])
    calendar: Identifier | None = Field(None, description="A published calendar by which the agent works")


class AbsenceBody(HttpModel):
    """Away from an instant on, and back at another; `deputy` is an agent of the directory."""

    from_: Instant = Field(alias="from", examples=["2026-06-15T09:00:00+02:00"])
    until: Instant = Field(examples=["2026-06-20T09:00:00+02:00"])
    deputy: Identifier | None = None
    occurred_at: Instant | None = None


class AbsenceEndBody(HttpModel):
    """When the agent is back; now, where nothing is said."""

    at: Instant | None = None
    occurred_at: Instant | None = None


class AgentQuery(Page):
    """Which agents."""

    role: AgentRole | None = None
    group: Filter = None
    department: Filter = None
    site: Filter = None
    language: Filter = None


class FreeTimesQuery(QueryParameters):
    """For which ticket, from when on, and how long it will take."""

    ticket: Annotated[
        str | None, Field(max_length=64, description="Id or reference: its calendar counts where the agent has none")
    ] = None
    since: Annotated[At, Field(alias="from", description="From then on; default now")] = None
    minutes: Annotated[int, Field(ge=1, le=1440, description="Only times of at least so many minutes")] = 30


def agents_router(application: Application) -> Routes:
    """``/v1/agents``."""
    routes = Routes(tags=["agents"])
    _add_entries(routes, application)
    _add_absences(routes, application)
    _add_free_times(routes, application)
    return routes


def _add_entries(routes: Routes, application: Application) -> None:
    agents = application.agents

    @routes.put(
        "/agents/{agent}",
        summary="Enter an agent in the directory",
        status_code=201,
        responses=responses(201, "Done", examples.AGENT_CHANGED, answers.AgentChanged),
        headers=(IF_MATCH,),
        permits=(ADMIN, "enter agents"),
    )
    async def register_agent(request: Request, agent: Identifier, body: AgentBody) -> Response:
        """The whole entry; absences stay. The same again is 200."""
        meta = await command_of(request, application)
        return as_response(await agents.register(meta, RegisterAgent(agent=agent, **body.model_dump())))

    @routes.get(
        "/agents",
        summary="List agents",
        responses=responses(200, "A page", {"items": [examples.AGENT]}, answers.AgentPage),
    )
    async def list_agents(request: Request, query: AgentQuery) -> Response:
        """The directory, by the agents' ids, with who is away now and who stands in."""
        provider = allowed(request, READERS, "read agents").provider
        found = await agents.page(provider, lambda agent: _fits(agent, query), after=query.after, limit=query.limit + 1)
        items = [await _shown(application, each) for each in found]
        return page(request, items, query.limit, lambda each: str(each["agent"]))

    @routes.get(
        "/agents/{agent}",
        summary="Read an agent's entry",
        responses=responses(200, "The agent", {"agent": examples.AGENT}, answers.AgentAnswer, headers=(ETAG,)),
    )
    async def read_agent(request: Request, agent: Identifier) -> Response:
        provider = allowed(request, READERS, "read agents").provider
        loaded = await agents.entry(provider, agent)
        body = {"agent": await _shown(application, loaded)}
        return json_answer(body, headers={"ETag": f'"{loaded.version}"'})


def _add_absences(routes: Routes, application: Application) -> None:
    agents = application.agents

    async def may(request: Request) -> None:
        """Raises NotAllowed for who would enter another's absence."""
        principal, agent = principal_of(request), request.scope["path_params"]["agent"]
        if principal.role not in ANYBODYS and principal.sub != agent:
            raise NotAllowed(
                "role-not-allowed", f"The role {principal.role} enters its own absences, and nobody else's."
            )

    async def command(request: Request, occurred_at: datetime | None) -> CommandMetadata:
        await may(request)
        return await command_of(request, application, occurred_at)

    @routes.post(
        "/agents/{agent}/absences",
        summary="Enter an absence",
        status_code=201,
        responses=responses(201, "Done", examples.ABSENCE_ENTERED, answers.AgentChanged),
        headers=(IF_MATCH,),
        permits=(ADMIN | STAFF, "enter absences"),
        found=may,
    )
    async def enter_absence(request: Request, agent: Identifier, body: AbsenceBody) -> Response:
        """Meanwhile no appointment is booked with the agent, and what comes from its dedicated customers goes to the deputy.
        Everybody of the staff enters their own; administrators and managers anybody's.
        """
        meta = await command(request, body.occurred_at)
        absence = EnterAbsence(from_at=body.from_, until_at=body.until, deputy=body.deputy)
        return as_response(await agents.enter_absence(meta, agent, absence))

    @routes.post(
        "/agents/{agent}/absences/{number}/end",
        summary="End an absence earlier",
        status_code=201,
        responses=responses(201, "Done", examples.ABSENCE_ENDED, answers.AgentChanged),
        headers=(IF_MATCH,),
        permits=(ADMIN | STAFF, "end absences"),
        found=may,
    )
    async def end_absence(
        request: Request,
        agent: Identifier,
        number: AbsenceNumber,
        body: AbsenceEndBody = AbsenceEndBody(),  # noqa: B008 - immutable
    ) -> Response:
        """The agent is back at `at`; one that had not begun does not take place."""
        meta = await command(request, body.occurred_at)
        return as_response(await agents.end_absence(meta, agent, EndAbsence(absence=number, at=body.at)))


def _add_free_times(routes: Routes, application: Application) -> None:
    @routes.get(
        "/agents/{agent}/free",
        summary="See when an agent is free",
        responses=responses(200, "Free times of two weeks", EXAMPLE, answers.FreeTimesAnswer),
    )
    async def read_free_times(request: Request, agent: Identifier, query: FreeTimesQuery) -> Response:
        """The open hours of the agent's own calendar, else of the ticket's, in the next two weeks, without absences and the
        appointments that the agent keeps on any ticket. A customer asks for its dedicated agent, and books what is free with
        `…/appointments/{number}/booking`.
        """
        principal = principal_of(request)
        if principal.role != "customer":
            allowed(request, READERS, "read free times")
        start = max(query.since or application.now(), application.now()).replace(microsecond=0)
        end = start + timedelta(days=DAYS)
        found = await application.free_times.of(principal, agent, query.ticket, start, end, query.minutes)
        items = [{"start": begins.astimezone(UTC), "end": ends.astimezone(UTC)} for begins, ends in found]
        return json_answer({"items": items, "until": end})


def _fits(agent: Agent, query: AgentQuery) -> bool:
    same = all(
        wanted in (None, own)
        for wanted, own in (
            (query.role, agent.role),
            (query.department, agent.department),
            (query.site, agent.site),
        )
    )
    among = all(
        wanted is None or wanted in own
        for wanted, own in ((query.group, agent.groups), (query.language, agent.languages))
    )
    return same and among


async def _shown(application: Application, loaded: Loaded[Agent]) -> dict[str, Any]:
    """The entry as it is now."""
    state, now = loaded.state, application.now()
    absence = state.absence_at(now)
    away = {
        "absent_until": None if absence is None else absence.until_at,
        "stand_in": await application.agents.stand_in(loaded.provider, state.agent, now),
    }
    entry: dict[str, Any] = msgspec.to_builtins(state)
    return entry | {"version": loaded.version} | away
