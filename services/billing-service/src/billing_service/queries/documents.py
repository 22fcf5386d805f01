"""Questions about issued documents: the series as it stands, one document, lists, lines, and what
an event was billed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Row, and_, bindparam, func, select, tuple_

from billing_service.domain.invoice.account_ledger import Ledger
from billing_service.domain.invoice.document import DocumentLine
from billing_service.domain.invoice.issued import IssuedDocument, IssuedLine
from billing_service.projections.tables import document_lines, document_steps, documents, line_sources
from billing_service.queries.ledgers import LedgerReader
from fristwerk_language.events import decode
from fristwerk_platform.read_models import Database

_document_line: Final = msgspec.json.Decoder(DocumentLine)


class DocumentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which documents to list, in the order of their numbers; days of issue are inclusive."""

    provider: str
    contract: str | None = None
    customer: str | None = None
    from_on: date | None = None
    until_on: date | None = None
    after: int = 0
    limit: int = 50


class LineFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which issued lines to list, in the order of numbers and places; ``after`` is the last of the
    page before.
    """

    documents: DocumentFilter
    event: str | None = None
    number: int | None = None
    after: tuple[int, int] = (0, 0)
    limit: int | None = None


class DocumentQueries:
    """Queries. What an account was invoiced is read from the same rows, so it always fits the last
    number.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ledgers = LedgerReader()

    async def standing(self, provider: str, accounts: Sequence[str]) -> tuple[int, dict[str, Ledger]]:
        """The last number of the provider's series, and at that number the ledger of each account."""
        last = select(func.max(documents.c.number)).where(documents.c.provider == provider)
        async with self._database.reading() as connection:
            number = (await connection.execute(last)).scalar() or 0
            return number, await self._ledgers.read(connection, accounts)

    async def ledger(self, account: str, *, at: datetime | None = None, known_at: datetime | None = None) -> Ledger:
        """What an account was invoiced, as it had occurred ``at`` and was recorded by ``known_at``."""
        async with self._database.reading() as connection:
            return (await self._ledgers.read(connection, [account], at=at, known_at=known_at))[account]

    async def last_number(self, provider: str) -> int:
        """The last number of the provider's series, 0 before the first."""
        statement = select(func.max(documents.c.number)).where(documents.c.provider == provider)
        async with self._database.reading() as connection:
            return (await connection.execute(statement)).scalar() or 0

    async def document(self, provider: str, number: int) -> IssuedDocument | None:
        """The document of a number."""
        found = await self._documents(documents.c.provider == provider, documents.c.number == number, limit=1)
        return found[0] if found else None

    async def listed(self, wanted: DocumentFilter) -> list[IssuedDocument]:
        """A page of documents."""
        return await self._documents(*_conditions(wanted), limit=wanted.limit)

    async def lines(self, wanted: LineFilter) -> list[IssuedLine]:
        """A page of lines."""
        same = and_(document_lines.c.provider == documents.c.provider, document_lines.c.number == documents.c.number)
        conditions = [*_conditions(wanted.documents), same]
        if wanted.number is not None:
            conditions.append(documents.c.number == wanted.number)
        if wanted.documents.contract is not None:
            conditions.append(document_lines.c.account == wanted.documents.contract)
        if wanted.event is not None:
            conditions.append(_resting_on(wanted.documents.provider, wanted.event, wanted.after))
        else:
            number = document_lines.c.number + 0 if _is_narrow(wanted.documents) else document_lines.c.number
            conditions.append(tuple_(number, document_lines.c.place) > tuple_(*wanted.after))
        statement = (
            select(document_lines)
            .where(*conditions)
            .order_by(document_lines.c.number, document_lines.c.place)
            .limit(wanted.limit)
        )
        async with self._database.reading() as connection:
            return [_issued_line(row) for row in await connection.execute(statement)]

    async def _documents(self, *conditions: ColumnElement[bool], limit: int) -> list[IssuedDocument]:
        statement = select(documents).where(*conditions).order_by(documents.c.number).limit(limit)
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
            if not rows:
                return []
            these = {"provider": rows[0].provider, "numbers": [row.number for row in rows]}
            steps = (await connection.execute(_STEPS, these)).all()
            credits_ = {row.corrects: row.number for row in await connection.execute(_CREDITS, these)}
        return [_document(row, steps, credits_) for row in rows]


_STEPS: Final = (
    select(document_steps.c.number, document_steps.c.line)
    .where(
        document_steps.c.provider == bindparam("provider"),
        document_steps.c.number.in_(bindparam("numbers", expanding=True)),
    )
    .order_by(document_steps.c.number, document_steps.c.version)
)
_CREDITS: Final = select(documents.c.number, documents.c.corrects).where(
    documents.c.provider == bindparam("provider"), documents.c.corrects.in_(bindparam("numbers", expanding=True))
)


def _conditions(wanted: DocumentFilter) -> list[ColumnElement[bool]]:
    """Those of one contract or customer are found by it, and what they come after is compared with a
    sum: SQLite would rather read all of the provider's documents behind it.
    """
    conditions = [documents.c.provider == wanted.provider]
    found = []
    if wanted.contract is not None:
        billed = (document_lines.c.provider == wanted.provider, document_lines.c.account == wanted.contract)
        found.append(select(document_lines.c.number).where(*billed))
    if wanted.customer is not None:
        own = (documents.c.provider == wanted.provider, documents.c.customer == wanted.customer)
        found.append(select(documents.c.number).where(*own))
    conditions += [documents.c.number.in_(each.correlate(None)) for each in found]
    if wanted.after:
        conditions.append((documents.c.number + 0 if _is_narrow(wanted) else documents.c.number) > wanted.after)
    if wanted.from_on is not None:
        conditions.append(documents.c.issued_on >= wanted.from_on)
    if wanted.until_on is not None:
        conditions.append(documents.c.issued_on <= wanted.until_on)
    return conditions


def _is_narrow(wanted: DocumentFilter) -> bool:
    return wanted.contract is not None or wanted.customer is not None


def _resting_on(provider: str, event: str, after: tuple[int, int]) -> ColumnElement[bool]:
    """The lines behind a number and a place that name an event among their sources: found by it."""
    place = tuple_(line_sources.c.number, line_sources.c.place)
    found = select(line_sources.c.number, line_sources.c.place).where(
        line_sources.c.provider == provider, line_sources.c.event == event, place > tuple_(*after)
    )
    return tuple_(document_lines.c.number, document_lines.c.place).in_(found)


def _issued_line(row: Row[Any]) -> IssuedLine:
    return IssuedLine(number=row.number, place=row.place, line=_document_line.decode(row.line))


def _document(row: Row[Any], steps: Sequence[Any], credits_: Mapping[int, int]) -> IssuedDocument:
    return IssuedDocument(
        issued=decode(row.line),
        steps=tuple(decode(step.line) for step in steps if step.number == row.number),
        credited_by=credits_.get(row.number),
    )
