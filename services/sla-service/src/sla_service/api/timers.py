"""Timers: of a ticket, of all tickets, and why a deadline is what it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.terms import Metric
from fristwerk_platform.http import Routes, allowed, json_answer, parse_instant, responses
from fristwerk_platform.http.negotiation import JSON, TEXT, VARIES, accepted, also_as_text, text_answer
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.queries import AsOf, Filter, PageLimit, QueryParameters, next_link, query_instant
from sla_service.api import answers
from sla_service.api.parameters import (
    READERS,
    TICKET_READERS,
    After,
)
from sla_service.application.timers import Timers
from sla_service.domain.explanation.labels import Language
from sla_service.domain.timers.timer import TimerState
from sla_service.queries.read_model import TimerFilter

_SPAN: Final = r"^[0-9]{1,6}[mhd]$"
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_CURSOR: Final = "~"


DueBefore = Annotated[datetime | None, BeforeValidator(query_instant), Field(description="Due before this instant")]
Within = Annotated[str | None, Field(pattern=_SPAN, description="At risk: due within this span, such as 30m, 4h or 1d")]
_TIMER: Final = {
    "id": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80:first_response",
    "ticket": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80",
    "metric": "first_response",
    "state": "met",
    "started_at": "2026-06-03T14:30:00Z",
    "target": "2 business hours",
    "clock": "business",
    "due_at": "2026-06-05T07:30:00Z",
    "soft_due_at": None,
    "warnings": [{"rule": "75%", "at": "2026-06-03T15:00:00Z"}],
    "met_at": "2026-06-05T07:00:00Z",
    "missed_at": None,
    "cancelled_at": None,
    "ended_at": "2026-06-05T07:00:00Z",
    "paused_seconds": 0,
    "paused_since": None,
    "pauses": [],
    "worked_seconds": None,
    "target_seconds": 7200,
    "remaining_seconds": None,
    "calendar": "infoniqa@1",
    "terms": "infoniqa@1",
    "line": "/service_levels/0",
    "severity": "kritisch",
    "note": None,
    "started_by": "0199c3c4-2a00-7d22-9e3b-4c5d6e7f8091",
    "ended_by": "0199c3c4-2b00-7d22-9e3b-4c5d6e7f8092",
    "changes": [],
    "detected_at": None,
}
_STEP: Final = {
    "rule": "due",
    "at": "2026-06-05T07:30:00Z",
    "sentence": "Due: Friday 5 June 2026, 09:30.",
}
_EXPLANATION: Final = {"timer": _TIMER, "language": "en", "steps": [_STEP], "text": _STEP["sentence"]}
_TIMERS: Final = {
    "ticket": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80",
    "entitled": True,
    "reason": "contract … is in force",
    "items": [_TIMER],
    "absent": [],
}


class TimersQuery(QueryParameters):
    """Which timers, in which order."""

    state: TimerState | None = None
    metric: Metric | None = None
    customer: Filter = None
    due_before: DueBefore = None
    within: Within = None
    order: Literal["due_at"] | None = None
    after: After = ""
    limit: PageLimit = 50


class ExplanationQuery(QueryParameters):
    """In which language."""

    lang: Language = Field("en", description="Language of the sentences")


def timers_router(deadlines: Timers) -> Routes:
    """``/v1/tickets/{ticket}/timers`` and ``/v1/timers``."""
    routes = Routes(tags=["timers"])

    @routes.get(
        "/tickets/{ticket}/timers",
        summary="Read a ticket's timers",
        responses=responses(200, "Timers", _TIMERS, answers.TicketTimers),
    )
    async def read_ticket_timers(
        request: Request, ticket: Annotated[str, Field(max_length=64)], query: AsOf
    ) -> Response:
        """All timers, and for each metric without one the reason. ``ticket`` is an id or a reference."""
        principal = allowed(request, TICKET_READERS, "read timers")
        return json_answer(await deadlines.of_ticket(principal, ticket, query.at, query.known_at))

    @routes.get(
        "/timers", summary="List timers", responses=responses(200, "A page", {"items": [_TIMER]}, answers.TimerPage)
    )
    async def list_timers(request: Request, query: TimersQuery) -> Response:
        """With ``order=due_at`` the next deadline first; ``within=30m`` lists running timers at risk."""
        provider = allowed(request, READERS, "read timers").provider
        now = deadlines.now()
        state, due_before = query.state, query.due_before
        if query.within is not None:
            state = state or "running"
            risk = now + int(query.within[:-1]) * _UNITS[query.within[-1]]
            due_before = min(due_before, risk) if due_before else risk
        by_deadline = query.order == "due_at" or query.within is not None
        after_due_at, after = _cursor(query.after, by_deadline=by_deadline)
        items = await deadlines.listed(
            TimerFilter(
                provider=provider,
                now=now,
                state=state,
                metric=query.metric,
                customer=query.customer,
                due_before=due_before,
                by_deadline=by_deadline,
                after=after,
                after_due_at=after_due_at,
                limit=query.limit,
            )
        )
        cursor = _after(items[-1], by_deadline=by_deadline) if len(items) == query.limit else None
        return json_answer({"items": items}, headers=next_link(request, cursor))

    @routes.get(
        "/timers/{timer}/explanation",
        summary="Explain a deadline",
        responses=also_as_text(responses(200, "Steps", _EXPLANATION, answers.Explanation), str(_STEP["sentence"])),
    )
    async def explain_timer(
        request: Request, timer: Annotated[str, Field(max_length=200)], query: ExplanationQuery
    ) -> Response:
        """Ordered steps, each with its instants, its rule, and the event or clause it rests on; and as sentences, which
        `text/plain` gives alone.
        """
        principal = allowed(request, TICKET_READERS, "read timers")
        explained = await deadlines.explained(principal, timer, query.lang)
        if accepted(request, JSON, TEXT) == TEXT:
            return text_answer(explained["text"])
        return json_answer(explained, headers=VARIES)

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
