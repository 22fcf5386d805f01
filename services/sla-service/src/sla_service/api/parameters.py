"""What questions have in common: who may ask, instants and periods, pages, and no parameter that is silently ignored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.routing import APIRoute
from pydantic import BeforeValidator

from fristwerk_platform.http import parse_instant, router
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.types import parse_date
from sla_service.domain.reports.period import Period

READERS: Final = frozenset({"admin", "agent", "specialist", "manager", "billing", "auditor"})
TICKET_READERS: Final = READERS | {"customer"}
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LOST_PLUS: Final = re.compile(r" (?=[0-9]{2}:[0-9]{2}\Z)")


def instant(value: object) -> datetime | None:
    """An instant of a query, to the second; null where it was not given."""
    return None if value is None else parse_instant(_in_query(value))


def exact_instant(value: object) -> datetime | None:
    """To the microsecond: a fact is known from the instant on at which it was recorded."""
    if instant(value) is None:
        return None
    return datetime.fromisoformat(str(_in_query(value)).upper()).astimezone(UTC)


def day_or_instant(value: object) -> date | datetime | None:
    """A local date, or an instant with its offset; null where it was not given."""
    return parse_date(value) if isinstance(value, str) and _DATE.fullmatch(value) else instant(value)


def _in_query(value: object) -> object:
    """A plus sign that was not escaped arrives as a space; behind a time it can only stand for an offset's."""
    return _LOST_PLUS.sub("+", value) if isinstance(value, str) and "T" in value.upper() else value


At = Annotated[datetime | None, BeforeValidator(instant), Query(description="By what had occurred at this instant")]
KnownAt = Annotated[
    datetime | None, BeforeValidator(exact_instant), Query(description="By what had been recorded at this instant")
]
Bound = Annotated[date | datetime | None, BeforeValidator(day_or_instant)]
Since = Annotated[
    Bound, Query(alias="from", description="From this instant on, or from this local day on", examples=["2026-06-01"])
]
Until = Annotated[
    Bound, Query(description="Before this instant, or until the end of this local day", examples=["2026-06-30"])
]
Limit = Annotated[int, Query(ge=1, le=200)]
After = Annotated[str, Query(max_length=300, description="Where the page before ended")]


def period(since: date | datetime | None, until: date | datetime | None, pointer: str = "#query/from") -> Period:
    """The period between two bounds. Raises Problem 422, pointing at the first, if it ends before it begins."""
    found = Period(since=since, until=until)
    if found.is_reversed:
        sentence = "ends before it begins: 'from' lies behind 'until'"
        raise Problem(422, f"The period {sentence}.", code="period-reversed", errors=[(pointer, sentence)])
    return found


def next_link(request: Request, **cursor: object) -> Mapping[str, str]:
    """The header that says where the list goes on."""
    query = urlencode(dict(request.query_params) | cursor)
    return {"Link": f'<{request.scope["path"]}?{query}>; rel="next"'}


async def no_unknown_parameters(request: Request) -> None:
    """Raises Problem 422 for a parameter that the route does not have: a misspelt filter must not widen an answer."""
    route: APIRoute = request.scope["route"]
    known = {each.alias for each in route.dependant.query_params}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        sentence = "is not a parameter of this request"
        errors = [(f"#query/{name}", sentence) for name in unknown]
        raise Problem(422, f"{unknown[0]!r} {sentence}.", code="invalid-request", errors=errors)


def question_router(*, tags: list[str]) -> APIRouter:
    """A router whose routes refuse parameters that they do not know."""
    routes = router(tags=tags)
    routes.dependencies.append(Depends(no_unknown_parameters))
    return routes
