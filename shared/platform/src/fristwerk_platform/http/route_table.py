"""Which operation a request is for: the tree of paths, and the ASGI application that answers what
is found in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from fristwerk_platform.http.at_once import MAX_LONG, AtOnce
from fristwerk_platform.http.middleware import PROTECTED, principal_of
from fristwerk_platform.http.operations import NAME_IN_PATH, REST_OF_PATH, LimitedRequest, Operation


class _Node:
    """A node in the tree of paths: the operations that end here, and what may follow."""

    def __init__(self) -> None:
        self.operations: dict[str, tuple[Operation, list[str]]] = {}
        self.literal: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.rest: _Node | None = None


class RouteTable(BaseRoute):
    """All operations of a service as one route of Starlette: found by the parts of the path, a
    literal before a name.

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
    """The ASGI application that answers the operations; everything else the framework's application
    answers.

    Errors become answers by the framework's own table of handlers: the most specific class of an
    error decides.
    """

    def __init__(self, table: RouteTable, rest: ASGIApp, handlers: Mapping[Any, Any]) -> None:
        self._table = table
        self._rest = rest
        self._handlers = handlers
        self._long = AtOnce(MAX_LONG, "requests that read everything")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        found = self._table.find(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self._rest(scope, receive, send)
            return
        scope["route"], scope["path_params"] = found
        request = LimitedRequest(scope, receive)
        try:
            with self._long.one_more(principal_of(request)) if found[0].is_long else nullcontext():
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
    """The nodes that a path leads to, with the values of the parts that are names; nearly always
    one.
    """
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
