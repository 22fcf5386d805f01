"""Errors as RFC 9457 problem details: one exception, one media type, one mapping from every other
error to a problem.

Problem             what a route raises: status, stable code, sentence, and for bad input the pointers
as_problem          the platform's command errors as problems; a service maps its domain's refusals in ``api/refusals.py``
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from fristwerk_platform.commands import (
    STORAGE_FAILURES,
    CommandError,
    InTheFutureError,
    RetryLaterError,
    VersionMismatchError,
)
from fristwerk_platform.event_log import DamagedEventError
from fristwerk_platform.http.sentences import said_of

MEDIA_TYPE: Final = "application/problem+json"
TITLES: Final[Mapping[int, str]] = {
    400: "The request is not JSON",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Not possible in this state",
    412: "Changed in the meantime",
    413: "The request is too large",
    415: "This media type is not accepted",
    422: "Understood but refused",
    428: "A precondition is required",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available at the moment",
    507: "Storage is full",
}
TITLES_OF_CODES: Final[Mapping[str, str]] = {"header-repeated": "A header stands twice"}
"""Titles that a status alone does not give."""
CODES: Final[Mapping[int, str]] = {
    400: "not-json",
    401: "not-authenticated",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    412: "version-conflict",
    413: "too-large",
    415: "media-type",
    422: "refused",
    428: "precondition-required",
    429: "too-many-requests",
    500: "internal-error",
    503: "not-available",
    507: "storage-full",
}
MAX_ERRORS: Final = 100
"""Places named in one answer; a body of 1 MiB can have 100,000 wrong ones."""
_log = structlog.get_logger()


class Problem(Exception):  # noqa: N818 - the RFC's own word
    """A refusal on its way to the client.

    ``errors`` are (JSON pointer, sentence) pairs about the body.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code or CODES.get(status, "problem")
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def response(request: Request, problem: Problem) -> Response:
    """The problem as an answer to the request, in whose state its code is left for those who count."""
    request.state.problem = problem.code
    body: dict[str, Any] = {
        "type": f"/problems/{problem.code}",
        "title": TITLES_OF_CODES.get(problem.code) or TITLES.get(problem.status, HTTPStatus(problem.status).phrase),
        "status": problem.status,
        "detail": problem.detail,
        "instance": instance(request),
    }
    if problem.errors:
        body["errors"] = [{"pointer": pointer, "detail": detail} for pointer, detail in problem.errors[:MAX_ERRORS]]
    return Response(msgspec.json.encode(body), problem.status, problem.headers, MEDIA_TYPE)


def instance(request: Request) -> str:
    """The request's path as a URI reference (RFC 3986), whatever its bytes are; ``request.url``
    fails on an odd Host.
    """
    return quote(request.scope["path"], safe="/:@!$&'()*+,;=~", errors="replace")


def failed(request: Request, error: Exception) -> Response:
    """The answer to a request on which the service itself failed; the log says why."""
    _log.error("request_failed", path=request.scope["path"], error=type(error).__name__, exc_info=error)
    return response(
        request, Problem(500, "The service failed on this request. With its Idempotency-Key it may be repeated.")
    )


def install(app: FastAPI) -> None:
    """Let the application answer every error as a problem."""

    async def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return response(request, error)

    async def on_command_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, CommandError)
        return response(request, as_problem(error))

    async def on_storage_failure(request: Request, error: Exception) -> Response:
        return response(request, storage_failed(request.scope["path"], error))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = error.detail if error.detail != HTTPStatus(error.status_code).phrase else _unrouted(request, error)
        return response(request, Problem(error.status_code, detail, headers=error.headers))

    async def on_anything(request: Request, error: Exception) -> Response:
        return failed(request, error)

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(CommandError, on_command_error)
    for failure in STORAGE_FAILURES:
        app.add_exception_handler(failure, on_storage_failure)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_anything)


def storage_failed(path: str, error: Exception) -> Problem:
    """One of the ``STORAGE_FAILURES`` as a problem of the request; the log says which."""
    _log.warning("storage_failed", path=path, error=type(error).__name__, exc_info=error)
    detail = "The service's storage does not answer at the moment."
    return Problem(503, str(error) if isinstance(error, DamagedEventError) else detail, headers={"Retry-After": "1"})


def as_problem(error: CommandError) -> Problem:
    """A command's error as a problem.

    The domain's refusals are each service's own (``api/refusals.py``).
    """
    match error:
        case VersionMismatchError():
            return Problem(412, error.detail, code=error.code)
        case RetryLaterError():
            return Problem(503, error.detail, code=error.code, headers={"Retry-After": str(error.retry_after_seconds)})
        case InTheFutureError():
            return Problem(422, error.detail, code=error.code, errors=[(error.pointer, error.sentence)])
        case _:
            return Problem(422, error.detail, code=error.code)


def _unrouted(request: Request, error: HTTPException) -> str:
    path = instance(request)
    match error.status_code:
        case 404:
            return f"There is nothing at {path}."
        case 405:
            return f"{request.method} is not possible at {path}."
        case 413:
            return "The body is larger than 1 MiB."
        case _:
            return error.detail


def invalid(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """A request whose path, query or body does not fit, with a pointer to each place in the body or
    each parameter.

    What a path names and cannot be there is 404, as what is not there: whoever asks need not know
    what our names look like. What a query or a body names is 422. ``errors`` are pydantic's, each
    with its place behind ``path``, ``query`` or ``body``.
    """
    in_path = [each for each in errors if each["loc"][0] == "path"]
    found = [(_pointer(each["loc"]), said_of(each)) for each in (in_path or errors)[:MAX_ERRORS]]
    first = f"{found[0][0] or 'The body'} {found[0][1]}"
    if in_path:
        return Problem(404, f"There is no such thing: {first}.", errors=found)
    return Problem(422, f"The request was refused: {first}.", code="invalid-request", errors=found)


def _pointer(place: Sequence[str | int]) -> str:
    where, *inner = place
    if where != "body":
        return f"#{where}/{'/'.join(str(part) for part in inner)}"
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in inner)
