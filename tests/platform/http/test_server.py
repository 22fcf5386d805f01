"""A server on a real socket ends at once when it is asked to, whatever is open, and bears bodies of any size."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from msgspec import structs

from fristwerk_platform.event_log import NewEvent, SqliteEventLog
from fristwerk_platform.gc_tuning import THRESHOLDS
from fristwerk_platform.subscriptions import HttpFeed, Prefetch, position_of

PROGRAM = Path(__file__).with_name("serving.py")
MEBIBYTE = 1024 * 1024
ENDS_WITHIN_SECONDS = 1.0
CLIENTS_KEEP_SECONDS = 5.0
"""So long httpx keeps a connection that rests."""


class Served(msgspec.Struct, kw_only=True):
    """A running service, and a token that it takes."""

    process: subprocess.Popen[str]
    port: int
    token: str


Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    started: list[subprocess.Popen[str]] = []

    def start(**environment: str) -> Served:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, str(PROGRAM), str(tmp_path), str(port)]
        process = subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment
        )
        started.append(process)
        assert process.stdout is not None
        token = process.stdout.readline().strip()
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return Served(process=process, port=port, token=token)
            time.sleep(0.02)
        return pytest.fail("the server did not start")

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
async def service(serve: Serve) -> Served:
    return await asyncio.to_thread(serve)


@pytest.fixture
async def client(service: Served) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {service.token}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.port}", headers=headers, timeout=30) as http:
        yield http


async def read_stream(http: httpx.AsyncClient, opened: asyncio.Event) -> bytes:
    async with http.stream("GET", "/v1/events/stream") as answer:
        opened.set()
        return b"".join([part async for part in answer.aiter_bytes()])


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_an_open_long_poll_and_an_open_stream_do_not_keep_a_service_from_ending(
    client: httpx.AsyncClient, service: Served, how: signal.Signals
) -> None:
    opened = asyncio.Event()
    polling = asyncio.create_task(client.get("/v1/events?wait=25"))
    streaming = asyncio.create_task(read_stream(client, opened))
    slow = asyncio.create_task(client.get("/v1/slow"))
    await opened.wait()
    await asyncio.sleep(0.2)

    service.process.send_signal(how)
    async with asyncio.timeout(ENDS_WITHIN_SECONDS):
        assert (await polling).headers["Fristwerk-Next-Position"] == "0"
        assert await streaming == b": still here\n\n"
        assert (await slow).json() == {"finished": True}, "what can be finished in time is finished"
    output, errors = await asyncio.to_thread(service.process.communicate)

    assert service.process.returncode == 0
    assert output == "closed\n", "the log was closed properly"
    assert "Traceback" not in errors


async def test_a_connection_that_rests_longer_than_clients_keep_one_is_still_there(service: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    for pause in (0.0, CLIENTS_KEEP_SECONDS + 0.5):
        await asyncio.sleep(pause)
        writer.write(b"GET /v1/nowhere HTTP/1.1\r\nHost: service\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split()[0])
        assert (await reader.readexactly(length)).startswith(b"{")
    writer.close()


async def test_head_and_body_of_an_answer_arrive_together(service: Served) -> None:
    def received_at_once() -> bytes:
        with socket.create_connection(("127.0.0.1", service.port)) as client:
            client.sendall(b"GET /v1/nowhere HTTP/1.1\r\nHost: service\r\n\r\n")
            return client.recv(65_536)

    for _ in range(50):
        head, _, body = (await asyncio.to_thread(received_at_once)).partition(b"\r\n\r\n")
        assert len(body) == int(head.partition(b"content-length: ")[2].split()[0])


async def test_what_was_there_at_the_start_is_not_looked_through_for_garbage(client: httpx.AsyncClient) -> None:
    found = (await client.get("/v1/garbage")).json()

    assert found["kept"] > 10_000
    assert tuple(found["thresholds"]) == THRESHOLDS


async def test_a_request_that_never_comes_to_its_end_is_waited_for_a_second_at_most(service: Served) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(
        b"POST /v1/things HTTP/1.1\r\nHost: service\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
        + f"Authorization: Bearer {service.token}\r\n\r\n".encode()
    )
    await writer.drain()
    await asyncio.sleep(0.2)

    began = time.monotonic()
    service.process.terminate()
    await asyncio.to_thread(service.process.communicate)

    assert time.monotonic() - began < 5
    assert service.process.returncode == 0
    writer.close()


async def test_a_body_of_200_megabytes_is_refused_in_little_memory(client: httpx.AsyncClient, service: Served) -> None:
    total = 200 * MEBIBYTE

    async def body() -> AsyncIterator[bytes]:
        for _ in range(total // MEBIBYTE):
            yield b" " * MEBIBYTE

    before = peak_kibibytes(service.process.pid)
    for length in ({"Content-Length": str(total)}, {"Transfer-Encoding": "chunked"}):
        headers = {"Content-Type": "application/json"} | length
        answer = await client.post("/v1/things", content=body(), headers=headers)

        assert answer.status_code == 413
        assert answer.json()["type"] == "/problems/too-large"
    assert peak_kibibytes(service.process.pid) - before < 20 * 1024
    assert (await client.post("/v1/things", json={"a": 1})).json() == {"a": 1}, "and the service goes on"


def peak_kibibytes(pid: int) -> int:
    """The most memory that a process ever held (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return pytest.skip("the kernel does not tell how much memory a process held")


async def test_a_taken_port_ends_the_start_with_a_sentence(service: Served, tmp_path: Path) -> None:
    second = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PROGRAM), str(tmp_path), str(service.port)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await second.communicate()

    assert second.returncode == 1
    told = [json.loads(line) for line in errors.decode().splitlines()]
    assert any("address already in use" in each["event"] for each in told)


async def test_a_service_and_its_follower_stay_small_over_lines_of_a_megabyte(
    service: Served, client: httpx.AsyncClient, tmp_path: Path, fact: Callable[..., NewEvent]
) -> None:
    """A page has 8 MiB of them; 48 at once would take the service four times as much, and more than 200 MB."""
    log = SqliteEventLog(tmp_path / "log.db")
    facts = [fact("ticket-1", version) for version in range(1, 49)]
    personal = b'"personal":"fw1.%s"' % (b"x" * MEBIBYTE)
    await log.append([structs.replace(each, line=each.line.replace(b'"personal":null', personal)) for each in facts])
    await log.close()
    before, following = most_memory(service), Prefetch(HttpFeed(client, lambda: service.token))
    read, pages = list[int](), list[int]()
    while len(read) < len(facts):
        page = await following.page(read[-1] if read else 0, 0)
        read += [position_of(line) for line in page.lines]
        pages.append(sum(map(len, page.lines)))
    await following.aclose()

    assert read == list(range(1, 49))
    assert max(pages) < 10 * MEBIBYTE
    assert most_memory(service) - before < 90 * MEBIBYTE


def most_memory(service: Served) -> int:
    """The most bytes of memory that the process ever had (Linux: VmHWM)."""
    status = Path(f"/proc/{service.process.pid}/status").read_text("ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


@pytest.mark.parametrize("address", ["{folder}/told", "@{folder}/told"])
def test_the_service_manager_is_told_when_it_answers_and_when_it_ends(
    serve: Serve, tmp_path: Path, address: str
) -> None:
    told = address.format(folder=tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(10)
        manager.bind(told.replace("@", "\0", 1))
        served = serve(NOTIFY_SOCKET=told)
        assert manager.recv(100) == b"READY=1"
        served.process.send_signal(signal.SIGTERM)
        assert manager.recv(100) == b"STOPPING=1"


def test_a_service_manager_that_is_gone_keeps_nobody_from_starting(serve: Serve, tmp_path: Path) -> None:
    assert serve(NOTIFY_SOCKET=str(tmp_path / "gone")).process.poll() is None


def test_a_thread_that_computes_takes_little_time_of_a_request(serve: Serve) -> None:
    """Each call of the system that a request makes gives Python's lock away, and has to ask for it again."""
    served = serve()

    def seconds(path: str) -> float:
        time.sleep(0.01)  # the event loop rests, and the thread has the lock
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", served.port)) as client:
            authorization = f"Authorization: Bearer {served.token}\r\nConnection: close\r\n"
            client.sendall(f"GET /v1/{path} HTTP/1.1\r\nHost: service\r\n{authorization}\r\n".encode())
            assert client.recv(100)
        return time.monotonic() - began

    seconds("computing")
    took = sorted(seconds("nowhere") for _ in range(40))
    assert took[3] < 0.0045, "the fastest but a few that the thread let pass; 6 ms with Python's own interval"
