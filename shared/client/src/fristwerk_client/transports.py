"""Requests that are sent again where that does no harm, each command under one key for all its tries."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Final

import httpx

from fristwerk_client.retrying import Retrying, asks_to_come_back, may_repeat, retry_after_seconds, with_key

LOST: Final = (httpx.TimeoutException, httpx.NetworkError, httpx.ProxyError, httpx.RemoteProtocolError)
"""No answer came. What the request itself cannot be sent for, such as an address without ``http``, is not among them."""


def new_key() -> str:
    """An Idempotency-Key that nobody else makes."""
    return uuid.uuid4().hex


class RepeatingTransport(httpx.BaseTransport):
    """Sends through somebody's httpx client, and again while the service cannot be reached or asks to come back.

    Raises what httpx raises of the last try. ``new_key`` None gives no command a key, so none is sent again without its own.
    """

    def __init__(self, client: httpx.Client, retrying: Retrying, new_key: Callable[[], str] | None = new_key) -> None:
        self._client = client
        self._retrying = retrying
        self._new_key = new_key

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The first answer that is not to come back, or the last one."""
        tries = _Tries(self._retrying, request, self._new_key)
        while True:
            try:
                answer = self._client.send(tries.request, stream=True)
            except LOST:
                pause = tries.pause_seconds()
                if pause is None:
                    raise
            else:
                pause = tries.pause_seconds(answer)
                if pause is None:
                    return answer
                answer.close()
            time.sleep(pause)


class AsyncRepeatingTransport(httpx.AsyncBaseTransport):
    """The same through an ``httpx.AsyncClient``."""

    def __init__(
        self, client: httpx.AsyncClient, retrying: Retrying, new_key: Callable[[], str] | None = new_key
    ) -> None:
        self._client = client
        self._retrying = retrying
        self._new_key = new_key

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The first answer that is not to come back, or the last one."""
        tries = _Tries(self._retrying, request, self._new_key)
        while True:
            try:
                answer = await self._client.send(tries.request, stream=True)
            except LOST:
                pause = tries.pause_seconds()
                if pause is None:
                    raise
            else:
                pause = tries.pause_seconds(answer)
                if pause is None:
                    return answer
                await answer.aclose()
            await asyncio.sleep(pause)


class _Tries:
    """One request and how often it was sent."""

    def __init__(self, retrying: Retrying, request: httpx.Request, new_key: Callable[[], str] | None) -> None:
        self.request = request if new_key is None else with_key(request, new_key)
        self._retrying = retrying
        self._began = time.monotonic()
        self._tried = 0

    def pause_seconds(self, answer: httpx.Response | None = None) -> float | None:
        """How long to wait after one more try, which got that answer or none; None to leave it at that."""
        self._tried += 1
        if not may_repeat(self.request) or not (answer is None or asks_to_come_back(answer)):
            return None
        asked = 0.0 if answer is None else retry_after_seconds(answer.headers)
        return self._retrying.pause_seconds(self._tried, time.monotonic() - self._began, asked)
