"""When a request may be sent again, and how long to wait before it is."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

KEY_HEADER: Final = "Idempotency-Key"
_COMMAND: Final = "POST"
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_TRY_AGAIN: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, kw_only=True)
class Retrying:
    """How patient a client is. What it gives up with is the last answer, or the last error of the connection."""

    seconds: float = 60.0
    """No try begins later than this after the first one."""
    tries: int = 100
    """The most tries altogether; 1 never repeats."""
    first_pause_seconds: float = 0.05
    """Doubled with each further try."""
    longest_pause_seconds: float = 2.0
    random: Callable[[], float] = random.random
    """From 0 to 1. Pauses are up to half as long again, so that clients that failed together do not return together."""

    def pause_seconds(self, tried: int, elapsed_seconds: float, retry_after_seconds: float = 0.0) -> float | None:
        """How long to wait after that many tries; None to give up. Never less than the service asked for."""
        doubled = self.first_pause_seconds * 2.0 ** min(tried - 1, 30)
        asked = max(min(doubled, self.longest_pause_seconds), retry_after_seconds)
        pause = asked * (1 + self.random() / 2)
        left = self.seconds - elapsed_seconds
        if tried >= self.tries or asked > left:
            return None
        return min(pause, left)


def with_key(request: httpx.Request, new_key: Callable[[], str]) -> httpx.Request:
    """The request, a command with an Idempotency-Key: its own, or one made now for all tries of it."""
    if request.method == _COMMAND:
        request.headers.setdefault(KEY_HEADER, new_key())
    return request


def may_repeat(request: httpx.Request) -> bool:
    """Whether a second copy does no harm: reads, PUT (RFC 9110, 9.2.2), and commands with a key.

    Not a PUT with ``If-Match``: where its first copy arrived, the second one is refused for the version that the first made.
    Not a body that is read from a stream, which is gone after the first try.
    """
    harmless = (
        KEY_HEADER in request.headers or request.method in _IDEMPOTENT - {"PUT"} or "If-Match" not in request.headers
    )
    known = request.method in _IDEMPOTENT or KEY_HEADER in request.headers
    return known and harmless and isinstance(request.stream, httpx.ByteStream)


def asks_to_come_back(answer: httpx.Response) -> bool:
    """Whether the service, or a proxy before it, could not answer for now."""
    return answer.status_code in _TRY_AGAIN


def retry_after_seconds(headers: httpx.Headers) -> float:
    """What ``Retry-After`` asks for in seconds; 0 where it asks for nothing. A date, which no service sends, is nothing."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 0.0
