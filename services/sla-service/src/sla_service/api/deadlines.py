"""Deadlines for other systems: the calendar's arithmetic without a ticket."""

from __future__ import annotations

from typing import Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_platform.http import HttpModel, Instant, Routes, ShortText, command_metadata, principal_of, responses
from fristwerk_platform.http.described_headers import IDEMPOTENCY_KEY, REPLAYED
from sla_service.api.answers import ComputedDeadline
from sla_service.api.idempotency import keep_and_respond
from sla_service.api.parameters import READERS
from sla_service.application.timers import Timers
from sla_service.stores.idempotency import IdempotencyTable

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


def deadlines_router(deadlines: Timers, kept: IdempotencyTable) -> Routes:
    """``/v1/deadlines``."""
    routes = Routes(tags=["deadlines"])

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
