"""The comparison: each account rated from the logs, and once more from the read model only where that holds other bytes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, datetime
from typing import Any, Final, NoReturn

import httpx
import msgspec
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_service.application.statements import Statements
from billing_service.domain.errors import NotRateable, Refusal
from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.facts.published import PublishedAgreement, published_agreement
from billing_service.domain.invoice.account_ledger import BilledLine, Ledger, ledger_of
from billing_service.domain.invoice.rated import Cutoff, Rated, rate_account
from billing_service.projections.tables import SOURCE, checkpoints, metadata
from billing_service.queries.accounts import AccountQueries
from billing_service.queries.documents import DocumentQueries
from billing_service.replay.applied_lines import NothingToCompareError, collect_applied
from billing_service.replay.collected_logs import CollectedLogs
from billing_service.replay.issued import issued_differences, unsound
from billing_service.replay.stored_side import StoredLines, stored_agreements, stored_documents, stored_lines
from fristwerk_language.events import columns_of, decode
from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.event_log import open_log
from fristwerk_platform.read_models import Database, Query, fetch, open_live_read_model
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import Feed, HttpFeed, LogFeed
from fristwerk_platform.subscriptions.source_check import source_contradiction
from fristwerk_platform.token_keys import load_keys
from fristwerk_platform.transparency.trees import stored_contradiction

PAGE_ACCOUNTS: Final = 100
PAGE_LINES: Final = 1_000
PAGE_DOCUMENTS: Final = 20
"""Lines of billing's own log at once: a document may have some megabytes."""
PAGE_BYTES: Final = 8 * 1024**2
"""Facts of a page at most, unless one account alone has more."""
_encoder: Final = msgspec.json.Encoder(order="sorted", decimal_format="string")
_billed_line: Final = msgspec.json.Decoder(BilledLine)
_log = structlog.get_logger()


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

    async def fetch(self, query: Query, *arguments: Any) -> Sequence[Sequence[Any]]:
        """See :class:`Database`."""
        return await fetch(self._connection, query, *arguments)

    def transaction(self) -> NoReturn:
        """See :class:`Database`."""
        raise AssertionError("a replay writes nothing to the read model")


async def replay(
    settings: Settings, until: date, now: Callable[[], datetime], ticket_service: httpx.AsyncClient | None = None
) -> ReplayComparison:
    """Recompute and compare the statements of all accounts up to a local day.

    The ticket service's log is read over HTTP, billing's own where it lies; both up to the position
    that the read model has, so that the services may go on meanwhile.

    Raises NothingToCompareError, SourceUnavailableError where the ticket service does not answer,
    KeyFileError without the keys to ask it.
    """
    tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
    reader = Principal(sub="billing-service", role="service", provider="*", scopes=frozenset({"audit"}))
    async with AsyncExitStack() as opened:
        stored = open_live_read_model(settings, "billing", metadata)
        opened.push_async_callback(stored.close)
        if not await stored.find():
            raise NothingToCompareError("There is no read model of the billing service yet.")
        log = open_log(settings, "billing-log", read_columns=columns_of)
        opened.push_async_callback(log.close)
        client = await opened.enter_async_context(ticket_service or httpx.AsyncClient(base_url=settings.ticket_url))

        def token() -> str:
            return tokens.issue(reader, now=now())

        found = await compare(stored, HttpFeed(client, token), LogFeed(log), until, now)
        said = [
            await source_contradiction(client, token, "tickets"),
            await stored_contradiction(settings, log, "billing", now),
        ]
        contradictions = [each for each in said if each is not None]
        return msgspec.structs.replace(found, differences=(*contradictions, *found.differences))


async def compare(
    stored: Database, tickets: Feed, own: Feed, until: date, now: Callable[[], datetime]
) -> ReplayComparison:
    """Compare a read model with the two logs that it was made of. Raises NothingToCompareError, SourceUnavailableError."""
    async with stored.reading() as connection:
        await _freeze(connection)
        with CollectedLogs() as logs:
            await collect_applied(SOURCE, tickets, connection, logs.read, at_once=PAGE_LINES)
            await collect_applied("own log", own, connection, logs.read_own, at_once=PAGE_DOCUMENTS)
            return await _Comparison(connection, logs, until, now).run()


async def _freeze(connection: AsyncConnection) -> None:
    """Let every statement see the same state: in SQLite a transaction's first one does, PostgreSQL must be asked."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    await checkpoints.position(connection, "own log")


class _Comparison:
    """One comparison of the read model, as one transaction sees it, with what the logs say."""

    def __init__(
        self, connection: AsyncConnection, logs: CollectedLogs, until: date, now: Callable[[], datetime]
    ) -> None:
        self._connection = connection
        self._logs = logs
        self._moment = Cutoff(until=until)
        self._now = now
        self._stored = AccountQueries(_Snapshot(connection))
        self._statements = Statements(self._stored, DocumentQueries(_Snapshot(connection)), now)
        self._documents: dict[str, dict[int, bytes]] = {}
        self._digests = hashlib.sha256(), hashlib.sha256()
        self._differences: list[str] = []

    async def run(self) -> ReplayComparison:
        """Compare all accounts and documents."""
        self._documents = await stored_documents(self._connection)
        providers = sorted({row.provider for row in self._logs.accounts.values()} | {*await self._stored.providers()})
        accounts = documents = 0
        for provider in providers:
            accounts += await self._compare_accounts(provider)
        for provider in providers:
            numbers = sorted(self._logs.documents.get(provider, ()))
            documents += len(numbers)
            self._differences += [
                unsound(provider, number) for number in numbers if (provider, number) in self._logs.unsound
            ]
        self._differences += issued_differences(self._logs)
        from_log, from_read_model = (f"sha256:{digest.hexdigest()}" for digest in self._digests)
        return ReplayComparison(
            accounts=accounts,
            documents=documents,
            log_digest=from_log,
            read_model_digest=from_read_model,
            differences=tuple(self._differences),
        )

    async def _compare_accounts(self, provider: str) -> int:
        """Compare the provider's accounts; how many there are."""
        stored = await self._stored.billable(provider)
        rows = {row.account: row for row in (*stored, *self._logs.billable(provider))}
        in_log = self._logs.agreements.get(provider, {})
        in_read_model = await stored_agreements(self._connection, provider)
        published = _Published(in_log)
        for page in self._pages([rows[account] for account in sorted(rows)]):
            lines = await stored_lines(self._connection, page)
            for row in page:
                from_log = self._from_logs(row, published)
                same = in_log == in_read_model and self._is_same(row, lines)
                from_read_model = from_log if same else await self._from_read_model(row)
                for digest, statement in zip(self._digests, (from_log, from_read_model), strict=True):
                    digest.update(row.account.encode() + b"\n" + statement + b"\n")
                if from_log != from_read_model:
                    self._differences.append(f"The account {row.account} of {provider} comes to something else.")
        return len(rows)

    def _pages(self, rows: Sequence[AccountRow]) -> Iterator[list[AccountRow]]:
        page: list[AccountRow] = []
        size = 0
        for row in rows:
            own = self._logs.facts.size(row.account)
            if page and (len(page) == PAGE_ACCOUNTS or size + own > PAGE_BYTES):
                yield page
                page, size = [], 0
            page.append(row)
            size += own
        if page:
            yield page

    def _is_same(self, row: AccountRow, stored: StoredLines) -> bool:
        """Whether everything that the account's statement rests on is stored as the logs have it."""
        logs = self._logs
        entries = logs.ledgers.lines(row.account)
        return (
            sorted(stored.facts.get(row.account, ())) == sorted(logs.facts.lines(row.account))
            and sorted(stored.registrations.get(row.customer, ())) == sorted(logs.registrations.lines(row.customer))
            and sorted(stored.decisions.get(row.account, ())) == sorted(logs.decisions.lines(row.account))
            and stored.ledgers.get(row.account, []) == entries
            and self._documents_are_same(row.provider, entries)
        )

    def _documents_are_same(self, provider: str, entries: Sequence[bytes]) -> bool:
        in_log, in_read_model = self._logs.documents.get(provider, {}), self._documents.get(provider, {})
        numbers = {_billed_line.decode(each).number for each in entries}
        return all(in_log.get(number) == in_read_model.get(number) for number in numbers)

    def _from_logs(self, row: AccountRow, published: _Published) -> bytes:
        logs = self._logs
        facts = logs.facts.lines(row.account)
        about, decided = logs.registrations.lines(row.customer), logs.decisions.lines(row.account)
        try:
            ledger = ledger_of([_billed_line.decode(each) for each in logs.ledgers.lines(row.account)])
            recorded = [decode(line) for line in (*facts, *about, *decided)]
            rated = rate_account(row, recorded, published.agreements, self._moment, ledger, now=self._now)
        except Refusal as refusal:
            return _refused(refusal)
        except Exception as error:  # noqa: BLE001 - what cannot be rated is compared too, and the others go on
            _log.error("account_not_rateable", account=row.account, exc_info=error)
            return _refused(NotRateable(row.account))
        return _canonical(rated)

    async def _from_read_model(self, row: AccountRow) -> bytes:
        try:
            return _canonical(await self._statements.rated(row, self._moment))
        except Refusal as refusal:
            return _refused(refusal)


class _Published:
    """A provider's agreements, read from their lines when an account is first rated: one that
    cannot be read is then an answer about that account.
    """

    def __init__(self, lines: Mapping[tuple[str, int], bytes]) -> None:
        self._lines = lines
        self._read: dict[tuple[str, int], PublishedAgreement] | None = None

    @property
    def agreements(self) -> Mapping[tuple[str, int], PublishedAgreement]:
        if self._read is None:
            self._read = dict(published_agreement(decode(line)) for line in self._lines.values())
        return self._read


def _canonical(rated: Rated | None) -> bytes:
    """Everything that an account comes to, as canonical JSON."""
    return _encoder.encode(None if rated is None else _comparable(rated.statement, rated.ledger))


def _comparable(statement: object, ledger: Ledger) -> dict[str, object]:
    return {"statement": statement, "invoiced": ledger.invoiced, "numbers": ledger.numbers}


def _refused(refusal: Refusal) -> bytes:
    return str(refusal).encode()
