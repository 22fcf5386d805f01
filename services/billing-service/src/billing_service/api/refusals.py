"""The one mapping from refusals to problems."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from billing_service.api.reasons import opened
from billing_service.application.reasons import Reasons
from billing_service.domain.errors import NotAcceptable, NotFound, NotInThisState, NotRateable, Refusal
from fristwerk_platform.commands import AnsweredBefore
from fristwerk_platform.http import problems
from fristwerk_platform.http.api import on_answered_before as on_repeated
from fristwerk_platform.http.problems import Problem


def install(app: FastAPI, reasons: Reasons) -> None:
    """Answer refusals as problems, and a repeated command as it was answered first, its reasons opened."""

    async def on_refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return problems.response(request, as_problem(error))

    async def on_answered_before(request: Request, error: Exception) -> Response:
        return await opened(request, reasons, await on_repeated(request, error))

    app.add_exception_handler(Refusal, on_refusal)
    app.add_exception_handler(AnsweredBefore, on_answered_before)


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
