"""Timers: of a ticket, of all tickets, and why a deadline is what it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BeforeValidator

from fristwerk_language.terms import Metric
from fristwerk_platform.http import allowed, json_answer, parse_instant, responses
from fristwerk_platform.http.problems import Problem
from sla_service.api.parameters import (
    READERS,
    TICKET_READERS,
    After,
    At,
    KnownAt,
    Limit,
    instant,
    next_link,
    question_router,
)
from sla_service.application.timers import Timers
from sla_service.domain.explanation.labels import Language
from sla_service.domain.timers.timer import TimerState
from sla_service.queries.read_model import TimerFilter

_SPAN: Final = r"^[0-9]{1,6}[mhd]$"
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_CURSOR: Final = "~"


DueBefore = Annotated[datetime | None, BeforeValidator(instant), Query(description="Due before this instant")]
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
_STEP: Final = {
    "rule": "due",
    "at": "2026-06-05T07:30:00Z",
    "sentence": "Due: Friday 5 June 2026, 09:30.",
}
_TIMERS: Final = {
    "ticket": "0199c3c4-…",
    "entitled": True,
    "reason": "contract … is in force",
    "items": [_TIMER],
    "absent": [],
}


def timers_router(deadlines: Timers) -> APIRouter:
    """``/v1/tickets/{ticket}/timers`` and ``/v1/timers``."""
    routes = question_router(tags=["timers"])

    @routes.get(
        "/tickets/{ticket}/timers", summary="Read a ticket's timers", responses=responses(200, "Timers", _TIMERS)
    )
    async def read_ticket_timers(
        request: Request, ticket: Annotated[str, Path(max_length=64)], at: At = None, known_at: KnownAt = None
    ) -> Response:
        """All timers, and for each metric without one the reason. ``ticket`` is an id or a reference."""
        principal = allowed(request, TICKET_READERS, "read timers")
        return json_answer(await deadlines.of_ticket(principal, ticket, at, known_at))

    @routes.get("/timers", summary="List timers", responses=responses(200, "A page", {"items": [_TIMER]}))
    async def list_timers(
        request: Request,
        state: Annotated[TimerState | None, Query()] = None,
        metric: Annotated[Metric | None, Query()] = None,
        customer: Annotated[str | None, Query(max_length=64)] = None,
        due_before: DueBefore = None,
        within: Within = None,
        order: Annotated[Literal["due_at"] | None, Query()] = None,
        after: After = "",
        limit: Limit = 50,
    ) -> Response:
        """With ``order=due_at`` the next deadline first; ``within=30m`` lists running timers at risk."""
        provider = allowed(request, READERS, "read timers").provider
        now = deadlines.now()
        if within is not None:
            state = state or "running"
            risk = now + int(within[:-1]) * _UNITS[within[-1]]
            due_before = min(due_before, risk) if due_before else risk
        by_deadline = order == "due_at" or within is not None
        after_due_at, after = _cursor(after, by_deadline=by_deadline)
        query = TimerFilter(
            provider=provider,
            now=now,
            state=state,
            metric=metric,
            customer=customer,
            due_before=due_before,
            by_deadline=by_deadline,
            after=after,
            after_due_at=after_due_at,
            limit=limit,
        )
        items = await deadlines.listed(query)
        headers = next_link(request, after=_after(items[-1], by_deadline=by_deadline)) if len(items) == limit else {}
        return json_answer({"items": items}, headers=headers)

    @routes.get(
        "/timers/{timer}/explanation",
        summary="Explain a deadline",
        responses=responses(
            200, "Steps", {"timer": _TIMER, "language": "en", "steps": [_STEP], "text": _STEP["sentence"]}
        ),
    )
    async def explain_timer(
        request: Request,
        timer: Annotated[str, Path(max_length=200)],
        lang: Annotated[Language, Query(description="Language of the sentences")] = "en",
    ) -> Response:
        """Ordered steps, each with its instants, its rule, and the event or clause it rests on; and as sentences."""
        principal = allowed(request, TICKET_READERS, "read timers")
        return json_answer(await deadlines.explained(principal, timer, lang))

    return routes


def _cursor(after: str, *, by_deadline: bool) -> tuple[datetime | None, str]:
    """The deadline and id behind which a page begins. Raises Problem 422 for what was never a cursor."""
    if not after or not by_deadline:
        return None, after
    due_at, _, timer = after.partition(_CURSOR)
    try:
        return parse_instant(due_at), timer
    except ValueError:
        sentence = "is no cursor of this list; take it from the Link header"
        raise Problem(
            422, f"{after!r} {sentence}.", code="invalid-request", errors=[("#query/after", sentence)]
        ) from None


def _after(item: dict[str, Any], *, by_deadline: bool) -> str:
    if not by_deadline:
        return str(item["id"])
    due_at: datetime = parse_instant(item["due_at"])
    return f"{due_at:%Y-%m-%dT%H:%M:%SZ}{_CURSOR}{item['id']}"
