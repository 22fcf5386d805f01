"""Deadlines for other systems: the calendar's arithmetic without a ticket, and every ticket's next deadline as it changes."""

from __future__ import annotations

from typing import Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_platform.auth import ALL_PROVIDERS
from fristwerk_platform.http import (
    HttpModel,
    Instant,
    Routes,
    ShortText,
    command_metadata,
    json_answer,
    principal_of,
    responses,
)
from fristwerk_platform.http.described_headers import IDEMPOTENCY_KEY, REPLAYED
from fristwerk_platform.http.queries import QueryParameters
from sla_service.api.answers import ComputedDeadline
from sla_service.api.idempotency import keep_and_respond
from sla_service.api.parameters import READERS
from sla_service.application.next_deadlines import NextDeadlines
from sla_service.application.timers import Timers
from sla_service.queries.next_deadlines import DeadlineCursor, DeadlinePage
from sla_service.stores.idempotency import IdempotencyTable

MOST_CHANGES: Final = 1_000
_DEADLINE: Final = {
    "calendar": "infoniqa@1",
    "start": "2026-06-03T14:30:00Z",
    "target": "2 business hours",
    "due_at": "2026-06-05T07:30:00Z",
    "steps": [{"rule": "due", "at": "2026-06-05T07:30:00Z", "sentence": "Due: Friday 5 June 2026, 09:30."}],
}


class DeadlineBody(HttpModel):
    """From when, on which calendar, how much: ``2 business hours``, ``1 business days`` or ``4 hours``."""

    calendar: ShortText = Field(
        examples=["infoniqa"], description="Its name, or name@version; by default the version in force at the start"
    )
    start: Instant = Field(examples=["2026-06-03T16:30:00+02:00"])
    target: ShortText = Field(examples=["2 business hours"])


_CHANGED: Final = {
    "position": 1042,
    "read_model": 1,
    "items": [
        {
            "ticket": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80",
            "provider": "infoniqa",
            "position": 1040,
            "parked": False,
            "next": {
                "timer": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80:first_response",
                "metric": "first_response",
                "state": "running",
                "started_at": "2026-06-03T14:30:00Z",
                "due_at": "2026-06-05T07:30:00Z",
                "ended_at": None,
            },
        }
    ],
    "next": {"position": 1042, "after": ""},
}


class ChangedQuery(QueryParameters):
    """From where on; `next` of the page before names both."""

    position: int = Field(0, ge=0, le=2**63 - 1, description="The position of the log with which to go on")
    after: str = Field("", max_length=64, description="Of that position only tickets behind this id")
    limit: int = Field(500, ge=1, le=MOST_CHANGES)
    wait: float = Field(0.0, ge=0, le=25, description="Seconds to wait where nothing was recorded since")


def deadlines_router(deadlines: Timers, kept: IdempotencyTable, changed: NextDeadlines) -> Routes:
    """``/v1/deadlines``."""
    routes = Routes(tags=["deadlines"])

    @routes.get(
        "/deadlines",
        summary="Follow next deadlines",
        responses=responses(200, "What has changed", _CHANGED, DeadlinePage),
        permits=(READERS | {"service"}, "read timers"),
    )
    async def list_changed_deadlines(request: Request, query: ChangedQuery) -> Response:
        """Every ticket's next deadline in the order of its last change, for whoever keeps them; the tickets of the position
        asked for are among them, as one of them may have changed since.
        """
        principal = principal_of(request)
        provider = None if principal.provider == ALL_PROVIDERS else principal.provider
        cursor = DeadlineCursor(query.position, query.after)
        return json_answer(await changed.page(provider, cursor, query.limit, query.wait))

    @routes.post(
        "/deadlines",
        summary="Compute a deadline",
        responses=responses(200, "The deadline", _DEADLINE, ComputedDeadline, headers=(REPLAYED,)),
        headers=(IDEMPOTENCY_KEY,),
        permits=(READERS | {"service"}, "compute deadlines"),
    )
    async def compute_deadline(request: Request, body: DeadlineBody) -> Response:
        """Nothing is stored; the steps say which hours were counted and why others were not."""
        principal = principal_of(request)
        meta = await command_metadata(request, kept, deadlines.now())
        found = await deadlines.computed(principal, body.calendar, body.start, body.target)
        return await keep_and_respond(meta, found, kept.keep)

    return routes
