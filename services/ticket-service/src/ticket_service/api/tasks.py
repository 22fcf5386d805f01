"""``/v1/tasks``: the open callbacks, appointments, escalations, cost approvals and acceptances of the provider; to a customer
the decisions that it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.roles import READERS
from fristwerk_platform.auth import Principal
from fristwerk_platform.http import Instant, Routes, allowed, own_only, responses
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.queries import Filter, Page, csv_answer, page
from ticket_service.application.application import Application
from ticket_service.domain.tasks import AWAITED, KINDS, Task, TaskKind

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
WITH_TEXT: Final = EXAMPLE | {"text": None}
FILTERS: Final = ("kind", "agent", "assignee", "customer", "department", "site")
VENDORS: Final = ("agent", "assignee", "department")
"""What a customer does not see of a task, and lists none by."""


class ShownTask(Task, frozen=True, kw_only=True):
    """An open task; ``text`` is with what a customer was asked to approve costs, null of other tasks, and once the person
    was forgotten.
    """

    text: str | None


class TaskPage(msgspec.Struct):
    """Open tasks."""

    items: list[ShownTask]


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
    found = responses(200, "A page, or all rows", {"items": [WITH_TEXT]}, TaskPage)
    found[200]["content"]["text/csv"] = {"example": ",".join(EXAMPLE), "model": str}
    return found


def tasks_router(application: Application) -> Routes:
    """``/v1/tasks``."""
    routes = Routes(tags=["tickets"])

    @routes.get("/tasks", summary="See what is open", responses=_described())
    async def list_tasks(request: Request, query: TaskQuery) -> Response:
        """Promised calls, with a target or without, appointments, escalations and what has to be cleared for them, approvals
        and acceptances that are awaited, by when they are due. A customer lists what it is asked to decide on: approvals
        and acceptances of its own tickets. What was asked with an approval stands in `text`, not in the CSV.
        """
        principal = allowed(request, READERS | {"customer"}, "list tasks")
        everything = query.format == "csv"
        found = await application.tasks.page(
            principal.provider,
            _wanted(principal, query),
            kinds=AWAITED if principal.role == "customer" else KINDS,
            until=query.until,
            after=query.after,
            limit=None if everything else query.limit + 1,
        )
        if principal.role == "customer":
            found = [msgspec.structs.replace(each, **dict.fromkeys(VENDORS)) for each in found]
        if everything:
            return csv_answer([*EXAMPLE], map(msgspec.structs.asdict, found), name="tasks")
        asked = {each.ticket for each in found[: query.limit] if each.kind == "cost_approval"}
        texts = await application.cost_texts.of_all(principal, asked)
        return page(request, found, query.limit, lambda each: each.cursor, partial(_with_text, texts))

    return routes


def _wanted(principal: Principal, query: TaskQuery) -> dict[str, str]:
    """The filter for this caller. Raises Problem 403."""
    own = own_only(principal, query.customer, "customer")
    wanted = {name: value for name in FILTERS if (value := getattr(query, name)) is not None}
    if principal.role == "customer" and (hidden := [name for name in VENDORS if name in wanted]):
        raise Problem(403, f"A customer does not see {', '.join(hidden)} of a task, and lists none by it.")
    return wanted if own is None else wanted | {"customer": own}


def _with_text(texts: Mapping[str, Mapping[int, str]], task: Task) -> ShownTask:
    text = texts.get(task.ticket, {}).get(task.number) if task.kind == "cost_approval" else None
    return ShownTask(**msgspec.structs.asdict(task), text=text)
