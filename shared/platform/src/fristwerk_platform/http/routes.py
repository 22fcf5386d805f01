"""A service's operations as routes: each names its path, query and body types, and every request goes one way.

An endpoint is a coroutine function that returns a response. Its signature is read once, when it is registered:

    request: Request                    the request itself
    a name that is in the path          one part of the path, checked as the type that it is annotated with
    a subclass of QueryParameters       the whole query (see ``queries``); without one no parameter is accepted
    anything else                       the JSON body, at most one; with a default it may be left out
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, get_type_hints

import msgspec
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fristwerk_platform.commands import AnsweredBefore
from fristwerk_platform.http.commands import answered_meanwhile
from fristwerk_platform.http.problems import Problem, invalid
from fristwerk_platform.http.queries import NoParameters, QueryParameters, default_query, read_query
from fristwerk_platform.http.strict_json import NotJsonError, strict_json

Endpoint = Callable[..., Awaitable[Response]]
SomeEndpoint = TypeVar("SomeEndpoint", bound=Endpoint)
Responses = Mapping[int | str, Mapping[str, Any]]
REQUIRED: Final = inspect.Parameter.empty
"""The default of a body that must be sent."""
NAME_IN_PATH: Final = re.compile(r"\{([a-z_]+)\}")
"""A part of a path that is a name, such as ``{name}``."""
_MISSING: Final = {"type": "missing", "loc": ("body",)}


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What OpenAPI says of an operation beside its types; ``extra`` is merged into the operation object."""

    operation_id: str
    summary: str | None = None
    text: str | None = None
    tags: Sequence[str] = ()
    status: int = 200
    responses: Responses = {}
    extra: Mapping[str, Any] = {}


class Body(msgspec.Struct, frozen=True):
    """The JSON body of an operation: its argument's name, its type, and its default (``REQUIRED``: none)."""

    name: str
    annotation: Any
    default: Any


class Operation:
    """One method at one path (OpenAPI's word): its types, its endpoint, and how it is described."""

    def __init__(
        self, method: str, path: str, endpoint: Endpoint, *, name: str, described: Description, body: Body | None = None
    ) -> None:
        self.method = method
        self.path = path
        self.name = name
        self.described = described
        self.path_types: dict[str, Any] = {}
        self.query: type[QueryParameters] = NoParameters
        self.body = body
        self._endpoint = endpoint
        self._request_name: str | None = None
        self._query_name: str | None = None
        self._read_signature(get_type_hints(endpoint, include_extras=True))
        self._path = [(each, TypeAdapter(annotation).validate_python) for each, annotation in self.path_types.items()]
        self._no_query: QueryParameters | None = default_query(self.query)
        self._validate_body = None if self.body is None else TypeAdapter(self.body.annotation).validate_python

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. A refusal that may be the effect of the request's own twin gets the twin's answer."""
        request = Request(scope, receive)
        arguments = self._arguments(request, None if self.body is None else await _json(request))
        try:
            response = await self._endpoint(**arguments)
        except AnsweredBefore:
            raise
        except Exception as refusal:
            if (answered := await answered_meanwhile(request)) is not None:
                raise answered from refusal
            raise
        await response(scope, receive, send)

    def _arguments(self, request: Request, body: object) -> dict[str, Any]:
        """What the endpoint is called with. Raises Problem 422 that names everything that does not fit."""
        arguments: dict[str, Any] = {}
        wrong: list[Mapping[str, Any]] = []
        if self._request_name is not None:
            arguments[self._request_name] = request
        for name, validate in self._path:
            try:
                arguments[name] = validate(request.path_params[name])
            except ValidationError as error:
                wrong += _located(error, "path", name)
        query: QueryParameters | None = self._no_query
        if query is None or request.scope["query_string"]:
            query, refused = read_query(request, self.query)
            wrong += refused
        if self._query_name is not None:
            arguments[self._query_name] = query
        if self.body is not None:
            try:
                arguments[self.body.name] = self._checked(self.body, body)
            except ValidationError as error:
                wrong += _located(error, "body")
            except _NoBodyError:
                wrong.append(_MISSING)
        if wrong:
            raise invalid(wrong)
        return arguments

    def _checked(self, body: Body, given: object) -> Any:
        if given is None:
            if body.default is REQUIRED:
                raise _NoBodyError
            return body.default
        assert self._validate_body is not None, "made together with the body"
        return self._validate_body(given, from_attributes=True)

    def _read_signature(self, annotations: Mapping[str, Any]) -> None:
        """Raises TypeError for an endpoint that is not made as the module says."""
        if not inspect.iscoroutinefunction(self._endpoint):
            raise TypeError(f"The endpoint of {self.method} {self.path} is no coroutine function.")
        in_path = NAME_IN_PATH.findall(self.path)
        for name, parameter in inspect.signature(self._endpoint).parameters.items():
            annotation = annotations[name]
            if self.body is not None and name == self.body.name:
                continue  # its type was named explicitly
            if annotation is Request:
                self._request_name = name
            elif name in in_path:
                self.path_types[name] = annotation
            elif inspect.isclass(annotation) and issubclass(annotation, QueryParameters):
                self.query, self._query_name = annotation, name
            elif self.body is None:
                self.body = Body(name, annotation, parameter.default)
            else:
                raise TypeError(f"{self.method} {self.path} has two bodies, {self.body.name!r} and {name!r}.")
        if set(self.path_types) != set(in_path):
            raise TypeError(f"The endpoint of {self.method} {self.path} does not take {in_path}.")


class Routes:
    """Collects the operations of one resource below a prefix."""

    def __init__(self, *, prefix: str = "/v1", tags: Sequence[str]) -> None:
        self.operations: list[Operation] = []
        self._prefix = prefix
        self._tags = tuple(tags)

    def get(self, path: str, **described: Any) -> Callable[[SomeEndpoint], SomeEndpoint]:
        """Register a query; takes what ``add`` takes."""
        return self._decorator("GET", path, described)

    def post(self, path: str, **described: Any) -> Callable[[SomeEndpoint], SomeEndpoint]:
        """Register a command, or a query that needs a body; takes what ``add`` takes."""
        return self._decorator("POST", path, described)

    def put(self, path: str, **described: Any) -> Callable[[SomeEndpoint], SomeEndpoint]:
        """Register the replacement of a resource; takes what ``add`` takes."""
        return self._decorator("PUT", path, described)

    def add(  # noqa: PLR0913 - what OpenAPI wants to know of an operation
        self,
        method: str,
        path: str,
        endpoint: Endpoint,
        *,
        body: Body | None = None,
        name: str | None = None,
        operation_id: str | None = None,
        summary: str | None = None,
        description: str | None = None,
        status_code: int = 200,
        responses: Responses | None = None,
        openapi_extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Register an operation; its name is the endpoint's, its description the endpoint's docstring.

        ``body`` names the body's type where one endpoint serves several operations and its signature cannot say it.
        """
        named = name or str(getattr(endpoint, "__name__", "operation"))
        described = Description(
            operation_id=operation_id or named,
            summary=summary,
            text=description or inspect.cleandoc(endpoint.__doc__ or "") or None,
            tags=self._tags,
            status=status_code,
            responses=responses or {},
            extra=openapi_extra or {},
        )
        self.operations.append(
            Operation(method, self._prefix + path, endpoint, name=named, described=described, body=body)
        )

    def _decorator(
        self, method: str, path: str, described: Mapping[str, Any]
    ) -> Callable[[SomeEndpoint], SomeEndpoint]:
        def register(endpoint: SomeEndpoint) -> SomeEndpoint:
            self.add(method, path, endpoint, **described)
            return endpoint

        return register


class _NoBodyError(Exception):
    """The operation needs a body, and the request has none."""


async def _json(request: Request) -> Any:
    """The parsed body, None where there is none. Raises Problem 415 for another media type, 400 for what is not JSON."""
    body = await request.body()
    if not body:
        return None
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise Problem(415, f"The body must be application/json, not {media_type or 'of no type'}.")
    try:
        return strict_json(body)
    except NotJsonError as error:
        raise Problem(400, str(error)) from error


def _located(error: ValidationError, *place: str) -> list[Mapping[str, Any]]:
    """The library's errors, each behind the place where the value was found."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [{**each, "loc": (*place, *each["loc"])} for each in found]
