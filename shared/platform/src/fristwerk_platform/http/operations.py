"""A service's operations: finds a request's one, reads path, query and body as its types, and calls
its endpoint.

Every request goes this one way. An endpoint is a coroutine function that returns a response. Its
signature is read once, when it is registered:

    request: Request                    the request itself
    a name that is in the path          one part of the path, checked as the type that it is annotated with;
                                        ``{path}`` at its end takes all that is left, slashes included
    a subclass of QueryParameters       the whole query (see ``queries``); without one no parameter is accepted
    anything else                       the JSON body, at most one; with a default it may be left out
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from typing import Any, Final, get_type_hints

import msgspec
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_platform.commands import AnsweredBefore
from fristwerk_platform.http.commands import answered_meanwhile
from fristwerk_platform.http.description import Description
from fristwerk_platform.http.middleware import allowed
from fristwerk_platform.http.problems import MAX_ERRORS, Problem, instance, invalid
from fristwerk_platform.http.queries import NoParameters, QueryParameters, default_query, read_query
from fristwerk_platform.http.strict_json import MAX_PARTS, NotJsonError, has_too_many_parts, strict_json

Endpoint = Callable[..., Awaitable[Response]]
REQUIRED: Final = inspect.Parameter.empty
"""The default of a body that must be sent."""
NAME_IN_PATH: Final = re.compile(r"\{([a-z_]+)\}")
"""A part of a path that is a name, such as ``{name}``."""
REST_OF_PATH: Final = "{path}"
MAX_BODY_BYTES: Final = 1024 * 1024
_MISSING: Final = {"type": "missing", "loc": ("body",)}


Permits = tuple[Collection[str], str]
"""The roles that an operation is for, and what they do there, as a 403 says it."""
Found = Callable[[Request], Awaitable[None]]
"""Raises what answers a request whose path names something that is not there for who asks."""


class Body(msgspec.Struct, frozen=True):
    """The JSON body of an operation: its argument's name, its type, and its default (``REQUIRED``:
    none).
    """

    name: str
    annotation: Any
    default: Any


class LimitedRequest(Request):
    """The request as every endpoint gets it: no route can read more of its body than the limit."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in parts.

        Raises Problem 413 once it passes 1 MiB, whatever its Content-Length claims.
        """
        taken = 0
        async for part in super().stream():
            taken += len(part)
            if taken > MAX_BODY_BYTES:
                raise Problem(413, f"The body of {instance(self)} is larger than 1 MiB.")
            yield part


class Operation:
    """One method at one path (OpenAPI's word): its types, its endpoint, and how it is described."""

    def __init__(
        self,
        method: str,
        path: str,
        endpoint: Endpoint,
        *,
        name: str,
        described: Description,
        body: Body | None = None,
        permits: Permits | None = None,
        found: Found | None = None,
        is_long: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        self.name = name
        self.described = described
        self.path_types: dict[str, Any] = {}
        self.query: type[QueryParameters] = NoParameters
        self.body = body
        self.permits = permits
        self.is_long = is_long
        self._found = found
        self._endpoint = endpoint
        self._request_name: str | None = None
        self._query_name: str | None = None
        self._read_signature(get_type_hints(endpoint, include_extras=True))
        self._path = [(each, _validator(annotation)) for each, annotation in self.path_types.items()]
        self._no_query: QueryParameters | None = default_query(self.query)
        self._validate_body = None if self.body is None else _validator(self.body.annotation)

    async def answer(self, request: Request) -> Response:
        """The answer to a request.

        A refusal that may be the effect of the request's own twin gets the twin's answer.

        Whoever may not, or asks for what is not there, does not learn what the body should have
        been.
        """
        if self.permits is not None:
            allowed(request, *self.permits)
        arguments, wrong = self._path_and_query(request)
        if wrong and self._found is not None:
            raise invalid(wrong)
        if self.body is not None:
            try:
                wrong += await self._add_body(arguments, request, self.body)
            except Problem:
                await self._check_found(request)
                raise
            if wrong:
                await self._check_found(request)
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

    async def _check_found(self, request: Request) -> None:
        if self._found is not None:
            await self._found(request)

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
        """Add the body to what the endpoint is called with; returns what does not fit.

        Raises Problem as ``_json`` does.
        """
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


@functools.cache  # many operations take values of the same type, such as an id
def _validator(annotation: Any) -> Callable[..., Any]:
    """Checks and converts a value; without the adapter's many keyword arguments, which take longer
    than most checks.
    """
    return TypeAdapter(annotation).validator.validate_python


async def _json(request: Request) -> Any:
    """The parsed body, None where there is none.

    Raises Problem 415 for another media type, 400 for what is not JSON, 422 for more values than a
    request has.
    """
    body = await request.body()
    if not body:
        return None
    media_type = request.headers.get("content-type", "")
    if media_type != "application/json":
        media_type = media_type.partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise Problem(415, f"The body must be application/json, not {media_type or 'of no type'}.")
    if has_too_many_parts(body):
        sentence = f"has more than {MAX_PARTS} values and keys in all"
        raise Problem(422, f"The body {sentence}.", code="too-much-at-once", errors=[("", sentence)])
    try:
        return strict_json(body)
    except NotJsonError as error:
        raise Problem(400, str(error)) from error


def _located(error: ValidationError, *place: str) -> list[Mapping[str, Any]]:
    """The library's errors, as many as an answer names, each behind the place where the value was
    found.
    """
    found = error.errors(include_url=False, include_input=False)[:MAX_ERRORS]
    return [{**each, "loc": (*place, *each["loc"])} for each in found]
