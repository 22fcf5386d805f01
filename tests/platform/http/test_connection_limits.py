"""No request head, slow client or number of connections stops a service: real sockets, and a second client that asks on.

What each attack meets is checked, and that ``/health/live`` answers all the while: within 50 ms in 99 of 100 cases.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.live import live_throughout

PROGRAM = Path(__file__).with_name("serving.py")
KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE
HEAD = b"GET /v1/events HTTP/1.1\r\nHost: service\r\n"
Serve = Callable[..., "Service"]


class Service:
    """A running service with limits of its own."""

    def __init__(self, process: subprocess.Popen[str], port: int, token: str) -> None:
        self.process = process
        self.port = port
        self.token = token

    def resident_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    async def figure(self, name: str) -> float:
        async with httpx.AsyncClient() as http:
            lines = (await http.get(f"http://127.0.0.1:{self.port}/metrics")).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def stop(self) -> list[dict[str, object]]:
        """Ends it; the lines of its log."""
        self.process.terminate()
        _, errors = self.process.communicate(timeout=20)
        return [json.loads(line) for line in errors.splitlines()]


@contextmanager
def serving(folder: Path) -> Iterator[Serve]:
    """Starts services on a folder, and kills those that still run at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(*, descriptors: int | None = None, **settings: object) -> Service:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        limit = [] if descriptors is None else ["/bin/sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh"]
        environment = os.environ | {f"FRISTWERK_{name.upper()}": str(value) for name, value in settings.items()}
        process = subprocess.Popen(  # noqa: S603
            [*limit, sys.executable, str(PROGRAM), str(folder), str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(process)
        assert process.stdout is not None
        token = process.stdout.readline().strip()
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return Service(process, port, token)
            time.sleep(0.02)
        return pytest.fail("the server did not start")

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with serving(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with the limits that it has by itself, for tests that leave it as it was."""
    with serving(tmp_path_factory.mktemp("serving")) as start:
        yield start()


OPENED: list[socket.socket | asyncio.StreamWriter] = []
"""The connections of the running test."""


@pytest.fixture(autouse=True)
async def closed_with_the_test() -> AsyncIterator[None]:
    """Connections of a test that fails half-way are not for the next one to find."""
    yield
    while OPENED:
        OPENED.pop().close()
    await asyncio.sleep(0)


async def send(port: int, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    OPENED.append(writer)
    writer.write(data)
    return reader, writer


async def answer_to(port: int, data: bytes) -> bytes:
    """All that comes back until the connection is closed; what is not taken of the data any more is not sent."""
    reader, writer = await send(port, data)
    try:
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.transport.abort()


def header_lines(count: int, size: int) -> bytes:
    return b"".join(b"X-%d: %s\r\n" % (number, b"a" * size) for number in range(count))


async def test_a_transfer_coding_that_is_not_understood_is_501_and_nothing_of_the_body_is_read(
    service: Service,
) -> None:
    """RFC 9112, section 6.1. Read as chunked, the compressed bytes would be the body."""
    head = b"POST /v1/things HTTP/1.1\r\nHost: service\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {service.token}\r\nConnection: close\r\n".encode()
    chunks = b'7\r\n{"a":1}\r\n0\r\n\r\n'
    refused = (b"gzip, chunked", b"GZIP,chunked", b"gzip\r\nTransfer-Encoding: chunked", b"x;q=1, chunked", b"identity")

    before = await service.figure('fristwerk_connections_closed_total{reason="unknown-coding"}')

    for coding in refused:
        answer = await answer_to(service.port, head + b"Transfer-Encoding: " + coding + b"\r\n\r\n" + chunks)
        assert answer.startswith(b"HTTP/1.1 501 "), coding
        assert answer.count(b"HTTP/1.1 ") == 1
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "/problems/not-implemented"
    for coding in (b"chunked", b" Chunked "):
        taken = await answer_to(service.port, head + b"transfer-encoding: " + coding + b"\r\n\r\n" + chunks)
        assert taken.endswith(b'{"a":1}')
    closed = await service.figure('fristwerk_connections_closed_total{reason="unknown-coding"}')
    assert closed - before == len(refused)


@pytest.mark.parametrize(
    "lines",
    [
        header_lines(1, 70 * KIBIBYTE) + b"\r\n",
        header_lines(80, KIBIBYTE) + b"\r\n",
        header_lines(20_000, 1),
        b"X: " + b"a" * 100 * KIBIBYTE,
    ],
    ids=["one long line", "many lines", "lines without end", "one line without end"],
)
async def test_head_beyond_64_kib_is_431_before_authentication(service: Service, lines: bytes) -> None:
    before = await service.figure('fristwerk_connections_closed_total{reason="head-too-large"}')

    answer = await answer_to(service.port, HEAD + lines)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert b"connection: close" in head
    assert json.loads(body)["type"] == "/problems/headers-too-large"
    assert await service.figure('fristwerk_connections_closed_total{reason="head-too-large"}') == before + 1


async def test_address_beyond_64_kib_is_431_and_a_head_just_below_is_authenticated(service: Service) -> None:
    assert (await answer_to(service.port, b"GET /" + b"a" * 70 * KIBIBYTE)).startswith(b"HTTP/1.1 431 ")
    for lines in (header_lines(1, 60 * KIBIBYTE), header_lines(60, 1000)):
        close = b"Connection: close\r\n\r\n"
        assert (await answer_to(service.port, HEAD + lines + close)).startswith(b"HTTP/1.1 401 ")


async def test_trailers_after_a_body_count_likewise_and_are_no_headers(service: Service) -> None:
    head = (
        b"POST /v1/things HTTP/1.1\r\nHost: service\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/json\r\nConnection: close\r\n"
    )
    authorization = f"Authorization: Bearer {service.token}\r\n".encode()
    body = b'7\r\n{"a":1}\r\n0\r\n'

    assert (await answer_to(service.port, head + authorization + b"\r\n" + body + b"\r\n")).endswith(b'{"a":1}')
    assert b" 431 " in await answer_to(
        service.port, head + authorization + b"\r\n" + body + header_lines(1, 90 * KIBIBYTE)
    )
    late = await answer_to(service.port, head + b"\r\n" + body + authorization + b"\r\n")
    assert late.startswith(b"HTTP/1.1 401 ")


async def test_a_hundred_heads_of_a_mebibyte_cost_neither_memory_nor_time(serve: Serve) -> None:
    service = await asyncio.to_thread(serve)
    before = service.resident_bytes()

    async def attack() -> None:
        reader, writer = await send(service.port, HEAD)
        try:
            for _ in range(16):
                writer.write(b"X: " + b"a" * 64 * KIBIBYTE + b"\r\n")
                await writer.drain()
            await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    async with live_throughout(service.process.pid, service.port):
        for _ in range(20):
            await asyncio.gather(*(attack() for _ in range(5)))
            await asyncio.sleep(0.05)

    assert service.resident_bytes() - before < 10 * MEBIBYTE


async def test_begun_requests_are_closed_in_time_and_hold_nobody_up(serve: Serve) -> None:
    service = await asyncio.to_thread(serve, request_head_seconds=1)
    post = (
        b"POST /v1/things HTTP/1.1\r\nHost: service\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"
        + f"Authorization: Bearer {service.token}\r\n\r\n{{".encode()
    )

    async with live_throughout(service.process.pid, service.port):
        heads = [await send(service.port, b"GET /v1/tick") for _ in range(200)]
        bodies = [await send(service.port, post) for _ in range(200)]
        silent = [await send(service.port, b"") for _ in range(20)]
        async with asyncio.timeout(10):
            answers = await asyncio.gather(*(reader.read() for reader, _ in (*heads, *bodies, *silent)))

    assert [answer[:13] for answer in answers] == [b"HTTP/1.1 408 "] * 400 + [b""] * 20


async def test_a_head_that_trickles_is_given_up_and_a_body_that_comes_fast_enough_is_not(serve: Serve) -> None:
    service = await asyncio.to_thread(serve, request_head_seconds=1, request_body_bytes_per_second=100)
    reader, writer = await send(service.port, HEAD)
    began = time.monotonic()
    while not reader.at_eof() and time.monotonic() - began < 10:
        writer.write(b"X")
        try:
            async with asyncio.timeout(0.2):
                await reader.read(1000)
        except TimeoutError:
            continue
    assert 1 <= time.monotonic() - began < 4
    writer.close()

    body = b'{"a":' + b" " * 1000 + b"1}"
    head = f"POST /v1/things HTTP/1.1\r\nHost: s\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    reader, writer = await send(service.port, f"{head}Authorization: Bearer {service.token}\r\n\r\n".encode())
    for begin in range(0, len(body), 50):
        writer.write(body[begin : begin + 50])
        await asyncio.sleep(0.15)
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_a_connection_that_rests_and_one_that_waits_for_its_answer_are_kept(serve: Serve) -> None:
    service = await asyncio.to_thread(serve, request_head_seconds=0.5)
    headers = {"Authorization": f"Bearer {service.token}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}", headers=headers) as http:
        assert (await http.get("/v1/events?wait=3", timeout=10)).status_code == 200
        await asyncio.sleep(2)
        assert (await http.get("/v1/events")).status_code == 200
    assert await service.figure("fristwerk_connections_closed_total") == 0


async def test_beyond_the_limit_an_idle_connection_makes_room_and_503_answers_where_none_is(serve: Serve) -> None:
    service = await asyncio.to_thread(serve, max_connections=16)
    idle = [await send(service.port, b"GET /v1/tick") for _ in range(30)]
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"http://127.0.0.1:{service.port}/health/live")).status_code == 200
    authorization = f"Authorization: Bearer {service.token}\r\n\r\n".encode()
    poll = b"GET /v1/events?wait=20 HTTP/1.1\r\nHost: service\r\n" + authorization
    polls = [await send(service.port, poll) for _ in range(16)]
    await asyncio.sleep(0.5)

    refused = await answer_to(service.port, b"")
    before = service.descriptors()
    beyond = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(40)]
    await asyncio.sleep(0.3)

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1\r\n" in refused
    assert service.descriptors() <= before, "what is not counted may not stay"
    OPENED.extend(beyond)
    for _, writer in (*idle, *polls):
        writer.transport.abort()
    warnings = [line for line in service.stop() if line["event"] == "connections_at_limit"]
    assert len(warnings) == 1, "one line a minute, however often it happens"


async def test_more_sockets_than_descriptors_are_counted_and_logged_and_the_service_goes_on(serve: Serve) -> None:
    service = await asyncio.to_thread(serve, descriptors=256)
    async with live_throughout(service.process.pid, service.port):
        for _ in range(300):
            await send(service.port, b"GET /v1/tick")
        await asyncio.sleep(1)

    assert await service.figure('fristwerk_connections_closed_total{reason="idle"}') > 100
    assert "connections_at_limit" in [line["event"] for line in service.stop()]


LARGE = 4 * MEBIBYTE


def ask_and_not_read(service: Service) -> None:
    """A client that asks for 4 MiB and takes what fits into its few KiB of buffer.

    The answer has begun by then, so that the service makes one such answer at a time: many in a row would be its own work,
    for which ``/health/live`` waits, as they are when somebody else had the processor meanwhile.
    """
    client = socket.socket()
    OPENED.append(client)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIBIBYTE)
    client.connect(("127.0.0.1", service.port))
    head = f"GET /v1/large HTTP/1.1\r\nHost: service\r\nAuthorization: Bearer {service.token}\r\n\r\n"
    client.sendall(head.encode())
    client.recv(1)


async def closed_for(service: Service, reason: str, number: int, seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if await service.figure(f'fristwerk_connections_closed_total{{reason="{reason}"}}') >= number:
                return
            await asyncio.sleep(0.1)


async def taken_slowly(service: Service) -> int:
    """How much a client gets that takes 64 KiB of its answer ten times a second."""
    head = "GET /v1/large HTTP/1.1\r\nHost: service\r\nConnection: close\r\n"
    reader, _ = await send(service.port, f"{head}Authorization: Bearer {service.token}\r\n\r\n".encode())
    taken = 0
    while True:
        try:
            taken += len(await reader.readexactly(64 * KIBIBYTE))
        except asyncio.IncompleteReadError as rest:
            return taken + len(rest.partial)
        await asyncio.sleep(0.05)


async def test_an_answer_that_its_client_does_not_take_is_given_up_and_one_taken_slowly_is_not(serve: Serve) -> None:
    service = await asyncio.to_thread(serve, request_head_seconds=1)
    before = service.resident_bytes()
    for _ in range(10):
        ask_and_not_read(service)
    async with live_throughout(service.process.pid, service.port):
        taken, _ = await asyncio.gather(taken_slowly(service), closed_for(service, "not-taken", 10))

    assert taken > LARGE
    assert service.resident_bytes() - before < 15 * MEBIBYTE


async def test_answers_that_nobody_takes_fill_no_more_memory_than_the_limit(serve: Serve) -> None:
    """What the system keeps of an answer is no memory of the service: up to 3 of the 4 MiB."""
    service = await asyncio.to_thread(serve, unsent_answer_bytes=5 * MEBIBYTE)
    before = service.resident_bytes()
    async with live_throughout(service.process.pid, service.port):
        for _ in range(30):
            await asyncio.to_thread(ask_and_not_read, service)
        await closed_for(service, "not-taken", 25, seconds=8)  # long before each has had the time that it may take
        assert service.resident_bytes() - before < 40 * MEBIBYTE, "120 MiB were asked for"
        assert await taken_slowly(service) > LARGE

    assert "answers_not_taken" in [line["event"] for line in service.stop()]


async def test_pipelined_requests_are_answered_in_order_and_a_flood_of_them_is_closed(service: Service) -> None:
    live = b"GET /health/live HTTP/1.1\r\nHost: service\r\n"
    before = await service.figure('fristwerk_connections_closed_total{reason="pipelined"}')

    few = await answer_to(service.port, (live + b"\r\n") * 40 + live + b"Connection: close\r\n\r\n")
    assert few.count(b"HTTP/1.1 200 OK") == 41

    async with live_throughout(service.process.pid, service.port):
        with suppress(ConnectionResetError):  # what it has not read by then is not waited for
            many = await answer_to(service.port, (live + b"\r\n") * 20_000)
            assert many.count(b"HTTP/1.1 200 OK") < 100
    assert await service.figure('fristwerk_connections_closed_total{reason="pipelined"}') == before + 1


async def test_what_is_no_http_is_answered_once(service: Service) -> None:
    answer = await answer_to(service.port, b"\x16\x03\x01 nonsense\r\n\r\n" * 5_000)

    assert answer.count(b"HTTP/1.1 400 ") == 1


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /health/live HTTP/1.1\r\n", b"400"),
        (b"GET /health/live HTTP/1.1\r\nHost: service\r\nhost: other\r\n", b"400"),
        (b"GET /health/live HTTP/1.0\r\nHost: service\r\nHost: service\r\n", b"400"),
        (b"GET /health/live HTTP/1.1\r\nHost: service\r\nConnection: close\r\n", b"200"),
        (b"GET /health/live HTTP/1.1\r\nHost:\r\nConnection: close\r\n", b"200"),
        (b"GET /health/live HTTP/1.0\r\n", b"200"),
    ],
    ids=["none", "two", "two of HTTP/1.0", "one", "an empty one", "none of HTTP/1.0"],
)
async def test_a_request_names_its_host_once(service: Service, head: bytes, status: bytes) -> None:
    """RFC 9112, section 3.2."""
    answer = await answer_to(service.port, head + b"\r\n")

    assert answer.split(maxsplit=2)[1] == status


@pytest.mark.parametrize(
    ("begin", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST /v1/things HTTP/1.1\r\nHost: service\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n", b"400"),
        (b"POST /v1/things HTTP/1.1\r\nHost: service\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
        (b"POST /v1/things HTTP/1.1\r\nHost: service\r\nConnection: close\r\nContent-Length: 900000\r\n\r\n", b"401"),
        (HEAD + header_lines(1, 70 * KIBIBYTE), b"431"),
    ],
    ids=["no HTTP", "no chunk", "unknown coding", "a body that nobody reads", "a head too large"],
)
async def test_who_sends_all_before_reading_has_the_answer_and_no_reset(
    service: Service, begin: bytes, status: bytes
) -> None:
    """RFC 9112, section 9.6. Closed with unread bytes, the connection would be reset below the client."""
    loop = asyncio.get_running_loop()
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.setblocking(False)
        for part in [begin, *[b"a" * 100_000] * 8]:
            await loop.sock_sendall(connection, part)
            await asyncio.sleep(0.05)
        answer = b""
        while some := await loop.sock_recv(connection, 65_536):
            answer += some
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.count(b"HTTP/1.1 ") == 1
