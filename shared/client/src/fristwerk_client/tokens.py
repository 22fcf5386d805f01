"""The bearer token of each request: one for good, or what a function says each time."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

import httpx

Token = str | Callable[[], str]
"""A token, or what gives one: asked for every request, so that it can renew a token in time."""
AsyncToken = str | Callable[[], str | Awaitable[str]]
"""The same; the function may also have to be awaited."""


class BearerToken(httpx.Auth):
    """Says who asks (RFC 6750, 2.1)."""

    def __init__(self, token: AsyncToken) -> None:
        self._token = token

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Raises TypeError where the function has to be awaited."""
        token = self._token if isinstance(self._token, str) else self._token()
        if not isinstance(token, str):
            if inspect.iscoroutine(token):
                token.close()
            raise TypeError("A client without await takes a token, or a function that returns one.")
        request.headers["Authorization"] = f"Bearer {token}"
        yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The request in that name."""
        token = self._token if isinstance(self._token, str) else self._token()
        text = token if isinstance(token, str) else await token
        request.headers["Authorization"] = f"Bearer {text}"
        yield request
