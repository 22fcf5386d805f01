"""``/v1/rows``: tickets as lists show them, with subject, customer's name and next deadline in one request."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import ROLES
from fristwerk_platform.http import Routes, allowed, json_answer, responses
from fristwerk_platform.http.described_headers import ETAG, IF_NONE_MATCH, POSITION
from fristwerk_platform.http.queries import next_link
from ticket_service.api.list_answers import RowPage
from ticket_service.api.list_tags import NOT_MODIFIED, holds_until, kind_of, tag_of, unchanged
from ticket_service.api.ticket_filters import ListedTickets
from ticket_service.application.application import Application

EXAMPLE: Final = {
    "items": [
        {
            "id": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80",
            "reference": "INF-7K3Q-9F2M",
            "version": 4,
            "customer": "0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70",
            "contract": "0199c3c4-6b20-7f33-a2e6-7b2a4d3f0c81",
            "agreement": "infoniqa",
            "state": "open",
            "type": "normal",
            "severity": "kritisch",
            "channel": "email",
            "site": None,
            "opened_by": None,
            "received_at": "2026-06-03T14:30:00Z",
            "priority": 10,
            "group": None,
            "assignee": "agent-7",
            "department": None,
            "level": None,
            "last_activity_at": "2026-06-03T14:30:00Z",
            "subject": "Lohnlauf bricht ab",
            "customer_name": "Muster Treuhand AG",
            "next_deadline": {
                "timer": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80:first_response",
                "metric": "first_response",
                "state": "running",
                "started_at": "2026-06-03T14:30:00Z",
                "due_at": "2026-06-05T07:30:00Z",
                "ended_at": None,
            },
            "deadline_is": "current",
        }
    ],
    "as_of": "2026-06-03T15:00:00Z",
    "deadlines": {"state": "current", "heard_at": "2026-06-03T15:00:00Z", "position": 1042},
    "position": 1042,
}


def rows_router(application: Application) -> Routes:
    """``/v1/rows``."""
    routes = Routes(tags=["tickets"])

    @routes.get(
        "/rows",
        summary="List tickets with subject and next deadline",
        responses=responses(200, "A page", EXAMPLE, RowPage, headers=(POSITION, ETAG)) | NOT_MODIFIED,
        headers=(IF_NONE_MATCH,),
    )
    async def list_rows(request: Request, query: ListedTickets) -> Response:
        """Rows as of one position of the log, staff's in the order of the worklist unless they ask for another one. Each says
        whether its deadline rests on all that the row shows; where the SLA service is behind or away, rows come all the same.
        """
        principal = allowed(request, ROLES, "list tickets")
        asked = query.question(principal, "worklist")
        now = application.now()
        if IF_NONE_MATCH in request.headers:
            kind = kind_of(principal, asked, await application.rows.standing())
            if (answer := unchanged(request, kind, now)) is not None:
                return answer
        found = await application.rows.page(principal, now, asked)
        tag = tag_of(kind_of(principal, asked, found.standing), holds_until((found.until,), now))
        headers = next_link(request, found.cursor) | {ETAG: tag}
        if found.page.position is not msgspec.UNSET:
            headers |= {POSITION: str(found.page.position)}
        return json_answer(found.page, headers=headers)

    return routes
