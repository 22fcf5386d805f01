"""The one mapping from the domain's refusals to problems."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.terms import BeyondBoundsError, NotReadableError, TermsError
from fristwerk_platform.http import problems
from fristwerk_platform.http.problems import Problem
from ticket_service.domain.errors import NotAcceptable, NotAllowed, NotConfirmed, NotFound, NotInThisState, Refusal


def install(app: FastAPI) -> None:
    """Answer the domain's refusals, and refused terms documents, as problems."""

    async def on_refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return problems.response(request, as_problem(error))

    async def on_terms(request: Request, error: Exception) -> Response:
        assert isinstance(error, TermsError)
        detail = f"The document was refused: {error}."[:2_000]
        return problems.response(request, Problem(422, detail, code="terms-refused", errors=error.errors))

    async def on_unreadable(request: Request, error: Exception) -> Response:
        return problems.response(request, Problem(400, f"The document cannot be read: {error}."))

    async def on_beyond_bounds(request: Request, error: Exception) -> Response:
        return problems.response(request, Problem(422, f"The document was refused: {error}.", code="terms-refused"))

    app.add_exception_handler(Refusal, on_refusal)
    app.add_exception_handler(TermsError, on_terms)
    app.add_exception_handler(NotReadableError, on_unreadable)
    app.add_exception_handler(BeyondBoundsError, on_beyond_bounds)


def as_problem(refusal: Refusal) -> Problem:
    """The refusal with its HTTP status."""
    match refusal:
        case NotAllowed():
            return Problem(403, refusal.detail, code=refusal.code)
        case NotFound():
            return Problem(404, refusal.detail, code=refusal.code)
        case NotConfirmed():
            errors = [(f"/accept/{name}", sentence) for name, sentence in refusal.consequences]
            return Problem(409, refusal.detail, code=refusal.code, errors=errors)
        case NotInThisState():
            return Problem(409, refusal.detail, code=refusal.code)
        case NotAcceptable():
            return Problem(422, refusal.detail, code=refusal.code, errors=refusal.errors)
        case _:
            return Problem(422, refusal.detail, code=refusal.code)
