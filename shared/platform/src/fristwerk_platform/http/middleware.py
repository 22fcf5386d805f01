"""What every request passes first: a correlation id, and for everything below ``/v1`` a checked
bearer token.

As a middleware no route can forget it, and an unauthenticated body is never even read.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol

import structlog
from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fristwerk_platform.auth import PROGRAM, NotAuthenticatedError, Principal, Tokens
from fristwerk_platform.commands import STORAGE_FAILURES
from fristwerk_platform.http import problems
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.refused_callers import RefusedCallers
from fristwerk_platform.http.request_log import RequestObserver
from fristwerk_platform.http.traceparent import TRACE_HEADER, given_trace
from fristwerk_platform.metrics import Answered
from fristwerk_platform.read_models import DatabaseUnavailableError
from fristwerk_platform.transparency.access_log import RECORDED, AccessLog

CORRELATION_HEADER: Final = b"x-correlation-id"
PROTECTED: Final = "/v1/"
"""What lies below needs a token."""
RETRY_AFTER_SECONDS: Final = 5
Admission = Callable[[Principal], Awaitable[None]]
"""Raises Problem for somebody whose token is good and who has no access any more."""
RawHeader = tuple[bytes, bytes]
_NOSNIFF: Final[RawHeader] = (b"x-content-type-options", b"nosniff")
_NO_STORE: Final[RawHeader] = (b"cache-control", b"no-store")
_log = structlog.get_logger()
_CORRELATION_ID: Final = re.compile(r"[A-Za-z0-9_.:\-]{1,128}")


class RequestMeter(Protocol):
    """Counts requests."""

    def answered(self, answer: Answered) -> None:
        """Count one request."""
        ...


class AuthenticationMiddleware:
    """The outermost ASGI application; sets ``principal`` and ``correlation_id`` in the request's
    state.
    """

    def __init__(
        self,
        app: ASGIApp,
        tokens: Tokens,
        now: Callable[[], datetime],
        meter: RequestMeter | None = None,
        observers: Sequence[RequestObserver] = (),
        accesses: AccessLog | None = None,
        admission: Admission | None = None,
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._now = now
        self._meter = meter
        self._observers = observers
        self._accesses = accesses
        self._admission = admission
        self._refused = RefusedCallers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        state: dict[str, Any] = scope.setdefault("state", {})
        correlation_id = state["correlation_id"] = _correlation_id(scope)
        status: int | None = None

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _completed(scope["path"], message["headers"], correlation_id)
            await send(message)

        bound = structlog.contextvars.bind_contextvars(correlation_id=correlation_id)
        try:
            await self._admit(scope, state, began)
            await self._app(scope, receive, send_on)
        except Problem as refusal:
            await problems.response(Request(scope), refusal)(scope, receive, send_on)
        except ClientDisconnect:
            pass  # nobody is left who could be answered
        except Exception as error:
            answer = problems.failed(Request(scope), error)
            if status is not None:
                raise  # half an answer was sent already
            await answer(scope, receive, send_on)
        finally:
            seconds = round(time.perf_counter() - began, 6)
            for observer in self._observers:
                observer.note(scope, correlation_id, status, seconds)
            if self._meter is not None:
                self._meter.answered(_answered(scope, seconds))
            structlog.contextvars.reset_contextvars(**bound)

    async def _admit(self, scope: Scope, state: dict[str, Any], began: float) -> None:
        """Raises Problem where the request is not to be answered."""
        principal = self._authenticated(scope, state, began)
        if principal is None:
            return
        if self._admission is not None and principal.belongs_to is not None:
            await self._check_access(scope["path"], principal, self._admission)
        if self._accesses is not None and principal.role in RECORDED:
            await self._record(scope, principal, state["correlation_id"], self._accesses)

    def _authenticated(self, scope: Scope, state: dict[str, Any], began: float) -> Principal | None:
        """Who asks, where that must be known.

        Raises Problem 401, 403 for a program whose scopes do not name what it asks for, or 422
        for an address with NUL, which no database takes as text.
        """
        path: str = scope["path"]
        if "\0" in path or b"%00" in scope["query_string"]:
            raise Problem(422, "The address holds NUL.", code="invalid-request")
        if not path.startswith(PROTECTED):
            return None
        try:
            token, now = _bearer(scope, self._tokens.roles.printed_by), self._now()
            principal = state["principal"] = self._tokens.check(token, now=now)
            state["token_seconds_left"] = partial(self._seconds_left, token, now, began)
        except NotAuthenticatedError as error:
            self._refused.note(_address(scope), str(error))
            raise Problem(401, str(error), headers={"WWW-Authenticate": "Bearer"}) from error
        if principal.role == PROGRAM:
            _check_scope(path, principal)
        return principal

    def _seconds_left(self, token: str, admitted_at: datetime, began: float) -> float:
        """For how long the token of an open request is still good, asked again and again: nothing
        once it was revoked or its key has gone.
        """
        try:
            self._tokens.check(token, now=self._now())
        except NotAuthenticatedError:
            return 0.0
        return self._tokens.seconds_left(token, now=admitted_at) - (time.perf_counter() - began)

    async def _check_access(self, path: str, principal: Principal, admission: Admission) -> None:
        """Ask the service whether who sees only its own things still has access to them.

        Raises what the ``Admission`` raises, and Problem 503 where it cannot be asked.
        """
        try:
            await admission(principal)
        except STORAGE_FAILURES as error:
            raise problems.storage_failed(path, error) from error

    async def _record(self, scope: Scope, principal: Principal, correlation_id: str, accesses: AccessLog) -> None:
        """Record an auditor's request before anything is answered. Raises Problem 503 where that is not possible."""
        query = scope["query_string"].decode("latin-1")
        try:
            await accesses.record(principal, scope["method"], scope["path"], query, correlation_id)
        except (DatabaseUnavailableError, SQLAlchemyError, OSError) as error:
            _log.exception("access_not_recorded", path=scope["path"])
            sentence = "What an auditor reads is recorded first, and it cannot be recorded at the moment."
            raise Problem(503, sentence, headers={"Retry-After": str(RETRY_AFTER_SECONDS)}) from error


def header(scope: Scope, name: bytes) -> str:
    """A request's header by its name in lower case, the first of several; empty where there is
    none.
    """
    for each, value in scope["headers"]:
        if each == name:
            return str(value, "latin-1")
    return ""


def _completed(path: str, given: Iterable[RawHeader], correlation_id: str) -> list[RawHeader]:
    """The headers of an answer with those of every answer.

    No browser guesses another content type, and nobody on the way keeps what is behind a token (RFC
    9111, 5.2.2.5).
    """
    headers = [*given, (CORRELATION_HEADER, correlation_id.encode()), _NOSNIFF]
    if path.startswith(PROTECTED) and b"cache-control" not in [name for name, _ in headers]:
        headers.append(_NO_STORE)
    return headers


def _check_scope(path: str, principal: Principal) -> None:
    """Raises Problem 403 where a program asks for more than the feeds and what its scopes name."""
    resource = path.split("/", 3)[2]
    if not principal.may_use(resource):
        sentence = f"The role service reads the feeds; its token has no scope {resource[:64]!r}."
        raise Problem(403, sentence)


def _correlation_id(scope: Scope) -> str:
    """What the caller calls the request, or the trace that it belongs to, or a new id of the same
    form.
    """
    given = header(scope, CORRELATION_HEADER)
    if given and _CORRELATION_ID.fullmatch(given):
        return given
    trace = given_trace(scope) if header(scope, TRACE_HEADER) else None
    return trace or _new_correlation_id()


def _new_correlation_id() -> str:
    """A name for a request.

    It is no secret, and asking the operating system for random bytes would release the
    interpreter's lock each time.
    """
    return f"{random.getrandbits(128):032x}"


def _answered(scope: Scope, seconds: float) -> Answered:
    """The figures of a request, from what routing, problems and replays left in its scope."""
    state: dict[str, Any] = scope["state"]
    return Answered(
        operation=getattr(scope.get("route"), "name", None),
        method=scope["method"],
        problem=state.get("problem"),
        replayed=state.get("replayed", False),
        seconds=seconds,
    )


def _address(scope: Scope) -> str:
    """The address that a request came from, according to the server."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def check_once(scope: Scope, name: bytes) -> None:
    """Raises Problem 400 for a header that stands twice: one of the two would be read, and a proxy
    might read the other.
    """
    if [each for each, _ in scope["headers"]].count(name) > 1:
        raise Problem(400, f"The header {name.decode()} stands more than once.", code="header-repeated")


def _bearer(scope: Scope, printed_by: str) -> str:
    check_once(scope, b"authorization")
    scheme, _, token = header(scope, b"authorization").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticatedError(f"A bearer token is needed; '{printed_by}' prints one.")
    return token.strip()


def principal_of(request: Request) -> Principal:
    """The caller."""
    principal: Principal = request.scope["state"]["principal"]
    return principal


def allowed(request: Request, roles: Collection[str], doing: str) -> Principal:
    """The caller, if the role may do it. Raises Problem 403 with what the role may not do."""
    principal = principal_of(request)
    if principal.role not in roles:
        raise Problem(403, f"The role {principal.role} may not {doing}; these may: {', '.join(sorted(roles))}.")
    return principal


def own_only(principal: Principal, asked: str | None, parameter: str) -> str | None:
    """Whose things a list shows: a role that sees only its own things gets those, any other what it
    asked for (None: all).

    Raises Problem 403 if such a role names another in the ``parameter``; its own things are not
    shown in their place.
    """
    if principal.belongs_to is None:
        return asked
    if asked not in (None, principal.belongs_to):
        sentence = f"A {principal.role}'s token lists the own company's things; `{parameter}` names another."
        raise Problem(403, sentence)
    return principal.belongs_to
