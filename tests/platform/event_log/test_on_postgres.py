"""What the log on PostgreSQL keeps beyond the port: other processes' appends, broken connections, a killed server."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit

import psycopg
import pytest

from fristwerk_language.events import read_line
from fristwerk_local.postgres import PostgresServer
from fristwerk_platform.auth import Principal
from fristwerk_platform.commands import CommandMetadata, NotRecordedError, command_result, record
from fristwerk_platform.event_log import FeedLine, LogUnavailableError, NewEvent
from fristwerk_platform.event_log.postgres.connections import ThreadConnections
from fristwerk_platform.event_log.postgres.log import PostgresEventLog
from fristwerk_platform.http.problems import as_problem
from fristwerk_platform.settings import SettingsError, read_settings

Fact = Callable[..., NewEvent]
OpenLog = Callable[..., PostgresEventLog]


@pytest.fixture
async def open_postgres_log(postgres_url: str) -> AsyncIterator[OpenLog]:
    """Opens a log on the test's database or another; each is closed after the test."""
    opened: list[PostgresEventLog] = []

    def open_one(url: str = postgres_url) -> PostgresEventLog:
        opened.append(PostgresEventLog(url, "log"))
        return opened[-1]

    yield open_one
    for log in opened:
        await log.close()


class Wire:
    """A connection in between that can lose the answer to what holds certain bytes, as a network does."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname, parts.port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = url.replace(f":{parts.port}/", f":{self._listening.getsockname()[1]}/")
        self.loses = b""
        self._threads = [threading.Thread(target=self._accept)]
        self._sockets: list[socket.socket] = [self._listening]
        self._threads[0].start()

    def close(self) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._server)
            except OSError:
                return
            self._sockets += [client, server]
            both = [threading.Thread(target=self._carry, args=way) for way in ((client, server), (server, client))]
            self._threads += both
            for each in both:
                each.start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(65_536):
                if self.loses and self.loses in part:
                    self.loses = b""
                    source.shutdown(socket.SHUT_RDWR)
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def wire(postgres_url: str) -> Iterator[Wire]:
    """A wire to the test's database."""
    between = Wire(postgres_url)
    yield between
    between.close()


def places(lines: list[FeedLine]) -> list[tuple[str, int]]:
    return [(read_line(each.line).stream, read_line(each.line).version) for each in lines]


def end_connections(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_another_process_s_append_wakes_a_wait_at_once(open_postgres_log: OpenLog, fact: Fact) -> None:
    ours, theirs = open_postgres_log(), open_postgres_log()
    await ours.wait(0, 0.5)  # the listener has connected by then
    waiting = asyncio.create_task(ours.wait(0, 20))
    await asyncio.sleep(0.05)

    began = time.monotonic()
    position = await theirs.append([fact("ticket-1", 1)])
    await waiting

    assert time.monotonic() - began < 0.5
    assert position == 1


async def test_a_notification_that_got_lost_costs_a_second_at_most(
    open_postgres_log: OpenLog, postgres_url: str
) -> None:
    log = open_postgres_log()
    waiting = asyncio.create_task(log.wait(0, 20))
    await asyncio.sleep(0.2)

    began = time.monotonic()
    with psycopg.connect(postgres_url) as silent:
        silent.execute(
            "INSERT INTO log.stored_events (originator_id, originator_version, topic, state) "
            "VALUES ('ticket-1', 1, 'Closed', '{}')"
        )
    await waiting

    assert time.monotonic() - began < 1.5


async def test_waiting_goes_on_after_the_listener_s_connection_broke(
    open_postgres_log: OpenLog, postgres_url: str, fact: Fact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.event_log.postgres.log.RECONNECT_SECONDS", 0.1)
    ours, theirs = open_postgres_log(), open_postgres_log()
    await ours.wait(0, 0.3)
    end_connections(postgres_url)
    await asyncio.sleep(0.4)
    waiting = asyncio.create_task(ours.wait(0, 20))
    await asyncio.sleep(0.05)

    began = time.monotonic()
    await theirs.append([fact("ticket-1", 1)])
    await waiting

    assert time.monotonic() - began < 0.8


async def test_connections_that_break_under_load_lose_and_double_nothing(
    open_postgres_log: OpenLog, postgres_url: str, fact: Fact
) -> None:
    log = open_postgres_log()

    async def write(stream: str) -> None:
        for version in range(1, 41):
            await log.append([fact(stream, version)])

    writing = asyncio.gather(*(write(f"ticket-{number}") for number in range(16)))
    while not writing.done():
        await asyncio.sleep(0.1)
        await asyncio.to_thread(end_connections, postgres_url)
    await writing

    stored = places(await log.read_feed(0, 10_000))
    assert sorted(stored) == sorted((f"ticket-{number}", version) for number in range(16) for version in range(1, 41))


@pytest.mark.parametrize("in_one_statement", [True, False], ids=["one statement", "a transaction"])
async def test_an_append_whose_acknowledgement_got_lost_is_stored_once_and_acknowledged(
    open_postgres_log: OpenLog, wire: Wire, fact: Fact, monkeypatch: pytest.MonkeyPatch, *, in_one_statement: bool
) -> None:
    if not in_one_statement:
        monkeypatch.setattr("fristwerk_platform.event_log.postgres.in_loop.has_rivals", lambda _: True)
    log = open_postgres_log(wire.url)
    await log.append([fact("ticket-1", 1)])

    wire.loses = b"ticket-2" if in_one_statement else b"COMMIT\0"
    positions = await asyncio.gather(
        log.append([fact("ticket-1", 2), fact("ticket-1", 3)]), log.append([fact("ticket-2", 1)])
    )

    assert not wire.loses
    found = await log.read_feed(0, 10)
    assert sorted(places(found)) == [("ticket-1", 1), ("ticket-1", 2), ("ticket-1", 3), ("ticket-2", 1)]
    assert {each.position for each in found} >= set(positions)


async def test_a_killed_server_that_comes_back_has_what_was_acknowledged_and_the_log_goes_on_by_itself(
    open_postgres_log: OpenLog, own_postgres_server: PostgresServer, fact: Fact
) -> None:
    log = open_postgres_log(own_postgres_server.url())
    acknowledged: list[tuple[str, int]] = []
    ended = asyncio.Event()

    async def write(stream: str) -> None:
        version = 1
        while not ended.is_set():
            with suppress(LogUnavailableError):
                await log.append([fact(stream, version)])
                acknowledged.append((stream, version))
                version += 1
            await asyncio.sleep(0)

    writing = asyncio.gather(*(write(f"ticket-{number}") for number in range(8)))
    for _ in range(2):
        await asyncio.sleep(0.3)
        own_postgres_server.stop(signal.SIGKILL)
        before = len(acknowledged)
        await asyncio.to_thread(started_again, own_postgres_server)
    async with asyncio.timeout(20):
        while len(acknowledged) <= before + 8:  # noqa: ASYNC110 - the writers' doing
            await asyncio.sleep(0.02)
    ended.set()
    async with asyncio.timeout(20):
        await writing

    assert len(acknowledged) > before + 8
    assert sorted(places(await log.read_feed(0, 100_000))) == sorted(acknowledged)


def started_again(server: PostgresServer) -> None:
    """A killed server's last processes may hold its shared memory for a moment."""
    for _ in range(20):
        with suppress(Exception):
            server.start()
            return
        time.sleep(0.2)
    raise AssertionError("the server did not start again")


async def test_a_lock_that_is_not_given_up_ends_in_unavailable_and_in_503(
    open_postgres_log: OpenLog, postgres_url: str, fact: Fact, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.event_log.postgres.log_connections.LOCK_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr("fristwerk_platform.event_log.postgres.recorder.LOCK_TIMEOUT_SECONDS", 1)
    log = open_postgres_log()
    meta = CommandMetadata(
        principal=Principal(sub="agent-3", role="agent", provider="hamburg"),
        now=now,
        occurred_at=now,
        correlation_id="1",
    )
    result = command_result({}, [])

    with psycopg.connect(postgres_url) as other:
        other.execute("LOCK TABLE log.stored_events IN EXCLUSIVE MODE")
        with pytest.raises(LogUnavailableError, match="lock timeout"):
            await log.append([fact("ticket-1", 1)])
        with pytest.raises(NotRecordedError) as not_recorded:
            await record(log, meta, [fact("ticket-1", 1)], result)
        assert await log.read_feed(0, 10) == []  # reading goes on

    refused = as_problem(not_recorded.value)
    assert refused.status == 503
    assert refused.headers["Retry-After"] == "1"
    await log.append([fact("ticket-1", 1)])


async def test_a_process_that_stands_still_with_the_lock_is_put_out(
    open_postgres_log: OpenLog, postgres_url: str, fact: Fact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.event_log.postgres.connections.IDLE_IN_TRANSACTION_SECONDS", 1)
    log = open_postgres_log()
    frozen = ThreadConnections(postgres_url, "log")

    with frozen.get_connection() as connection:
        connection.execute("BEGIN")
        connection.execute("LOCK TABLE log.stored_events IN EXCLUSIVE MODE")
        began = time.monotonic()
        await log.append([fact("ticket-1", 1)])

    assert 0.5 < time.monotonic() - began < 5
    frozen.close()


async def test_a_server_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(LogUnavailableError, match=r"^The log log cannot be opened: "):
        PostgresEventLog("postgresql://nobody:nothing@127.0.0.1:1/nowhere", "log")


async def test_while_the_server_is_down_appends_and_reads_are_refused_and_afterwards_not(
    open_postgres_log: OpenLog, own_postgres_server: PostgresServer, fact: Fact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.event_log.postgres.recorder.RETRY_PAUSES_SECONDS", (0.0, 0.1))
    log = open_postgres_log(own_postgres_server.url())
    await log.append([fact("ticket-1", 1)])
    own_postgres_server.stop()

    with pytest.raises(LogUnavailableError):
        await log.append([fact("ticket-1", 2)])
    with pytest.raises(LogUnavailableError):
        await log.read_feed(0, 10)
    await asyncio.to_thread(own_postgres_server.start)

    assert await log.append([fact("ticket-1", 2)]) > 1
    assert places(await log.read_feed(0, 10)) == [("ticket-1", 1), ("ticket-1", 2)]


@pytest.mark.parametrize("value", ["y", "true", "1", "on"])
def test_appends_without_the_lock_are_refused_before_anything_starts(value: str) -> None:
    with pytest.raises(SettingsError, match="readers of the log lose events"):
        read_settings({"POSTGRES_ENABLE_DB_FUNCTIONS": value})


def test_a_log_that_must_be_encrypted_is_never_sent_in_the_clear(postgres_url: str) -> None:
    """The server of the tests has no certificate."""
    with pytest.raises(LogUnavailableError, match="does not support SSL"):
        PostgresEventLog(f"{postgres_url}?sslmode=require", "log")
