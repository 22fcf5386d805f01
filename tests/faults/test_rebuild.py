"""Every read model is rebuilt beside live traffic and switched, and rebuilds are killed: nobody sees an error."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from fristwerk_language.events import read_line
from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_local.client import Client, follower, staff
from fristwerk_local.data_folder import occupied
from fristwerk_local.services import SERVICE_NAMES, ServiceName, environment
from fristwerk_local.supervisor import Stack
from fristwerk_platform.auth import ALL_PROVIDERS, Principal, Tokens
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys
from ticket_service.app import now

DESKS = 3
SHORT, LONG = 1, 2
"""Rebuilds of each service that run to their end, and as many that are killed."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A running stack: where it lies, how it is asked, and the environment of a command beside it."""

    settings: Settings
    stack: Stack
    clients: dict[ServiceName, httpx.AsyncClient]
    environment: dict[str, str]

    def headers(self, principal: Principal) -> dict[str, str]:
        tokens = Tokens(
            load_keys(self.settings.keys), TOKEN_ROLES, issuer=self.settings.issuer, audience=self.settings.audience
        )
        return {"Authorization": f"Bearer {tokens.issue(principal, now=now())}"}

    def issue(self, principal: Principal) -> str:
        return self.headers(principal)["Authorization"].removeprefix("Bearer ")


@pytest.fixture
async def place(
    services_settings: Settings, three_free_ports: int, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """The three services as processes, on each kind of database."""
    if services_settings.database_url is not None:
        monkeypatch.setenv("FRISTWERK_DATABASE_URL", services_settings.database_url)
    folder = services_settings.var
    with occupied(folder):
        stack = Stack(folder, three_free_ports, print)
        await stack.start()
        async with AsyncExitStack() as closing:
            clients = {
                name: await closing.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
                for name, url in zip(SERVICE_NAMES, stack.urls, strict=True)
            }
            yield Place(
                settings=services_settings,
                stack=stack,
                clients=clients,
                environment=environment(os.environ, folder, three_free_ports),
            )
        await stack.stop()


class Witness:
    """Reads all the time, and remembers every answer that was not a good one."""

    def __init__(self, place: Place, office: Any) -> None:
        self._place = place
        self._office = office
        self.answers = Counter[str]()
        self.errors: list[str] = []
        self.notices: list[bytes] = []
        self._after = 0

    async def watch(self) -> None:
        """Ask what people ask, until cancelled."""
        agent, clerk = staff("agent", "office"), staff("billing", "office")
        while True:
            ticket, contract = self._office.tickets[0], self._office.contracts[0]
            await self._ask("ticket", f"/v1/tickets/{ticket}", agent)
            await self._ask("ticket", "/v1/tickets?limit=20", agent)
            await self._ask("ticket", "/v1/customers?limit=5", agent)
            await self._ask("sla", f"/v1/tickets/{ticket}/timers", agent)
            await self._ask("sla", "/v1/timers?limit=20&order=due_at", agent)
            await self._ask("billing", f"/v1/tickets/{ticket}/charges", clerk)
            await self._ask("billing", f"/v1/contracts/{contract}/preview?until=2026-01-31", clerk)
            for name in SERVICE_NAMES:
                await self._ask(name, "/health/ready", agent)
            await self.follow()

    async def follow(self) -> None:
        """Go on with the SLA service's notices, as a consumer does."""
        while (
            answer := await self._ask("sla", f"/v1/events?after={self._after}", follower(ALL_PROVIDERS))
        ) is not None:
            if not answer.content:
                return
            self.notices += answer.content.splitlines()
            self._after = int(answer.headers["Fristwerk-Next-Position"])

    async def _ask(self, service: ServiceName, path: str, who: Principal) -> httpx.Response | None:
        try:
            answer = await self._place.clients[service].get(path, headers=self._place.headers(who))
        except httpx.HTTPError as error:
            self.errors.append(f"{service} {path}: {type(error).__name__}")
            return None
        self.answers[service] += 1
        if answer.status_code != httpx.codes.OK:
            self.errors.append(f"{service} {path}: {answer.status_code} {answer.text}")
            return None
        return answer


@asynccontextmanager
async def at_work(office: Any, witness: Witness) -> AsyncIterator[None]:
    """Some desks work and the witness reads meanwhile; each desk ends with its ticket."""
    ended = asyncio.Event()

    async def desk() -> None:
        while not ended.is_set():
            await office.ticket()

    desks = [asyncio.create_task(desk()) for _ in range(DESKS)]
    watching = asyncio.create_task(witness.watch())
    yield
    ended.set()
    await asyncio.gather(*desks)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching


async def rebuild(place: Place, service: str, *arguments: str, killed_after: float | None = None) -> str:
    """``python -m … rebuild``; what it printed. Killed after so many seconds, if they are given and it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"{service}_service",
        "rebuild",
        *arguments,
        env=place.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(killed_after or 120):
            told, complaint = await process.communicate()
    except TimeoutError:
        assert killed_after is not None, "the rebuild comes to no end"
        with suppress(ProcessLookupError):  # it has just come to its end
            process.kill()
        await process.wait()
        return ""
    assert process.returncode == 0, complaint.decode()
    return told.decode()


async def test_rebuilding_is_safe(
    place: Place, open_office: Any, replayed: Callable[..., Any], tmp_path: Path, promise: Any, *, long: bool
) -> None:
    rounds, lot = LONG if long else SHORT, random.Random(11)  # noqa: S311 - drawn again by the seed
    office = open_office(Client(place.clients, place.issue), 11)
    await office.open()
    await office.ticket()
    assert await office.client.caught_up(60)  # or the followers would rightly not know the ticket yet
    witness = Witness(place, office)
    killed, took = 0, 2.0

    async with at_work(office, witness):
        for service in SERVICE_NAMES * rounds:
            killed += not await rebuild(place, service, killed_after=lot.uniform(took / 3, took))
            began = time.monotonic()
            told = await rebuild(place, service)
            took = time.monotonic() - began
            assert ": same (" in told, told
            assert "is in use; writing waited" in told

    assert await office.client.caught_up(60)
    assert witness.errors == [], "\n".join(witness.errors)
    recorded = await office.recorded()
    assert len(recorded) >= len(office.acknowledged)
    live = await office.derived(office.client)
    async with replayed(place.settings, tmp_path / "replayed", office.client, place.stack.urls) as replaying:
        assert live == await office.derived(replaying)
    await witness.follow()
    check_notices(witness.notices, live)
    promise.figures = (
        f"{3 * rounds} rebuilds and {killed} killed ones beside {office.commands:,} commands and "
        f"{witness.answers.total():,} reads: 0 errors, all compared the same, {len(witness.notices):,} notices, 0 lost or doubled"
    )


def check_notices(lines: list[bytes], live: dict[str, Any]) -> None:
    """Positions grow, each timer's notices follow one another, and each kind was given once."""
    told = Counter[tuple[str, str]]()
    versions = Counter[str]()
    last = 0
    for line in lines:
        envelope = read_line(line)
        assert envelope.position > last, "positions go on over every switch"
        last = envelope.position
        versions[envelope.stream] += 1
        assert envelope.version == versions[envelope.stream], "nothing is lost or doubled"
        told[envelope.stream.removeprefix("timer-"), envelope.type] += 1
    timers = [timer for key, items in live.items() if key.endswith(" timers") for timer in items]
    assert timers
    for timer in timers:
        name = timer["id"]
        assert told[name, "TimerStarted"] == 1, name
        assert told[name, "TimerMet"] == (timer["met_at"] is not None), timer
        missed = told[name, "TimerMissed"] - told[name, "TimerMissWithdrawn"]
        assert missed == (timer["state"] == "missed"), (timer, told)
