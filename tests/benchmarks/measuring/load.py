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
    """What to send and where: ``requests`` in turn, each once or again and again until ``seconds`` are over.

    With several ``ports`` what one client does is as many requests, one after the other, each to its port; they are
    measured together.
    """

    ports: list[int]
    connections: int
    requests: list[bytes]
    seconds: float | None = None
    per_second: float | None = None
    """Send at this rate instead of as fast as answers come."""


class Told(msgspec.Struct, kw_only=True):
    """What was measured; ``taken`` are the seconds of each answer (of all that one client did, where that is several
    requests), ``refused`` how many answers were not a success.
    """

    seconds: float
    taken: list[float]
    refused: int
    first_refusal: str
    bytes_read: int

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.taken) / self.seconds


class Client:
    """Does what one client does again and again, over a connection to each port."""

    def __init__(self, requests: Requests, ports: Sequence[int]) -> None:
        self._requests = requests
        self._ports = ports
        self._connections: dict[int, Connection] = {}
        self._steps: list[tuple[Connection, bytes]] = []
        self._began = 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self) -> None:
        """Open the connections, then begin."""
        loop = asyncio.get_running_loop()
        for port in set(self._ports):
            made = await loop.create_connection(lambda: Connection(self), "127.0.0.1", port)
            self._connections[port] = made[1]
        self._begin()

    def answered(self, head: bytes, body: bytes, size: int) -> None:
        """An answer has come whole."""
        self._requests.told.bytes_read += size
        self._requests.check(head, body)
        if self._steps:
            self._send_next()
        else:
            self._requests.told.taken.append(time.perf_counter() - self._began)
            self._begin()

    def failed(self, error: Exception | None) -> None:
        """A connection was lost."""
        if not self.ended.done():
            self.ended.set_exception(error or ConnectionError("the service closed the connection"))

    def _begin(self) -> None:
        following = self._requests.following(len(self._ports))
        if following is None:
            self.ended.set_result(None)
            for each in self._connections.values():
                each.close()
            return
        connections = [self._connections[port] for port in self._ports]
        self._steps = list(zip(connections, following, strict=True))[::-1]
        wait = self._requests.wait()
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._begin_now)
        else:
            self._begin_now()

    def _begin_now(self) -> None:
        self._began = time.perf_counter()
        self._send_next()

    def _send_next(self) -> None:
        connection, request = self._steps.pop()
        connection.send(request)


class Connection(asyncio.Protocol):
    """One connection: sends a request, finds the end of its answer."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._left = 0
        self._head = b""
        self._answer: tuple[bytes, bytes, int] = (b"", b"", 0)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            head, found, body = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            length = _content_length(head)
            self._answer = (head, body, len(head) + length)
            self._head = b""
            self._left = length - len(body)
        assert self._left >= 0, "an answer is followed by nothing until the next request"
        if self._left == 0:
            self._client.answered(*self._answer)

    def connection_lost(self, error: Exception | None) -> None:
        self._client.failed(error)

    def send(self, request: bytes) -> None:
        """Send a request."""
        assert self._transport is not None, "connected"
        self._transport.write(request)

    def close(self) -> None:
        """End the connection."""
        assert self._transport is not None, "connected"
        self._transport.close()


class Requests:
    """The requests of all connections, and what was measured."""

    def __init__(self, task: Task) -> None:
        self._requests = task.requests
        self._number = 0
        self._ends_at = None if task.seconds is None else time.perf_counter() + task.seconds
        self._pace = None if task.per_second is None else 1 / task.per_second
        self._next_at = time.perf_counter()
        self.told = Told(seconds=0, taken=[], refused=0, first_refusal="", bytes_read=0)

    def following(self, count: int) -> list[bytes] | None:
        """The next requests of a client, if there are still some to send."""
        first = self._number
        self._number += count
        if self._ends_at is None:
            return self._requests[first : first + count] if first < len(self._requests) else None
        if time.perf_counter() >= self._ends_at:
            return None
        return [self._requests[number % len(self._requests)] for number in range(first, first + count)]

    def check(self, head: bytes, body: bytes) -> None:
        """Count an answer that is no success."""
        if int(head[9:12]) >= HTTPStatus.BAD_REQUEST:
            self.told.refused += 1
            self.told.first_refusal = self.told.first_refusal or (head[:60] + b" " + body[:300]).decode(
                errors="replace"
            )

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
    began = time.perf_counter()
    clients = [Client(requests, task.ports) for _ in range(task.connections)]
    for each in clients:
        await each.connect()
    await asyncio.gather(*(each.ended for each in clients))
    requests.told.seconds = time.perf_counter() - began
    return requests.told


def main(arguments: Sequence[str]) -> None:
    """Arguments: a file with the task, a file for what was measured."""
    task = msgspec.msgpack.decode(Path(arguments[0]).read_bytes(), type=Task)
    told = uvloop.run(sent(task))
    Path(arguments[1]).write_bytes(msgspec.msgpack.encode(told))


if __name__ == "__main__":
    main(sys.argv[1:])
