"""An application's routes: strict JSON in, JSON out, every operation with its id, summary and example."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import msgspec
import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared import problems
from shared.database import DatabaseUnavailableError
from shared.event_log import LogUnavailableError
from shared.http.commands import Replay, answered_meanwhile, as_response
from shared.http.openapi import completed
from shared.http.strict_json import NotJsonError, strict_json
from shared.problems import Problem

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
    async def json(self) -> Any:
        """The strictly parsed body; :class:`StrictRoute` has parsed it before FastAPI asks."""
        return self._json


class StrictRoute(APIRoute):
    """A route whose JSON body was checked strictly: 415 for another media type, 400 for what is not JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        takes_json = self.body_field is not None

        async def handle(request: Request) -> Response:
            strict = _StrictRequest(request.scope, request.receive)
            if takes_json and (body := await strict.body()):
                media_type = strict.headers.get("content-type", "").partition(";")[0].strip().lower()
                if media_type != "application/json" and not media_type.endswith("+json"):
                    raise Problem(415, f"The body must be application/json, not {media_type or 'of no type'}.")
                try:
                    strict._json = strict_json(body)  # noqa: SLF001 - Starlette's own cache of the parsed body
                except NotJsonError as error:
                    raise Problem(400, str(error)) from error
            try:
                return await handler(strict)
            except Replay:
                raise
            except Exception as refusal:
                if (replay := await answered_meanwhile(request)) is not None:
                    raise replay from refusal
                raise

        return handle


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The interface's description, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = completed(super().openapi())
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
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        separate_input_output_schemas=False,
    )
    for router in routers:
        app.include_router(router)
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
    return APIRouter(prefix=prefix, tags=list(tags), route_class=StrictRoute)


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The body as JSON: instants in UTC with ``Z``, amounts of money as text."""
    return Response(_encoder.encode(body), status, headers, "application/json")


_encoder = msgspec.json.Encoder(decimal_format="string")


def answers(status: int, description: str, example: Any) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route: what a good answer looks like, for OpenAPI and its readers."""
    return {status: {"description": description, "content": {"application/json": {"example": example}}}}
