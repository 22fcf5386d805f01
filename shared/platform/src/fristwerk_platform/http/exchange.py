"""One request and its answer on a connection.

The head of an answer waits for its body: both go out in one write.

Each write is a system call, and wakes the client: uvicorn's two of them cost more than deciding a
command. The rest is uvicorn's own, whose request and answer this is.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_STATUS_LINES: Final = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n".encode() for each in HTTPStatus}
_NOT_IN_NAMES: Final = re.compile(rb'[\x00-\x1f\x7f()<>@,;:\\\[\]={} \t"]')
_NOT_IN_VALUES: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_WITHOUT_BODY: Final = frozenset({204, 304})


def names_host_once(connection: HttpToolsProtocol) -> bool:
    """RFC 9112, section 3.2: with two hosts a proxy might go by the other one. HTTP/1.0 may name none."""
    hosts = sum(name == b"host" for name, _ in connection.headers)
    return hosts == 1 or (hosts == 0 and connection.parser.get_http_version() == "1.0")


class Exchange(RequestResponseCycle):
    """A request with its answer; ``send`` is the ASGI callable of that name."""

    _head = b""
    """The head of an answer of known length, until its body comes."""
    _close_unread: Callable[[], None]

    @classmethod
    def of(cls, connection: HttpToolsProtocol, close_unread: Callable[[], None]) -> Exchange:
        """The request whose head is complete, with its address in the scope, and how to close after
        its answer while there is more of its body to come.
        """
        parser, scope = connection.parser, connection.scope
        address = httptools.parse_url(connection.url)
        path = address.path.decode("ascii")
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = parser.get_http_version()
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = address.path
        scope["query_string"] = address.query or b""
        exchange = cls(
            scope=scope,
            transport=connection.transport,
            flow=connection.flow,
            logger=connection.logger,
            access_logger=connection.access_logger,
            access_log=False,
            default_headers=connection.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=connection.expect_100_continue,
            keep_alive=scope["http_version"] != "1.0" and parser.should_keep_alive(),
            on_response=connection.on_response_complete,
        )
        exchange._close_unread = close_unread
        return exchange

    async def send(self, message: Any) -> None:
        """Send the head or a part of the body.

        Raises RuntimeError for what is neither, or not its turn.
        """
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if not self.response_started and kind == "http.response.start":
            self._start(message["status"], message.get("headers", ()))
        elif self.response_started and not self.response_complete and kind == "http.response.body":
            self._continue(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"{kind} is not what follows in this answer.")

    def _start(self, status: int, given: Iterable[tuple[bytes, bytes]]) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        headers = [*self.default_headers, *given]
        says_close = self._read_framing(headers)
        lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        if not self.keep_alive and not says_close:
            lines.append(b"connection: close\r\n")
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in _WITHOUT_BODY:
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        head = b"".join(lines)
        if self.expected_content_length:
            self._head = head
        else:
            self.transport.write(head)

    def _read_framing(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """How the end of the answer is found; whether the headers say that the connection ends with
        it.

        Raises RuntimeError for characters that would end a header line.
        """
        if _NOT_IN_NAMES.search(b"".join([name for name, _ in headers])):
            raise RuntimeError("Invalid HTTP header name.")
        if _NOT_IN_VALUES.search(b"".join([value for _, value in headers])):
            raise RuntimeError("Invalid HTTP header value.")
        for name, value in headers:
            if name == b"content-length":
                self.expected_content_length = int(value)
                self.chunked_encoding = False
            elif name == b"transfer-encoding" and value.lower() == b"chunked":
                self.expected_content_length = 0
                self.chunked_encoding = True
            elif name == b"connection" and b"close" in value.lower():
                self.keep_alive = False
                return True
        return False

    def _continue(self, body: bytes, *, more: bool) -> None:
        head, self._head = self._head, b""
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
            body = b""
        elif self.chunked_encoding:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if more else b"0\r\n\r\n")
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0 or (self.expected_content_length and not more):
                raise RuntimeError("The body is not as long as Content-Length says.")
        if head or body:
            self.transport.write(head + body)
        if not more:
            self._end()

    def _end(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            (self._close_unread if self.more_body else self.transport.close)()
        self.on_response()
