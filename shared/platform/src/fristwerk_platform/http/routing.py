"""An application's routes: strict JSON in, JSON out, every operation with its id, summary and example."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import msgspec
import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from fristwerk_platform.event_log import LogUnavailableError
from fristwerk_platform.http import problems
from fristwerk_platform.http.commands import Replay, answered_meanwhile, as_response
from fristwerk_platform.http.fast_path import arguments
from fristwerk_platform.http.openapi import complete
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.strict_json import NotJsonError, strict_json
from fristwerk_platform.read_models import DatabaseUnavailableError

STORAGE_FAILURES: Final = (
    LogUnavailableError,
    DatabaseUnavailableError,
    OperationalError,
    InterfaceError,
    PoolTimeoutError,
    ConnectionError,
)
"""Answered with 503: none of them is the request's fault, and all of them pass."""
_log = structlog.get_logger()


class _StrictRequest(Request):
    """A request whose JSON body is parsed strictly: 415 for another media type, 400 for what is not JSON."""

    async def parse(self) -> Any:
        """The parsed body, or null where there is none."""
        body = await self.body()
        self._json = None
        if body:
            media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
            if media_type != "application/json" and not media_type.endswith("+json"):
                raise Problem(415, f"The body must be application/json, not {media_type or 'of no type'}.")
            try:
                self._json = strict_json(body)
            except NotJsonError as error:
                raise Problem(400, str(error)) from error
        return self._json

    async def json(self) -> Any:
        """The parsed body; :class:`StrictRoute` has parsed it before FastAPI asks."""
        return self._json


class StrictRoute(APIRoute):
    """A route with strict JSON. What is ordinary goes straight to the endpoint, everything else FastAPI's way."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **settings: Any) -> None:
        super().__init__(path, endpoint, **settings)
        self._tail = path.rpartition("}")[2]
        self._ordinary = arguments(self)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route. Nearly all others are told apart by the end of their path, which takes no regular expression."""
        if not scope["path"].endswith(self._tail):
            return Match.NONE, {}
        return super().matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if self._ordinary is None or scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        request = _StrictRequest(scope, receive)
        given = self._ordinary.of(request, None if self.body_field is None else await request.parse())
        if given is None:
            await super().handle(scope, receive if self.body_field is None else _read_again(request), send)
            return
        response = await _answer_or_replay(request, self.endpoint(**given))
        await response(scope, receive, send)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's way."""
        handler = super().get_route_handler()
        takes_json = self.body_field is not None

        async def handle(request: Request) -> Response:
            strict = _StrictRequest(request.scope, request.receive)
            if takes_json:
                await strict.parse()
            return await _answer_or_replay(strict, handler(strict))

        return handle


def _read_again(request: _StrictRequest) -> Receive:
    """What gives the body once more to whoever reads after us."""
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            return await request.receive()
        given = True
        return {"type": "http.request", "body": await request.body(), "more_body": False}

    return receive


async def _answer_or_replay(request: Request, answer: Awaitable[Response]) -> Response:
    """The answer; for a refusal that may be the effect of the request's own twin, what that was answered."""
    try:
        return await answer
    except Replay:
        raise
    except Exception as refusal:
        if (replay := await answered_meanwhile(request)) is not None:
            raise replay from refusal
        raise


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The interface's description, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = complete(super().openapi())
        return self.openapi_schema


def create_api(
    *,
    title: str,
    description: str,
    version: str,
    routers: list[APIRouter],
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
) -> FastAPI:
    """A service's application: its routers, OpenAPI 3.1 with one id per operation, every error a problem."""
    app = _Api(
        title=title,
        description=description,
        version=version,
        lifespan=lifespan,
        # Not included, which would look for every route twice, in one router after the other.
        routes=[route for each in routers for route in each.routes],
        redoc_url=None,
        redirect_slashes=False,
        # Spans and log records of FastAPI's own would carry what requests and errors say.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        separate_input_output_schemas=False,
    )
    problems.install(app)
    app.add_exception_handler(Replay, _on_replay)
    for failure in STORAGE_FAILURES:
        app.add_exception_handler(failure, _on_storage_failure)
    return app


async def _on_storage_failure(request: Request, error: Exception) -> Response:
    _log.warning("storage_failed", path=request.scope["path"], error=type(error).__name__, exc_info=error)
    detail = "The service's storage does not answer at the moment."
    return problems.response(request, Problem(503, detail, headers={"Retry-After": "1"}))


async def _on_replay(request: Request, replayed: Exception) -> Response:
    assert isinstance(replayed, Replay)
    request.state.replayed = True
    return as_response(replayed.answer, replayed=True)


def router(*, prefix: str = "/v1", tags: list[str]) -> APIRouter:
    """A router whose routes take JSON strictly."""
    return APIRouter(
        prefix=prefix,
        tags=list(tags),
        route_class=StrictRoute,
        generate_unique_id_function=lambda route: route.name,
    )


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The body as JSON: instants in UTC with ``Z``, amounts of money as text."""
    return Response(_encoder.encode(body), status, headers, "application/json")


_encoder = msgspec.json.Encoder(decimal_format="string")


def responses(status: int, description: str, example: Any) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route: what a good answer looks like, for OpenAPI and its readers."""
    return {status: {"description": description, "content": {"application/json": {"example": example}}}}
