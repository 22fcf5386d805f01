"""What tests of the SLA service around its domain build on: a clock that is set, a log that is told, tables in a file."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, cast

import httpx
import msgspec
import pytest
from fastapi import FastAPI

import sla_service.app
import ticket_service.app
from fristwerk_language.events import Actor, Event, Recorded, decode, tickets
from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from fristwerk_language.roles import TOKEN_ROLES, Role
from fristwerk_local.client import Client
from fristwerk_local.player import play, read_terms
from fristwerk_local.progress import Journal
from fristwerk_local.services import ServiceName
from fristwerk_local.story import DecideCharge, read_story
from fristwerk_local.terminal_output import RECORDED_DAY, TERMS
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.http import Stopping
from fristwerk_platform.read_models import SqlDatabase, postgres_database, sqlite_database, write
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import with_position
from fristwerk_platform.token_keys import load_keys
from sla_service.notices.feed import NoticeFeed
from sla_service.notices.outbox import Outbox
from sla_service.notices.watch import Watch
from sla_service.projections import tables
from sla_service.projections.projector import Projector
from tests.described_answers import DescribedTransport
from tests.sla_service.conftest import Published
from tests.stored_line import stored_line

PROVIDER = "p"


def utc(text: str) -> datetime:
    """``2026-06-03 14:30`` as an instant of UTC, or any instant with its offset."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self, text: str) -> None:
        self.now = utc(text)

    def __call__(self) -> datetime:
        return self.now

    def set(self, text: str) -> None:
        self.now = utc(text)

    def move(self, **span: int) -> None:
        self.now += timedelta(**span)


class ToldLog:
    """What the ticket service would have recorded, in the order it is told."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self._versions: dict[str, int] = {}
        self._taken = 0

    def add(
        self,
        stream: str,
        occurred_at: str,
        event: Event,
        role: str = "agent",
        provider: str = PROVIDER,
        recorded_at: str | None = None,
    ) -> ToldLog:
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        line = stored_line(
            event,
            stream,
            version,
            utc(occurred_at),
            event_id=f"{stream}-{version}",
            provider=provider,
            actor=Actor(id=f"{role}-1", role=role),
            recorded_at=utc(recorded_at or occurred_at),
        )
        self.lines.append(with_position(len(self.lines) + 1, line))
        return self

    def publish(self, event: AgreementPublished | CalendarPublished, provider: str = PROVIDER) -> ToldLog:
        kind = "calendar" if isinstance(event, CalendarPublished) else "agreement"
        return self.add(f"{kind}-{provider}.{event.name}", "2026-01-01 00:00", event, "admin", provider)

    def ticket(self, ticket: str, received_at: str, agreement: str = "infoniqa", **created: Any) -> ToldLog:
        """A ticket received at an instant of UTC, entitled by contract unless said otherwise."""
        provider = created.pop("provider", PROVIDER)
        fields: dict[str, Any] = {
            "reference": f"TST-{ticket.upper()}",
            "customer": "c-1",
            "contract": "k-1",
            "agreement": agreement,
            "agreement_version": 1,
            "calendar": agreement,
            "calendar_version": 1,
            "type": "normal",
            "channel": "email",
            "entitled": True,
            "entitled_by": "contract",
            "entitled_why": "The contract is in force.",
            "received_at": utc(received_at),
        }
        event = tickets.TicketCreated(**(fields | created))
        return self.add(f"ticket-{ticket}", received_at, event, provider=provider)

    def at(self, ticket: str, occurred_at: str, event: Event, **more: Any) -> ToldLog:
        return self.add(f"ticket-{ticket}", occurred_at, event, **more)

    def answer(self, ticket: str, occurred_at: str) -> ToldLog:
        return self.at(ticket, occurred_at, tickets.Responded(channel="email"))

    def severity(self, ticket: str, occurred_at: str, severity: str) -> ToldLog:
        return self.at(ticket, occurred_at, tickets.SeveritySet(severity=severity))

    def news(self) -> list[Recorded]:
        """What was told since the last time."""
        new = [decode(line) for line in self.lines[self._taken :]]
        self._taken = len(self.lines)
        return new


class Notice(msgspec.Struct, frozen=True):
    """A notice as its feed has it."""

    position: int
    type: str
    timer: str
    data: dict[str, Any]
    occurred_at: str = ""


class Service:
    """The service's inner parts on one database file: what it is fed, what it watches, what it told."""

    def __init__(self, file: Path, clock: Clock, postgres_url: str | None = None) -> None:
        self.file = file
        self.clock = clock
        self._postgres_url = postgres_url
        self.log = ToldLog()
        self._ids = count(1)
        self.database, self.outbox = self.open()
        self.projector = Projector(self.outbox)
        self.watch = Watch(self.database, self.outbox, clock)
        self.feed = NoticeFeed(self.database, self.outbox.signal)

    def open(self) -> tuple[SqlDatabase, Outbox]:
        """A further connection to the same database, as another process would have it."""
        outbox = Outbox(self.clock, lambda: f"n-{next(self._ids)}")
        if self._postgres_url is None:
            return sqlite_database(self.file, tables.metadata), outbox
        return postgres_database(self._postgres_url, "sla", tables.metadata), outbox

    async def apply(self, batch: Sequence[Recorded] | None = None) -> None:
        """Apply a batch, by default what was told to the log since the last time."""
        async with self.database.transaction() as connection:
            await write(
                connection, *await self.projector.apply(connection, self.log.news() if batch is None else batch)
            )

    async def look(self) -> None:
        """What the watch does when it wakes."""
        while await self.watch.look():
            pass

    async def told(self, *types: str) -> list[Notice]:
        """Every notice so far, of the given types."""
        notices: list[Notice] = []
        page = await self.feed.page(0, 1_000, 0)
        while page.lines:
            for line in page.lines:
                plain = msgspec.json.decode(line)
                notices.append(
                    Notice(
                        plain["position"], plain["type"], plain["data"]["timer"], plain["data"], plain["occurred_at"]
                    )
                )
            page = await self.feed.page(page.next, 1_000, 0)
        return [each for each in notices if not types or each.type in types]

    async def types(self, timer: str | None = None) -> list[str]:
        """The types of the notices so far, in order; of one timer if it is named."""
        return [each.type for each in await self.told() if timer in (None, each.timer)]


@pytest.fixture
def clock() -> Clock:
    return Clock("2026-06-03 14:00")


@pytest.fixture
async def service(tmp_path: Path, clock: Clock, published: Published) -> AsyncIterator[Service]:
    """The parts of a service that knows the shipped terms."""
    async with knowing(published, Service(tmp_path / "sla.db", clock)) as service:
        yield service


@pytest.fixture
async def service_on_postgres(
    tmp_path: Path, clock: Clock, published: Published, postgres_url: str
) -> AsyncIterator[Service]:
    """The same on PostgreSQL."""
    async with knowing(published, Service(tmp_path / "sla.db", clock, postgres_url)) as service:
        yield service


@asynccontextmanager
async def knowing(published: Published, service: Service) -> AsyncIterator[Service]:
    await service.database.create()
    for event in published.values():
        service.log.publish(event)
    await service.apply()
    yield service
    await service.database.close()


@pytest.fixture
def moment() -> Callable[[str], datetime]:
    """``moment("2026-06-03 14:30")`` is an instant of UTC."""
    return utc


class Desk:
    """The services as a provider's people use them: one line a call, answers as JSON."""

    def __init__(self, stack: Pair, names: dict[str, str], provider: str = "infoniqa") -> None:
        self.stack = stack
        self.names = names
        self.provider = provider

    def id(self, name: str, kind: str = "ticket") -> str:
        """The id of a thing of the recorded day."""
        return self.names[f"{self.provider}/{kind}:{name}"]

    def of(self, provider: str) -> Desk:
        """The same services for another provider."""
        return Desk(self.stack, self.names, provider)

    async def ask(self, path: str, role: str = "agent", service: str = "sla", **params: Any) -> httpx.Response:
        customer = params.pop("as_customer", None)
        more = {} if customer is None else {"customer": customer}
        headers = self.stack.headers(role, self.provider, **more)
        return await self.stack.clients[cast("ServiceName", service)].get(path, params=params or None, headers=headers)

    async def read(self, path: str, role: str = "agent", service: str = "sla", **params: Any) -> Any:
        """The JSON of an answer that must be good."""
        answer = await self.ask(path, role, service, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(
        self, path: str, body: Any, role: str = "agent", service: str = "ticket", key: str | None = None
    ) -> httpx.Response:
        headers = self.stack.headers(role, self.provider)
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self.stack.clients[cast("ServiceName", service)].post(path, json=body, headers=headers)

    async def done(self, path: str, body: Any, role: str = "agent", **more: Any) -> Any:
        """The JSON of a command that must succeed."""
        answer = await self.post(path, body, role, **more)
        assert answer.is_success, answer.text
        return answer.json()

    async def put(self, path: str, document: Any, role: str = "admin") -> Any:
        headers = self.stack.headers(role, self.provider)
        answer = await self.stack.clients["ticket"].put(path, json=document, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    async def caught_up(self) -> None:
        """Wait until the SLA service has applied everything that is recorded."""
        followers = {"after": 2**53, "limit": 1}
        headers = self.stack.headers("service", "*")
        answer = await self.stack.clients["ticket"].get("/v1/events", params=followers, headers=headers)
        last = int(answer.headers["Fristwerk-Last-Position"])
        async with asyncio.timeout(10):
            while True:
                health = (await self.stack.clients["sla"].get("/health/ready")).json()
                if health["feeds"]["ticket-service"]["position"] >= last:
                    return
                await asyncio.sleep(0.01)


class LaterTransport(httpx.AsyncBaseTransport):
    """Reaches an application that is made later, and none while it has none."""

    def __init__(self) -> None:
        self.app: FastAPI | None = None
        self._none_open = asyncio.Event()
        self._open = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.app is None:
            raise httpx.ConnectError("it is away", request=request)
        self._open += 1
        self._none_open.clear()
        try:
            return await httpx.ASGITransport(self.app, raise_app_exceptions=False).handle_async_request(request)
        finally:
            self._open -= 1
            if not self._open:
                self._none_open.set()

    async def leave(self, stopping: Stopping) -> None:
        """Reach nothing any more, once what waits has ended: a database that was closed must not be opened again."""
        self.app = None
        stopping.set()
        if self._open:
            async with asyncio.timeout(10):
                await self._none_open.wait()


class Pair(msgspec.Struct, kw_only=True):
    """The ticket service and the SLA service in one process; ``way_back`` is how the first reaches the second."""

    settings: Settings
    clients: dict[ServiceName, httpx.AsyncClient]
    apps: dict[ServiceName, FastAPI]
    way_back: LaterTransport

    def issue(self, principal: Principal) -> str:
        """A bearer token for a principal."""
        tokens = Tokens(
            load_keys(self.settings.keys), TOKEN_ROLES, issuer=self.settings.issuer, audience=self.settings.audience
        )
        return tokens.issue(principal, now=datetime.now(UTC))

    def headers(self, role: str, provider: str, customer: str | None = None) -> dict[str, str]:
        """The headers of a request in somebody's name."""
        principal = Principal(sub=role, role=cast("Role", role), provider=provider, belongs_to=customer)
        return {"Authorization": f"Bearer {self.issue(principal)}"}


@asynccontextmanager
async def pair_on(folder: Path, database_url: str | None = None, sla_keys: Path | None = None) -> AsyncIterator[Pair]:
    """Both services on the files of a folder, or on PostgreSQL, with their lifespans; with ``sla_keys`` the SLA service
    has a key file of its own.
    """
    settings = Settings(var=folder, database_url=database_url, customers_may_date=True)
    way_back, sla_stopping = LaterTransport(), Stopping()
    back = httpx.AsyncClient(transport=way_back, base_url="http://sla")
    tickets = ticket_service.app.create_app(settings, Stopping(), back)
    followed = httpx.AsyncClient(transport=httpx.ASGITransport(tickets), base_url="http://ticket")
    apps: dict[ServiceName, FastAPI] = {
        "ticket": tickets,
        "sla": sla_service.app.create_app(msgspec.structs.replace(settings, key_file=sla_keys), sla_stopping, followed),
    }
    way_back.app = apps["sla"]
    async with AsyncExitStack() as stack:
        clients: dict[ServiceName, httpx.AsyncClient] = {}
        for name, app in apps.items():
            await stack.enter_async_context(app.router.lifespan_context(app))
            client = httpx.AsyncClient(transport=DescribedTransport(app), base_url=f"http://{name}")
            clients[name] = await stack.enter_async_context(client)
        stack.push_async_callback(way_back.leave, sla_stopping)
        yield Pair(settings=settings, clients=clients, apps=apps, way_back=way_back)


@pytest.fixture(scope="session")
def recorded_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder into which the recorded day was played, and the ids of what it created; copied by who uses it.

    Billing's decisions are left out, as billing is.
    """
    folder = tmp_path_factory.mktemp("decode") / "var"
    journal = Journal()
    whole = read_story(RECORDED_DAY)
    steps = {
        each.name: tuple(step for step in each.steps if not isinstance(step, DecideCharge)) for each in whole.providers
    }
    providers = tuple(msgspec.structs.replace(each, steps=steps[each.name]) for each in whole.providers)
    story = msgspec.structs.replace(whole, providers=providers)

    async def record() -> None:
        async with pair_on(folder) as pair:
            client = Client(pair.clients, pair.issue)
            assert await play(story, client, read_terms(TERMS), journal) == []
            await Desk(pair, {}).caught_up()

    asyncio.run(record())
    return folder, journal.names


OpenPair = Callable[..., AbstractAsyncContextManager[Pair]]


@pytest.fixture
def open_pair() -> OpenPair:
    """Opens both services on a folder, as an async context manager."""
    return pair_on


@pytest.fixture
def open_desk() -> Callable[[Pair], Desk]:
    """A desk at services without the recorded day."""
    return lambda pair: Desk(pair, {})


@pytest.fixture
async def day(recorded_folder: tuple[Path, dict[str, str]], tmp_path: Path) -> AsyncIterator[Desk]:
    """The services after the recorded day, each test on a copy of its own."""
    folder, names = recorded_folder
    shutil.copytree(folder, tmp_path / "var")
    async with pair_on(tmp_path / "var") as pair:
        desk = Desk(pair, names)
        await desk.caught_up()
        yield desk
