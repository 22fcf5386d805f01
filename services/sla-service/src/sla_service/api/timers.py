"""Timers: of a ticket, of all tickets, and why a deadline is what it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BeforeValidator

from shared.http import allowed, answers, json_answer, parse_instant, router
from shared.terms import Metric
from sla_service.application import Application
from sla_service.domain.timer import TimerState
from sla_service.domain.wording import Language
from sla_service.read_model import TimerQuery

READERS: Final = frozenset({"admin", "agent", "specialist", "manager", "billing", "auditor"})
TICKET_READERS: Final = READERS | {"customer"}
_SPAN: Final = r"^[0-9]{1,6}[mhd]$"
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def _instant(value: object) -> datetime | None:
    return None if value is None else parse_instant(value)


At = Annotated[datetime | None, BeforeValidator(_instant), Query(description="By what had occurred at this instant")]
KnownAt = Annotated[datetime | None, BeforeValidator(_instant), Query(description="By what had been recorded then")]
DueBefore = Annotated[datetime | None, BeforeValidator(_instant), Query(description="Due before this instant")]
Within = Annotated[str | None, Query(pattern=_SPAN, description="At risk: due within this span, such as 30m, 4h or 1d")]
_TIMER: Final = {
    "id": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80:first_response",
    "metric": "first_response",
    "state": "met",
    "started_at": "2026-06-03T14:30:00Z",
    "target": "2 business hours",
    "due_at": "2026-06-05T07:30:00Z",
    "met_at": "2026-06-05T07:00:00Z",
    "calendar": "infoniqa@1",
    "terms": "infoniqa@1",
}
_TIMERS: Final = {
    "ticket": "0199c3c4-…",
    "entitled": True,
    "reason": "contract … is in force",
    "items": [_TIMER],
    "absent": [],
}


def timers_router(application: Application) -> APIRouter:
    """``/v1/tickets/{ticket}/timers`` and ``/v1/timers``."""
    routes = router(tags=["timers"])
    now = application.now

    @routes.get("/tickets/{ticket}/timers", summary="Read a ticket's timers", responses=answers(200, "Timers", _TIMERS))
    async def read_ticket_timers(
        request: Request, ticket: Annotated[str, Path(max_length=64)], at: At = None, known_at: KnownAt = None
    ) -> Response:
        """All timers, and for each metric without one the reason. ``ticket`` is an id or a reference."""
        principal = allowed(request, TICKET_READERS, "read timers")
        return json_answer(await application.deadlines.of_ticket(principal, ticket, at, known_at))

    @routes.get("/timers", summary="List timers", responses=answers(200, "A page", {"items": [_TIMER]}))
    async def list_timers(
        request: Request,
        state: Annotated[TimerState | None, Query()] = None,
        metric: Annotated[Metric | None, Query()] = None,
        customer: Annotated[str | None, Query(max_length=64)] = None,
        due_before: DueBefore = None,
        within: Within = None,
        order: Annotated[Literal["due_at"] | None, Query()] = None,
        after: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Response:
        """With ``order=due_at`` the next deadline first; ``within=30m`` lists running timers at risk."""
        provider = allowed(request, READERS, "read timers").provider
        at = now()
        if within is not None:
            state = state or "running"
            risk = at + int(within[:-1]) * _UNITS[within[-1]]
            due_before = min(due_before, risk) if due_before else risk
        query = TimerQuery(
            provider=provider,
            now=at,
            state=state,
            metric=metric,
            customer=customer,
            due_before=due_before,
            by_deadline=order == "due_at" or within is not None,
            after=after,
            limit=limit,
        )
        items = await application.deadlines.listed(query)
        headers = {}
        if len(items) == limit:
            page = request.url.include_query_params(after=items[-1]["id"])
            headers["Link"] = f'<{page.path}?{page.query}>; rel="next"'
        return json_answer({"items": items}, headers=headers)

    @routes.get(
        "/timers/{timer}/explanation",
        summary="Explain a deadline",
        responses=answers(200, "Steps", {"timer": _TIMER["id"], "steps": [{"rule": "start", "sentence": "…"}]}),
    )
    async def explain_timer(
        request: Request,
        timer: Annotated[str, Path(max_length=200)],
        lang: Annotated[Language, Query(description="Language of the sentences")] = "en",
    ) -> Response:
        """Ordered steps, each with its instants, its rule, and the event or clause it rests on; and as sentences."""
        principal = allowed(request, TICKET_READERS, "read timers")
        return json_answer(await application.deadlines.explained(principal, timer, lang))

    return routes
