"""What an ordinary request's endpoint is called with, checked by the same validators that FastAPI uses.

FastAPI's own way from a request to its endpoint's arguments takes longer than most commands. This one knows what nearly all of
our requests are made of: parts of the path, one body, one model of the query. Whatever is unusual or not valid goes FastAPI's
way, so that no answer depends on the way that a request took.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

_ONLY_FASTAPI: Final = (
    "dependencies",
    "header_params",
    "cookie_params",
    "websocket_param_name",
    "http_connection_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
)
"""What an endpoint may ask for and only FastAPI provides."""


class Parameter(Protocol):
    """FastAPI's field of a parameter."""

    name: str

    @property
    def alias(self) -> str:
        """Its name in the request."""
        ...

    def get_default(self) -> Any:
        """Its value where the request has none."""
        ...

    def validate(self, value: Any) -> tuple[Any, Sequence[Any]]:
        """The value, and what is wrong with it."""
        ...


class Arguments:
    """The arguments of one route's endpoint."""

    def __init__(self, dependant: Dependant) -> None:
        self._request = dependant.request_param_name
        self._path: Sequence[Parameter] = dependant.path_params
        self._query: Sequence[Parameter] = dependant.query_params
        self._query_is_model = [_model(each) for each in dependant.query_params] == [True]
        self._needs_query = any(each.field_info.is_required() for each in dependant.query_params)
        self._body: Parameter | None = next(iter(dependant.body_params), None)

    def of(self, request: Request, body: object) -> Mapping[str, Any] | None:
        """The arguments; ``body`` is the parsed body, or null without one. Null where the request is not ordinary."""
        values: dict[str, Any] = {} if self._request is None else {self._request: request}
        given = [(each, request.path_params[each.alias]) for each in self._path]
        if self._body is not None:
            given.append((self._body, body))
        if self._query_is_model:
            found = request.query_params
            parameters = dict(found)
            if len(parameters) != len(found.multi_items()):
                return None
            given.append((self._query[0], parameters))
        elif self._query and (request.scope["query_string"] or self._needs_query):
            return None
        else:
            values |= {each.name: each.get_default() for each in self._query}
        for each, value in given:
            values[each.name], wrong = each.validate(value)
            if wrong:
                return None
        return values


def arguments(route: APIRoute) -> Arguments | None:
    """How to call the route's endpoint; null where only FastAPI can. The endpoint makes its whole answer itself."""
    dependant = route.dependant
    only_fastapi = any(getattr(dependant, name) for name in _ONLY_FASTAPI) or route.response_field is not None
    # Forms, and bodies whose parts are parameters, are fields of FastAPI's own making.
    plain_body = dependant.body_params in ([], [route.body_field])
    if only_fastapi or not plain_body or not inspect.iscoroutinefunction(route.endpoint):
        return None
    return Arguments(dependant)


def _model(parameter: Any) -> bool:
    """Whether a parameter of the query is a model of all of it, whose fields are single values under their own names."""
    kind = parameter.field_info.annotation
    return (
        inspect.isclass(kind)
        and issubclass(kind, BaseModel)
        and all(each.alias is None is each.validation_alias for each in kind.model_fields.values())
    )
