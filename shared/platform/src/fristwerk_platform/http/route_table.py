"""Finds the operation of a request: a tree of the parts of all paths, as one route of Starlette."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from fristwerk_platform.http.routes import NAME_IN_PATH, Operation


class _Node:
    """One place in the tree of paths: the operations that end here, and what may follow."""

    def __init__(self) -> None:
        self.operations: dict[str, tuple[Operation, list[str]]] = {}
        self.literal: dict[str, _Node] = {}
        self.parameter: _Node | None = None


class RouteTable(BaseRoute):
    """All operations of a service as one route of Starlette: found by the parts of the path, a literal before a name.

    A path that is known but not with the request's method is answered with 405 and what it allows.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = tuple(operations)
        self._root = _Node()
        for each in self.operations:
            self._add(each)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The operation, with the parts of the path that it names."""
        if scope["type"] != "http":
            return Match.NONE, {}
        parts = scope["path"].split("/")
        method = scope["method"]
        other: tuple[Operation, list[str], list[str]] | None = None
        for node, values in _walk(self._root, parts, 1, []):
            found = node.operations.get(method)
            if found is not None:
                operation, names = found
                return Match.FULL, {"route": operation, "path_params": dict(zip(names, values, strict=True))}
            if other is None and node.operations:
                operation, names = next(iter(node.operations.values()))
                other = (operation, names, values)
        if other is None:
            return Match.NONE, {}
        return Match.PARTIAL, {"route": other[0], "path_params": dict(zip(other[1], other[2], strict=True))}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that ``matches`` has found the operation of."""
        operation: Operation = scope["route"]
        if operation.method != scope["method"]:
            raise HTTPException(405, headers={"Allow": operation.method})
        await operation.handle(scope, receive, send)

    def _add(self, operation: Operation) -> None:
        node = self._root
        for part in operation.path.split("/")[1:]:
            if NAME_IN_PATH.fullmatch(part):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literal.setdefault(part, _Node())
        if operation.method in node.operations:
            raise ValueError(f"{operation.method} {operation.path} is registered twice.")
        node.operations[operation.method] = (operation, NAME_IN_PATH.findall(operation.path))


def _walk(node: _Node, parts: Sequence[str], depth: int, values: list[str]) -> list[tuple[_Node, list[str]]]:
    """The nodes that a path leads to, with the values of the parts that are names."""
    if depth == len(parts):
        return [(node, values)]
    part = parts[depth]
    literal = node.literal.get(part)
    found = [] if literal is None else _walk(literal, parts, depth + 1, values)
    if node.parameter is not None and part:
        found += _walk(node.parameter, parts, depth + 1, [*values, part])
    return found
