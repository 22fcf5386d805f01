"""Kill -9 of each service at random points while commands run: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from fristwerk_language.events import read_line
from fristwerk_local import supervisor
from fristwerk_local.client import Client, connected, follower, staff
from fristwerk_local.data_folder import occupied
from fristwerk_local.services import SERVICE_NAMES, ServiceName, environment
from fristwerk_local.supervisor import Stack
from fristwerk_platform.settings import Settings

SHORT = (5, 0, 4, 3)
LONG = (100, 10_000, 40, 8)
"""Kills, commands at least, customers, and desks, each of which always waits for an answer; for each of the two databases."""
PATIENCE_SECONDS = 300.0
"""A service that is killed while it starts, again and again, is away for long."""
CLERK = staff("billing", "office")
PAGE = 200


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A running stack that is started again by itself, a client of it, and the environment of a command beside it."""

    settings: Settings
    stack: Stack
    client: Client
    environment: dict[str, str]


@pytest.fixture
async def place(
    services_settings: Settings, three_free_ports: int, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """The three services as processes, on each kind of database; who is killed is started again without a pause."""
    monkeypatch.setattr(supervisor, "STEADY_SECONDS", 0.0)
    if services_settings.database_url is not None:
        monkeypatch.setenv("FRISTWERK_DATABASE_URL", services_settings.database_url)
    folder = services_settings.var
    with occupied(folder):
        stack = Stack(folder, three_free_ports, print)
        await stack.start()
        keeping = asyncio.create_task(stack.keep_running())
        async with connected(folder, three_free_ports) as client:
            patient = Client(client._clients, client._issue, patience_seconds=PATIENCE_SECONDS)
            surroundings = environment(os.environ, folder, three_free_ports)
            yield Place(settings=services_settings, stack=stack, client=patient, environment=surroundings)
        keeping.cancel()
        await stack.stop()
        await asyncio.gather(keeping, return_exceptions=True)


async def test_an_acknowledged_event_is_never_lost_and_nothing_is_doubled(
    place: Place, open_office: Any, replayed: Callable[..., Any], tmp_path: Path, promise: Any, *, long: bool
) -> None:
    kills, commands, customers, desks = LONG if long else SHORT
    client = place.client
    office = open_office(client, seed=kills)
    await office.open(customers)
    clerk = Clerk(client, office)
    await worked_through_kills(office, clerk, place, kills, commands, desks)
    assert await client.caught_up(60), "the services did not catch up"
    await clerk.run()

    recorded = await office.recorded()
    assert {each for each, *_ in recorded} == office.acknowledged.keys()
    assert len(recorded) == len(office.acknowledged)
    assert {each: tuple(place) for each, *place in recorded} == office.acknowledged
    live = await office.derived(client)
    async with replayed(place.settings, tmp_path / "replayed", client, place.stack.urls) as replaying:
        assert live == await office.derived(replaying)
    told = await check_notices(client, live)
    await check_invoices(client, clerk, live)
    for service in ("sla", "billing"):
        await check_digests(place, service)
    promise.figures = (
        f"{kills} kills, {office.commands:,} commands, {len(recorded):,} events, {len(live):,} timers and charges read, "
        f"{told:,} notices, {len(clerk.numbers):,} invoices: 0 lost, 0 doubled, digests equal"
    )


class Clerk:
    """Invoices the contracts again and again; every command is sent until it is answered, and every number is noted."""

    def __init__(self, client: Client, office: Any) -> None:
        self.numbers: list[int] = []
        self._client = client
        self._office = office
        self._asked = 0
        self._lot = random.Random(len(office.contracts))  # noqa: S311 - drawn again by the seed

    async def work(self, ended: asyncio.Event) -> None:
        """Invoice one contract after the other, and now and then all of them in a run."""
        while not ended.is_set():
            if self._lot.random() < 0.1:
                await self.run()
            else:
                await self.invoice(self._lot.choice(self._office.contracts))
            await asyncio.sleep(0.1)

    async def invoice(self, contract: str) -> None:
        """Issue what a contract owes, if it owes anything."""
        answer = await self._post("invoices", {"contract": contract, "until": self._office.today}, self._key())
        if answer.status_code == 409:
            assert answer.json()["type"] == "/problems/nothing-to-invoice", answer.text
            return
        if answer.status_code == 404:  # killed before it has heard of the contract; a clerk tries again
            assert answer.json()["type"] == "/problems/contract-not-found", answer.text
            return
        assert answer.status_code == 201, answer.text
        self.numbers.append(answer.json()["invoice"]["number"])

    async def run(self) -> None:
        """A run over all contracts; asked for under its key until it is done, it goes on where a kill interrupted it."""
        key = self._key()
        run: dict[str, Any] = {"state": "new"}
        while run["state"] != "done":
            answer = await self._post("invoice-runs", {"until": self._office.today}, key)
            assert answer.status_code == 202, answer.text
            run = answer.json()["run"]
            await asyncio.sleep(0.05)
        assert run["failed"] == []
        assert {each["code"] for each in run["skipped"]} <= {"nothing-to-invoice"}, run
        self.numbers += [each["number"] for each in run["issued"]]

    async def _post(self, path: str, body: dict[str, Any], key: str) -> Any:
        return await self._client.post("billing", f"/v1/{path}", body, CLERK, key)

    def _key(self) -> str:
        self._asked += 1
        return f"clerk-{self._asked}"


async def worked_through_kills(office: Any, clerk: Clerk, place: Place, kills: int, commands: int, desks: int) -> None:
    """Tickets one after the other at several desks, until so many services were killed and so many commands answered."""
    ended = asyncio.Event()

    async def desk() -> None:
        while not ended.is_set():
            await office.ticket()

    at_work = asyncio.gather(*(desk() for _ in range(desks)), clerk.work(ended))
    await killing(place, kills, office, commands)
    ended.set()
    await at_work


async def killing(place: Place, kills: int, office: Any, commands: int) -> None:
    """Kill a service, again and again, spread over the commands: while it works, every other time right upon an answer.

    Every fifth time it may be starting still.
    """
    lot = random.Random(kills)  # noqa: S311 - drawn again by the seed
    killed: set[int] = set()
    for number in range(kills):
        victim = lot.choice(SERVICE_NAMES)
        while office.commands < commands * number // kills or place.stack.process_ids[victim] in killed:  # noqa: ASYNC110 - other processes' doing
            await asyncio.sleep(0.02)
        while number % 5 and not await answers(place.client, victim):  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.05)
        await asyncio.sleep(lot.uniform(0.05, 0.8))
        if number % 2:
            await office.next_answer()
        pid = place.stack.process_ids[victim]
        os.kill(pid, signal.SIGKILL)
        killed.add(pid)
    while office.commands < commands or any(pid in killed for pid in place.stack.process_ids.values()):  # noqa: ASYNC110 - other processes' doing
        await asyncio.sleep(0.02)


async def answers(client: Client, service: ServiceName) -> bool:
    """Whether a service is there, asked once."""
    try:
        return (await client._clients[service].get("/health/live")).is_success
    except httpx.TransportError:
        return False


async def check_notices(client: Client, live: dict[str, Any]) -> int:
    """Each timer's notices follow one another, each kind was given once, and they tell what the timer says; how many."""
    timers = [timer for key, items in live.items() if key.endswith(" timers") for timer in items]
    told = Counter[tuple[str, str]]()
    versions = Counter[str]()
    for line in await notices_of(client, missed=sum(timer["state"] == "missed" for timer in timers)):
        envelope = read_line(line)
        versions[envelope.stream] += 1
        assert envelope.version == versions[envelope.stream]
        told[envelope.stream.removeprefix("timer-"), envelope.type] += 1
    for timer in timers:
        name = timer["id"]
        assert told[name, "TimerStarted"] == 1
        missed = told[name, "TimerMissed"] - told[name, "TimerMissWithdrawn"]
        assert missed == (timer["state"] == "missed"), (timer, told)
        assert told[name, "TimerMet"] == (timer["met_at"] is not None), timer
    return versions.total()


async def notices_of(client: Client, missed: int) -> list[bytes]:
    """Every notice, once so many misses stand: a watch that was killed just now has to look again first."""
    for _ in range(300):
        found = await notices(client)
        types = Counter(read_line(line).type for line in found)
        if types["TimerMissed"] - types["TimerMissWithdrawn"] >= missed:
            break
        await asyncio.sleep(0.1)
    return found


async def notices(client: Client) -> list[bytes]:
    """Every notice of the SLA service's feed so far."""
    found: list[bytes] = []
    after = 0
    while True:
        answer = await client._send("sla", "GET", "/v1/events", follower("office"), params={"after": after})
        assert answer.is_success, answer.text
        lines = answer.content.splitlines()
        found += lines
        if not lines:
            return found
        after = int(answer.headers["Fristwerk-Next-Position"])


async def check_invoices(client: Client, clerk: Clerk, live: dict[str, Any]) -> None:
    """The numbers have no gap and each was given to the clerk once; together the lines bill all work, and none of it twice.

    Here nothing is ever corrected, so a line that takes something back would be one that was billed twice. What costs nothing,
    as work out of a package, waits for an invoice with a sum.
    """
    documents = await items(client, "/v1/invoices")
    assert [each["number"] for each in documents] == list(range(1, len(documents) + 1)) == sorted(clerk.numbers)
    assert {each["type"] for each in documents} == {"invoice"}
    previews = [value for name, value in live.items() if name.endswith(" preview")]
    waiting = [line for each in previews for line in each["to_invoice"]["lines"]]
    assert not any(Decimal(line["amount"]["amount"]) for line in waiting)
    lines = [*await items(client, "/v1/lines"), *waiting]
    assert [line for line in lines if Fraction(str(line["minutes"])) < 0] == []
    assert billed(lines) == billed(line for each in previews for line in each["lines"])


async def items(client: Client, path: str) -> list[Any]:
    """All items of a list of the billing service, over as many pages as there are."""
    found: list[Any] = []
    following: str | None = f"{path}?limit={PAGE}"
    while following is not None:
        answer = await client._send("billing", "GET", following, CLERK)
        assert answer.is_success, answer.text
        found += answer.json()["items"]
        following = answer.links.get("next", {}).get("url")
    return found


def billed(lines: Iterable[dict[str, Any]]) -> dict[tuple[str, str, str], tuple[Fraction, Decimal]]:
    """Minutes and amount of each charge at its price, over all lines; what was taken back altogether is left out."""
    sums: dict[tuple[str, str, str], tuple[Fraction, Decimal]] = {}
    for line in lines:
        key = (line["charge"], line["kind"], line["unit_price"]["amount"])
        minutes, amount = sums.get(key, (Fraction(0), Decimal(0)))
        sums[key] = (minutes + Fraction(str(line["minutes"])), amount + Decimal(line["amount"]["amount"]))
    return {key: value for key, value in sums.items() if any(value)}


async def check_digests(place: Place, service: str) -> None:
    """``python -m … replay`` finds nothing that differs; its last two lines are the digests."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"{service}_service",
        "replay",
        env=place.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, complaint = await process.communicate()
    assert process.returncode == 0, told.decode() + complaint.decode()
    log, read_model = (line.split()[-1] for line in told.decode().splitlines()[-2:])
    assert log == read_model
