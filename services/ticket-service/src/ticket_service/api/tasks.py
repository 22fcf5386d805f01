"""``/v1/tasks``: the open callbacks, appointments, escalations, cost approvals and acceptances of the provider."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import READERS
from fristwerk_platform.http import Instant, Routes, allowed, responses
from fristwerk_platform.http.queries import Filter, Page, csv_answer, page
from ticket_service.application.application import Application
from ticket_service.domain.tasks import Task, TaskKind

EXAMPLE: Final = {
    "kind": "callback",
    "ticket": "0199c3c4-1f00-7c11-8d2a-3b4c5d6e7f80",
    "reference": "INF-7K3Q-9F2M",
    "number": 1,
    "at": "2026-06-03T14:00:00Z",
    "state": "0 attempts",
    "agent": None,
    "customer": "0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70",
    "assignee": "agent-3",
    "department": None,
    "site": None,
}
FILTERS: Final = ("kind", "agent", "assignee", "customer", "department", "site")


class TaskPage(msgspec.Struct):
    """Open tasks."""

    items: list[Task]


class TaskQuery(Page):
    """Which tasks are listed."""

    kind: TaskKind | None = None
    agent: Filter = None
    assignee: Filter = None
    customer: Filter = None
    department: Filter = None
    site: Filter = None
    format: Annotated[Literal["json", "csv"], Field(description="`csv` gives all rows at once")] = "json"
    until: Annotated[Instant | None, Field(description="Only what is due, or began to wait, by then")] = None


def _described() -> dict[int | str, dict[str, Any]]:
    found = responses(200, "A page, or all rows", {"items": [EXAMPLE]}, TaskPage)
    found[200]["content"]["text/csv"] = {"example": ",".join(EXAMPLE), "model": str}
    return found


def tasks_router(application: Application) -> Routes:
    """``/v1/tasks``."""
    routes = Routes(tags=["tickets"])

    @routes.get("/tasks", summary="See what is open", responses=_described())
    async def list_tasks(request: Request, query: TaskQuery) -> Response:
        """Promised calls, with a target or without, appointments, escalations and what has to be cleared for them, approvals
        and acceptances that are awaited, by when they are due.
        """
        provider = allowed(request, READERS, "list tasks").provider
        everything = query.format == "csv"
        wanted = {name: value for name in FILTERS if (value := getattr(query, name)) is not None}
        found = await application.tasks.page(
            provider, wanted, until=query.until, after=query.after, limit=None if everything else query.limit + 1
        )
        if everything:
            return csv_answer([*EXAMPLE], map(msgspec.structs.asdict, found), name="tasks")
        return page(request, found, query.limit, lambda each: each.cursor)

    return routes
