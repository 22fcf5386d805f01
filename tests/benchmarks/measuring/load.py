"""A program that sends prepared requests over so many connections and says how fast they were answered.

It runs as a process of its own and knows just enough HTTP/1.1 to find the end of an answer (keep-alive, Content-Length): on two
cores every cycle that it takes is missing in the service under test, and a client library takes as many as the service.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import cast

import msgspec
import uvloop


class Task(msgspec.Struct, kw_only=True):
    """What to send and where: ``requests`` in turn, each once or again and again until ``seconds`` are over."""

    port: int
    connections: int
    requests: list[bytes]
    seconds: float | None = None
    per_second: float | None = None
    """Send at this rate instead of as fast as answers come."""


class Told(msgspec.Struct, kw_only=True):
    """What was measured; ``taken`` are the seconds of each answer, ``refused`` how many were not a success."""

    seconds: float
    taken: list[float]
    refused: int
    first_refusal: str
    bytes_read: int

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.taken) / self.seconds


class Connection(asyncio.Protocol):
    """One connection: sends a request, measures the answer, takes the next."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._began = 0.0
        self._left = 0
        self._head = b""
        self._transport: asyncio.Transport | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so
        self._send()

    def data_received(self, data: bytes) -> None:
        self._requests.told.bytes_read += len(data)
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            head, found, body = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            self._head = b""
            self._check(head, body)
            self._left = _content_length(head) - len(body)
        assert self._left >= 0, "an answer is followed by nothing until the next request"
        if self._left == 0:
            self._requests.told.taken.append(time.perf_counter() - self._began)
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error or ConnectionError("the service closed the connection"))

    def _send(self) -> None:
        request = self._requests.following()
        assert self._transport is not None, "connected"
        if request is None:
            self.ended.set_result(None)
            self._transport.close()
            return
        wait = self._requests.wait()
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._send_now, request)
        else:
            self._send_now(request)

    def _send_now(self, request: bytes) -> None:
        assert self._transport is not None, "connected"
        self._began = time.perf_counter()
        self._transport.write(request)

    def _check(self, head: bytes, body: bytes) -> None:
        if int(head[9:12]) >= HTTPStatus.BAD_REQUEST:
            told = self._requests.told
            told.refused += 1
            told.first_refusal = told.first_refusal or (head[:60] + b" " + body[:300]).decode(errors="replace")


class Requests:
    """The requests of all connections, and what was measured."""

    def __init__(self, task: Task) -> None:
        self._requests = task.requests
        self._number = 0
        self._ends_at = None if task.seconds is None else time.perf_counter() + task.seconds
        self._pace = None if task.per_second is None else 1 / task.per_second
        self._next_at = time.perf_counter()
        self.told = Told(seconds=0, taken=[], refused=0, first_refusal="", bytes_read=0)

    def following(self) -> bytes | None:
        """The next request, if there is still one to send."""
        number = self._number
        self._number += 1
        if self._ends_at is None:
            return self._requests[number] if number < len(self._requests) else None
        if time.perf_counter() >= self._ends_at:
            return None
        return self._requests[number % len(self._requests)]

    def wait(self) -> float:
        """Seconds until the next request is due."""
        if self._pace is None:
            return 0
        self._next_at += self._pace
        return self._next_at - time.perf_counter()


def _content_length(head: bytes) -> int:
    name = b"content-length:"
    start = head.lower().index(name) + len(name)
    return int(head[start : head.find(b"\r\n", start) % (len(head) + 1)])


async def sent(task: Task) -> Told:
    """Send it all."""
    requests = Requests(task)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    made = [
        await loop.create_connection(lambda: Connection(requests), "127.0.0.1", task.port)
        for _ in range(task.connections)
    ]
    await asyncio.gather(*(connection.ended for _, connection in made))
    requests.told.seconds = time.perf_counter() - began
    return requests.told


def main(arguments: Sequence[str]) -> None:
    """Arguments: a file with the task, a file for what was measured."""
    task = msgspec.msgpack.decode(Path(arguments[0]).read_bytes(), type=Task)
    told = uvloop.run(sent(task))
    Path(arguments[1]).write_bytes(msgspec.msgpack.encode(told))


if __name__ == "__main__":
    main(sys.argv[1:])
