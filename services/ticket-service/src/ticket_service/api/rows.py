"""``/v1/rows``: tickets as lists show them, with subject, customer's name and next deadline in one request."""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import ROLES
from fristwerk_platform.auth import Principal
from fristwerk_platform.http import Routes, allowed, json_answer, own_only, responses
from fristwerk_platform.http.described_headers import ETAG, IF_NONE_MATCH, POSITION
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.queries import QueryParameters, next_link
from ticket_service.application.application import Application
from ticket_service.application.rows import RowPage, RowQuestion, Standing
from ticket_service.domain.ticket.state import TicketState
from ticket_service.domain.ticket.visibility import TICKET_SHOWS

FILTERS: Final = ("state", "customer", "contract", "severity", "type", "assignee", "channel", "agreement")
MAX_ROWS: Final = 200
QUARTER: Final = 900
"""Seconds: in every zone a day begins with a quarter of an hour."""
NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "What one of the ETags names is still so", "headers": (ETAG,), "content": {}}
}
NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_STATES: Final = "|".join(get_args(TicketState))
Several = Annotated[
    str | None,
    Field(pattern=r"^[^,]{1,64}(,[^,]{1,64}){0,49}$", description="One value, or several separated by commas"),
]
SeveralStates = Annotated[
    str | None,
    Field(pattern=f"^({_STATES})(,({_STATES})){{0,49}}$", description="One state, or several separated by commas"),
]
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


class RowsQuery(QueryParameters):
    """Which rows, in which order; a customer sees the own company's, in the order of creation."""

    sort: Annotated[
        Literal["worklist", "opened", "updated"] | None,
        Field(
            description="`worklist`: open tickets as they are to be done (the default for staff); `opened`: all in the order"
            " of creation; `updated`: all, what changed last first (the default with `changed_after`)"
        ),
    ] = None
    limit: int = Field(50, ge=1, le=MAX_ROWS)
    after: str = Field("", max_length=64, description="The cursor of the page before, as its Link has it")
    state: SeveralStates = None
    customer: Several = None
    contract: Several = None
    severity: Several = None
    type: Several = None
    assignee: Several = None
    channel: Several = None
    agreement: Several = None
    changed_after: Annotated[
        int | None,
        Field(ge=0, le=2**63 - 1, description="Only what has changed after this position, as an earlier answer had it"),
    ] = None
    total: bool = Field(False, description="Also count the rows of all pages, up to 10,000")


def rows_router(application: Application) -> Routes:
    """``/v1/rows``."""
    routes = Routes(tags=["tickets"])

    @routes.get(
        "/rows",
        summary="List tickets with subject and next deadline",
        responses=responses(200, "A page", EXAMPLE, RowPage, headers=(POSITION, ETAG)) | NOT_MODIFIED,
        headers=(IF_NONE_MATCH,),
    )
    async def list_rows(request: Request, query: RowsQuery) -> Response:
        """Rows as of one position of the log. Each says whether its deadline rests on all that the row shows; where the SLA
        service is behind or away, rows come all the same.
        """
        principal = allowed(request, ROLES, "list tickets")
        asked = _question(principal, query)
        now = application.now()
        if (tags := request.headers.get(IF_NONE_MATCH)) is not None:
            kind = _kind(principal, asked, await application.rows.standing())
            if same := next((each.strip() for each in tags.split(",") if still_holds(each, kind, now)), None):
                return Response(status_code=304, headers={ETAG: same})
        page, cursor, standing = await application.rows.page(principal, now, asked)
        tag = f'W/"{_kind(principal, asked, standing)}.{holds_until(page, now)}"'
        headers = next_link(request, cursor) | {ETAG: tag}
        if page.position is not msgspec.UNSET:
            headers |= {POSITION: str(page.position)}
        return json_answer(page, headers=headers)

    return routes


def _question(principal: Principal, query: RowsQuery) -> RowQuestion:
    """What the caller may ask. Raises Problem 403 and 422."""
    own = own_only(principal, query.customer, "customer")
    wanted = {name: tuple(value.split(",")) for name in FILTERS if (value := getattr(query, name)) is not None}
    order = query.sort or ("worklist" if query.changed_after is None else "updated")
    if principal.role == "customer":
        order = query.sort or "opened"
        if hidden := [name for name in wanted if name not in TICKET_SHOWS]:
            raise Problem(403, f"A customer does not see {', '.join(hidden)} of a ticket, and lists none by it.")
        if order != "opened" or query.changed_after is not None:
            raise Problem(403, "A customer lists the own company's tickets in the order of creation, all of them.")
    if own is not None:
        wanted["customer"] = tuple(own.split(","))
    if order == "worklist" and query.changed_after is not None:
        raise _wrong("changed_after", "goes with the orders `updated` and `opened`")
    if order == "updated" and not NUMBER.fullmatch(query.after or "0"):
        raise _wrong("after", "is no cursor of this list; take it from the Link header")
    return RowQuestion(
        wanted=wanted,
        order=order,
        after=query.after,
        changed_after=query.changed_after or 0,
        limit=query.limit,
        counted=query.total,
    )


def _kind(principal: Principal, asked: RowQuestion, standing: Standing) -> str:
    """What an answer rests on besides the time, in short."""
    return sha256(msgspec.json.encode([principal, asked, standing])).hexdigest()[:24]


def _wrong(parameter: str, sentence: str) -> Problem:
    detail = f"`{parameter}` {sentence}."
    return Problem(422, detail, code="invalid-request", errors=[(f"#query/{parameter}", sentence)])


def holds_until(page: RowPage, now: datetime) -> int:
    """Until when, in seconds of the epoch, the time alone changes nothing: a running clock reaches its deadline, or a local
    day begins, with which another contract may give another place.
    """
    quarter = (int(now.timestamp()) // QUARTER + 1) * QUARTER - 1
    shown = [row.next_deadline for row in page.items if row.next_deadline is not None]
    due = [int(each.due_at.timestamp()) for each in shown if each.state == "running" and each.due_at is not None]
    return min([quarter, *due])


def still_holds(tag: str, kind: str, now: datetime) -> bool:
    """Whether an ETag of the caller's names what would be answered now."""
    before, _, until = tag.strip().removeprefix("W/").strip('"').partition(".")
    return before == kind and NUMBER.fullmatch(until) is not None and now.timestamp() <= int(until)
