"""What callers get wrong at the door: doubled headers, wrong tokens again and again, no HTTP, and leaving too early."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.event_log import LogUnavailableError
from fristwerk_platform.http.connection_limits import Refusal
from fristwerk_platform.http.middleware import AuthenticationMiddleware
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.refused_callers import KNOWN_ADDRESSES, RefusedCallers
from fristwerk_platform.token_keys import Keys

PROGRAM = Path(__file__).with_name("serving.py")


class Running:
    """A service on a port, with a token."""

    def __init__(self, process: subprocess.Popen[str], port: int, token: str) -> None:
        self.process = process
        self.port = port
        self.token = token

    def exchange(self, data: bytes, *, wait: bool = True) -> bytes:
        """All that comes back; nothing is waited for where the client leaves."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(data)
            found = b""
            while wait and (more := connection.recv(65_536)):
                found += more
            return found

    def stop(self) -> list[dict[str, Any]]:
        """The lines of its log, once it has ended."""
        self.process.terminate()
        _, errors = self.process.communicate(timeout=20)
        return [json.loads(line) for line in errors.splitlines()]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(PROGRAM), str(tmp_path), str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    found = Running(process, port, process.stdout.readline().strip())
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            asyncio.run(asyncio.sleep(0.05))
    yield found
    process.kill()
    process.communicate()


def request_of(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: service", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_health_answers_head_as_get_without_a_body(running: Running) -> None:
    for path in ("/health/live", "/health/ready", "/metrics"):
        head, _, body = running.exchange(request_of("HEAD", path)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), path
        assert b"content-length: " in head.lower(), path
        assert body == b"", path


def test_a_doubled_authorization_is_refused(running: Running) -> None:
    good = f"Authorization: Bearer {running.token}"
    assert running.exchange(request_of("GET", "/v1/events", good)).startswith(b"HTTP/1.1 200 ")

    for other in (good, "Authorization: Bearer x", "authorization: Basic x"):
        answer = running.exchange(request_of("GET", "/v1/events", good, other))
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b'"/problems/header-repeated"' in answer
        assert b'"A header stands twice"' in answer


def test_what_the_protocol_itself_answers_is_a_problem_that_nobody_sniffs(running: Running) -> None:
    for junk in (b"\x16\x03\x01\x02\x00\x01", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET\r\n\r\n"):
        answer = running.exchange(junk)
        assert answer.startswith(b"HTTP/1.1 400 "), junk
        assert b"content-type: application/problem+json\r\n" in answer
        assert b"x-content-type-options: nosniff\r\n" in answer
    for refusal in Refusal:
        assert b"x-content-type-options: nosniff\r\n" in refusal.answer


def test_a_client_that_leaves_is_no_error_of_the_service(running: Running) -> None:
    token = f"Authorization: Bearer {running.token}"
    begun = request_of("POST", "/v1/things", token, "Content-Type: application/json", "Content-Length: 500", body=b"{")
    for _ in range(3):
        running.exchange(begun, wait=False)
        running.exchange(request_of("GET", "/v1/slow", token), wait=False)
    assert running.exchange(request_of("GET", "/health/live")).startswith(b"HTTP/1.1 200 ")

    asyncio.run(asyncio.sleep(0.5))
    assert [each for each in running.stop() if each["level"] in ("warning", "error")] == []


async def no_application(*_more: object) -> None:
    raise AssertionError("nobody without a token gets here")


async def test_refused_tokens_are_counted_by_address_and_logged_now_and_then(
    keys: Keys, logged: list[dict[str, Any]]
) -> None:
    tokens = Tokens(keys, TOKEN_ROLES, issuer="fristwerk", audience="fristwerk")
    app = AuthenticationMiddleware(no_application, tokens, lambda: datetime.now(UTC))
    for address, times in (("192.0.2.7", 120), ("192.0.2.8", 1)):
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            for _ in range(times):
                answer = await client.get("/v1/things", headers={"Authorization": "Bearer secret-guess"})
                assert answer.status_code == 401

    lines = [(each["address"], each["times"]) for each in logged if each["event"] == "not_authenticated"]
    assert lines == [("192.0.2.7", 1), ("192.0.2.7", 10), ("192.0.2.7", 100), ("192.0.2.8", 1)]
    assert "secret-guess" not in str(logged)


async def test_who_sees_only_its_own_things_is_asked_for_its_access_and_nobody_else(keys: Keys) -> None:
    tokens = Tokens(keys, TOKEN_ROLES, issuer="fristwerk", audience="fristwerk")
    asked: list[str] = []

    async def admission(principal: Principal) -> None:
        asked.append(principal.sub)
        if principal.sub == "gone":
            raise Problem(403, "The access has ended.", code="portal-access-ended")
        raise LogUnavailableError("the log is closing")

    app = AuthenticationMiddleware(no_application, tokens, lambda: datetime.now(UTC), admission=admission)

    async def answer(**who: Any) -> httpx.Response:
        token = tokens.issue(Principal(provider="hamburg", **who), now=datetime.now(UTC))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
            return await client.get("/v1/things", headers={"Authorization": f"Bearer {token}"})

    gone = await answer(sub="gone", role="customer", belongs_to="c-1")
    assert (gone.status_code, gone.json()["type"]) == (403, "/problems/portal-access-ended")
    unknown = await answer(sub="sam", role="customer", belongs_to="c-1")
    assert (unknown.status_code, unknown.headers["Retry-After"]) == (503, "1")
    assert (await answer(sub="gone", role="agent")).status_code == 500  # it got as far as the application
    assert asked == ["gone", "sam"]


def test_no_more_addresses_are_counted_than_fit() -> None:
    callers = RefusedCallers()
    for number in range(3 * KNOWN_ADDRESSES):
        callers.note(f"2001:db8::{number:x}", "no")

    assert len(callers._times) == KNOWN_ADDRESSES


def test_keys_do_not_show_their_secrets(keys: Keys) -> None:
    assert keys.key_id in repr(keys)
    assert keys.signing_seed not in f"{keys} {[keys]!r}"
