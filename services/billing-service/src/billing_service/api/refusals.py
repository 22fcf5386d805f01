"""The one mapping from refusals to problems."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from billing_service.domain.errors import NotAcceptable, NotFound, NotInThisState, NotRateable, Refusal
from fristwerk_platform.http import problems
from fristwerk_platform.http.problems import Problem


def install(app: FastAPI) -> None:
    """Answer refusals as problems."""

    async def on_refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return problems.response(request, as_problem(error))

    app.add_exception_handler(Refusal, on_refusal)


def as_problem(refusal: Refusal) -> Problem:
    """The refusal with its HTTP status."""
    match refusal:
        case NotFound():
            return Problem(404, refusal.detail, code=refusal.code)
        case NotInThisState():
            return Problem(409, refusal.detail, code=refusal.code)
        case NotAcceptable():
            return Problem(422, refusal.detail, code=refusal.code, errors=refusal.errors)
        case NotRateable():
            return Problem(500, refusal.detail, code=refusal.code)
        case _:
            return Problem(422, refusal.detail, code=refusal.code)
