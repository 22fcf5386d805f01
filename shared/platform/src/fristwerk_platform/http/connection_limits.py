"""The limits of a connection, what it receives, and the answers to requests that pass one."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from fristwerk_platform.settings import Settings

RETRY_AFTER_SECONDS: Final = 1


class ConnectionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits; each is a setting."""

    head_bytes: int = 64 * 1024
    """Request line and header lines in all, trailers likewise; 431 beyond."""
    head_seconds: float = 10.0
    """From the first byte of a request (or from the connection) to the end of its head; 408 then."""
    body_bytes_per_second: int = 1024
    """A body that comes more slowly than this, after ``head_seconds`` of grace, is given up with
    408; an answer that is taken more slowly is given up too.
    """
    connections: int = 1000
    """Beyond, an idle connection is closed, first those that never brought a request; 503 if none
    is idle.
    """
    unsent_bytes: int = 64 * 1024 * 1024
    """Of answers that wait for their clients, over all connections; beyond, those that wait for
    longest are given up.
    """

    @classmethod
    def of(cls, settings: Settings) -> ConnectionLimits:
        """The limits that the settings choose."""
        return cls(
            head_bytes=settings.request_head_bytes,
            head_seconds=settings.request_head_seconds,
            body_bytes_per_second=settings.request_body_bytes_per_second,
            connections=settings.max_connections,
            unsent_bytes=settings.unsent_answer_bytes,
        )


DEFAULT_LIMITS: Final = ConnectionLimits()


class Part(Enum):
    """What of a request a connection is receiving."""

    NOTHING = "nothing"
    HEAD = "head"
    BODY = "body"


class Refusal(Enum):
    """Why a connection is closed: its status, its problem's code and title (RFC 9457), and its
    sentence.
    """

    HEAD_TOO_LARGE = (431, "headers-too-large", "Request Header Fields Too Large", "The header lines are too long.")
    HEAD_TOO_SLOW = (408, "request-timeout", "Request Timeout", "The header lines took too long to arrive.")
    BODY_TOO_SLOW = (408, "request-timeout", "Request Timeout", "The body arrives too slowly.")
    PIPELINED = (429, "too-many-requests", "Too Many Requests", "Too many requests wait on this connection.")
    UNKNOWN_CODING = (501, "not-implemented", "Not Implemented", "Of transfer codings only chunked is known here.")
    """RFC 9112, section 6.1: the parser sees that a body is chunked last, and would leave it compressed."""
    NOT_HTTP = (400, "not-http", "Bad Request", "This is no request of HTTP/1.1.")
    HOST = (400, "not-http", "Bad Request", "A request of HTTP/1.1 names its host, and names it once.")
    TOO_MANY = (503, "not-available", "Service Unavailable", "There are too many connections at the moment.")

    @property
    def reason(self) -> str:
        """Its name in metrics and logs."""
        return self.name.lower().replace("_", "-")

    @property
    def answer(self) -> bytes:
        """The whole answer as it goes over the wire."""
        status, code, title, sentence = self.value
        body = msgspec.json.encode({"type": f"/problems/{code}", "title": title, "status": status, "detail": sentence})
        retry = f"retry-after: {RETRY_AFTER_SECONDS}\r\n" if status in (429, 503) else ""
        head = (
            f"HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\nx-content-type-options: nosniff\r\n"
            f"content-length: {len(body)}\r\n{retry}connection: close\r\n\r\n"
        )
        return head.encode() + body
