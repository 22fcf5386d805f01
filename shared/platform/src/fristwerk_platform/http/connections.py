"""What a connection may cost: bytes of a head, time for a request to arrive and its answer to
leave, and how many connections there are.

uvicorn has no such limits with httptools (its own are for h11), and whatever stands behind it,
authentication too, sees a request only once its head is complete. So :class:`LimitedProtocol` is
uvicorn's protocol with its public callbacks, those of ``asyncio.Protocol`` and of httptools, and
one sweep a second over all connections instead of a timer for each request.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from fristwerk_platform.http.connection_limits import ConnectionLimits, Part, Refusal
from fristwerk_platform.http.descriptors import Descriptors
from fristwerk_platform.http.exchange import Exchange, names_host_once
from fristwerk_platform.http.refused_rests import LINGER_SECONDS, RefusedRests
from fristwerk_platform.http.unsent_answers import Unsent, beyond
from fristwerk_platform.process_counters import CONNECTIONS_CLOSED
from fristwerk_platform.rare_warning import RareWarning

PARSED_AT_ONCE: Final = 16 * 1024
"""Bytes given to the parser before the limits are looked at again; a read brings up to 256 KiB."""
MAX_PIPELINED: Final = 64
"""Requests of one connection that wait for the answer to another."""
SWEEP_SECONDS: Final = 1.0
LARGE_ANSWER: Final = 256 * 1024
"""Bytes of an answer in memory, from which on those of all connections are added up at once."""
IDLE: Final = "idle"
NOT_TAKEN: Final = "not-taken"


class Connections:
    """All connections of the process: lets them in, and closes those that pass a limit."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._descriptors = Descriptors()
        self._most = min(limits.connections, self._descriptors.spare())
        self._open: set[LimitedProtocol] = set()
        self.rests = RefusedRests()
        self._full = RareWarning("connections_at_limit")
        self._unsent = RareWarning("answers_not_taken")

    def admit(self, connection: LimitedProtocol) -> bool:
        """Whether there is room for it, if need be in the place of the one that is idle for
        longest.
        """
        if len(self._open) >= self._most:
            self._full.note(connections=len(self._open))
            idle = [each for each in self._open if not each.is_answering]
            if not idle:
                return False
            min(idle, key=lambda each: (each.was_used, each.part_since)).give_up(IDLE)
        self._open.add(connection)
        return True

    def leave(self, connection: LimitedProtocol) -> None:
        """The connection is closed, or soon will be."""
        self._open.discard(connection)

    async def sweep(self) -> None:
        """Close what takes too long, every second, until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            for each in list(self._open):
                each.check_time(clock())
            self.limit_unsent(clock())
            self._descriptors.check()

    def limit_unsent(self, now: float) -> None:
        """Give up answers that nobody takes, where they would fill the memory."""
        for each in list(beyond(self.limits.unsent_bytes, self._open, now)):
            self._unsent.note(connections=len(self._open))
            each.give_up(NOT_TAKEN)


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol that closes a connection which passes a limit, before any application
    sees its request.
    """

    register: ClassVar[Connections]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.part_since = self.loop.time()
        self._part = Part.NOTHING
        self.was_used = False
        self._head_bytes = 0
        self._body_bytes = 0
        self._parsed = 0
        self._silent_bytes = 0
        self._refused = False
        self._thrown_away = 0
        self.unsent = Unsent()

    @property
    def is_answering(self) -> bool:
        """Whether a request is complete as far as its head goes and its answer is not."""
        return self.cycle is not None and not self.cycle.response_complete  # type: ignore[redundant-expr]  # None at first

    @property
    def unsent_bytes(self) -> int:
        """How much of its answers waits in memory."""
        return self.transport.get_write_buffer_size()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See :class:`asyncio.Protocol`."""
        super().connection_made(transport)
        if not self.register.admit(self):
            self._refuse(Refusal.TOO_MANY)

    def connection_lost(self, exc: Exception | None) -> None:
        """See :class:`asyncio.Protocol`."""
        self.register.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See :class:`asyncio.Protocol`."""
        if self._part is Part.NOTHING and not self.is_answering:
            self._receive(Part.HEAD)  # even if it is only an empty line, which nothing else would count or time
        if len(data) <= PARSED_AT_ONCE and not self._refused:
            self._parse(data)
            return
        for begin in range(0, len(data), PARSED_AT_ONCE):
            if self._refused:
                self._throw_away(len(data) - begin)
                return
            self._parse(data[begin : begin + PARSED_AT_ONCE])

    def _parse(self, data: bytes) -> None:
        """Give bytes to the parser, and count those that it keeps to itself: of a header line it
        reports only whole ones.
        """
        before = self._parsed
        super().data_received(data)
        self._silent_bytes = self._silent_bytes + len(data) if self._parsed == before else 0
        if self._silent_bytes + self._head_bytes > self.register.limits.head_bytes:
            self._refuse(Refusal.HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        """See httptools' callbacks."""
        super().on_message_begin()
        self._receive(Part.HEAD)

    def on_url(self, url: bytes) -> None:
        """See httptools' callbacks."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools' callbacks.

        Trailers are counted and left out: nothing after a body is a header of its request.
        """
        self._count_head(len(name) + len(value) + len(b": \r\n"))
        if self._part is Part.HEAD and not self._refused:
            super().on_header(name, value)
            if self.headers[-1][0] == b"transfer-encoding" and value.strip().lower() != b"chunked":
                self._refuse(Refusal.UNKNOWN_CODING)

    def on_headers_complete(self) -> None:
        """As uvicorn's, without what is not offered here: WebSockets, a path below another."""
        if self._refused:
            return
        if not names_host_once(self):
            self._refuse(Refusal.HOST)
            return
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse(Refusal.PIPELINED)
            return
        self._receive(Part.BODY)
        before, self.cycle = self.cycle, Exchange.of(self, self.close_answered)
        if before is None or before.response_complete:  # type: ignore[redundant-expr]  # None at first
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        """See httptools' callbacks."""
        if not self._refused:
            self._parsed += 1
            self._body_bytes += len(body)
            super().on_body(body)

    def on_message_complete(self) -> None:
        """See httptools' callbacks."""
        if not self._refused:
            self.was_used = True
            self._receive(Part.NOTHING)
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """See uvicorn's protocol. An answer that was not taken at once may be one too many."""
        if self._refused:
            return
        super().on_response_complete()
        if self.unsent_bytes > LARGE_ANSWER:
            self.register.limit_unsent(self.loop.time())

    def check_time(self, now: float) -> None:
        """Give up the request that takes too long to arrive, and the answer that takes too long to leave."""
        if self._refused:
            return
        limits = self.register.limits
        if self.unsent.is_stuck(self.unsent_bytes, now, limits):
            self.give_up(NOT_TAKEN)
            return
        seconds = now - self.part_since
        if self._part is Part.BODY:
            if seconds > limits.head_seconds + self._body_bytes / limits.body_bytes_per_second:
                self._refuse(Refusal.BODY_TOO_SLOW)
        elif self.is_answering:
            self.part_since = now  # the next request has time, it cannot be answered yet
        elif seconds > limits.head_seconds and (not self.was_used or self._part is Part.HEAD):
            self._refuse(Refusal.HEAD_TOO_SLOW)

    def give_up(self, reason: str) -> None:
        """Close without another byte."""
        self._refused = True
        CONNECTIONS_CLOSED.labels(reason).inc()
        self.register.leave(self)
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """The answer to what is not HTTP."""
        self._refuse(Refusal.NOT_HTTP)

    def close_answered(self) -> None:
        """Close after the last answer, while there is more of the request to come."""
        self._refused = True
        self.register.rests.close(self.transport)

    def _receive(self, part: Part) -> None:
        self._parsed += 1
        self._part = part
        self.part_since = self.loop.time()
        self._head_bytes = self._body_bytes = self._silent_bytes = 0

    def _count_head(self, size: int) -> None:
        self._parsed += 1
        self._head_bytes += size
        if self._head_bytes > self.register.limits.head_bytes:
            self._refuse(Refusal.HEAD_TOO_LARGE)

    def _refuse(self, refusal: Refusal) -> None:
        """Close with an answer; without one where none was asked for or another request has it."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        CONNECTIONS_CLOSED.labels(refusal.reason).inc()
        if is_answered := self._may_answer(refusal):
            self.transport.write(refusal.answer)
        if is_answered and self.is_answering:  # with the refusal
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if is_answered and self._part is not Part.NOTHING:
            self.close_answered()
        else:  # at once, for one too many is not counted
            self.loop.call_later(LINGER_SECONDS, self.transport.abort)
            self.transport.close()

    def _may_answer(self, refusal: Refusal) -> bool:
        match self._part:
            case Part.NOTHING:
                return refusal is Refusal.TOO_MANY
            case Part.HEAD:
                return not self.is_answering
            case Part.BODY:
                return self.is_answering and not self.cycle.response_started and not self.pipeline

    def _throw_away(self, size: int) -> None:
        self._thrown_away += size
        self.register.rests.wait(self.transport, self._thrown_away)


def limited_protocol(connections: Connections) -> type[LimitedProtocol]:
    """The protocol class for uvicorn, which makes one object of it for each connection."""

    class Limited(LimitedProtocol):
        pass

    Limited.register = connections
    return Limited
