"""A service's operations: finds a request's one, reads path, query and body as its types, and calls its endpoint.

Every request goes this one way. An endpoint is a coroutine function that returns a response. Its
signature is read once, when it is registered:

    request: Request                    the request itself
    a name that is in the path          one part of the path, checked as the type that it is annotated with;
                                        ``{path}`` at its end takes all that is left, slashes included
    a subclass of QueryParameters       the whole query (see ``queries``); without one no parameter is accepted
    anything else                       the JSON body, at most one; with a default it may be left out
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, get_type_hints

import msgspec
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from fristwerk_platform.commands import AnsweredBefore
from fristwerk_platform.http.commands import answered_meanwhile
from fristwerk_platform.http.description import Description
from fristwerk_platform.http.middleware import PROTECTED
from fristwerk_platform.http.problems import Problem, invalid
from fristwerk_platform.http.queries import NoParameters, QueryParameters, default_query, read_query
from fristwerk_platform.http.strict_json import NotJsonError, strict_json

Endpoint = Callable[..., Awaitable[Response]]
REQUIRED: Final = inspect.Parameter.empty
"""The default of a body that must be sent."""
NAME_IN_PATH: Final = re.compile(r"\{([a-z_]+)\}")
"""A part of a path that is a name, such as ``{name}``."""
REST_OF_PATH: Final = "{path}"
_MISSING: Final = {"type": "missing", "loc": ("body",)}


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
        self._path = [(each, _validator(annotation)) for each, annotation in self.path_types.items()]
        self._no_query: QueryParameters | None = default_query(self.query)
        self._validate_body = None if self.body is None else _validator(self.body.annotation)

    async def answer(self, request: Request) -> Response:
        """The answer to a request. A refusal that may be the effect of the request's own twin gets the twin's answer."""
        arguments, wrong = self._path_and_query(request)
        if self.body is not None:
            wrong += await self._add_body(arguments, request, self.body)
        if wrong:
            raise invalid(wrong)
        try:
            return await self._endpoint(**arguments)
        except AnsweredBefore:
            raise
        except Exception as refusal:
            if (answered := await answered_meanwhile(request)) is not None:
                raise answered from refusal
            raise

    def _path_and_query(self, request: Request) -> tuple[dict[str, Any], list[Mapping[str, Any]]]:
        """What the endpoint is called with, but for the body, and everything that does not fit."""
        arguments: dict[str, Any] = {}
        wrong: list[Mapping[str, Any]] = []
        if self._request_name is not None:
            arguments[self._request_name] = request
        values = request.scope["path_params"]
        for name, validate in self._path:
            try:
                arguments[name] = validate(values[name])
            except ValidationError as error:
                wrong += _located(error, "path", name)
        query: QueryParameters | None = self._no_query
        if query is None or request.scope["query_string"]:
            query, refused = read_query(request, self.query)
            wrong += refused
        if self._query_name is not None:
            arguments[self._query_name] = query
        return arguments, wrong

    async def _add_body(self, arguments: dict[str, Any], request: Request, body: Body) -> list[Mapping[str, Any]]:
        """Add the body to what the endpoint is called with; returns what does not fit. Raises Problem as ``_json`` does."""
        given = await _json(request)
        if given is None:
            if body.default is REQUIRED:
                return [_MISSING]
            arguments[body.name] = body.default
            return []
        assert self._validate_body is not None, "made together with the body"
        try:
            arguments[body.name] = self._validate_body(given, from_attributes=True)
        except ValidationError as error:
            return _located(error, "body")
        return []

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


def _validator(annotation: Any) -> Callable[..., Any]:
    """Checks and converts a value; without the adapter's many keyword arguments, which take longer than most checks."""
    return TypeAdapter(annotation).validator.validate_python


async def _json(request: Request) -> Any:
    """The parsed body, None where there is none. Raises Problem 415 for another media type, 400 for what is not JSON."""
    body = await request.body()
    if not body:
        return None
    media_type = request.headers.get("content-type", "")
    if media_type != "application/json":
        media_type = media_type.partition(";")[0].strip().lower()
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


class _Node:
    """One place in the tree of paths: the operations that end here, and what may follow."""

    def __init__(self) -> None:
        self.operations: dict[str, tuple[Operation, list[str]]] = {}
        self.literal: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.rest: _Node | None = None


class RouteTable(BaseRoute):
    """All operations of a service as one route of Starlette: found by the parts of the path, a literal before a name.

    A path that is known but not with the request's method is answered with 405 and what it allows.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = tuple(operations)
        self._root = _Node()
        for each in self.operations:
            self._add(each)

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation, with the parts of the path that it names; None where there is none."""
        for node, values in _walk(self._root, path.split("/"), 1, []):
            found = node.operations.get(method)
            if found is not None:
                operation, names = found
                return operation, dict(zip(names, values, strict=True))
        if method == "HEAD" and not path.startswith(PROTECTED):
            return self.find("GET", path)  # load balancers ask so; the server leaves the body out (RFC 9110, 9.3.2)
        return None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Only paths at which other methods are possible: what ``find`` finds never gets here."""
        if scope["type"] != "http":
            return Match.NONE, {}
        for node, _ in _walk(self._root, scope["path"].split("/"), 1, []):
            for operation, _ in node.operations.values():
                return Match.PARTIAL, {"route": operation}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - a route's signature
        """Refuse the method."""
        raise HTTPException(405, headers={"Allow": self._allowed(scope["path"])})

    def _allowed(self, path: str) -> str:
        """Every method that is possible at the path (RFC 9110, section 10.2.1)."""
        nodes = _walk(self._root, path.split("/"), 1, [])
        methods = {method for node, _ in nodes for method in node.operations}
        if "GET" in methods and not path.startswith(PROTECTED):
            methods.add("HEAD")
        return ", ".join(sorted(methods))

    def _add(self, operation: Operation) -> None:
        node = self._root
        for part in operation.path.split("/")[1:]:
            if part == REST_OF_PATH:
                node.rest = node.rest or _Node()
                node = node.rest
            elif NAME_IN_PATH.fullmatch(part):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literal.setdefault(part, _Node())
        if operation.method in node.operations:
            raise ValueError(f"{operation.method} {operation.path} is registered twice.")
        node.operations[operation.method] = (operation, NAME_IN_PATH.findall(operation.path))


class Dispatcher:
    """The ASGI application that answers the operations; everything else the framework's application answers.

    Errors become answers by the framework's own table of handlers: the most specific class of an error decides.
    """

    def __init__(self, table: RouteTable, rest: ASGIApp, handlers: Mapping[Any, Any]) -> None:
        self._table = table
        self._rest = rest
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        found = self._table.find(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self._rest(scope, receive, send)
            return
        scope["route"], scope["path_params"] = found
        request = Request(scope, receive)
        try:
            response = await found[0].answer(request)
            await response(scope, receive, send)
        except Exception as error:
            handler = self._handler(type(error))
            if handler is None:
                raise
            response = await handler(request, error)
            await response(scope, receive, send)

    def _handler(self, error: type[Exception]) -> Any:
        """What answers the error; None for what nobody expects, which is answered further out."""
        expected = (each for each in error.__mro__ if each in self._handlers and each is not Exception)
        return self._handlers.get(next(expected, None))


def _walk(node: _Node, parts: Sequence[str], depth: int, values: list[str]) -> list[tuple[_Node, list[str]]]:
    """The nodes that a path leads to, with the values of the parts that are names; nearly always one."""
    for at in range(depth, len(parts)):
        part = parts[at]
        literal, parameter = node.literal.get(part), node.parameter if part else None
        if literal is not None and parameter is not None:
            return _walk(literal, parts, at + 1, values) + _walk(parameter, parts, at + 1, [*values, part])
        if parameter is not None:
            values = [*values, part]
        below = literal or parameter
        if below is None:
            return [(node.rest, [*values, "/".join(parts[at:])])] if node.rest is not None and part else []
        node = below
    return [(node, values)]
