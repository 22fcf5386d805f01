"""Where a resource registers its operations: below one prefix, under one tag of the OpenAPI
document.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from fristwerk_platform.http.description import Description, Responses
from fristwerk_platform.http.operations import Body, Endpoint, Found, Operation, Permits

SomeEndpoint = TypeVar("SomeEndpoint", bound=Endpoint)


class Routes:
    """Collects the operations of one resource below a prefix."""

    def __init__(self, *, prefix: str = "/v1", tags: Sequence[str], found: Found | None = None) -> None:
        """``found`` answers, for every operation, a wrong request about what is not there for who
        asks.
        """
        self._found = found
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
        headers: Sequence[str] = (),
        openapi_extra: Mapping[str, Any] | None = None,
        permits: Permits | None = None,
        found: Found | None = None,
        is_long: bool = False,
    ) -> None:
        """Register an operation; its name is the endpoint's, its description the endpoint's
        docstring.

        ``body`` names the body's type where one endpoint serves several operations and its
        signature cannot say it. ``permits`` is checked before the body is read. ``responses`` and
        ``headers`` as in ``Description``; ``is_long``: see ``at_once``.
        """
        named = name or str(getattr(endpoint, "__name__", "operation"))
        described = Description(
            operation_id=operation_id or named,
            summary=summary,
            text=description or inspect.cleandoc(endpoint.__doc__ or "") or None,
            tags=self._tags,
            status=status_code,
            responses=responses or {},
            headers=headers,
            extra=openapi_extra or {},
        )
        self.operations.append(
            Operation(
                method,
                self._prefix + path,
                endpoint,
                name=named,
                described=described,
                body=body,
                permits=permits,
                found=found or self._found,
                is_long=is_long,
            )
        )

    def _decorator(
        self, method: str, path: str, described: Mapping[str, Any]
    ) -> Callable[[SomeEndpoint], SomeEndpoint]:
        def register(endpoint: SomeEndpoint) -> SomeEndpoint:
            self.add(method, path, endpoint, **described)
            return endpoint

        return register
