"""The audit by a second read model: slower than the service's ``replay``, and the measure that its digests are held to.

Both logs are projected into a database of their own, and every account is rated from either one.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import date, datetime
from typing import Any, Final, NoReturn

import aiosqlite
import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import StaticPool

from billing_service.application.statements import Statements
from billing_service.domain.errors import Refusal
from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.invoice.document import document_digest
from billing_service.domain.invoice.rated import Cutoff, Rated
from billing_service.projections.projector import Projector
from billing_service.projections.tables import checkpoints, metadata
from billing_service.queries.accounts import AccountQueries
from billing_service.queries.documents import DocumentFilter, DocumentQueries
from billing_service.replay import NothingToCompareError, ReplayComparison
from fristwerk_language.events import Recorded, decode_tolerantly
from fristwerk_platform.read_models import Database, Query, SqlDatabase, fetch
from fristwerk_platform.subscriptions import Apply, Feed, Prefetch

_encoder: Final = msgspec.json.Encoder(order="sorted", decimal_format="string")


class _Snapshot:
    """The read model as of the beginning of one transaction; see :class:`Database`. It is only read."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """See :class:`Database`."""
        yield self._connection

    async def fetch(self, query: Query, *arguments: Any) -> Sequence[Sequence[Any]]:
        """See :class:`Database`."""
        return await fetch(self._connection, query, *arguments)

    def transaction(self) -> NoReturn:
        """See :class:`Database`."""
        raise AssertionError("a replay writes nothing to the read model")


async def compare_by_second_read_model(
    stored: Database, tickets: Feed, own: Feed, until: date, now: Callable[[], datetime]
) -> ReplayComparison:
    """The same as ``billing_service.replay.compare``. Raises NothingToCompareError."""
    async with stored.reading() as connection, _temporary() as fresh:
        snapshot, projector = _Snapshot(connection), Projector()
        for source, feed, apply in (
            ("ticket-service", tickets, projector.apply),
            ("own log", own, projector.apply_own),
        ):
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
