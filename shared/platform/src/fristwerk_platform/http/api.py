"""A service's application: FastAPI with our route table, its description of our own making, and
every error a problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from html import escape
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from fristwerk_platform.commands import AnsweredBefore
from fristwerk_platform.http import problems
from fristwerk_platform.http.answer_schemas import Required
from fristwerk_platform.http.commands import as_response
from fristwerk_platform.http.openapi import describe
from fristwerk_platform.http.route_table import Dispatcher, RouteTable
from fristwerk_platform.http.routes import Routes


class _Api(FastAPI):
    """FastAPI with a route table of our own, which it neither describes nor answers (its documented
    extension points).
    """

    def __init__(self, table: RouteTable, required: Required, token_printed_by: str | None, **settings: Any) -> None:
        super().__init__(routes=[table], **settings)
        self._table = table
        self._required = required
        self._token_printed_by = token_printed_by

    def openapi(self) -> dict[str, Any]:
        """The interface's description, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = describe(
                self._table.operations,
                title=self.title,
                description=self.description,
                version=self.version,
                required=self._required,
                token_printed_by=self._token_printed_by,
            )
        return self.openapi_schema

    def build_middleware_stack(self) -> ASGIApp:
        """The operations stand directly below our own middleware; FastAPI's stack of six answers
        only what is none of them.
        """
        own, self.user_middleware = self.user_middleware, []
        app: ASGIApp = Dispatcher(self._table, super().build_middleware_stack(), self.exception_handlers)
        self.user_middleware = own
        for middleware, arguments, settings in reversed(own):
            app = middleware(app, *arguments, **settings)
        return app


def create_api(
    *,
    title: str,
    description: str,
    version: str,
    routers: Sequence[Routes],
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
    required: Required = {},  # noqa: B006 - never changed
    token_printed_by: str | None = None,
) -> FastAPI:
    """A service's application: its operations, OpenAPI 3.1 with one id per operation, every error a
    problem.

    ``required`` says which fields of structs every answer has, as in ``answer_schemas``;
    ``token_printed_by`` is the command that prints a token, if there is one.
    """
    app = _Api(
        RouteTable([operation for each in routers for operation in each.operations]),
        required,
        token_printed_by,
        title=title,
        description=description,
        version=version,
        lifespan=lifespan,
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
    """Where the interface's description is.

    Nothing is loaded from elsewhere, so it works without the internet.
    """
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
