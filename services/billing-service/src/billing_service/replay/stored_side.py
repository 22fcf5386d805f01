"""What the read model holds of some accounts, as bytes: compared with what the logs say, not understood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_service.domain.facts.account_row import AccountRow
from billing_service.projections.tables import agreements, decisions, document_lines, documents, facts
from billing_service.replay.collected_logs import ledger_entry
from fristwerk_language.events import streams
from fristwerk_platform.read_models import in_list

DOCUMENTS_AT_ONCE: Final = 20
LinesByAccount = dict[str, list[bytes]]


class StoredLines(msgspec.Struct, frozen=True, kw_only=True):
    """Of some accounts the lines by account, of their customers those in the customers' own streams."""

    facts: LinesByAccount
    registrations: LinesByAccount
    decisions: LinesByAccount
    ledgers: LinesByAccount
    """In the order of numbers and places; the others in none."""


async def stored_lines(connection: AsyncConnection, rows: Sequence[AccountRow]) -> StoredLines:
    """What is stored of a page of accounts."""
    named = [row.account for row in rows]
    customers = sorted({row.customer for row in rows})
    own = select(facts.c.account, facts.c.line).where(in_list(connection, facts.c.account, named))
    about = select(facts.c.account, facts.c.line).where(
        in_list(connection, facts.c.account, customers),
        in_list(connection, facts.c.stream, [streams.CUSTOMER.stream(each) for each in customers]),
        facts.c.stream == streams.CUSTOMER.prefix + facts.c.account,
    )
    decided = select(decisions.c.account, decisions.c.line).where(in_list(connection, decisions.c.account, named))
    billed = (
        select(document_lines)
        .where(in_list(connection, document_lines.c.account, named))
        .order_by(document_lines.c.number, document_lines.c.place)
    )
    return StoredLines(
        facts=_by_account((await connection.execute(own)).all()),
        registrations=_by_account((await connection.execute(about)).all()),
        decisions=_by_account((await connection.execute(decided)).all()),
        ledgers=_by_account(
            (row.account, ledger_entry(row.provider, row.number, row.place, row.until, msgspec.Raw(row.line)))
            for row in await connection.execute(billed)
        ),
    )


async def stored_agreements(connection: AsyncConnection, provider: str) -> dict[tuple[str, int], bytes]:
    """The lines of the provider's agreements, by name and version."""
    statement = select(agreements).where(agreements.c.provider == provider)
    return {(row.name, row.version): row.line for row in await connection.execute(statement)}


async def stored_documents(connection: AsyncConnection) -> dict[str, dict[int, bytes]]:
    """By provider and number the SHA-256 of the line that each document is stored as."""
    found: dict[str, dict[int, bytes]] = {}
    key = documents.c.provider, documents.c.number
    after = ("", 0)
    while True:
        page = (
            select(*key, documents.c.line).where(tuple_(*key) > tuple_(*after)).order_by(*key).limit(DOCUMENTS_AT_ONCE)
        )
        rows = (await connection.execute(page)).all()
        for row in rows:
            found.setdefault(row.provider, {})[row.number] = sha256(row.line).digest()
        if len(rows) < DOCUMENTS_AT_ONCE:
            return found
        after = rows[-1].provider, rows[-1].number


def _by_account(rows: Iterable[Any]) -> LinesByAccount:
    found: LinesByAccount = {}
    for account, line in rows:
        found.setdefault(account, []).append(line)
    return found
