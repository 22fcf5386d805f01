"""The relay and the servers of a NATS cluster are killed again and again: the stream has what the feed has, and so has a
reader that follows the stream.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import nats
from nats.aio.client import Client
from nats.errors import NoRespondersError
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import ServiceUnavailableError

from fristwerk_client.feeds import Batch, follow
from fristwerk_client.jetstream import follow_jetstream
from fristwerk_language.events import tickets
from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import ALL_PROVIDERS, Principal, Tokens
from fristwerk_platform.event_log import NewEvent, open_log
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_or_make_keys
from tests.nats_servers import NatsServer, nats_servers
from tests.ports import free_ports
from tests.promises import Promise
from tests.stored_line import stored_line
from tests.waiting import until_true

NODES = 3
SHORT, LONG = (2_000, 4, 8.0), (100_000, 20, 120.0)
"""Events, kills, and the seconds that both take."""
BATCH = 50
PATIENCE_SECONDS = 240.0
SILENT_SECONDS = 20.0
NO_LEADER_YET = (TimeoutError, NoRespondersError, ServiceUnavailableError)
"""What a client gets from servers that were just started or killed, and have not agreed on a leader."""


async def test_readers_have_what_the_feed_has_whatever_is_killed(
    tmp_path: Path, postgres_url: str, promise: Promise, *, long: bool
) -> None:
    events, kills, seconds = LONG if long else SHORT
    settings = Settings(var=tmp_path, database_url=postgres_url)
    began_at = time.monotonic()
    with nats_servers(tmp_path, NODES) as servers:
        async with (
            processes(settings, servers) as running,
            service_client(settings, running.port) as service,
            await nats.connect([each.url for each in servers], max_reconnect_attempts=-1) as client,
        ):
            await running.relay_began(client)
            reader = Reader(service)
            reading = asyncio.create_task(reader.follow(client))
            await asyncio.gather(record(settings, events, seconds), running.kill_at_random(kills, seconds))
            expected = [each async for batch in follow(service, 0, until_end=True) for each in positions_of(batch)]
            await reader.reaches(expected[-1], reading)
            published = await positions_in(client, expected[-1])
            told = await running.published()

    assert len(expected) >= events
    assert published == expected
    assert told == (expected[-1], 0)
    assert reader.positions == expected
    assert reader.requests < reader.batches
    promise.figures = (
        f"{len(expected):,} events, {running.killed['relay']} kills of the relay and {running.killed['server']} of {NODES} "
        f"servers in {time.monotonic() - began_at:,.0f} s: stream and reader equal to the feed; the reader had "
        f"{reader.batches:,} batches and asked the feed {reader.requests:,} times"
    )


class Reader:
    """What follows the stream, and counts how often it had to ask the feed."""

    def __init__(self, service: httpx.AsyncClient) -> None:
        self.positions: list[int] = []
        self.batches = 0
        self.requests = 0
        self._service = httpx.AsyncClient(
            base_url=service.base_url, headers=service.headers, event_hooks={"request": [self._count]}
        )

    async def follow(self, client: Client) -> None:
        """Until it is cancelled."""
        async with self._service, aclosing(follow_jetstream(self._service, client, 0)) as batches:
            async for batch in batches:
                self.positions += positions_of(batch)
                self.batches += 1

    async def reaches(self, position: int, reading: asyncio.Task[None]) -> None:
        """Return once it has read so far, and end it."""

        async def has() -> bool:
            return reading.done() or (bool(self.positions) and self.positions[-1] >= position)

        await until_true(has, PATIENCE_SECONDS)
        reading.cancel()
        ended = await asyncio.gather(reading, return_exceptions=True)
        assert isinstance(ended[0], asyncio.CancelledError), ended

    async def _count(self, _request: httpx.Request) -> None:
        self.requests += 1


class Processes:
    """The ticket service, the relay, and who kills what."""

    def __init__(self, settings: Settings, servers: list[NatsServer]) -> None:
        self.port, self.relay_port = free_ports(2)
        self.killed = {"relay": 0, "server": 0}
        self._servers = servers
        self._environment = os.environ | {
            "FRISTWERK_VAR": str(settings.var),
            "FRISTWERK_DATABASE_URL": str(settings.database_url),
            "FRISTWERK_TICKET_URL": f"http://127.0.0.1:{self.port}",
            "FRISTWERK_NATS_URL": ",".join(each.url for each in servers),
            "FRISTWERK_LOG_LEVEL": "error",
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *arguments: str) -> None:
        """A command of the ticket service."""
        command = [sys.executable, "-m", "ticket_service", name, *arguments]
        port = self.relay_port if name == "relay" else self.port
        environment = self._environment | {"FRISTWERK_PORT": str(port)}
        self._running[name] = subprocess.Popen(command, env=environment)  # noqa: S603 - our own

    async def published(self) -> tuple[int, int]:
        """What the relay's figures say: the position of the stream's end, and how many events the log is ahead."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.relay_port}") as client:
            text = (await client.get("/metrics")).text
        position = re.search(r"^fristwerk_relay_position (\S+)", text, re.MULTILINE)
        behind = re.search(r'^fristwerk_feed_lag_events\{source="ticket-service"\} (\S+)', text, re.MULTILINE)
        assert position, text
        assert behind, text
        return int(float(position[1])), int(float(behind[1]))

    def start_relay(self) -> None:
        self.start("relay", "--replicas", str(NODES))

    async def relay_began(self, client: Client) -> None:
        """Return once the relay has made the stream."""

        async def made() -> bool:
            with suppress(*NO_LEADER_YET):
                return "FRISTWERK" in [each.config.name for each in await client.jetstream().streams_info()]
            return False

        await until_true(made, PATIENCE_SECONDS)

    async def kill_at_random(self, kills: int, seconds: float) -> None:
        """Now the relay and now a server, each started again a moment later."""
        for number in range(kills):
            await asyncio.sleep(seconds / kills * 0.7)
            if number % 2:
                self._running["relay"].kill()
                self._running["relay"].wait()
                self.killed["relay"] += 1
                self.start_relay()
            else:
                server = random.choice(self._servers)  # noqa: S311 - which one is left to chance
                server.kill()
                self.killed["server"] += 1
                await asyncio.sleep(seconds / kills * 0.3)
                await asyncio.to_thread(server.start)

    def stop(self) -> None:
        for each in self._running.values():
            each.terminate()
        for each in self._running.values():
            each.wait(PATIENCE_SECONDS)


@asynccontextmanager
async def processes(settings: Settings, servers: list[NatsServer]) -> AsyncIterator[Processes]:
    """The ticket service once it answers, and the relay."""
    load_or_make_keys(settings.keys)
    running = Processes(settings, servers)
    try:
        running.start("serve")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.port}") as client:
            await until_true(partial(answers, client), PATIENCE_SECONDS)
        running.start_relay()
        yield running
    finally:
        running.stop()


async def answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health/ready")).is_success
    except httpx.TransportError:
        return False


def service_client(settings: Settings, port: int) -> httpx.AsyncClient:
    """The ticket service for who may follow the feed of all providers."""
    tokens = Tokens(load_or_make_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
    token = tokens.issue(Principal(sub="reader", role="service", provider=ALL_PROVIDERS), now=datetime.now(UTC))
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30)


async def record(settings: Settings, events: int, seconds: float) -> None:
    """Append so many events to the log, beside the service, over so many seconds."""
    log = open_log(settings, "tickets-log")
    began_at = time.monotonic()
    try:
        for first in range(0, events, BATCH):
            await log.append([progress(f"ticket-{first + index}") for index in range(BATCH)])
            ahead = (first + BATCH) / events * seconds - (time.monotonic() - began_at)
            await asyncio.sleep(max(0.0, ahead))
    finally:
        await log.close()


def progress(stream: str) -> NewEvent:
    """The only event of a stream."""
    now = datetime.now(UTC)
    event = tickets.ProgressReported(channel="email")
    line = stored_line(event, stream, 1, now, event_id=f"event-of-{stream}", provider="north")
    return NewEvent(stream=stream, version=1, type="ProgressReported", line=line)


def positions_of(batch: Batch) -> list[int]:
    return [each["position"] for each in batch.events]


async def positions_in(client: Client, last: int) -> list[int]:
    """The positions of all messages of the stream, in order, once it has the last one.

    A subscription that falls silent is made anew and reads from the beginning: a server that has just
    been started again may lose the consumer, and the client does not notice.
    """
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            subscription = await subscribed(client)
            found: list[int] = []
            with suppress(nats.errors.TimeoutError):
                while not found or found[-1] < last:
                    message = await subscription.next_msg(timeout=SILENT_SECONDS)
                    found.append(int((message.headers or {})["ce-sequence"]))
                return found


async def subscribed(client: Client) -> JetStreamContext.PushSubscription:
    """To the whole stream."""
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(*NO_LEADER_YET):
                return await client.jetstream().subscribe("fristwerk.>", ordered_consumer=True, config=config)
            await asyncio.sleep(0.2)
