"""Replay: every statement recomputed from the two logs, and compared with what the read model comes to.

The ticket service's log is read over HTTP, billing's own where it lies; both up to the position that the read model has, so that
the services may go on meanwhile. Facts are collected in a temporary file, so that memory does not grow with the logs.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import date, datetime
from typing import Final, NoReturn

import aiosqlite
import httpx
import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import StaticPool

from billing_service.application.statements import Cutoff, Rated, Statements
from billing_service.domain.errors import Refusal
from billing_service.domain.invoice.document import document_digest
from billing_service.projections.projector import Projector
from billing_service.projections.tables import checkpoints, metadata
from billing_service.queries.accounts import AccountQueries, AccountRow
from billing_service.queries.documents import DocumentFilter, DocumentQueries
from fristwerk_language.events import Recorded, columns_of, decode_tolerantly
from fristwerk_platform.auth import Principal, Tokens, load_keys
from fristwerk_platform.cli import CliError
from fristwerk_platform.event_log import open_log
from fristwerk_platform.read_models import Database, SqlDatabase, open_live_read_model
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import Apply, Feed, HttpFeed, LogFeed, Prefetch

_encoder: Final = msgspec.json.Encoder(order="sorted", decimal_format="string")


class NothingToCompareError(CliError):
    """There is no read model, or its source ends before what it was made of; the message is a sentence."""


class ReplayComparison(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found: digests over every statement of both sides, and a sentence for each thing that differs."""

    accounts: int
    documents: int
    log_digest: str
    read_model_digest: str
    differences: tuple[str, ...]

    @property
    def equal(self) -> bool:
        return self.log_digest == self.read_model_digest and not self.differences


class _Snapshot:
    """The read model as of the beginning of one transaction; see :class:`Database`. It is only read."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """See :class:`Database`."""
        yield self._connection

    def transaction(self) -> NoReturn:
        """See :class:`Database`."""
        raise AssertionError("a replay writes nothing to the read model")


async def replay(settings: Settings, until: date, now: Callable[[], datetime]) -> ReplayComparison:
    """Recompute and compare the statements of all accounts up to a local day.

    Raises NothingToCompareError, SourceUnavailableError where the ticket service does not answer, KeyFileError without the keys
    to ask it.
    """
    tokens = Tokens(load_keys(settings.keys), issuer=settings.issuer, audience=settings.audience)
    reader = Principal(sub="billing-replay", role="service", provider="*")
    async with AsyncExitStack() as open_things:
        stored = open_live_read_model(settings, "billing", metadata)
        open_things.push_async_callback(stored.close)
        if not await stored.find():
            raise NothingToCompareError("There is no read model of the billing service yet.")
        snapshot = _Snapshot(await open_things.enter_async_context(_frozen(stored)))
        fresh = await open_things.enter_async_context(_temporary())
        log = open_log(settings, "billing-log", read_columns=columns_of)
        open_things.push_async_callback(log.close)
        client = await open_things.enter_async_context(httpx.AsyncClient(base_url=settings.ticket_url))
        upstream = HttpFeed(client, lambda: tokens.issue(reader, now=now()))
        projector = Projector()
        for source, feed, apply in (
            ("ticket-service", upstream, projector.apply),
            ("own log", LogFeed(log), projector.apply_own),
        ):
            async with snapshot.reading() as connection:
                position = await checkpoints.position(connection, source)
            await _follow(source, feed, position, fresh, apply)
        return await _compare(snapshot, fresh, until, now)


async def _follow(source: str, feed: Feed, until_position: int, fresh: Database, apply: Apply[Recorded]) -> None:
    """Apply a feed to the fresh read model, up to a position. Raises NothingToCompareError where it ends before."""
    after = 0
    async with aclosing(Prefetch(feed)) as reading:
        while after < until_position:
            page = await reading.page(after, 0)
            if page.last < until_position:
                raise NothingToCompareError(
                    f"The {source} ends at {page.last}, the read model was made of {until_position}."
                )
            batch = [each for each in map(decode_tolerantly, page.lines) if each.position <= until_position]
            async with fresh.transaction() as connection:
                await apply(connection, [each for each in batch if each.is_known])
            after = page.next


async def _compare(stored: Database, fresh: Database, until: date, now: Callable[[], datetime]) -> ReplayComparison:
    sides = [_Side(stored, until, now), _Side(fresh, until, now)]
    digests = [hashlib.sha256(), hashlib.sha256()]
    differences: list[str] = []
    accounts, providers = 0, sorted({each for side in sides for each in await side.model.providers()})
    for provider in providers:
        rows = {row.account: row for side in sides for row in await side.model.billable(provider)}
        for account, row in sorted(rows.items()):
            statements = [await side.statement(row) for side in sides]
            for digest, statement in zip(digests, statements, strict=True):
                digest.update(account.encode() + b"\n" + statement + b"\n")
            if statements[0] != statements[1]:
                differences.append(f"The account {account} of {provider} comes to something else.")
            accounts += 1
    documents = 0
    for provider in providers:
        async for number, sound in sides[1].documents(provider):
            documents += 1
            differences += [] if sound else [f"Document {number} of {provider} is not what its digest says."]
    found = [f"sha256:{digest.hexdigest()}" for digest in digests]
    return ReplayComparison(
        accounts=accounts,
        documents=documents,
        log_digest=found[1],
        read_model_digest=found[0],
        differences=tuple(differences),
    )


class _Side:
    """What one of the two databases comes to."""

    def __init__(self, database: Database, until: date, now: Callable[[], datetime]) -> None:
        self.model = AccountQueries(database)
        self._documents = DocumentQueries(database)
        self._statements = Statements(self.model, self._documents, now)
        self._until = until

    async def statement(self, row: AccountRow) -> bytes:
        """Everything that an account comes to, as canonical JSON; the refusal where it cannot be rated."""
        try:
            rated = await self._statements.rated(row, Cutoff(until=self._until))
        except Refusal as refusal:
            return str(refusal).encode()
        return _encoder.encode(None if rated is None else _comparable(rated))

    async def documents(self, provider: str) -> AsyncIterator[tuple[int, bool]]:
        """Every document's number, and whether its frozen copy is what its digest says."""
        wanted = DocumentFilter(provider=provider, limit=200)
        while found := await self._documents.listed(wanted):
            for each in found:
                yield each.number, document_digest(each.event.document) == each.event.digest
            wanted = msgspec.structs.replace(wanted, after=found[-1].number)


def _comparable(rated: Rated) -> dict[str, object]:
    return {"statement": rated.statement, "invoiced": rated.ledger.invoiced, "numbers": rated.ledger.numbers}


@asynccontextmanager
async def _frozen(database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection with a consistent snapshot: every transaction of SQLite has one, PostgreSQL must be asked for it."""
    async with database.reading() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        await checkpoints.position(connection, "own log")
        yield connection


@asynccontextmanager
async def _temporary() -> AsyncIterator[Database]:
    """A read model in a file without a name, which is gone when it is closed."""

    async def opened() -> aiosqlite.Connection:
        return await aiosqlite.connect("")

    database = SqlDatabase(
        create_async_engine("sqlite+aiosqlite://", async_creator=opened, poolclass=StaticPool), metadata
    )
    await database.create()
    try:
        yield database
    finally:
        await database.close()
