"""The one mapping from refusals to problems."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_platform.http import problems
from fristwerk_platform.http.problems import Problem
from sla_service.domain.calendar.calendar import CalendarRangeError
from sla_service.domain.errors import NotAcceptable, NotFound, Parked, Refusal

PARKED_SECONDS: Final = "60"
"""A parked ticket waits for its next event, for terms or for somebody who looks after it."""


def install(app: FastAPI) -> None:
    """Answer refusals as problems."""

    async def on_refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return problems.response(request, as_problem(error))

    async def on_range(request: Request, error: Exception) -> Response:
        return problems.response(request, Problem(422, str(error), code="calendar-range"))

    app.add_exception_handler(Refusal, on_refusal)
    app.add_exception_handler(CalendarRangeError, on_range)


def as_problem(refusal: Refusal) -> Problem:
    """The refusal with its HTTP status."""
    match refusal:
        case NotFound():
            return Problem(404, refusal.detail, code=refusal.code)
        case NotAcceptable():
            return Problem(422, refusal.detail, code=refusal.code, errors=refusal.errors)
        case Parked():
            return Problem(503, refusal.detail, code=refusal.code, headers={"Retry-After": PARKED_SECONDS})
        case _:
            return Problem(422, refusal.detail, code=refusal.code)
