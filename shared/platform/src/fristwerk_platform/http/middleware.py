"""What every request passes first: a correlation id, and for everything below ``/v1`` a checked bearer token.

As a middleware no route can forget it, and an unauthenticated body is never even read.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final, Protocol

import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fristwerk_platform.auth import NotAuthenticatedError, Principal, Tokens
from fristwerk_platform.http import problems
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.metrics import Answered

MAX_BODY_BYTES: Final = 1024 * 1024
CORRELATION_HEADER: Final = "X-Correlation-Id"
_CORRELATION_ID: Final = re.compile(r"[A-Za-z0-9_.:\-]{1,128}")
_log = structlog.get_logger()


class RequestMeter(Protocol):
    """Who counts requests."""

    def answered(self, answer: Answered) -> None:
        """Count one."""
        ...


class AuthenticationMiddleware:
    """The outermost ASGI application; sets ``principal`` and ``correlation_id`` in the request's state."""

    def __init__(
        self, app: ASGIApp, tokens: Tokens, now: Callable[[], datetime], meter: RequestMeter | None = None
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._now = now
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        given = request.headers.get(CORRELATION_HEADER, "")
        correlation_id = given if _CORRELATION_ID.fullmatch(given) else _new_correlation_id()
        request.state.correlation_id = correlation_id
        began = time.perf_counter()
        status: int | None = None
        limited = _limited(request, receive)

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-correlation-id", correlation_id.encode()),
                    *_protecting(scope["path"], message["headers"]),
                ]
            await send(message)

        bound = structlog.contextvars.bind_contextvars(correlation_id=correlation_id)
        try:
            self._admit(request)
            await self._app(scope, limited, send_on)
        except Problem as refusal:
            await problems.response(request, refusal)(scope, receive, send_on)
        except ClientDisconnect:
            pass  # nobody is left who could be answered
        except Exception as error:
            answer = problems.failed(request, error)
            if status is not None:
                raise  # half an answer was sent already
            await answer(scope, receive, send_on)
        finally:
            seconds = round(time.perf_counter() - began, 6)
            _log.debug("request", method=scope["method"], path=scope["path"], status=status, seconds=seconds)
            if self._meter is not None:
                self._meter.answered(_answered(scope, seconds))
            structlog.contextvars.reset_contextvars(**bound)

    def _admit(self, request: Request) -> None:
        """Raises Problem 401, 403 for a program whose scopes do not name what it asks for, or 422 for an address with NUL,
        which no database takes as text.
        """
        if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
            raise Problem(422, "The address holds NUL.", code="invalid-request")
        if request.scope["path"].startswith("/v1/"):
            try:
                token, now = _bearer(request), self._now()
                request.state.principal = self._tokens.check(token, now=now)
                request.state.token_seconds_left = self._tokens.seconds_left(token, now=now)
            except NotAuthenticatedError as error:
                raise Problem(401, str(error), headers={"WWW-Authenticate": "Bearer"}) from error
            if request.state.principal.role == "service":
                _check_scope(request)


def _protecting(path: str, given: Collection[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """No browser guesses another content type, and nobody on the way keeps what is behind a token (RFC 9111, 5.2.2.5)."""
    headers = [(b"x-content-type-options", b"nosniff")]
    if path.startswith("/v1/") and all(name.lower() != b"cache-control" for name, _ in given):
        headers.append((b"cache-control", b"no-store"))
    return headers


def _check_scope(request: Request) -> None:
    """Raises Problem 403 where a program asks for more than the feeds and what its scopes name."""
    resource = request.scope["path"].split("/", 3)[2]
    if not principal_of(request).may_use(resource):
        sentence = f"The role service reads the feeds; its token has no scope {resource[:64]!r}."
        raise Problem(403, sentence)


def _new_correlation_id() -> str:
    """Names a request and is no secret: asking the operating system for it would let go of the interpreter's lock each time."""
    return f"{random.getrandbits(128):032x}"


def _answered(scope: Scope, seconds: float) -> Answered:
    """What routing, problems and replays have left in the request's scope."""
    state: dict[str, Any] = scope["state"]
    return Answered(
        operation=getattr(scope.get("route"), "name", None),
        method=scope["method"],
        problem=state.get("problem"),
        replayed=state.get("replayed", False),
        seconds=seconds,
    )


def _limited(request: Request, receive: Receive) -> Receive:
    """The request's body, refused with 413 once it passes 1 MiB, whatever its Content-Length claims."""
    taken = 0

    async def receive_some() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY_BYTES:
            raise Problem(413, f"The body of {problems.instance(request)} is larger than 1 MiB.")
        return message

    return receive_some


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticatedError("A bearer token is needed; 'python -m ticket_service token' prints one.")
    return token.strip()


def principal_of(request: Request) -> Principal:
    """Who asks."""
    principal: Principal = request.state.principal
    return principal


def allowed(request: Request, roles: Collection[str], doing: str) -> Principal:
    """Who asks, if the role may do it; else a Problem 403 that says what was asked."""
    principal = principal_of(request)
    if principal.role not in roles:
        raise Problem(403, f"The role {principal.role} may not {doing}; these may: {', '.join(sorted(roles))}.")
    return principal


def own_only(principal: Principal, asked: str | None) -> str | None:
    """Whose things a list shows: for a customer's token always the own company's, else whose were asked for, None for all.

    Raises Problem 403 where a customer's token asks for another's: that is refused, not replaced by the own.
    """
    if principal.role != "customer":
        return asked
    if asked not in (None, principal.customer):
        raise Problem(403, "A customer's token lists the own company's things; `customer` names another.")
    return principal.customer
