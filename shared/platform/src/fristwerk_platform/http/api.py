"""A service's application: FastAPI with our route table, its description of our own making, and every error a problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from html import escape
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from fristwerk_platform.commands import AnsweredBefore
from fristwerk_platform.http import problems
from fristwerk_platform.http.commands import as_response
from fristwerk_platform.http.openapi import describe
from fristwerk_platform.http.operations import RouteTable
from fristwerk_platform.http.routes import Routes


class _Api(FastAPI):
    """Describes the operations of its route table, which FastAPI does not know (its documented extension point)."""

    def openapi(self) -> dict[str, Any]:
        """The interface's description, made once."""
        if self.openapi_schema is None:
            operations = [each for route in self.routes if isinstance(route, RouteTable) for each in route.operations]
            self.openapi_schema = describe(
                operations, title=self.title, description=self.description, version=self.version
            )
        return self.openapi_schema


def create_api(
    *,
    title: str,
    description: str,
    version: str,
    routers: Sequence[Routes],
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
) -> FastAPI:
    """A service's application: its operations, OpenAPI 3.1 with one id per operation, every error a problem."""
    app = _Api(
        title=title,
        description=description,
        version=version,
        lifespan=lifespan,
        routes=[RouteTable([operation for each in routers for operation in each.operations])],
        docs_url=None,  # FastAPI's page loads scripts of others
        redoc_url=None,
        redirect_slashes=False,
        # Spans and log records of FastAPI's own would carry what requests and errors say.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.router.routes.append(Route("/docs", _docs_page))
    problems.install(app)
    app.add_exception_handler(AnsweredBefore, on_answered_before)
    return app


async def _docs_page(request: Request) -> Response:
    """Where the interface's description is. Nothing is loaded from elsewhere, so it works without the internet."""
    title = escape(request.app.title)
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>'
        '<p>The interface is described by <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1); '
        "<code>make docs</code> makes pages of it.</p></html>"
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"})


async def on_answered_before(request: Request, answered: Exception) -> Response:
    """The answer of a command that is repeated under its key."""
    assert isinstance(answered, AnsweredBefore)
    request.state.replayed = True
    return as_response(answered.answer, replayed=True)
