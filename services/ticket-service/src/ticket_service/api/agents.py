"""``/v1/agents``: when a member of staff is free for an appointment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import READERS
from fristwerk_platform.http import Identifier, Routes, allowed, json_answer, principal_of, responses
from fristwerk_platform.http.queries import At, QueryParameters
from ticket_service.application.application import Application

DAYS: Final = 14
"""So many days are looked through at once."""
EXAMPLE: Final = {
    "items": [{"start": "2026-06-25T07:00:00Z", "end": "2026-06-25T10:00:00Z"}],
    "until": "2026-07-09T07:00:00Z",
}


class FreeTime(msgspec.Struct):
    """An appointment may begin and end anywhere within."""

    start: datetime
    end: datetime


class FreeTimesAnswer(msgspec.Struct):
    """Free times in order, up to ``until``."""

    items: list[FreeTime]
    until: datetime


class FreeTimesQuery(QueryParameters):
    """For which ticket, from when on, and how long it will take."""

    ticket: Annotated[str, Field(max_length=64, description="Id or reference: its calendar counts")]
    since: Annotated[At, Field(alias="from", description="From then on; default now")] = None
    minutes: Annotated[int, Field(ge=1, le=1440, description="Only times of at least so many minutes")] = 30


def agents_router(application: Application) -> Routes:
    """``/v1/agents``."""
    routes = Routes(tags=["agents"])

    @routes.get(
        "/agents/{agent}/free",
        summary="See when an agent is free",
        responses=responses(200, "Free times of two weeks", EXAMPLE, FreeTimesAnswer),
    )
    async def read_free_times(request: Request, agent: Identifier, query: FreeTimesQuery) -> Response:
        """The open hours of the ticket's calendar in the next two weeks, without the appointments that the agent keeps on any
        ticket. A customer asks for its dedicated agent, and books what is free with `…/appointments/{number}/booking`.
        """
        principal = principal_of(request)
        if principal.role != "customer":
            allowed(request, READERS, "read free times")
        start = max(query.since or application.now(), application.now()).replace(microsecond=0)
        end = start + timedelta(days=DAYS)
        found = await application.free_times.of(principal, agent, query.ticket, start, end, query.minutes)
        items = [{"start": begins.astimezone(UTC), "end": ends.astimezone(UTC)} for begins, ends in found]
        return json_answer({"items": items, "until": end})

    return routes
